"""The open pages behind the opt-out link of a progress email. Only a POST opts out."""

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from clients.contacts.languages import language_for
from interactions.progress.emails import STOP_LINK
from interactions.progress.services.sending import stop_recipient
from interactions.responses import wrong_link


@login_not_required
@csrf_exempt  # the token authorises it; mail programs post here with one click (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def progress_stop(request, pk, token):
    recipient = STOP_LINK.find(pk, token)
    if recipient is None:
        return wrong_link(request)
    if request.method == "POST":
        return _stop(request, recipient)
    return STOP_LINK.swap(pk, token)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def progress_stopping(request, pk):
    """The same without the token in its address."""
    recipient = STOP_LINK.opened(request, pk)
    if recipient is None:
        return wrong_link(request)
    return _stop(request, recipient) if request.method == "POST" else _page(request, recipient)


def _stop(request, recipient):
    recipient.stopped_at = stop_recipient(recipient.link_principal, recipient=recipient, now=timezone.now()).stopped_at
    return _page(request, recipient)


def _page(request, recipient):
    client = recipient.schedule.client
    with translation.override(language_for(client)):
        return render(request, "interactions/progress/stop.html", {"recipient": recipient, "owner": client.owner})
