"""Plans across all clients."""

from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from clients.records.models import Client
from clients.records.queries import matching
from crm.core.firm.queries import firm_today
from crm.core.listing import paging
from crm.core.ui.htmx import render_page
from onboarding.filters import PlanFilter
from onboarding.models import Plan
from onboarding.queries.plans import with_next_tasks

SHOWN = 20
SORTS = {
    "forecast": paging.Sort("forecast_date", nullable=True),
    "-forecast": paging.Sort("forecast_date", descending=True, nullable=True),
    "kickoff": paging.Sort("kickoff_date"),
    "-kickoff": paging.Sort("kickoff_date", descending=True),
}


@require_GET
def plans(request):
    today = firm_today(timezone.now())
    form = PlanFilter(request.GET, user=request.user)
    rows = form.narrow(Plan.objects.visible_to(request.principal).kept().select_related("client", "owner"), today)
    sort = form.values["sort"] or "forecast"
    try:
        page = paging.paginate(rows, sort=SORTS[sort], cursor=request.GET.get("cursor", ""))
    except paging.BadCursor:
        return redirect("onboarding:plans")
    with_next_tasks(page.rows, today)
    context = {
        "page": page,
        "form": form,
        "values": form.values,
        "sort": sort,
        "today": today,
        "is_narrowed": form.is_narrowed,
    }
    return render_page(request, "onboarding/plans.html", context)


@require_GET
def choose_client(request):
    """The first step of starting a plan from the list: for whom? By name; without one, the newest clients."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    rows = Client.objects.visible_to(request.principal).kept().select_related("facts", "owner")
    rows = matching(rows, text).order_by("name_key", "pk") if text else rows.order_by("-created_at", "-pk")
    return render_page(request, "onboarding/choose_client.html", {"clients": rows[:SHOWN], "q": text})


for view in (plans, choose_client):
    view.nav_key = "onboarding"
