"""The delivery board of progress emails, and the clients behind its numbers."""

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from crm.core.base.dates import week_day
from crm.core.firm.queries import firm_today
from crm.core.listing import filters
from crm.core.listing.pages import Column, ListPage
from crm.core.mail import pages
from crm.core.mail.forms import week_words
from crm.core.ui.htmx import render_page
from interactions.progress import board as delivery_board


@require_GET
def board(request):
    now, mine = timezone.now(), request.GET.get("whose") == "mine"
    today = firm_today(now)
    weeks = delivery_board.board(request.principal, today, now, mine=mine)
    context = {
        "weeks": weeks,
        "states": [delivery_board.STATES[state] for state in weeks[0].counts],
        "coming": delivery_board.weeks(today)[0],
        "current": delivery_board.weeks(today)[1],
        "mine": mine,
        "is_captured": settings.MAIL_IS_CAPTURED,
        "tabs": pages.tabs(request.principal, "board"),
    }
    return render_page(request, "interactions/progress/board.html", context)


class BoardFilters(filters.ListFilters):
    whose = filters.Choice(choices=[("mine", _("Mine")), ("all", _("All"))], method="of_whom", label=_("Clients"))

    def of_whom(self, rows, name, value):
        return rows.filter(owner=self.principal.user) if value == "mine" else rows


def _behind_a_number(principal, week, state):
    """The same QuerySet as the board's number."""
    if state not in delivery_board.known_states() or not _is_week(week):
        raise Http404
    return delivery_board.listed(principal, week, state, timezone.now())


def _decorate(rows, listing):
    for client in rows:
        client.state_text = delivery_board.state_words(client.board_state)
        client.tone = delivery_board.TONES.get(client.board_state, "")


def _extra(listing):
    week, words = listing.kwargs["week"], delivery_board.state_words(listing.kwargs["state"])
    url = reverse("interactions:delivery-board") + ("?whose=mine" if listing.values.get("whose") == "mine" else "")
    crumbs = [{"label": _("Delivery board"), "url": url}, {"label": words}]
    return {"title": words, "lead": week_words(week), "crumbs": crumbs, "back_url": url}


BOARD_CLIENTS = ListPage(
    url_name="interactions:delivery-clients",
    title=_("Delivery board"),
    template="interactions/progress/board_clients.html",
    rows=_behind_a_number,
    decorate=_decorate,
    filters=BoardFilters,
    has_views=False,
    view_by=("whose",),
    sorts={"name": "name_key"},
    columns=(
        Column("client", _("Client"), lambda client: client.name),
        Column("owner", _("Account manager"), lambda client: client.owner.name),
        Column("state", _("State"), lambda client: str(client.state_text)),
        Column("email", _("Progress email")),
        Column("mails", _("Emails")),
    ),
    noun=lambda n, text: ngettext("%(n)s client", "%(n)s clients", n) % {"n": text},
    file_name="delivery",
    words={"open": _("Open the email"), "none": _("not planned"), "outbox": _("In the outbox")},
    more=_extra,
)


def _is_week(text: str) -> bool:
    try:
        return 1970 <= week_day(text, 0).year <= 2200 and len(text) == 8
    except ValueError:
        return False
