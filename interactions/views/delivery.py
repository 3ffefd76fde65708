"""The delivery board of progress emails with its lists, and one's own morning mail as it would be now."""

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.core import mail_pages, paging
from crm.core.dates import week_day
from crm.core.htmx import render_page
from crm.core.models import OutboxMail
from crm.core.outbox_forms import week_words
from crm.core.queries import firm_today
from interactions import delivery_board, emails
from interactions import digest as content
from interactions.choices import DigestState
from interactions.models import Digest


@require_GET
def board(request):
    now, mine = timezone.now(), request.GET.get("whose") == "mine"
    today = firm_today(now)
    context = {
        "weeks": delivery_board.board(request.user, today, now, mine=mine),
        "states": list(delivery_board.STATES.values()),
        "coming": delivery_board.weeks(today)[0],
        "current": delivery_board.weeks(today)[1],
        "mine": mine,
        "tabs": mail_pages.tabs(request.user, "board"),
    }
    return render_page(request, "interactions/delivery_board.html", context)


@require_GET
def clients(request, week, state):
    """The clients behind one number of the board: the same QuerySet."""
    if state not in delivery_board.known_states() or not _is_week(week):
        raise Http404
    now, mine = timezone.now(), request.GET.get("whose") == "mine"
    rows = delivery_board.listed(request.user, week, state, now, mine=mine)
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
    return render_page(request, "interactions/delivery_clients.html", context)


def _is_week(text: str) -> bool:
    try:
        return 1970 <= week_day(text, 0).year <= 2200 and len(text) == 8
    except ValueError:
        return False


@require_GET
def digest(request, pk):
    """For its reader alone, whatever their role: it tells of clients that others may not see."""
    row = get_object_or_404(Digest.objects.filter(user=request.user), pk=pk)
    is_planned = row.state in (DigestState.PLANNED, DigestState.SKIPPED)
    parts = content.build(request.user, timezone.now()) if is_planned else []
    mail = OutboxMail.objects.filter(user=request.user, key=f"digest:{row.user_id}:{row.date.isoformat()}").first()
    context = emails.digest_context(request.user, row.date, parts) | {
        "row": row,
        "mail": mail,
        "is_planned": is_planned,
        "crumbs": [{"label": _("Coming"), "url": reverse("core:coming")}, {"label": _("Morning mail")}],
    }
    return render_page(request, "interactions/digest.html", context)


for view in (board, clients, digest):
    view.nav_key = "outbox"
