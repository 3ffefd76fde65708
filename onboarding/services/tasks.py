"""Tasks of a plan: finish, reopen, block, skip, assign, reschedule, comment.

Every change locks the plan first, so that concurrent changes are counted one after the other, and updates the plan's
progress, forecast and track.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.contacts.models import Contact
from clients.engagements.services.records import sees_engagement
from crm.core.base.actors import actor_columns
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import get_firm
from crm.core.notifications.services import Handed, tell_both
from crm.core.users.models import User
from onboarding import schedule
from onboarding.choices import TASK, OwnerSide, TaskState
from onboarding.models import Plan, Task, TaskComment
from onboarding.permissions import ARCHIVED, may_work_on_task
from onboarding.queries.plans import open_before, out_of_order_words, plan_tasks
from onboarding.services.plans import check_sees, lock_plan, write_dates
from onboarding.services.tracking import refresh_plan

NOT_DONE_BY = {"done_by": None, "done_by_contact_id": None}


@dataclass(frozen=True)
class Shift:
    """A task that moves from one due date to another."""

    task: Task
    was: date | None
    becomes: date


@service(may=may_work_on_task, why=ARCHIVED)
def finish_task(
    principal: Principal,
    *,
    task: Task,
    now: datetime,
    seen_version: int | None = None,
    is_out_of_order: bool = False,
) -> Task:
    """Finish the task.

    If it is already done, the first person is kept. Raises ServiceError (field is_out_of_order, code question) while
    the task before it is open, unless `is_out_of_order` confirms it.
    """
    plan, task = _lock(principal, task)
    if task.state == TaskState.DONE:
        return task
    before = open_before(task)
    if before is not None and not is_out_of_order:
        raise ServiceError(out_of_order_words(before), field="is_out_of_order", code="question")
    return _move(plan, task, TaskState.DONE, now=now, seen=seen_version, done_at=now, **_done_by(principal))


@service(may=may_work_on_task, why=ARCHIVED)
def reopen_task(principal: Principal, *, task: Task, now: datetime, seen_version: int | None = None) -> Task:
    """Reopen a task that is done, skipped or blocked. An open task stays as it is."""
    plan, task = _lock(principal, task)
    if task.state == TaskState.OPEN:
        return task
    return _move(plan, task, TaskState.OPEN, now=now, seen=seen_version, done_at=None, **NOT_DONE_BY)


@service(may=may_work_on_task, why=ARCHIVED)
def block_task(
    principal: Principal, *, task: Task, reason: str, now: datetime, seen_version: int | None = None
) -> Task:
    """Block the task, with what it waits for."""
    plan, task = _lock(principal, task)
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise ServiceError(_("Say what it is waiting for."), field="reason")
    if task.state != TaskState.BLOCKED:
        return _move(plan, task, TaskState.BLOCKED, now=now, seen=seen_version, blocked_reason=reason)
    task.blocked_reason = reason
    save_version(task, fields=["blocked_reason"], seen=seen_version)
    refresh_plan(plan=plan, now=now)
    return task


@service(may=may_work_on_task, why=ARCHIVED)
def skip_task(
    principal: Principal, *, task: Task, reason: str = "", now: datetime, seen_version: int | None = None
) -> Task:
    """The task is not needed for this client. A mandatory one needs a reason, which is kept as a comment."""
    plan, task = _lock(principal, task)
    reason = " ".join(reason.split())
    if task.is_mandatory and not reason:
        raise ServiceError(_("This task is mandatory. Say why it can be skipped."), field="reason")
    task = _move(plan, task, TaskState.SKIPPED, now=now, seen=seen_version, done_at=now, **_done_by(principal))
    if reason:
        _add_comment(principal, task, _("Skipped: %(reason)s") % {"reason": reason})
    return task


@service(may=may_work_on_task, why=ARCHIVED)
def assign_task(
    principal: Principal,
    *,
    task: Task,
    assignee: User | None = None,
    contact: Contact | None = None,
    now: datetime,
    seen_version: int | None = None,
    is_told: bool = True,
) -> Task:
    """Assign the task to a colleague or a contact of the client; unassign it if both are None. The colleagues
    concerned are notified, unless the caller does that (`is_told`).
    """
    plan, task = _lock(principal, task, worked_on=False)
    had_it = task.assignee
    if assignee is not None and contact is not None:
        raise ServiceError(_("Choose one person."), field="assignee")
    if assignee is not None:
        check_sees(assignee, plan.client, field="assignee")
        if not sees_engagement(assignee, plan.engagement):
            raise ServiceError(_("%(name)s cannot see this.") % {"name": assignee.name}, field="assignee")
        task.owner_side = OwnerSide.FIRM
    if contact is not None:
        if not plan.client.affiliations.current().filter(contact=contact).exists():
            raise ServiceError(_("%(name)s is not a contact at this client.") % {"name": contact.name}, field="contact")
        task.owner_side = OwnerSide.CLIENT
    task.assignee, task.contact = assignee, contact
    save_version(task, fields=["assignee", "contact", "owner_side"], seen=seen_version, merges=False)
    if is_told and assignee != had_it:
        url = reverse("onboarding:task", args=[task.pk])
        handed = Handed("task", task.pk, task.version, task.title, url, plan.client)
        tell_both(principal, handed, old=had_it, new=assignee)
    return task


@service(may=may_work_on_task, why=ARCHIVED)
def comment_task(principal: Principal, *, task: Task, text: str) -> TaskComment:
    """Add a comment. Raises ServiceError (field text) without a text, PermissionDenied for the system: a comment has an
    author.
    """
    plan, task = _lock(principal, task, worked_on=False)
    if not text.strip():
        raise ServiceError(_("Write something first."), field="text")
    return _add_comment(principal, task, text.strip())


def preview_due(*, task: Task, due_date: date) -> list[Shift]:
    """What would move: the task itself first, then what depends on it, by date. Writes nothing."""
    if not is_plausible(due_date):
        return []
    tasks = plan_tasks(task.plan)
    return _shifts(tasks, schedule.moved_dates(tasks, task.pk, due_date, WorkingCalendar.of(get_firm())), task.pk)


@service(may=may_work_on_task, why=ARCHIVED)
def change_due(
    principal: Principal, *, task: Task, due_date: date, now: datetime, seen_version: int | None = None
) -> list[Shift]:
    """Set a due date by hand and move what depends on it. Returns what moved; empty if the date is the same."""
    plan, task = _lock(principal, task, worked_on=False)
    if not is_plausible(due_date):
        raise ServiceError(_("This date is too far away."), field="due_date")
    if task.is_finished:
        raise ServiceError(_("The task is finished. Reopen it first."), field="due_date")
    tasks = plan_tasks(plan)
    dates = schedule.moved_dates(tasks, task.pk, due_date, WorkingCalendar.of(get_firm()))
    if not dates:
        return []
    task.due_date, task.is_due_fixed = due_date, True
    save_version(task, fields=["due_date", "is_due_fixed"], seen=seen_version)
    write_dates({pk: day for pk, day in dates.items() if pk != task.pk})
    refresh_plan(plan=plan, now=now)
    return _shifts(tasks, dates, task.pk)


@service(may=may_work_on_task, why=ARCHIVED)
def take_back_due(
    principal: Principal,
    *,
    task: Task,
    shifts: Mapping[int, tuple[date | None, date]],
    was_fixed: bool,
    now: datetime,
    seen_version: int | None = None,
) -> Task:
    """Undo of `change_due`: each of the `shifts`, {task: (date before, after)}, back, but those that moved again since. Raises
    ServiceError (code changed) if the task itself did."""
    plan, task = _lock(principal, task, worked_on=False)
    before, after = shifts[task.pk]
    if task.due_date != after or task.is_finished:
        raise ServiceError(_("The due date was changed again since."), code="changed")
    task.due_date, task.is_due_fixed = before, was_fixed
    save_version(task, fields=["due_date", "is_due_fixed"], seen=seen_version)
    others = Task.objects.unfinished().filter(plan=plan, pk__in=shifts.keys() - {task.pk}, is_due_fixed=False)
    write_dates({row.pk: shifts[row.pk][0] for row in others if row.due_date == shifts[row.pk][1]})
    refresh_plan(plan=plan, now=now)
    return task


def _shifts(tasks, dates: Mapping[int, date], first: int) -> list[Shift]:
    moved = [Shift(task, task.due_date, dates[task.pk]) for task in tasks if task.pk in dates]
    return sorted(moved, key=lambda shift: (shift.task.pk != first, shift.becomes, shift.task.pk))


def _lock(principal, task, *, worked_on=True):
    """(plan, task), both locked, in this order everywhere."""
    plan = lock_plan(principal, plan=Plan(pk=task.plan_id))
    if not plan.is_open or (worked_on and not plan.is_worked_on):
        raise ServiceError(
            _("The plan is %(state)s, so its tasks cannot change.") % {"state": plan.get_state_display().lower()},
            code="state",
        )
    return plan, Task.objects.select_for_update(of=("self",)).get(pk=task.pk)


def _done_by(principal):
    return actor_columns(principal, "done_by", "done_by_contact_id")


def _add_comment(principal, task, text) -> TaskComment:
    if principal.is_system:
        raise PermissionDenied(_("A comment needs an author."))
    return TaskComment.objects.create(task=task, text=text, **actor_columns(principal, "author", "author_contact_id"))


def _move(plan, task, to, *, now, seen, blocked_reason="", **values) -> Task:
    with transition(task, to=to, states=TASK, seen=seen, is_locked=True):
        task.blocked_reason = blocked_reason
        for name, value in values.items():
            setattr(task, name, value)
    refresh_plan(plan=plan, now=now)
    return task
