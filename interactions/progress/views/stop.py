"""The open pages behind the opt-out link of a progress email. Only a POST opts out."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from clients.contacts.languages import language_for
from interactions.links import swap
from interactions.progress.services.sending import find_by_stop_link, stop_recipient

COOKIE = "progress_stop"


@login_not_required
@csrf_exempt  # the token authorises it; mail programs post here with one click (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def progress_stop(request, pk, token):
    recipient = find_by_stop_link(pk, token)
    if recipient is None:
        raise Http404
    if request.method == "POST":
        return _stop(request, recipient)
    here = reverse("interactions:progress_stopping", args=[pk])
    return swap(COOKIE, token, path=here, to=here)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def progress_stopping(request, pk):
    """The same without the token in its address."""
    recipient = find_by_stop_link(pk, request.COOKIES.get(COOKIE, ""))
    if recipient is None:
        raise Http404
    return _stop(request, recipient) if request.method == "POST" else _page(request, recipient)


def _stop(request, recipient):
    recipient.stopped_at = stop_recipient(recipient.link_principal, recipient=recipient, now=timezone.now()).stopped_at
    return _page(request, recipient)


def _page(request, recipient):
    client = recipient.schedule.client
    with translation.override(language_for(client)):
        return render(request, "interactions/progress/stop.html", {"recipient": recipient, "owner": client.owner})
