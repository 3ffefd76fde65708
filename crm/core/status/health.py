"""Health checks, for /readyz, /metrics and `manage.py doctor`."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from celery import current_app
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from kombu.exceptions import KombuError

from crm.core.files import scanning
from crm.core.mail.choices import MailState
from crm.core.mail.delivery import health as delivery
from crm.core.mail.models import OutboxMail
from crm.core.status import checks
from crm.core.work.models import Heartbeat

OUTBOX_MAY_WAIT = 300  # seconds a mail may be overdue before it is reported
NO_SPACE, LITTLE_SPACE = 60 * 2**20, 1024 * 2**20  # bytes free on the disk of the data folder
# A committed write, at most once in five seconds; checks in between rely on it.
WRITE = """
    INSERT INTO core_heartbeat (name, finished_at, did, note) VALUES ('write', statement_timestamp(), 0, '')
    ON CONFLICT (name) DO UPDATE SET finished_at = excluded.finished_at
    WHERE core_heartbeat.finished_at < statement_timestamp() - interval '5 seconds'
"""
NOT_WORK = ("setup-code", "installation", "write")  # heartbeat rows that are not periodic work


@dataclass(frozen=True)
class Finding:
    """`is_vital`: the web itself needs it, and /readyz answers 503; the others are for people and alerts, because
    stopping the web would not fix them.
    """

    name: str
    is_good: bool
    text: str
    is_vital: bool = True


def look(now: datetime) -> list[Finding]:
    """What the web needs (database, migrations, write, space), then broker, outbox and background work. The later ones
    are skipped if the database is away or not migrated.
    """
    database = _try("database", _database)
    space, broker = _try("space", _space, is_vital=settings.OWN_DATABASE), _try("broker", _broker, is_vital=False)
    if not database.is_good:
        return [database, space, broker]
    migrations = _try("migrations", _migrations)
    if not migrations.is_good:
        return [database, migrations, space, broker]
    found = [database, migrations, _try("write", _write), space, broker, *_scanner(), *_dangers()]
    return [*found, _try("outbox", lambda: _outbox(now), is_vital=False), *_sending(now)]


def _scanner() -> list[Finding]:
    """Without it no document can be uploaded."""
    if not scanning.is_on():
        return []
    is_there = scanning.is_there()
    text = _("ok") if is_there else _("does not answer; no document can be uploaded")
    return [Finding("virus scanner", is_there, text, is_vital=False)]


def _dangers() -> list[Finding]:
    try:
        role = [*checks.role_dangers()]
    except Error:  # the other findings say what is wrong with the database
        role = []
    return [Finding("settings", False, text, is_vital=False) for text in (*checks.dangers(), *role)]


def is_ready(findings: list[Finding]) -> bool:
    return all(finding.is_good for finding in findings if finding.is_vital)


def _sending(now: datetime) -> list[Finding]:
    try:
        health = delivery.look(now)
    except Error as error:
        return [Finding("sending", False, type(error).__name__, is_vital=False)]
    found = [
        ("tick", not health.is_silent(now), _ago(health.last_tick, now)),
        ("mail server", not health.is_relay_away, health.relay_note or _("not known to be away")),
        ("hold", not health.hold, health.hold or _("email can be sent")),
        ("questions", not health.questions, _("%(n)d planners ask first") % {"n": health.questions}),
        ("jobs", not health.late_jobs, _("%(n)d wait for more than five minutes") % {"n": health.late_jobs}),
        ("needs a decision", not health.uncertain, _mails(health.uncertain)),
        ("failed in 24 hours", not health.dead, _mails(health.dead)),
    ]
    found += [("background work", False, delivery.trouble_words(*trouble)) for trouble in health.troubles.items()]
    return [Finding(name, is_good, text, is_vital=False) for name, is_good, text in found]


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return _("has never run: start worker and beat, or drain --loop")
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 120:
        return _("last ran %(n)d seconds ago") % {"n": seconds}
    return _("last ran %(n)d minutes ago") % {"n": seconds // 60}


def _mails(number: int) -> str:
    return ngettext("%(n)d email", "%(n)d emails", number) % {"n": number}


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
    """Seconds since each periodic job last finished."""
    rows = Heartbeat.objects.exclude(name__in=NOT_WORK)
    return {row.name: (now - row.finished_at).total_seconds() for row in rows}


def _try(name: str, ask: Callable[[], str], *, is_vital: bool = True) -> Finding:
    try:
        text = ask()
    except (Error, KombuError, OSError) as error:
        return Finding(name, False, f"{type(error).__name__}", is_vital)
    return Finding(name, not text, text or "ok", is_vital)


def free_space() -> int:
    """Bytes free on the disk of the data folder."""
    return shutil.disk_usage(settings.DATA_DIR).free


def _space() -> str:
    free = free_space()
    return _("only %(n)d MB are left on the disk of the data folder") % {"n": free // 2**20} if free < NO_SPACE else ""


def _write() -> str:
    with connection.cursor() as cursor:
        cursor.execute(WRITE)
    return ""


def banners(principal, now: datetime) -> list[dict[str, str]]:
    """For admins: a warning before the disk is full."""
    if not principal.is_admin or (free := free_space()) >= LITTLE_SPACE:
        return []
    text = _("Only %(n)d MB are left on the disk of %(folder)s. Free some before nothing can be saved.")
    text %= {"n": free // 2**20, "folder": settings.DATA_DIR}
    return [{"tone": "red", "text": text, "url": "", "link_text": ""}]


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
    return _("an email has been due for %(minutes)d minutes") % {"minutes": age // 60} if age > OUTBOX_MAY_WAIT else ""
