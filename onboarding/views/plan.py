"""One plan: its tasks, its progress, and actions on it."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page
from onboarding.forms import FinishForm, PlanForm
from onboarding.models import Plan
from onboarding.permissions import may_run_plans
from onboarding.queries.history import plan_history
from onboarding.queries.plans import forecast_words, plan_page
from onboarding.services.plans import (
    activate_plan,
    begin_plan,
    cancel_plan,
    finish_plan,
    pause_plan,
    reopen_plan,
    resume_plan,
    update_plan,
)

MOVES = {
    "begin": (begin_plan, gettext_lazy("Plan scheduled. It starts on its kickoff date."), ""),
    "activate": (activate_plan, gettext_lazy("Plan started."), ""),
    "pause": (
        pause_plan,
        gettext_lazy("Plan paused. When it resumes, due dates move by the working days of the pause."),
        "resume",
    ),
    "resume": (
        resume_plan,
        gettext_lazy("Plan resumed. Due dates moved by the working days of the pause."),
        "",
    ),
    "finish": (finish_plan, gettext_lazy("Plan done. The client is active."), "reopen"),
    "reopen": (reopen_plan, gettext_lazy("Plan reopened."), ""),
    "cancel": (cancel_plan, gettext_lazy("Plan cancelled."), ""),
}
ASKED_FIRST = ("cancel",)


@Kept
def _plan(principal, *, pk: int):
    rows = Plan.objects.visible_to(principal).filter(pk=pk)
    return rows.select_related("client", "owner", "template_version__template")


def load(request, pk) -> Plan:
    return _plan.one(request.principal, pk=pk)


def plan_answer(request, plan: Plan, *, refused: str = "", asked: FinishForm | None = None, status: int = 200):
    """The page of the plan, or for htmx its tasks and progress. `asked`: the question beside one of its tasks."""
    today = firm_today(timezone.now())
    shown = plan_page(plan, today)
    context = {
        "plan": plan,
        "client": plan.client,
        "shown": shown,
        "today": today,
        "forecast": forecast_words(plan, shown.end),
        "may_run": may_run_plans(request.principal, plan.client),
        "is_worked_on": plan.is_worked_on,
        "refused": refused,
        "asked": asked,
        "crumbs": [{"label": _("Onboarding"), "url": reverse("onboarding:plans")}, {"label": plan.name}],
    }
    return render_page(request, "onboarding/plan.html", context, fragment="plan", status=status)


@require_GET
def show(request, pk):
    return plan_answer(request, load(request, pk))


@require_http_methods(["GET", "HEAD", "POST"])
def move(request, pk, move):
    """Pause, resume, finish …: POST. For what cannot be undone, GET asks first."""
    plan = load(request, pk)
    if move not in MOVES:
        raise Http404
    if request.method != "POST":
        require(may_run_plans(request.principal, plan.client))
        if move not in ASKED_FIRST:
            return redirect("onboarding:plan", pk)
        return render(request, "onboarding/plan_move.html", {"plan": plan, "move": move})
    service, text, undo = MOVES[move]
    try:
        service(request.principal, plan=plan, now=timezone.now())
    except ServiceError as error:
        return plan_answer(
            request, load(request, pk), refused=error.message, status=409 if error.code in ("state", "stale") else 422
        )
    tags = f"undo:{reverse('onboarding:plan_move', args=[pk, undo])}" if undo else ""
    messages.success(request, text, extra_tags=tags)
    return redirect("onboarding:plan", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, pk):
    plan = load(request, pk)
    require(may_run_plans(request.principal, plan.client))
    form = PlanForm(posted(request), principal=request.principal, instance=plan)

    def act():
        return update_plan(
            request.principal, plan=plan, now=timezone.now(), seen_version=form.seen_version(), **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        return redirect("onboarding:plan", pk)
    saved, back_url = load(request, pk), reverse("onboarding:plan", args=[pk])
    context = {"title": saved.name, "lead": saved.client.name, "form": form}
    context |= {"conflict": outcome.conflict, "back_url": back_url}
    return render(request, "form_page.html", context, status=outcome.status)


@require_GET
def history(request, pk):
    plan = load(request, pk)
    return render(request, "onboarding/plan_history.html", {"plan": plan, "entries": plan_history(plan)})
