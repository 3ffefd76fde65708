"""One task of a plan. With JavaScript its page opens in a dialog; completing it happens in the plan itself."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.contacts.models import Contact
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.dialogs import in_dialog
from crm.core.ui.htmx import add_event, is_fragment, toast
from crm.core.users.models import User
from onboarding.forms import AssignForm, CommentForm, DueForm, FinishForm, ReasonForm
from onboarding.models import Task
from onboarding.permissions import may_run_plans
from onboarding.services.tasks import (
    assign_task,
    block_task,
    change_due,
    comment_task,
    finish_task,
    preview_due,
    reopen_task,
    skip_task,
)
from onboarding.views.plan import load as load_plan
from onboarding.views.plan import plan_answer

MOVES = {
    "finish": finish_task,
    "reopen": reopen_task,
    "block": block_task,
    "skip": skip_task,
}
WITH_REASON = ("block", "skip")


@Kept
def _task(principal, *, pk: int):
    rows = Task.objects.visible_to(principal).filter(pk=pk)
    return rows.select_related("plan__client", "phase", "after", "assignee", "contact", "done_by", "done_by_contact")


def load(request, pk) -> Task:
    return _task.one(request.principal, pk=pk)


def assign_form(task: Task, data=None) -> AssignForm:
    contacts = Contact.objects.filter(affiliations__in=task.plan.client.affiliations.current()).order_by("name_key")
    value = f"c{task.contact_id}" if task.contact_id else f"u{task.assignee_id}" if task.assignee_id else ""
    return AssignForm(data, users=User.objects.active(), contacts=contacts, initial={"person": value})


def task_page(request, task: Task, *, status: int = 200, **forms: Any):
    """The task's page, or its content for the dialog."""
    is_dialog = in_dialog(request)
    context = {
        "task": task,
        "plan": task.plan,
        "lead": task.plan.client.name,
        "crumbs": [
            {"label": _("Onboarding"), "url": reverse("onboarding:plans")},
            {"label": task.plan.name, "url": reverse("onboarding:plan", args=[task.plan_id])},
            {"label": task.title},
        ],
        "today": firm_today(timezone.now()),
        "in_dialog": is_dialog,
        "may_run": may_run_plans(request.principal, task.plan.client) and task.plan.is_open,
        "is_worked_on": task.plan.is_worked_on,
        "comments": task.comments.select_related("author", "author_contact"),
        "assign_form": assign_form(task),
        "due_form": DueForm(initial={"due_date": task.due_date}),
        "finish_form": FinishForm(task=task),
        "reason_form": ReasonForm(),
        "comment_form": CommentForm(),
    }
    template = "onboarding/task.html#inside" if is_dialog else "onboarding/task.html"
    return render(request, template, context | forms, status=status)


def changed(request, task: Task, text: str, *, undo_url: str = ""):
    """After a change: in the dialog the task, with an event for the plan behind it; otherwise a redirect to its
    page.
    """
    if in_dialog(request):
        response = task_page(request, load(request, task.pk))
        return toast(add_event(response, "planChanged"), text, undo_url=undo_url)
    messages.success(request, text, extra_tags=f"undo:{undo_url}" if undo_url else "")
    return redirect("onboarding:task", task.pk)


def status_of(error: ServiceError) -> int:
    return 409 if error.code in ("stale", "state") else 422


def answer(
    request, task: Task, name: str, form, act: Callable[[], Any], say: Callable[[Any], str], *, undo_url: str = ""
):
    """Call `act()` if the form is valid, and answer with the task. An error is shown beside the form's field.

    `name`: the form's name in the context. `say(result)`: the text of the toast.
    """
    if not form.is_valid():
        return task_page(request, task, status=422, **{name: form})
    try:
        result = act()
    except ServiceError as error:
        form.refuse(error)
        return task_page(request, load(request, task.pk), status=status_of(error), **{name: form})
    return changed(request, task, say(result), undo_url=undo_url)


@require_GET
def show(request, pk):
    return task_page(request, load(request, pk))


@require_POST
def move(request, pk, move):
    """Finish, reopen, block or skip. From the plan's own list it answers with the plan, else with the task."""
    if move not in MOVES:
        raise Http404
    task, is_finish = load(request, pk), move == "finish"
    form = FinishForm(request.POST, task=task) if is_finish else ReasonForm(request.POST)

    def act():
        more = {"reason": form.cleaned_data["reason"]} if move in WITH_REASON else {}
        more |= {"is_out_of_order": form.is_out_of_order} if is_finish else {}
        return MOVES[move](request.principal, task=task, now=timezone.now(), seen_version=form.seen_version(), **more)

    if move in WITH_REASON or in_dialog(request) or not form.is_valid():
        return answer(request, task, "finish_form" if is_finish else "reason_form", form, act, _moved)
    try:
        act()
    except ServiceError as error:
        plan = load_plan(request, task.plan_id)
        if error.code == "question":
            form.refuse(error)
            return plan_answer(request, plan, asked=form, status=422)
        return plan_answer(request, plan, refused=error.message, status=status_of(error))
    if is_fragment(request):
        return plan_answer(request, load_plan(request, task.plan_id))
    return redirect("onboarding:plan", task.plan_id)


def _moved(task):
    return _("“%(task)s”: %(state)s") % {"task": task.title, "state": task.get_state_display().lower()}


@require_POST
def assign(request, pk):
    """`back` in the URL names the previous assignee: the toast's undo."""
    task = load(request, pk)
    given = {"person": request.GET["back"]} if "back" in request.GET and "person" not in request.POST else request.POST
    before, form = assign_form(task)["person"].initial, assign_form(task, given)

    def act():
        return assign_task(
            request.principal, task=task, now=timezone.now(), seen_version=form.seen_version(), **form.chosen()
        )

    undo = f"{reverse('onboarding:task_assign', args=[pk])}?back={before}"
    return answer(request, task, "assign_form", form, act, _assigned, undo_url="" if "back" in request.GET else undo)


def _assigned(task):
    who = task.assignee or task.contact
    if who is None:
        return _("“%(task)s” is unassigned") % {"task": task.title}
    return _("“%(task)s” assigned to %(name)s") % {"task": task.title, "name": who.name}


@require_http_methods(["GET", "HEAD", "POST"])
def due(request, pk):
    """GET shows what would move, POST moves it."""
    task = load(request, pk)
    require(may_run_plans(request.principal, task.plan.client))
    form = DueForm(request.POST or (request.GET if "due_date" in request.GET else None))
    if not form.is_bound:
        return redirect("onboarding:task", pk)

    def act():
        return change_due(
            request.principal, task=task, now=timezone.now(), seen_version=form.seen_version(), **form.cleaned_data
        )

    if request.method == "POST" or not form.is_valid():
        return answer(request, task, "due_form", form, act, _shifted)
    day = form.cleaned_data["due_date"]
    return task_page(request, task, due_form=form, shifts=preview_due(task=task, due_date=day), new_due=day)


def _shifted(moved):
    return _("%(n)s due dates moved.") % {"n": len(moved)} if len(moved) > 1 else _("Due date changed.")


@require_POST
def comment(request, pk):
    task, form = load(request, pk), CommentForm(request.POST)
    return answer(
        request,
        task,
        "comment_form",
        form,
        lambda: comment_task(request.principal, task=task, **form.cleaned_data),
        lambda _comment: _("Comment added."),
    )
