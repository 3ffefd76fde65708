"""Local times and days: wall times, ISO weeks, months.

Local time to UTC: a time that does not exist (clocks go forward) moves forward by the gap; an ambiguous one (clocks go
back) takes the first of the two.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from crm.core.base.zones import zone

FIRST_YEAR, LAST_YEAR = 1900, 2200


def is_plausible(day: date) -> bool:
    """Whether the day or moment is plausible. Leaves room for every time zone and for date arithmetic."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def local_to_utc(day: date, at: time, zone_name: str) -> datetime:
    """The UTC moment of a wall time in an IANA zone."""
    local = datetime.combine(
        day, at, zone(zone_name)
    )  # fold=0: the first of an ambiguous pair; a gap is read with the offset before it
    return local.astimezone(UTC)


def local_date(moment: datetime, zone_name: str) -> date:
    """The local date in a zone at an aware moment."""
    return moment.astimezone(zone(zone_name)).date()


def wall_time(moment: datetime, zone_name: str) -> time:
    """The local time in a zone, naive, so that no template converts it to the viewer's zone."""
    return moment.astimezone(zone(zone_name)).time()


def iso_week(day: date) -> str:
    """The ISO week of a date, such as 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def week_day(week: str, weekday: int) -> date:
    """The date of a weekday (0 Monday) in an ISO week such as 2026-W48."""
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), weekday + 1)


def add_months(day: date, months: int) -> date:
    """The same day some months later (or earlier), or the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


def day_start(now: datetime, days: int = 0) -> datetime:
    """Midnight in the user's zone, `days` from today."""
    local = timezone.localtime(now)
    return datetime.combine(local.date() + timedelta(days=days), time(), local.tzinfo)
