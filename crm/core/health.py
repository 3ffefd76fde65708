"""Is everything there that work needs? Asked by /readyz, /metrics and `manage.py doctor`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from celery import current_app
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from kombu.exceptions import KombuError

from crm.core.choices import MailState
from crm.core.models import Heartbeat, OutboxMail

OUTBOX_MAY_WAIT = 300  # seconds a mail may be due before something is wrong


@dataclass(frozen=True)
class Finding:
    name: str
    is_good: bool
    text: str


def look(now: datetime) -> list[Finding]:
    """One finding each for database, migrations, broker and outbox; later ones are left out when the database is away."""
    database = _try("database", _database)
    if not database.is_good:
        return [database, _try("broker", _broker)]
    return [database, _try("migrations", _migrations), _try("broker", _broker), _try("outbox", lambda: _outbox(now))]


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
    return {row.name: (now - row.finished_at).total_seconds() for row in Heartbeat.objects.exclude(name="setup-code")}


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
