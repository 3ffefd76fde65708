"""The board of onboarding tasks, by state."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.errors import ServiceError
from crm.core.listing.boards import Board
from crm.core.listing.groups import Group
from crm.core.listing.moving import MoveForm
from crm.core.listing.paging import Sort
from crm.core.listing.selection import CHANGED_SINCE, Action, actions
from crm.core.ui.forms import Layout, When
from onboarding.choices import PLAN, TaskState
from onboarding.models import Task
from onboarding.services.tasks import block_task, finish_task, reopen_task, skip_task

STATE = Group("state", _lazy("State"), "state", lambda: list(TaskState.choices), filter="state")
WITH_REASON = (TaskState.BLOCKED, TaskState.SKIPPED)


class TaskMoveForm(MoveForm):
    layout = Layout("to", When("to=blocked skipped", "reason"))

    reason = forms.CharField(
        label=_lazy("What is it waiting for, or why is it not needed?"), max_length=200, required=False
    )


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
    return [mark(task), mark(_to_state(principal, task, values["state"], now, **more))]


def _move_back(principal: Any, task: Task, kept: list[Any], now: datetime) -> None:
    (state, _done_at, reason), after = kept
    unless_changed(task, after)
    if state in WITH_REASON and task.is_finished:  # the way back leads through “open”
        task = reopen_task(principal, task=task, now=now)
    _to_state(principal, task, state, now, reason or _("moved back"), is_out_of_order=True)


MOVE = actions.register(Action("tasks.move", _lazy("Change state"), Task, _move, _move_back))
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
