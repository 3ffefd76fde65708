"""The board of onboarding tasks, by state, and what moves many of them: to a state, to a day."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.errors import ServiceError
from crm.core.listing.boards import Board
from crm.core.listing.groups import Group
from crm.core.listing.moving import MoveForm
from crm.core.listing.paging import Sort
from crm.core.listing.selection import CHANGED_SINCE, NO_CHANGE, Action, actions
from crm.core.ui.forms import Form, Layout, When
from onboarding.choices import PLAN, TaskState
from onboarding.forms import DueForm
from onboarding.models import Task
from onboarding.services.tasks import block_task, change_due, finish_task, reopen_task, skip_task, take_back_due

STATE = Group("state", _lazy("State"), "state", lambda: list(TaskState.choices), filter="state")
WITH_REASON = (TaskState.BLOCKED, TaskState.SKIPPED)


REASON = _lazy("What is it waiting for, or why is it not needed?")


class TaskMoveForm(MoveForm):
    layout = Layout("to", When("to=blocked skipped", "reason"))

    reason = forms.CharField(label=REASON, max_length=200, required=False)


class ManyStatesForm(Form):
    """The state of many tasks; completing them asks other things (“Mark as done”)."""

    layout = Layout("state", When("state=blocked skipped", "reason"))

    state = forms.ChoiceField(
        label=_lazy("State"), choices=[choice for choice in TaskState.choices if choice[0] != TaskState.DONE]
    )
    reason = forms.CharField(label=REASON, max_length=200, required=False)


def _to_state(principal: Any, task: Task, to: str, now: datetime, reason: str = "", **answers: bool) -> Task:
    if to == TaskState.DONE:
        return finish_task(principal, task=task, now=now, **answers)
    if to == TaskState.BLOCKED:
        return block_task(principal, task=task, reason=reason, now=now)
    if to == TaskState.SKIPPED:
        return skip_task(principal, task=task, reason=reason, now=now)
    return reopen_task(principal, task=task, now=now)


def mark(task: Task) -> list[Any]:
    """How far a task is, as JSON: a step and its undo compare it."""
    return [task.state, task.done_at and task.done_at.isoformat(), task.blocked_reason]


def unless_changed(task: Task, after: list[Any] | None) -> None:
    """Raises ServiceError if the task went on since (None: a step that did not keep how far it was)."""
    if after is not None and mark(task) != after:
        raise ServiceError(str(CHANGED_SINCE))


def _move(principal: Any, task: Task, values: dict[str, Any], now: datetime) -> list[Any]:
    """What undo needs: how far the task was, and is."""
    more = {name: value for name, value in values.items() if name != "state"}
    before, after = mark(task), mark(_to_state(principal, task, values["state"], now, **more))
    if before == after:
        raise ServiceError(str(NO_CHANGE))
    return [before, after]


def _move_back(principal: Any, task: Task, kept: list[Any], now: datetime) -> None:
    (state, _done_at, reason), after = kept
    unless_changed(task, after)
    if state in WITH_REASON and task.is_finished:  # the way back leads through “open”
        task = reopen_task(principal, task=task, now=now)
    _to_state(principal, task, state, now, reason or _("moved back"), is_out_of_order=True)


def _set_due(principal: Any, task: Task, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What undo needs: each due date that moved, before and after."""
    seen = task.seen_version  # type: ignore[attr-defined]
    moved = change_due(principal, task=task, due_date=values["due_date"], now=now, seen_version=seen)
    if not moved:
        raise ServiceError(str(NO_CHANGE))
    day = values["due_date"].isoformat()
    shifts = {task.pk: [day, day]}  # where it was due then already, and what follows was not
    shifts |= {each.task.pk: [each.was and each.was.isoformat(), each.becomes.isoformat()] for each in moved}
    return {"fixed": task.is_due_fixed, "shifts": shifts}


def _due_back(principal: Any, task: Task, before: dict[str, Any], now: datetime) -> None:
    day = date.fromisoformat
    shifts = {int(pk): (was and day(was), day(becomes)) for pk, (was, becomes) in before["shifts"].items()}
    try:
        take_back_due(principal, task=task, shifts=shifts, was_fixed=before["fixed"], now=now)
    except ServiceError as error:
        raise ServiceError(str(CHANGED_SINCE)) if error.code == "changed" else error from None


MOVE = actions.register(
    Action(
        "tasks.move",
        _lazy("Change state"),
        Task,
        _move,
        _move_back,
        "flag",
        ManyStatesForm,
        words=lambda values: str(dict(TaskState.choices).get(values.get("state", ""), "")),
    )
)
CHANGE_DUE = actions.register(
    Action(
        "tasks.due",
        _lazy("Change due date"),
        Task,
        _set_due,
        _due_back,
        "calendar-check",
        DueForm,
        words=lambda values: date_format(values["due_date"], "j M Y") if values.get("due_date") else "",
    )
)
STATE_BOARD = Board(
    group=STATE,
    action=MOVE,
    values=lambda to, given, now: given | {"state": to},
    form=TaskMoveForm,
    asks=lambda key: key in WITH_REASON,
    lifts=("show",),
    sorts=dict.fromkeys(("done", "skipped"), Sort("done_at", descending=True)),
    narrow=lambda rows: rows.filter(plan__state__in=PLAN.worked_on),
)
