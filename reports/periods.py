"""Periods of the reports: half-open `[start, end)` of dates in the firm's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from crm.core.base.dates import add_months, local_to_utc

YEAR = 12


@dataclass(frozen=True)
class Period:
    start: date
    end: date

    def __post_init__(self):
        if self.start >= self.end:
            raise ValueError("A period ends after it starts.")

    @classmethod
    def year_to(cls, end: date) -> "Period":
        """The twelve months before `end`."""
        return cls(add_months(end, -YEAR), end)

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def months(self) -> int:
        """Its length in whole months; 0 if it is not a whole number of months."""
        count = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month
        return count if count > 0 and add_months(self.end, -count) == self.start else 0

    @property
    def is_cut(self) -> bool:
        """Whether it ends within a month, as a period to today does."""
        return self.end.day != 1

    def preceding(self) -> "Period":
        """The period of equal length before this one: in months if it is whole months long (a leap day does not shift
        it), else in days.
        """
        if self.months:
            return Period(add_months(self.start, -self.months), self.start)
        return Period(self.start - (self.end - self.start), self.start)

    def year_before(self) -> "Period":
        return Period(add_months(self.start, -YEAR), add_months(self.end, -YEAR))

    def month_ends(self) -> list[date]:
        """The ends of calendar months in it, each as the first day of the next month; its own end if it contains
        none.
        """
        first = self.start.replace(day=1)
        ends = []
        while (first := add_months(first, 1)) <= self.end:
            ends.append(first)
        return ends or [self.end]

    def moments(self, zone_name: str) -> tuple[datetime, datetime]:
        """Its bounds in UTC: midnight in the firm's zone."""
        return local_to_utc(self.start, time(0), zone_name), local_to_utc(self.end, time(0), zone_name)


def month_end(month: date, today: date) -> date:
    """The exclusive end of a calendar month: the first of the next, or tomorrow while the month is not over."""
    return min(add_months(month.replace(day=1), 1), today + timedelta(days=1))


def rolling_years(end: date, count: int) -> list[Period]:
    """`count` periods of twelve months, oldest first: to the ends of the months before `end`, the last one to `end`."""
    ends = [end]
    last = (end - timedelta(days=1)).replace(day=1)
    ends += [add_months(last, -back) for back in range(count - 1)]
    return [Period.year_to(moment) for moment in reversed(ends)]


def single_months(end: date, count: int) -> list[Period]:
    """`count` calendar months, oldest first; the last one is cut off at `end`."""
    last = (end - timedelta(days=1)).replace(day=1)
    starts = [add_months(last, -back) for back in reversed(range(count))]
    return [Period(start, min(add_months(start, 1), end)) for start in starts]
