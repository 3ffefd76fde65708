"""Transitions of a row while it is being sent.

Each is one conditional statement on Postgres' clock, committed at once. Only the holder of the live lease token can
advance a row; a sender paused past its lease finds its token expired.
"""

import logging
import random
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from crm.core.mail.choices import MailState
from crm.core.mail.delivery.relay import SLOWEST_LINE
from crm.core.mail.models import OutboxMail

log = logging.getLogger(__name__)
T = TypeVar("T")
HAND_OVER_SECONDS = 30  # from the fence to the dot, for an empty mail
BACK_OFF = (30, 120, 600, 1800, 3600, 7200, 14400)  # seconds, ± 20 %
TRIES = len(BACK_OFF) + 1
PERSIST_SECONDS = 900

# Losing a lease when Postgres is killed does no harm, because the fence then finds its token expired. So it does not
# wait for the disk.
CLAIM = """
    WITH due AS (
        SELECT id FROM core_outboxmail
        WHERE state = 'pending' AND next_attempt_at <= statement_timestamp()
          AND (expires_at IS NULL OR expires_at > statement_timestamp())
        ORDER BY rank, next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE core_outboxmail AS m
    SET state = 'leased', lease_token = %(token)s, lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
        fenced_at = NULL, updated_at = statement_timestamp()
    FROM due WHERE m.id = due.id RETURNING m.*,
        EXISTS (SELECT FROM core_mailattachment WHERE mail_id = m.id) AS has_attachments,
        EXISTS (SELECT FROM core_suppression AS s WHERE lower(s.address) = lower(m.to_address)) AS is_stopped,
        set_config('synchronous_commit', 'off', true) AS is_synced
"""
# A mail that a provider may or may not have: send it again with the same key while the provider remembers it.
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
    FROM asked WHERE m.id = asked.id RETURNING m.*
"""
FENCE = """
    UPDATE core_outboxmail
    SET state = 'sending', fenced_at = COALESCE(fenced_at, statement_timestamp()), provider_id = %(provider)s,
        has_journal = %(journal)s, updated_at = statement_timestamp(),
        lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
    WHERE id = %(id)s AND state = 'leased' AND lease_token = %(token)s AND lease_until > statement_timestamp()
"""
# The row and the history of the attempt in one statement.
# A mail that the sweep marked uncertain can still be settled by its sender when the answer arrives.
SETTLE = """
    WITH settled AS (
        UPDATE core_outboxmail
        SET state = %(state)s, reply = %(reply)s, provider_id = provider_id || %(provider_id)s,
            updated_at = statement_timestamp(), attempts = attempts + %(burnt)s,
            next_attempt_at = GREATEST(next_attempt_at, statement_timestamp() + make_interval(secs => %(delay)s)),
            sent_at = CASE WHEN %(state)s = 'sent' THEN statement_timestamp() ELSE sent_at END,
            lease_token = CASE WHEN %(state)s = 'uncertain' THEN lease_token ELSE NULL END, lease_until = NULL
        WHERE id = %(id)s AND lease_token = %(token)s
          AND (state IN ('leased', 'sending') OR (state = 'uncertain' AND %(state)s IN ('sent', 'dead')))
        RETURNING id
    )
    INSERT INTO core_deliveryattempt (mail_id, token, started_at, ended_at, code, reply, outcome)
    VALUES (%(id)s, %(token)s, %(started_at)s, %(ended_at)s, %(code)s, %(reply)s,
            CASE WHEN EXISTS (SELECT FROM settled) THEN %(outcome)s ELSE 'lost_lease' END)
    RETURNING EXISTS (SELECT FROM settled)
"""


def require_no_transaction() -> None:
    """Writes here must be committed at once. An empty block that may not be nested costs no round trip."""
    with transaction.atomic(durable=True):
        pass


def claim_next() -> OutboxMail | None:
    """Lease the mail due first; mails that open an account go before all others."""
    return _claim(CLAIM, {})


def reclaim_next(provider: str, window: timedelta) -> OutboxMail | None:
    """Lease a mail that the provider may have, to send it once more; keeps the time of its first fence."""
    return _claim(RECLAIM, {"provider": provider, "window": window.total_seconds()})


def _claim(statement: str, values: dict[str, Any]) -> OutboxMail | None:
    require_no_transaction()
    values |= {"token": uuid.uuid4(), "lease": settings.MAIL_LEASE_SECONDS}
    return next(iter(OutboxMail.objects.raw(statement, values)), None)


class Hold:
    """How long a sender owns a mail after the fence: the time to hand it over and get the server's last answer.

    It starts before the fence is written, so a sender gives up before the sweep marks the mail uncertain: past
    `is_over` it must not send the dot. The wall clock counts too, because the monotonic clock stops while a machine is
    suspended.
    """

    def __init__(self, size: int = 0):
        self._allowed = HAND_OVER_SECONDS + size / SLOWEST_LINE
        self.seconds = self._allowed + settings.MAIL_FINAL_SECONDS
        self._since = time.monotonic(), time.time()

    def is_over(self) -> bool:
        return max(time.monotonic() - self._since[0], time.time() - self._since[1]) > self._allowed


def fence(mail: OutboxMail, *, seconds: float, has_journal: bool = False, provider: str = "") -> bool:
    """Commit that from here on the mail may have been sent.

    False: the lease ran out, do not send. `provider`: "name:" of the provider that gets it, so that no other provider
    is asked later.
    """
    require_no_transaction()
    values = {"id": mail.pk, "token": mail.lease_token, "lease": seconds, "journal": has_journal, "provider": provider}
    with connection.cursor() as cursor:
        cursor.execute(FENCE, values)
        return cursor.rowcount == 1


def settle(
    mail: OutboxMail,
    state: MailState,
    *,
    outcome: str,
    started_at: datetime,
    ended_at: datetime,
    reply: str,
    code: int | None = None,
    delay: float = 0,
    burnt: bool = True,
    provider_id: str = "",
) -> bool:
    """Write the result of an attempt with its history. False: the lease was lost."""
    require_no_transaction()
    values = {
        "id": mail.pk,
        "token": mail.lease_token,
        "state": state.value,
        "reply": reply[:500],
        "delay": delay,
        "burnt": int(burnt),
        "provider_id": provider_id,
        "outcome": outcome,
        "started_at": started_at,
        "ended_at": ended_at,
        "code": code,
    }
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, values)
        return cursor.fetchone()[0]


def back_off(attempts_before: int) -> float | None:
    """Seconds until the next try after one more failed; None when that was the last."""
    if attempts_before + 1 >= TRIES:
        return None
    return BACK_OFF[attempts_before] * random.uniform(0.8, 1.2)


def retry_until_written(write: Callable[[], T], *, seconds: float = PERSIST_SECONDS) -> T:
    """Repeat the write until the database is back: the server's answer must not be lost."""
    until, pause = time.monotonic() + seconds, 0.2
    while True:
        try:
            return write()
        except (DatabaseError, InterfaceError) as error:
            if not is_database_away(error) or connection.in_atomic_block or time.monotonic() > until:
                raise
            log.warning("the outcome of a mail could not be written yet (%s)", str(error).strip())
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 5.0)


def is_database_away(error: Exception) -> bool:
    """Whether the error means that the database is away. A server that dies mid-answer can raise other errors too."""
    return isinstance(error, (OperationalError, InterfaceError)) or not connection.is_usable()
