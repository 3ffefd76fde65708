"""Whose day is it: local wall times, ISO weeks, working days.

Local time to UTC: a time that does not exist (clocks go forward) moves forward by the gap; an ambiguous one (clocks go
back) takes the first of the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache

import holidays

from crm.core.models import FirmSettings, Holiday
from crm.core.zones import zone


def is_plausible(day: date) -> bool:
    """A day or moment people can mean, with room for every zone and for counting on from it."""
    return 1900 <= day.year <= 2200


def local_to_utc(day: date, at: time, zone_name: str) -> datetime:
    """The UTC moment of a wall time in an IANA zone."""
    local = datetime.combine(
        day, at, zone(zone_name)
    )  # fold=0: the first of an ambiguous pair; a gap is read with the offset before it
    return local.astimezone(UTC)


def local_date(moment: datetime, zone_name: str) -> date:
    """The date on the wall in a zone at an aware moment."""
    return moment.astimezone(zone(zone_name)).date()


def iso_week(day: date) -> str:
    """The ISO week of a date, such as 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def week_day(week: str, weekday: int) -> date:
    """The date of a weekday (0 Monday) in an ISO week such as 2026-W48."""
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), weekday + 1)


def add_months(day: date, months: int) -> date:
    """The same day some months on (or back); the month's last day where it has none such."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


@lru_cache(maxsize=1024)  # a firm's clients sit in many countries; a year of one is some twenty rows
def _public_holidays(country: str, region: str, year: int) -> dict[date, str]:
    return public_holidays(country, region, year)


@cache
def _known_countries() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries())


@cache
def _region_codes(country: str) -> dict[str, str]:
    """How the regions of a country are written, folded → its code."""
    known = holidays.country_holidays(country)
    names = {code: code for code in known.subdivisions} | dict(getattr(known, "subdivisions_aliases", {}))
    return {name.casefold(): code for name, code in names.items()}


def holiday_there(country: str, region: str, day: date) -> str:
    """The public holiday of a day in a country, "" for none or a country that is not known. The region may be a code or a
    name; one that says nothing is left out, so that only what the whole country keeps counts."""
    if country not in _known_countries():
        return ""
    code = _region_codes(country).get(region.strip().casefold(), "")
    return _public_holidays(country, code, day.year).get(day, "")


def public_holidays(country: str, region: str, year: int) -> dict[date, str]:
    """Date → name of a country's (or its region's) public holidays in a year; {} without a country."""
    if not country:
        return {}
    return dict(holidays.country_holidays(country, subdiv=region or None, years=year))


@dataclass
class WorkingCalendar:
    """The firm's working days: the week's pattern, public holidays, and the firm's own exceptions."""

    weekdays: frozenset[int]
    country: str = ""
    region: str = ""
    own: dict[date, bool] = field(default_factory=dict)
    own_names: dict[date, str] = field(default_factory=dict)

    @classmethod
    def of(cls, firm: FirmSettings, exceptions: Iterable[Holiday] | None = None) -> "WorkingCalendar":
        rows = list(Holiday.objects.all() if exceptions is None else exceptions)
        own, names = {row.date: row.is_working for row in rows}, {row.date: row.name for row in rows}
        days = frozenset(firm.working_days) or frozenset(range(7))
        return cls(days, firm.holiday_country, firm.holiday_region, own, names)

    def holiday_name(self, day: date) -> str:
        """The public holiday on a day, or ""."""
        return _public_holidays(self.country, self.region, day.year).get(day, "")

    def closed_for(self, day: date) -> str:
        """Why the firm is closed on a day of its week, for people: a holiday's name, or "". A weekend is no holiday."""
        if day in self.own:
            return "" if self.own[day] else self.own_names.get(day) or str(day)
        return self.holiday_name(day)

    def is_working(self, day: date) -> bool:
        if day in self.own:
            return self.own[day]
        return day.weekday() in self.weekdays and not self.holiday_name(day)

    def on_or_after(self, day: date) -> date:
        """The day itself if the firm works on it, else the next working day (within ten years)."""
        for _ in range(3660):
            if self.is_working(day):
                return day
            day += timedelta(days=1)
        raise ValueError("The firm has no working day within ten years; check the working days in the settings.")

    def add(self, day: date, working_days: int) -> date:
        """The working day `working_days` after `day` (0: the day itself or the next working day)."""
        day = self.on_or_after(day)
        for _ in range(working_days):
            day = self.on_or_after(day + timedelta(days=1))
        return day

    def between(self, start: date, end: date) -> int:
        """Working days in [start, end)."""
        return sum(self.is_working(start + timedelta(days=n)) for n in range((end - start).days))
