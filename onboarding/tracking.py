"""The progress of a plan: counts, forecast end, whether it is on track and why. Pure: rows in, a dataclass out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.firm.calendar import WorkingCalendar
from onboarding import schedule
from onboarding.choices import STUCK_AFTER_DAYS, PlanState, TaskState, Track
from onboarding.models import Plan, Task


@dataclass(frozen=True)
class Progress:
    """`done` of `total` tasks (those not needed are in neither); `forecast` is the expected end. On `check_date` it is
    computed again even if the plan has not changed (None: never).
    """

    done: int
    total: int
    forecast: date | None
    track: str
    reason: str
    check_date: date | None


def progress_of(plan: Plan, tasks: Sequence[Task], today: date, calendar: WorkingCalendar) -> Progress:
    """Stuck: a mandatory task is blocked, or overdue by more than STUCK_AFTER_DAYS working days. Behind: one is late,
    or the forecast ends after the last mandatory task is due. A plan that is not active counts as on track.
    """
    wanted = [task for task in tasks if task.state != TaskState.SKIPPED]
    start = max(today, plan.kickoff_date) if not plan.has_started else today
    expected = schedule.forecast_dates(tasks, start, calendar)
    measured = [task for task in wanted if task.is_mandatory] or wanted
    forecast = max((expected[task.pk] for task in measured), default=None)
    track, reason = Track.ON_TRACK.value, ""
    if plan.state == PlanState.ACTIVE:
        track, reason = _track(measured, forecast, today, calendar)
    return Progress(
        done=sum(task.state == TaskState.DONE for task in wanted),
        total=len(wanted),
        forecast=forecast,
        track=track,
        reason=reason[:200],
        check_date=_check_date(plan, wanted, expected, today),
    )


def days_late(task: Task, today: date, calendar: WorkingCalendar) -> int:
    """Working days since the due date; 0 if it is not late."""
    if task.is_finished or task.due_date is None or task.due_date >= today:
        return 0
    return max(1, calendar.between(task.due_date, today))


def _track(measured, forecast, today, calendar):
    for task in measured:
        if task.state == TaskState.BLOCKED:
            return Track.STUCK.value, _("“%(task)s” is blocked: %(reason)s") % {
                "task": task.title,
                "reason": task.blocked_reason,
            }
    late = sorted(
        ((days_late(task, today, calendar), task) for task in measured), key=lambda pair: (-pair[0], pair[1].pk)
    )
    late = [pair for pair in late if pair[0]]
    if late:
        track = Track.STUCK if late[0][0] > STUCK_AFTER_DAYS else Track.BEHIND
        return track.value, _late_words(late[0][1], late[0][0], len(late) - 1)
    end = max((task.due_date for task in measured if task.due_date), default=None)
    if end and forecast and forecast > end and any(not task.is_finished for task in measured):
        days = calendar.between(end, forecast)
        return Track.BEHIND.value, ngettext(
            "The forecast ends %(n)s working day late", "The forecast ends %(n)s working days late", days
        ) % {"n": days}
    return Track.ON_TRACK.value, ""


def _late_words(task, days, others):
    words = ngettext("“%(task)s” is %(n)s working day late", "“%(task)s” is %(n)s working days late", days) % {
        "task": task.title,
        "n": days,
    }
    if others:
        words += ngettext(", and %(n)s more", ", and %(n)s more", others) % {"n": others}
    return words


def _check_date(plan, wanted, expected, today):
    if plan.state == PlanState.PENDING:
        return plan.kickoff_date
    waiting = [task for task in wanted if not task.is_finished]
    if plan.state != PlanState.ACTIVE or not waiting:
        return None
    first = min(min(task.due_date or today, expected[task.pk]) for task in waiting)
    return max(first, today) + timedelta(days=1)
