"""Moves of a row while it is being sent. Each is one conditional statement by Postgres' clock, committed at once.

Only the holder of the live lease token moves a row on; a sender that was paused past its lease finds its token dead.
"""

import logging
import random
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from crm.core.choices import MailState
from crm.core.models import DeliveryAttempt, OutboxMail

log = logging.getLogger(__name__)
T = TypeVar("T")
AFTER_FINAL_SECONDS = 30  # how much longer than the server's last answer may take a mail is held after the fence
BACK_OFF = (30, 120, 600, 1800, 3600, 7200, 14400)  # seconds, ± 20 %
TRIES = len(BACK_OFF) + 1
PERSIST_SECONDS = 900

CLAIM = """
    WITH due AS (
        SELECT id FROM core_outboxmail
        WHERE state = 'pending' AND next_attempt_at <= statement_timestamp()
          AND (expires_at IS NULL OR expires_at > statement_timestamp())
        ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE core_outboxmail AS m
    SET state = 'leased', lease_token = %(token)s, lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
        fenced_at = NULL, updated_at = statement_timestamp()
    FROM due WHERE m.id = due.id RETURNING m.id
"""
# A mail that a provider may or may not have: it is asked again under the same key while it remembers that.
RECLAIM = """
    WITH asked AS (
        SELECT id FROM core_outboxmail
        WHERE state = 'uncertain' AND provider_id = %(provider)s AND next_attempt_at <= statement_timestamp()
          AND fenced_at > statement_timestamp() - make_interval(secs => %(window)s)
        ORDER BY fenced_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE core_outboxmail AS m
    SET state = 'leased', lease_token = %(token)s, lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
        updated_at = statement_timestamp()
    FROM asked WHERE m.id = asked.id RETURNING m.id
"""
FENCE = """
    UPDATE core_outboxmail
    SET state = 'sending', fenced_at = COALESCE(fenced_at, statement_timestamp()), provider_id = %(provider)s,
        has_journal = %(journal)s, updated_at = statement_timestamp(),
        lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
    WHERE id = %(id)s AND state = 'leased' AND lease_token = %(token)s AND lease_until > statement_timestamp()
"""
# A mail that the sweep found uncertain is still settled by its sender when that learns the answer.
SETTLE = """
    UPDATE core_outboxmail
    SET state = %(state)s, reply = %(reply)s, provider_id = provider_id || %(provider_id)s, updated_at = statement_timestamp(), attempts = attempts + %(burnt)s,
        next_attempt_at = GREATEST(next_attempt_at, statement_timestamp() + make_interval(secs => %(delay)s)),
        sent_at = CASE WHEN %(state)s = 'sent' THEN statement_timestamp() ELSE sent_at END,
        lease_token = CASE WHEN %(state)s = 'uncertain' THEN lease_token ELSE NULL END, lease_until = NULL
    WHERE id = %(id)s AND lease_token = %(token)s
      AND (state IN ('leased', 'sending') OR (state = 'uncertain' AND %(state)s IN ('sent', 'dead')))
"""


def claim_next() -> OutboxMail | None:
    """Lease the mail that is due first. `durable`: no transaction may be open around the sending."""
    return _claim(CLAIM, {})


def reclaim_next(provider: str, window: timedelta) -> OutboxMail | None:
    """Lease a mail that the provider may have, to ask it once more; keeps the time of its first fence."""
    return _claim(RECLAIM, {"provider": provider, "window": window.total_seconds()})


def _claim(statement: str, values: dict[str, Any]) -> OutboxMail | None:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(statement, values | {"token": uuid.uuid4(), "lease": settings.MAIL_LEASE_SECONDS})
        row = cursor.fetchone()
    return OutboxMail.objects.get(pk=row[0]) if row else None


def fence(mail: OutboxMail, *, has_journal: bool = False, provider: str = "") -> bool:
    """Commit "from here on it may be out there". False: the lease ran out, do not send.

    `provider`: "name:" of the provider that gets it, so that no other is asked about it later.
    """
    lease = settings.MAIL_FINAL_SECONDS + AFTER_FINAL_SECONDS
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            FENCE,
            {"id": mail.pk, "token": mail.lease_token, "lease": lease, "journal": has_journal, "provider": provider},
        )
        return cursor.rowcount == 1


def settle(
    mail: OutboxMail, state: MailState, *, outcome: str, started_at: datetime, ended_at: datetime, reply: str, code: int | None = None,
    delay: float = 0, burnt: bool = True, provider_id: str = "",
) -> bool:  # fmt: skip
    """Write the result of an attempt with its history, in one transaction. False: the lease was not ours any more."""
    values = {
        "id": mail.pk,
        "token": mail.lease_token,
        "state": state.value,
        "reply": reply[:500],
        "delay": delay,
        "burnt": int(burnt),
        "provider_id": provider_id,
    }
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(SETTLE, values)
            held = cursor.rowcount == 1
        DeliveryAttempt.objects.create(
            mail=mail, token=mail.lease_token or uuid.uuid4(), started_at=started_at, ended_at=ended_at, code=code, reply=reply[:500],
            outcome=outcome if held else "lost_lease",
        )  # fmt: skip
    return held


def back_off(attempts_before: int) -> float | None:
    """Seconds until the next try after one more failed; None when that was the last."""
    if attempts_before + 1 >= TRIES:
        return None
    return BACK_OFF[attempts_before] * random.uniform(0.8, 1.2)


def surely(write: Callable[[], T], *, seconds: float = PERSIST_SECONDS) -> T:
    """Do the write, again and again while Postgres is away: what the server said must not be forgotten."""
    until, pause = time.monotonic() + seconds, 0.2
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > until:
                raise
            log.warning("the outcome of a mail could not be written yet (%s)", str(error).strip())
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
