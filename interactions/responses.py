"""How the views of this app respond: after a write, and with a small form."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.firm.languages import mail_language
from crm.core.ui import dialogs, navigation
from crm.core.ui.actions import Outcome
from crm.core.ui.htmx import add_event, back_to, is_fragment, toast


def client_url(client) -> str:
    return reverse("clients:client", args=[client.pk])


def done(request, text, *, to: str, undo_url: str = "", response: HttpResponse | None = None) -> HttpResponse:
    """Show `text` and continue: a page redirects to `next` or `to`; htmx gets `response`, or 204, with the events that reload the
    timeline, the strip and the follow-ups and close the dialog."""
    if not is_fragment(request):
        messages.success(request, text, extra_tags=f"undo:{undo_url}" if undo_url else "")
        return redirect(back_to(request, to))
    response = response or HttpResponse(status=204)
    add_event(response, "timeline-changed", {})
    add_event(response, "closeDialog", {})
    navigation.show_numbers(response, request.principal, timezone.now())
    return toast(response, text, undo_url=undo_url)


def small_form(request, form, outcome: Outcome, *, client=None, lead="", **words) -> HttpResponse:
    """A small form about a client, or about what `lead` says. Give `title` and `submit`."""
    if client is not None:
        words |= {"trail": (_("Clients"), reverse("clients:list"), client.name, client_url(client))}
        words |= {"back_url": client_url(client)}
    about = lead or (client.name if client is not None else "")
    return dialogs.small_form(request, form, outcome, about=about, styles=("css/interactions.css",), **words)


def wrong_link(request) -> HttpResponse:
    """For a client whose link is not ours, or whose browser lacks its cookie: the firm's own page, in the firm's language."""
    with translation.override(mail_language()):
        return render(request, "interactions/open/wrong_link.html", status=404)
