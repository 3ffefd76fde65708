"""The numbers that the volume guard of weekly mails compares with."""

from datetime import timedelta
from itertools import dropwhile

from crm.core.base.dates import iso_week, week_day

WEEKS = 8


def weeks_before(week: str) -> list[str]:
    """The eight weeks before one, oldest first."""
    monday = week_day(week, 0)
    return [iso_week(monday - timedelta(days=7 * n)) for n in range(WEEKS, 0, -1)]


def history_of(counts: dict[str, int], weeks: list[str]) -> list[int]:
    """The number in each week, from the first week that has any."""
    return list(dropwhile(lambda number: not number, (counts.get(week, 0) for week in weeks)))
