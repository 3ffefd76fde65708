"""Working days and public holidays."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

import holidays
from django.utils import timezone

from crm.core.firm.models import FirmSettings, Holiday


@lru_cache(maxsize=1024)  # clients are in many countries; a country's year has about twenty holidays
def _public_holidays(country: str, region: str, year: int) -> dict[date, str]:
    return public_holidays(country, region, year)


@cache
def _known_countries() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries())


@cache
def _region_codes(country: str) -> dict[str, str]:
    """The names of a country's regions, folded → code."""
    known = holidays.country_holidays(country)
    names = {code: code for code in known.subdivisions} | dict(getattr(known, "subdivisions_aliases", {}))
    return {name.casefold(): code for name, code in names.items()}


def holiday_there(country: str, region: str, day: date) -> str:
    """The name of the public holiday on a day in a country, or "". The region may be a code or a name; with an unknown
    region only nationwide holidays count.
    """
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
    """The firm's working days: the weekly pattern, public holidays, and the firm's own exceptions."""

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
        """The name of the public holiday on a day, or ""."""
        return _public_holidays(self.country, self.region, day.year).get(day, "")

    def is_public(self, day: date) -> bool:
        """Whether a public holiday falls on one of the firm's weekdays of work."""
        return day.weekday() in self.weekdays and bool(self.holiday_name(day))

    def closed_for(self, day: date) -> str:
        """The name of the holiday for which the firm is closed on a weekday, or ""."""
        if day in self.own:
            return "" if self.own[day] else self.own_names.get(day) or str(day)
        return self.holiday_name(day)

    def is_working(self, day: date) -> bool:
        if day in self.own:
            return self.own[day]
        return day.weekday() in self.weekdays and not self.holiday_name(day)

    def on_or_after(self, day: date) -> date:
        """The day itself if it is a working day, else the next one (within ten years)."""
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


def next_working_day(firm: FirmSettings, now: datetime) -> date:
    """The first day after today, in the current time zone, on which the firm works."""
    return WorkingCalendar.of(firm).on_or_after(timezone.localdate(now) + timedelta(days=1))
