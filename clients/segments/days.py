"""The days that a rule about a date means."""

from datetime import date, timedelta
from typing import Any

from clients.segments.choices import Operator
from crm.core.base.dates import add_months

O = Operator  # noqa: E741
FIRST, LAST = date(1, 1, 2), date(9999, 12, 30)


def days_of(operator: Operator, values: list[Any], today: date) -> tuple[date | None, date | None]:
    """The first day, and the first that does not belong to it any more."""
    start, end = _days_of(operator, values, today)
    return _in_reach(start), _in_reach(end)


def _in_reach(day: date | None) -> date | None:
    return None if day is None else min(max(day, FIRST), LAST)


def _days_of(operator: Operator, values: list[Any], today: date) -> tuple[date | None, date | None]:
    one, month = timedelta(days=1), today.replace(day=1)
    if operator in (O.IN_LAST, O.NOT_IN_LAST):
        return today - timedelta(days=values[0]), today + one
    if operator == O.IN_NEXT:
        return today, today + timedelta(days=values[0] + 1)
    if operator == O.THIS_MONTH:
        return month, add_months(month, 1)
    if operator == O.LAST_MONTH:
        return add_months(month, -1), month
    if operator == O.THIS_YEAR:
        return date(today.year, 1, 1), date(today.year + 1, 1, 1)
    days = [date.fromisoformat(value) for value in values]
    if operator == O.BEFORE:
        return None, days[0]
    if operator == O.AFTER:
        return days[0] + one, None
    return days[0], days[-1] + one
