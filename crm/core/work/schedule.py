"""Periodic work: apps register their jobs in `hooks.py`; the tick runs them every minute.

Beat only sends wake-ups. An advisory lock lets one tick run at a time, whatever the number of beats. A job that fails
is logged and does not stop the others. Admins see `Heartbeat.note`: the job failed, or did nothing although something
has waited too long.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.registry import Registry
from crm.core.firm.queries import firm_today
from crm.core.work.models import Heartbeat

log = logging.getLogger(__name__)
LOCK = 7_201_640_223
BEAT = """
    INSERT INTO core_heartbeat (name, finished_at, did, note) VALUES (%(name)s, %(now)s, %(did)s, %(note)s)
    ON CONFLICT (name) DO UPDATE SET finished_at = excluded.finished_at, did = excluded.did, note = excluded.note
"""
IDLE = timedelta(minutes=10)


@dataclass(frozen=True)
class Job:
    """A periodic job.

    `run(now)` does what is due and returns the number of things done; it must be safe to run twice. `label` names it
    for admins. `oldest(now)`, one indexed query, is the time of the oldest waiting item. `daily` names a heartbeat: the
    job runs once per day of the firm, at the first tick, and `run(today, last)` gets the day of its last run, or None.
    The key is stored with its heartbeat and never changes.
    """

    key: str
    run: Callable[..., int]
    label: Any = ""
    oldest: Callable[[datetime], datetime | None] | None = None
    daily: str = ""

    def do(self, now: datetime) -> int:
        if not self.daily:
            return self.run(now)
        today, last = firm_today(now), last_day(self.daily)
        if last == today:
            return 0
        did = self.run(today, last)
        beat(self.daily, now, did, today.isoformat())
        return did


periodic: Registry[Job] = Registry("periodic job")


def label_of(key: str) -> str:
    job = periodic.get(key)
    return str(job.label) if job and job.label else key


def last_day(name: str) -> date | None:
    """The firm's day for which a daily job last ran."""
    note = Heartbeat.objects.filter(name=name).values_list("note", flat=True).first()
    return date.fromisoformat(note) if note else None


def do_again(name: str) -> None:
    """Run a daily job at the next tick, even if it already ran today. `name` is its heartbeat."""
    Heartbeat.objects.filter(name=name).update(note="")


def run(now: datetime | None = None) -> dict[str, int]:
    """Run every job once. {} if another tick is running."""
    now = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return {}
        try:
            did = {job.key: _run_job(job, now) for job in periodic}
            beat("tick", now, sum(did.values()))
            return did
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _run_job(job: Job, now: datetime) -> int:
    did, note = 0, ""
    try:
        with transaction.atomic():
            did = job.do(now)
            note = "" if did else _idle(job, now)
    except Exception as error:  # one broken job must not stop the others; it is logged and shown
        log.exception("tick part %s failed", job.key)
        note = f"{type(error).__name__}: {error}"[:300]
    beat(f"tick:{job.key}", now, did, note)
    return did


def _idle(job: Job, now: datetime) -> str:
    """The note for a job that did nothing although something waits; "" otherwise."""
    since = job.oldest(now) if job.oldest else None
    if since is None or now - since <= IDLE:
        return ""
    minutes = int((now - since).total_seconds() // 60)
    return _("ran but did nothing, though work has waited for %(minutes)d minutes") % {"minutes": minutes}


def beat(name: str, now: datetime, did: int = 0, note: str = "") -> None:
    """Record that a periodic job finished."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, {"name": name, "now": now, "did": did, "note": note})
