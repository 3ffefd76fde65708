"""The delivery board of progress emails, and the clients behind its numbers."""

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.core.base.dates import week_day
from crm.core.firm.queries import firm_today
from crm.core.listing import paging
from crm.core.mail import pages
from crm.core.mail.forms import week_words
from crm.core.ui.htmx import render_page
from interactions.progress import board as delivery_board


@require_GET
def board(request):
    now, mine = timezone.now(), request.GET.get("whose") == "mine"
    today = firm_today(now)
    context = {
        "weeks": delivery_board.board(request.principal, today, now, mine=mine),
        "states": list(delivery_board.STATES.values()),
        "coming": delivery_board.weeks(today)[0],
        "current": delivery_board.weeks(today)[1],
        "mine": mine,
        "tabs": pages.tabs(request.principal, "board"),
    }
    return render_page(request, "interactions/progress/board.html", context)


@require_GET
def clients(request, week, state):
    """The clients behind one number of the board: the same QuerySet."""
    if state not in delivery_board.known_states() or not _is_week(week):
        raise Http404
    now, mine = timezone.now(), request.GET.get("whose") == "mine"
    rows = delivery_board.listed(request.principal, week, state, now, mine=mine)
    try:
        page = paging.paginate(rows, sort=paging.Sort("name_key"), cursor=request.GET.get("cursor", ""))
    except paging.BadCursor:
        return redirect("interactions:delivery-clients", week=week, state=state)
    for client in page.rows:
        client.state_text = delivery_board.state_words(client.board_state)
        client.tone = delivery_board.TONES.get(client.board_state, "")
    board_url = reverse("interactions:delivery-board") + ("?whose=mine" if mine else "")
    words = delivery_board.state_words(state)
    context = {
        "page": page,
        "week": week,
        "words": words,
        "week_words": week_words(week),
        "crumbs": [{"label": _("Delivery board"), "url": board_url}, {"label": words}],
        "back_url": board_url,
    }
    return render_page(request, "interactions/progress/board_clients.html", context)


def _is_week(text: str) -> bool:
    try:
        return 1970 <= week_day(text, 0).year <= 2200 and len(text) == 8
    except ValueError:
        return False


for view in (board, clients):
    view.nav_key = "outbox"
