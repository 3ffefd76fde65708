"""The tick: apps register, in their `hooks.py`, what is to be looked at every minute.

Beat only rings. An advisory lock lets one tick run at a time, whatever the number of beats; a part that fails is logged
and does not stop the others. What a part says in `Heartbeat.note` is shown to admins: that it failed, or that it ran and did
nothing although something it should have done has waited for too long.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

log = logging.getLogger(__name__)
LOCK = 7_201_640_223
BEAT = """
    INSERT INTO core_heartbeat (name, finished_at, did, note) VALUES (%(name)s, %(now)s, %(did)s, %(note)s)
    ON CONFLICT (name) DO UPDATE SET finished_at = excluded.finished_at, did = excluded.did, note = excluded.note
"""
IDLE = timedelta(minutes=10)


@dataclass(frozen=True)
class Watch:
    """What admins read about a part: its name in plain words, and when the oldest thing that it has to do became due."""

    label: Any
    oldest: Callable[[datetime], datetime | None] | None = None


_watches: dict[str, Watch] = {}
_parts: dict[str, Callable[[datetime], int]] = {}


def register(name: str, part: Callable[[datetime], int]) -> None:
    """`part(now)` does what is due and gives how many things it did; it must be safe to run twice."""
    _parts[name] = part


def watch(name: str, label: Any, oldest: Callable[[datetime], datetime | None] | None = None) -> None:
    """Name a part in plain words. `oldest(now)`, one indexed query, tells since when something waits for it."""
    _watches[name] = Watch(label, oldest)


def label_of(name: str) -> str:
    return str(_watches[name].label) if name in _watches else name


def run(now: datetime | None = None) -> dict[str, int]:
    """Run every part once. {} when another tick is running."""
    now = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return {}
        try:
            did = {name: _run_part(name, part, now) for name, part in _parts.items()}
            beat("tick", now, sum(did.values()))
            return did
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _run_part(name: str, part: Callable[[datetime], int], now: datetime) -> int:
    did, note = 0, ""
    try:
        with transaction.atomic():
            did = part(now)
            note = "" if did else _idle(name, now)
    except Exception as error:  # one broken part must not stop the mails of all others; it is logged and shown
        log.exception("tick part %s failed", name)
        note = f"{type(error).__name__}: {error}"[:300]
    beat(f"tick:{name}", now, did, note)
    return did


def _idle(name: str, now: datetime) -> str:
    """That a part ran, did nothing, and should have; "" when nothing has waited for long."""
    oldest = _watches[name].oldest if name in _watches else None
    since = oldest(now) if oldest else None
    if since is None or now - since <= IDLE:
        return ""
    minutes = int((now - since).total_seconds() // 60)
    return _("ran and did nothing, though something has waited for %(minutes)d minutes") % {"minutes": minutes}


def beat(name: str, now: datetime, did: int = 0, note: str = "") -> None:
    """Record that a recurring piece of work finished."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, {"name": name, "now": now, "did": did, "note": note})
