"""“Friday noon where the client is”, over every zone there is and every Friday of 2024 to 2030, against a reader of zone
files of our own (`tools.testing.tzif`), which shares no code with `zoneinfo`."""

import calendar
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import pytest

from crm.core.base.dates import iso_week, local_to_utc
from interactions.progress.models import ProgressSchedule
from interactions.progress.times import times_of
from tools.testing import tzif

FIRST, LAST = date(2024, 1, 1), date(2030, 12, 31)
FRIDAYS = [
    FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1) if (FIRST + timedelta(days=n)).weekday() == 4
]
# clocks change at midnight (Cairo, on Fridays), at one, two and three; 23:30 is the day before where midnight is skipped back
HOURS = [time(0, 0), time(0, 30), time(1, 30), time(2, 30), time(3, 0), time(12, 0), time(23, 30)]
ZONES = sorted(zoneinfo.available_timezones())


@cache
def reading(data: bytes) -> tzif.Zone:
    return tzif.Zone(data)


@cache
def fridays_by_file(data: bytes) -> list[datetime]:
    """What the oracle says for every Friday and hour; names that share a file share the answer."""
    zone = reading(data)
    return [zone_moment(zone, datetime.combine(day, at)) for day in FRIDAYS for at in HOURS]


def zone_moment(zone: tzif.Zone, wall: datetime) -> datetime:
    return datetime.fromtimestamp(zone.moment_of(calendar.timegm(wall.timetuple())), UTC)


def test_every_friday_of_every_zone():
    assert len(ZONES) > 400 and len(FRIDAYS) == 365
    wrong = []
    for name in ZONES:
        found = [local_to_utc(day, at, name) for day in FRIDAYS for at in HOURS]
        if found != (expected := fridays_by_file(tzif.file_of(name))):
            place = next(n for n, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1])
            day, at = FRIDAYS[place // len(HOURS)], HOURS[place % len(HOURS)]
            wrong.append(f"{name} {day} {at}: {found[place]}, expected {expected[place]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("at", [time(12, 0), time(0, 30)])
def test_the_moments_of_every_progress_email(at):
    """Deadline by the oracle; leaving and drafting counted back from it, so that they never depend on the hour of the wall."""
    place = HOURS.index(at)
    for name in ZONES:
        schedule = ProgressSchedule(weekday=4, deadline_time=at, time_zone=name, lead_minutes=180)
        expected = fridays_by_file(tzif.file_of(name))[place :: len(HOURS)]
        for day, deadline in zip(FRIDAYS, expected, strict=True):
            times = times_of(schedule, iso_week(day))
            assert times.deadline_at == deadline, (name, day)
            assert times.send_at == deadline - timedelta(hours=3), (name, day)


def test_every_change_of_every_clock():
    """Around each change of 2024 to 2030: just before, at, within and just after the hour that is missing or comes twice."""
    start, end = (calendar.timegm(day.timetuple()) for day in (FIRST, LAST))
    tried = {"gap": 0, "overlap": 0}
    for name in ZONES:
        zone = reading(tzif.file_of(name))
        for moment, before, after in zone.changes(start, end):
            tried["gap" if after > before else "overlap"] += 1
            low, high = sorted((moment + before, moment + after))
            for wall in (low - 1, low, (low + high) // 2, high - 1, high, high + 1):
                local = datetime.fromtimestamp(wall, UTC).replace(tzinfo=None)
                found = local_to_utc(local.date(), local.time(), name)
                assert found == zone_moment(zone, local), (name, local)
                if after > before and low <= wall < high:  # said in so many words: forward by what was left out
                    assert found == datetime.fromtimestamp(wall - before, UTC), (name, local)
    assert min(tried.values()) > 1000, tried
