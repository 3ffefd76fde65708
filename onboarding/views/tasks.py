"""One task of a plan. Its page opens in a dialog where there is script; ticking off happens in the plan itself."""

from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.contacts.models import Contact
from crm.core.base.errors import ServiceError, add_to_form
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.htmx import add_event, is_fragment, toast
from crm.core.users.models import User
from onboarding.forms import AssignForm, CommentForm, DueForm, ReasonForm
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
IN_DIALOG = "remote-dialog-body"


def load(request, pk, *, to_change: bool = False) -> Task:
    rows = Task.objects.visible_to(request.principal)
    task = get_object_or_404(
        rows.select_related("plan__client", "phase", "after", "assignee", "contact", "done_by", "done_by_contact"),
        pk=pk,
    )
    if to_change:
        require(may_run_plans(request.principal, task.plan.client))
    return task


def assign_form(task: Task, data=None) -> AssignForm:
    contacts = Contact.objects.filter(affiliations__in=task.plan.client.affiliations.current()).order_by("name_key")
    value = f"c{task.contact_id}" if task.contact_id else f"u{task.assignee_id}" if task.assignee_id else ""
    return AssignForm(data, users=User.objects.active(), contacts=contacts, initial={"person": value})


def task_page(request, task: Task, *, status: int = 200, **forms: Any):
    """The task's page, or its inside for the dialog."""
    in_dialog = is_fragment(request) and request.htmx.target == IN_DIALOG
    context = {
        "task": task,
        "plan": task.plan,
        "today": firm_today(timezone.now()),
        "in_dialog": in_dialog,
        "may_run": may_run_plans(request.principal, task.plan.client) and task.plan.is_open,
        "is_worked_on": task.plan.is_worked_on,
        "comments": task.comments.select_related("author", "author_contact"),
        "assign_form": assign_form(task),
        "due_form": DueForm(initial={"due_date": task.due_date}),
        "reason_form": ReasonForm(),
        "comment_form": CommentForm(),
    }
    template = "onboarding/task.html#inside" if in_dialog else "onboarding/task.html"
    return render(request, template, context | forms, status=status)


def changed(request, task: Task, text: str):
    """After a change: in the dialog the task once more and the plan behind it told, else back to the task's page."""
    if is_fragment(request) and request.htmx.target == IN_DIALOG:
        response = task_page(request, load(request, task.pk))
        return toast(add_event(response, "planChanged"), text)
    messages.success(request, text)
    return redirect("onboarding:task", task.pk)


def status_of(error: ServiceError) -> int:
    return 409 if error.code in ("stale", "state") else 422


@require_GET
def show(request, pk):
    return task_page(request, load(request, pk))


@require_POST
def move(request, pk, move):
    """Finish, reopen, block or skip. From the plan's own list the plan is answered, else the task."""
    if move not in MOVES:
        raise Http404
    task = load(request, pk, to_change=True)
    form = ReasonForm(request.POST)
    from_task = move in WITH_REASON or request.htmx.target == IN_DIALOG
    if not form.is_valid():
        return task_page(request, task, status=422, reason_form=form)
    reason = {"reason": form.cleaned_data["reason"]} if move in WITH_REASON else {}
    try:
        task = MOVES[move](request.principal, task=task, now=timezone.now(), seen_version=form.seen_version(), **reason)
    except ServiceError as error:
        if not from_task:
            return plan_answer(
                request, load_plan(request, task.plan_id), refused=error.message, status=status_of(error)
            )
        add_to_form(form, error)
        return task_page(request, load(request, pk), status=status_of(error), reason_form=form)
    text = _("“%(task)s”: %(state)s") % {"task": task.title, "state": task.get_state_display().lower()}
    if from_task:
        return changed(request, task, text)
    return (
        plan_answer(request, load_plan(request, task.plan_id))
        if is_fragment(request)
        else redirect("onboarding:plan", task.plan_id)
    )


@require_POST
def assign(request, pk):
    task = load(request, pk, to_change=True)
    form = assign_form(task, request.POST)
    if form.is_valid():
        try:
            assign_task(
                request.principal, task=task, now=timezone.now(), seen_version=form.seen_version(), **form.chosen()
            )
            return changed(request, task, _("“%(task)s” has a new owner.") % {"task": task.title})
        except ServiceError as error:
            form.add_error("person" if error.field else None, error.message)
            return task_page(request, load(request, pk), status=status_of(error), assign_form=form)
    return task_page(request, task, status=422, assign_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def due(request, pk):
    """GET shows what would move, POST moves it."""
    task = load(request, pk, to_change=True)
    form = DueForm(request.POST or (request.GET if "due_date" in request.GET else None))
    if not form.is_bound:
        return redirect("onboarding:task", pk)
    if not form.is_valid():
        return task_page(request, task, status=422, due_form=form)
    day = form.cleaned_data["due_date"]
    if request.method != "POST":
        return task_page(request, task, due_form=form, shifts=preview_due(task=task, due_date=day), new_due=day)
    try:
        moved = change_due(
            request.principal, task=task, due_date=day, now=timezone.now(), seen_version=form.seen_version()
        )
    except ServiceError as error:
        add_to_form(form, error)
        return task_page(request, load(request, pk), status=status_of(error), due_form=form)
    return changed(
        request,
        task,
        _("%(n)s due dates moved.") % {"n": len(moved)} if len(moved) > 1 else _("The due date is changed."),
    )


@require_POST
def comment(request, pk):
    task = load(request, pk, to_change=True)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            comment_task(request.principal, task=task, text=form.cleaned_data["text"])
            return changed(request, task, _("Comment added."))
        except ServiceError as error:
            add_to_form(form, error)
            return task_page(request, task, status=status_of(error), comment_form=form)
    return task_page(request, task, status=422, comment_form=form)


show.nav_key = due.nav_key = "onboarding"
