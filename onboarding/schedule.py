"""Due dates: working-day arithmetic over tasks that count from kickoff or from one another.

Pure functions over rows that have `pk`, `after_id` and `offset_days` (tasks of a template or of a plan); nothing here reads
or writes the database. All dates are the firm's.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from crm.core.firm.calendar import WorkingCalendar

Dates = dict[int, date]


class Cycle(ValueError):
    """Tasks that depend on one another in a cycle; `titles` names them."""

    def __init__(self, titles: list[str]):
        super().__init__(" → ".join(titles))
        self.titles = titles


def in_order(tasks: Iterable[Any]) -> list[Any]:
    """The tasks, each after the one it is counted from. Raises Cycle."""
    rows = {task.pk: task for task in tasks}
    ordered: dict[int, Any] = {}
    for task in rows.values():
        chain: dict[int, Any] = {}
        step = task
        while step is not None and step.pk not in ordered:
            if step.pk in chain:
                raise Cycle([row.title for row in _circle(chain, step.pk)])
            chain[step.pk] = step
            step = rows.get(step.after_id)
        ordered |= dict(reversed(list(chain.items())))
    return list(ordered.values())


def _circle(chain, pk):
    rows = list(chain.values())
    start = next(n for n, row in enumerate(rows) if row.pk == pk)
    return [*rows[start:], rows[start]]


def due_dates(tasks: Iterable[Any], kickoff: date, calendar: WorkingCalendar) -> Dates:
    """The due date of every task by its rule: `offset_days` working days after kickoff, or after the task `after` is due."""
    dates: Dates = {}
    for task in in_order(tasks):
        dates[task.pk] = calendar.add(dates.get(task.after_id, kickoff), task.offset_days)
    return dates


def day_numbers(tasks: Iterable[Any]) -> dict[int, int]:
    """Working days from kickoff to each task, ignoring holidays: “days 1–10” in the builder."""
    days: dict[int, int] = {}
    for task in in_order(tasks):
        days[task.pk] = days.get(task.after_id, 0) + task.offset_days
    return days


def followers(tasks: Sequence[Any], pk: int) -> set[int]:
    """All tasks that depend on one, directly or through others."""
    found: set[int] = set()
    edge = {pk}
    while edge:
        edge = {task.pk for task in tasks if task.after_id in edge} - found
        found |= edge
    return found


def moved_dates(tasks: Sequence[Any], pk: int, due: date, calendar: WorkingCalendar) -> Dates:
    """What moves if the task `pk` is due on `due`: {pk: new date} of it and its open followers that change.

    Tasks that are finished or have a date set by hand stay, and so do their followers.
    """
    dates: Dates = {pk: due}
    for task in in_order(tasks):
        if task.pk != pk and task.after_id in dates and not task.is_due_fixed and not task.is_finished:
            dates[task.pk] = calendar.add(dates[task.after_id], task.offset_days)
    present = {task.pk: task.due_date for task in tasks}
    return {key: day for key, day in dates.items() if present[key] != day}


def shifted_dates(tasks: Iterable[Any], working_days: int, calendar: WorkingCalendar) -> Dates:
    """Open tasks, moved by a number of working days (a pause)."""
    return {
        task.pk: calendar.add(task.due_date, working_days) for task in tasks if task.due_date and not task.is_finished
    }


def forecast_dates(tasks: Sequence[Any], today: date, calendar: WorkingCalendar) -> Dates:
    """When each task was done or is expected.

    The expected date is its own rule counted from when its predecessor was done or is expected, so that early work
    brings the end forward and late work pushes it back; for a date set by hand or counted from kickoff it is the due
    date. Never before today.
    """
    dates: Dates = {}
    for task in in_order(tasks):
        if task.is_finished:
            dates[task.pk] = task.done_date
            continue
        counted = task.after_id in dates and not task.is_due_fixed
        expected = calendar.add(dates[task.after_id], task.offset_days) if counted else task.due_date or today
        dates[task.pk] = calendar.on_or_after(max(expected, today))
    return dates


def holidays_between(calendar: WorkingCalendar, start: date, end: date) -> list[tuple[date, str]]:
    """Weekdays of work on which the firm is closed, first to last: (date, name or "")."""
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return [
        (day, calendar.holiday_name(day))
        for day in days
        if day.weekday() in calendar.weekdays and not calendar.is_working(day)
    ]
