"""When a progress email is due: a local weekday and hour, in the client's zone, once per local ISO week."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from crm.core.base.dates import iso_week, local_date, local_to_utc, week_day
from crm.core.base.zones import zone
from crm.core.ui.days import weekday_and_day
from crm.core.ui.formatting import written
from interactions.progress.days import Chosen, Days
from interactions.progress.models import ProgressSchedule

HORIZON = timedelta(hours=36)
EXPIRES_AFTER = timedelta(hours=6)
DRAFT_BEFORE = timedelta(hours=24)
WARN_BEFORE = timedelta(hours=1)
FIRST_COVERS = timedelta(days=7)
COVERS_AT_MOST = timedelta(days=28)


@dataclass(frozen=True)
class Times:
    week: str
    draft_at: datetime
    send_at: datetime
    deadline_at: datetime
    expires_at: datetime
    moved: str = ""
    skipped: str = ""


def times_of(schedule: ProgressSchedule, week: str, days: Days | None = None) -> Times:
    """All moments of one week, in UTC. A deadline skipped by a clock change moves forward; of a doubled one, the first counts.

    With `days`, holidays count: `moved` says why the day is not the usual one, `skipped` why there is no email."""
    chosen = days.choose(schedule, week) if days else Chosen(week_day(week, schedule.weekday))
    deadline = local_to_utc(chosen.day, schedule.deadline_time, schedule.time_zone)
    send = deadline - timedelta(minutes=schedule.lead_minutes)
    return Times(week, send - DRAFT_BEFORE, send, deadline, deadline + EXPIRES_AFTER, chosen.moved, chosen.skipped)


def next_week_of(week: str) -> str:
    return iso_week(week_day(week, 0) + timedelta(days=7))


def first_open_week(schedule: ProgressSchedule, now: datetime, days: Days | None = None) -> str:
    """The local week of `now`, or the one after it when this week's deadline has passed."""
    week = iso_week(local_date(now, schedule.time_zone))
    return week if times_of(schedule, week, days).deadline_at > now else next_week_of(week)


def candidate_days(now: datetime) -> list[date]:
    """The dates whose deadline may have to be planned at `now`, in any zone."""
    first = (now - EXPIRES_AFTER - timedelta(days=1)).date()
    last = (now + HORIZON + timedelta(days=2)).date()  # a day for the zone, a day for the longest lead
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def next_days(schedule: ProgressSchedule, now: datetime, many: int = 4) -> list[dict[str, Any]]:
    """The next weeks: {"there": the deadline in the client's zone, in words, "moved", "skipped"}."""
    if not schedule.is_active:
        return []
    days, week, found = Days(), first_open_week(schedule, now), []
    for _step in range(many):
        times = times_of(schedule, week, days)
        there, today = (moment.astimezone(zone(schedule.time_zone)) for moment in (times.deadline_at, now))
        found.append(
            {
                "there": f"{weekday_and_day(there, today)}, {written(there, 'H:i')}",
                "moved": times.moved,
                "skipped": times.skipped,
            }
        )
        week = next_week_of(week)
    return found
