"""Health checks, for /readyz, /metrics and `manage.py doctor`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from celery import current_app
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from kombu.exceptions import KombuError

from crm.core.mail.choices import MailState
from crm.core.mail.delivery import health as delivery
from crm.core.mail.models import OutboxMail
from crm.core.work.models import Heartbeat

OUTBOX_MAY_WAIT = 300  # seconds a mail may be due before something is wrong


@dataclass(frozen=True)
class Finding:
    """`is_vital`: without it no work can be done, and /readyz answers 503; the others are for people and alerts."""

    name: str
    is_good: bool
    text: str
    is_vital: bool = True


def look(now: datetime) -> list[Finding]:
    """One finding each for database, migrations, broker and outbox, then how the sending is doing; later ones are left out
    when the database is away or not migrated."""
    database = _try("database", _database)
    if not database.is_good:
        return [database, _try("broker", _broker)]
    found = [database, _try("migrations", _migrations), _try("broker", _broker)]
    if not found[1].is_good:
        return found
    return [*found, _try("outbox", lambda: _outbox(now)), *_sending(now)]


def _sending(now: datetime) -> list[Finding]:
    try:
        health = delivery.look(now)
    except Error as error:
        return [Finding("sending", False, type(error).__name__, is_vital=False)]
    found = [
        ("tick", not health.is_silent(now), _ago(health.last_tick, now)),
        ("mail server", not health.is_relay_away, health.relay_note or _("not known to be away")),
        ("needs a decision", not health.uncertain, _mails(health.uncertain)),
        ("failed in 24 hours", not health.dead, _mails(health.dead)),
    ]
    found += [("background work", False, delivery.trouble_words(*trouble)) for trouble in health.troubles.items()]
    return [Finding(name, is_good, text, is_vital=False) for name, is_good, text in found]


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return _("has never run: worker and beat, or drain --loop, do it")
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 120:
        return _("last ran %(n)d seconds ago") % {"n": seconds}
    return _("last ran %(n)d minutes ago") % {"n": seconds // 60}


def _mails(number: int) -> str:
    return ngettext("%(n)d mail", "%(n)d mails", number) % {"n": number}


def outbox_age(now: datetime) -> float:
    """Seconds the oldest mail has been due, 0 when none is."""
    oldest = (
        OutboxMail.objects.filter(state=MailState.PENDING, next_attempt_at__lte=now)
        .order_by("next_attempt_at")
        .values_list("next_attempt_at")
        .first()
    )
    return (now - oldest[0]).total_seconds() if oldest else 0.0


def heartbeat_ages(now: datetime) -> dict[str, float]:
    """Seconds since each recurring piece of work last finished."""
    rows = Heartbeat.objects.exclude(name__in=["setup-code", "installation"])
    return {row.name: (now - row.finished_at).total_seconds() for row in rows}


def _try(name: str, ask: Callable[[], str]) -> Finding:
    try:
        text = ask()
    except (Error, KombuError, OSError) as error:
        return Finding(name, False, f"{type(error).__name__}")
    return Finding(name, not text, text or "ok")


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _("%(n)d migrations are not applied") % {"n": len(plan)} if plan else ""


def _broker() -> str:
    with current_app.connection_for_write(connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=0, timeout=2)
    return ""


def _outbox(now: datetime) -> str:
    age = outbox_age(now)
    return _("a mail has been due for %(minutes)d minutes") % {"minutes": age // 60} if age > OUTBOX_MAY_WAIT else ""
