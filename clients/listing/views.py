"""The list of clients, its filters and its export."""

from urllib.parse import urlencode

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from clients import permissions, registry
from clients.listing.exports import stream_clients
from clients.listing.filters import KEYS, SORT_WORDS, ClientFilter
from clients.listing.forms import FilterForm
from clients.records.choices import STATUS_TONES, Status
from clients.records.models import Client
from clients.records.queries import add_next_steps
from crm.core.firm.queries import get_firm
from crm.core.listing.paging import BadCursor, paginate
from crm.core.ui.formatting import due_state, money_round
from crm.core.ui.htmx import go, is_fragment, render_page

COLUMNS = [
    "name",
    "industry",
    "city",
    "tier",
    "owner__name",
    "is_restricted",
    "archived_at",
    "facts__status",
    "facts__next_step_at",
    "facts__next_step_id",
    "facts__last_contact_at",
    "facts__nps_score",
    "facts__revenue_12m",
    "name_key",
    "created_at",
    "facts__client_id",
]


@require_GET
def show(request):
    now = timezone.now()
    chosen = ClientFilter.read(request.GET)
    visible = Client.objects.visible_to(request.principal).select_related("facts", "owner").only(*COLUMNS)
    try:
        page = paginate(
            chosen.apply(visible, request.user, now), sort=chosen.sort, cursor=request.GET.get("cursor", "")
        )
    except BadCursor:
        return go(request, reverse("clients:list") + "?" + _without_cursor(request))
    add_next_steps(request.principal, page.rows)
    _decorate(page.rows, timezone.localtime(now).date())
    count = _count(page, chosen)
    context = {
        "page": page,
        "chosen": chosen,
        "count_text": count,
        "query": _without_cursor(request),
        "is_fragment": is_fragment(request),
        "list_actions": registry.list_actions.shown(request.principal),
    }
    context["chips"] = chosen.chips(request.principal, request.GET)
    context["hidden"] = [
        (key, value) for key in (*KEYS, "sort") if key != "q" for value in request.GET.getlist(key) if value
    ]
    context["is_narrowed"] = bool(chosen.values)
    if not is_fragment(request):
        context |= {"views": _views(request), "may_create": permissions.may_create(request.principal)}
    return render_page(request, "clients/listing/list.html", context, fragment="rows")


def _decorate(clients, today):
    """Set what each row shows, once here instead of by template tags in every row."""
    currency = get_firm().currency
    for client in clients:
        facts = client.facts
        client.tone = STATUS_TONES.get(facts.status, "")
        client.next_tone, client.next_words = due_state(facts.next_step_at, today)[:2]
        client.wants_step = facts.status != Status.FORMER and not client.archived_at
        client.days_since = (
            (today - timezone.localtime(facts.last_contact_at).date()).days if facts.last_contact_at else None
        )
        client.revenue_words = money_round(facts.revenue_12m, currency) if facts.revenue_12m else "—"


def _count(page, chosen):
    if page.total is None:
        return ""
    text = ngettext("%(n)s client", "%(n)s clients", page.total) % {"n": page.total_text}
    return f"{text} · {SORT_WORDS[chosen.sort_key.lstrip('-')]}"


def _without_cursor(request) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    return query.urlencode()


def _views(request):
    """Ready-made filters; the one that is shown is marked as current."""
    views = [
        (_("Mine"), {"owner": "me"}),
        (_("All"), {}),
        (_("Going quiet"), {"quiet": "1", "sort": "contact"}),
        (_("Onboarding"), {"status": "onboarding"}),
        (_("At notice"), {"status": "at_notice"}),
        (_("No next step"), {"step": "none", "status": ["active", "onboarding", "at_notice"]}),
        (_("Trash"), {"archived": "1"}),
    ]
    present = sorted((key, value) for key, values in request.GET.lists() if key in KEYS for value in values if value)
    items = []
    for label, query in views:
        pairs = sorted((k, v) for k, vs in query.items() if k in KEYS for v in (vs if isinstance(vs, list) else [vs]))
        url = reverse("clients:list") + ("?" + urlencode(query, doseq=True) if query else "")
        items.append({"label": label, "url": url, "current": pairs == present})
    return items


@require_GET
def filters(request):
    """The form of all filters: in a dialog over the list, and a page of its own without script."""
    form = FilterForm(user=request.user, initial=_initial(request))
    context = {"form": form, "q": request.GET.get("q", ""), "sort": request.GET.get("sort", "")}
    return render(
        request,
        "clients/listing/filters.html#form" if is_fragment(request) else "clients/listing/filters.html",
        context,
    )


def _initial(request):
    chosen = ClientFilter.read(request.GET)
    return chosen.values


@require_GET
def export(request):
    """The filtered list as CSV, in the headers the import knows."""
    now = timezone.now()
    chosen = ClientFilter.read(request.GET)
    rows = chosen.apply(Client.objects.visible_to(request.principal), request.user, now)
    return stream_clients(rows, filename=f"clients-{timezone.localtime(now):%Y-%m-%d}.csv")


show.nav_key = filters.nav_key = "clients"
