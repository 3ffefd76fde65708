"""Onboarding on a client's page: the tab, and starting a plan."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clients.page.header import client_frame
from clients.page.queries import load_client
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import Outcome, form_action
from onboarding.forms import StartPlanForm
from onboarding.models import Plan
from onboarding.permissions import ARCHIVED, may_run_plans
from onboarding.queries.plans import with_next_tasks
from onboarding.queries.templates import role_text, sketch, startable_versions, version_rows
from onboarding.services.plans import start_plan

SHOWN = 50  # plans of one client; no client has more


@require_GET
def tab(request, client_id):
    now = timezone.now()
    client = load_client(request.principal, client_id)
    today = firm_today(now)
    plans = list(
        Plan.objects.visible_to(request.principal)
        .filter(client=client)
        .select_related("owner")
        .order_by("-kickoff_date", "-pk")[:SHOWN]
    )
    context = client_frame(request, client, "onboarding", now=now)
    context |= {
        "plans": with_next_tasks(plans, today),
        "today": today,
        "may_run": may_run_plans(request.principal, client),
    }
    return render(request, "onboarding/client_tab.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def start(request, client_id):
    """Choose, preview the dates, confirm. The preview button POSTs the form, so that its data is not in the URL."""
    now = timezone.now()
    client = load_client(request.principal, client_id)
    require(may_run_plans(request.principal, client), str(ARCHIVED))
    today = firm_today(now)
    data = request.POST or (request.GET if "template_version" in request.GET else None)
    initial = {"kickoff_date": today, "owner": client.owner_id}
    initial["engagement"] = whole_number(request.GET.get("engagement"))
    form = StartPlanForm(data, client=client, principal=request.principal, initial=initial)

    def act():
        is_draft = "draft" in request.POST
        return start_plan(
            request.principal, client=client, today=today, now=now, is_draft=is_draft, **form.plan_fields()
        )

    outcome = form_action(request, form, act) if "preview" not in request.POST else Outcome()
    if outcome.is_done:
        plan = outcome.result
        messages.success(request, _("Plan started with %(n)s tasks.") % {"n": plan.task_count})
        return redirect("onboarding:plan", plan.pk)
    context = {"client": client, "form": form, "has_templates": startable_versions().exists(), **_preview(form)}
    return render(request, "onboarding/start.html", context, status=422 if form.errors else 200)


def _preview(form):
    if not form.is_bound or not form.is_valid():
        return {}
    phases, tasks = version_rows(form.cleaned_data["template_version"])
    shown = sketch(tasks, form.cleaned_data["kickoff_date"], width=700, label_width=190)
    for task in tasks:
        task.due, task.role = shown.dates.get(task.pk), role_text(task)
    return {
        "sketch": shown,
        "phases": [(phase, [task for task in tasks if task.phase_id == phase.pk]) for phase in phases],
    }
