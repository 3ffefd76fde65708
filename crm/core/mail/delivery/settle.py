"""Settles what a killed or stopped sender left behind, and mails that expired."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm.core.mail import kinds
from crm.core.mail.choices import MailState
from crm.core.mail.delivery import decisions
from crm.core.mail.models import DeliveryAttempt, OutboxMail
from crm.core.work import jobs

RESENT_WITHIN = timedelta(days=1)
ENDED = """
    WITH ended AS (
        SELECT id, lease_token, CASE WHEN state = 'sending' OR fenced_at IS NOT NULL THEN 'uncertain' ELSE 'pending' END AS then_state
        FROM core_outboxmail
        WHERE state IN ('leased', 'sending') AND lease_until < statement_timestamp()
        ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    UPDATE core_outboxmail AS m
    SET state = ended.then_state,
        lease_token = CASE ended.then_state WHEN 'pending' THEN NULL ELSE m.lease_token END, lease_until = NULL,
        reply = CASE ended.then_state WHEN 'pending' THEN m.reply ELSE %(reply)s END, updated_at = statement_timestamp()
    FROM ended WHERE m.id = ended.id RETURNING m.id, ended.lease_token, m.state
"""
EXPIRED = """
    WITH over_time AS (
        SELECT id FROM core_outboxmail WHERE state IN ('pending', 'planned', 'held') AND expires_at < statement_timestamp()
        LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    UPDATE core_outboxmail AS m SET state = 'expired', updated_at = statement_timestamp() FROM over_time WHERE m.id = over_time.id
"""


def tick(now: datetime) -> int:
    """Periodic: sweep, and wake a deliverer for what is due, in case a wake-up was lost. Returns the number of rows moved."""
    moved = sweep(now)
    if OutboxMail.objects.due(now).exists():
        jobs.enqueue("crm.core.tasks.deliver")
    return moved


@transaction.atomic
def sweep(now: datetime) -> int:
    """Leases that ended before the fence are freed, those after it become undecided, overdue mails expire. Returns the rows moved."""
    with connection.cursor() as cursor:
        cursor.execute(ENDED, {"reply": _("Sending stopped midway. Delivery is unconfirmed.")})
        ended = cursor.fetchall()
        cursor.execute(EXPIRED)
        expired = cursor.rowcount
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            mail_id=pk,
            token=token,
            started_at=now,
            ended_at=now,
            outcome="uncertain" if state == MailState.UNCERTAIN else "lost_lease",
        )
        for pk, token, state in ended
    )
    return len(ended) + expired


def resend(now: datetime) -> int:
    """Send due undecided account mails again, including those whose sender died. Call it after checking the journal.
    Returns how many.
    """
    return sum(decisions.apply_policy(pk) is not None for pk in _to_be_resent(now))


def _to_be_resent(now: datetime) -> list[int]:
    """Undecided mails of kinds that are resent automatically, including one whose sender died before it wrote the new
    row.
    """
    undecided = OutboxMail.objects.filter(state=MailState.UNCERTAIN, kind__in=kinds.resent())
    return list(undecided.filter(updated_at__gt=now - RESENT_WITHIN).order_by("pk").values_list("pk", flat=True)[:1000])
