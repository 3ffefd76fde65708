"""When the mail server cannot be reached, all sending pauses. This does not use up the tries of any mail.

The state is the heartbeat row "mail:relay": `did` is the number of failed probes, `finished_at` the time of the last
one, `note` the error. One deliverer at a time probes again, after 15 s, then 30 s, then every minute. Only probes
count: several deliverers that lose their connections at once are one failure.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from crm.core.work.models import Heartbeat

NAME = "mail:relay"
PROBE = """
    UPDATE core_heartbeat SET finished_at = statement_timestamp(), did = did + 1
    WHERE name = %s AND did > 0
      AND finished_at <= statement_timestamp() - make_interval(secs => LEAST(15 * power(2, LEAST(did, 10) - 1), 60))
"""
TRIP = """
    INSERT INTO core_heartbeat (name, finished_at, did, note) VALUES (%s, statement_timestamp(), 1, %s)
    ON CONFLICT (name) DO UPDATE SET finished_at = excluded.finished_at, did = GREATEST(core_heartbeat.did, 1), note = excluded.note
"""


@dataclass(frozen=True)
class Breaker:
    is_open: bool
    since: datetime | None = None
    note: str = ""


def look() -> Breaker:
    row = Heartbeat.objects.filter(name=NAME).first()
    return Breaker(True, row.finished_at, row.note) if row and row.did else Breaker(False)


def lets_through() -> bool:
    """Whether the breaker is closed, or this is the probe that is due."""
    if not Heartbeat.objects.filter(name=NAME, did__gt=0).exists():
        return True
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PROBE, [NAME])
        return cursor.rowcount == 1


def trip(reason: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TRIP, [NAME, reason[:300]])


def close() -> None:
    Heartbeat.objects.filter(name=NAME, did__gt=0).update(did=0, note="")
