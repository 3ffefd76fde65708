"""The identity of an installation: a copy of the database must not write to the firm's clients.

The database and the data folder know each other: an id stands in both (`Installation`, and `installation.json`). A dump that
is restored elsewhere, a copy of production on a laptop, has another folder and is in mail hold. The folder also notes how far
the outbox had counted: a database that counts less went back in time (an old backup) and may hold mails that were sent since.
"""

import contextlib
import json
import os
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.mail.choices import MailState
from crm.core.mail.models import Installation, OutboxMail
from crm.core.work import jobs

# What is noted in the folder is the last committed mail: the sequence itself may go back a little when Postgres is killed.
COMMITTED = "SELECT COALESCE(max(id), 0) FROM core_outboxmail"
COUNTED = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM core_outboxmail_id_seq"

UNREADABLE: dict = {"uid": None}


@dataclass(frozen=True)
class Hold:
    """`why` is "" when mail may leave."""

    why: str = ""
    is_older: bool = False

    @property
    def is_on(self) -> bool:
        return bool(self.why)


def look() -> Hold:
    """The hold on this database's mail: it may send only from the folder it belongs to."""
    row = Installation.objects.filter(pk=1).first()
    return check(str(row.uid) if row else "", _counted())


def register() -> Hold:
    """As `look`, but registers a database without an id and the folder with each other first. Called by the deliverer."""
    if not Installation.objects.filter(pk=1).exists():
        noted = _read()
        if noted is UNREADABLE:
            return look()  # it may name another database: nothing is overwritten before an admin has said so
        uid = noted.get("uid") or _begin()
        with transaction.atomic():
            Installation.objects.get_or_create(pk=1, defaults={"uid": uuid.UUID(uid)})
    return look()


def _begin() -> str:
    """Give a folder its id: of two processes at once, one makes it. Written to disk before the database has it."""
    path = Path(settings.INSTALLATION_FILE)
    draft = _drafted(uid=str(uuid.uuid4()), counted=0)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return _read()["uid"]


def check(uid: str, counted: int) -> Hold:
    """Compare the folder's note with the id and mail count of a database. `uid` is "" for a database without one."""
    noted = _read()
    if noted is UNREADABLE:
        return Hold(_("What stands in the data folder about this installation cannot be read (installation.json)."))
    if not uid:
        return Hold()
    if noted.get("uid") != uid:
        return Hold(_("This database belongs to another installation: it was copied or restored here."))
    if noted.get("counted", 0) > counted:
        return Hold(
            _("This database is older than the mail that left from here: a backup was restored."), is_older=True
        )
    return Hold()


def note_sent() -> None:
    """Note the outbox's count in the folder. Called after mail was sent."""
    noted, counted = _read(), _counted(COMMITTED)
    if noted.get("uid") and counted > noted.get("counted", 0):
        _write(uid=noted["uid"], counted=counted)


def waiting() -> dict[str, int]:
    """What would be sent at once when the hold is lifted: {"due", "late"}; late ones are past their deadline."""
    due = OutboxMail.objects.due(timezone.now())
    return {"due": due.count(), "late": due.filter(deadline_at__lt=timezone.now()).count()}


@service(may=may_administer)
def claim(principal: Principal, *, cancel_waiting: bool, now: datetime) -> int:
    """Claim to be the real installation: a new id in both places, so that a copy is not mistaken for it.

    `cancel_waiting` cancels what is already due. Returns how many were cancelled.
    """
    cancelled = 0
    if cancel_waiting:
        reply = _("Cancelled by %(name)s when the hold was lifted") % {"name": principal.user.name}
        cancelled = OutboxMail.objects.due(now).update(state=MailState.CANCELLED, reply=reply[:500], updated_at=now)
    row, _made = Installation.objects.update_or_create(pk=1, defaults={"uid": uuid.uuid4(), "since": now})
    _write(uid=str(row.uid), counted=_counted(COMMITTED))
    jobs.enqueue("crm.core.tasks.deliver")
    return cancelled


def _counted(statement: str = COUNTED) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def _read() -> dict:
    """{} without a file, UNREADABLE for a broken one: then mail is held, and pages still work."""
    try:
        noted = json.loads(Path(settings.INSTALLATION_FILE).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return UNREADABLE
    if not isinstance(noted, dict) or not isinstance(noted.get("counted", 0), int):
        return UNREADABLE
    try:
        uuid.UUID(noted.get("uid"))
    except (ValueError, TypeError, AttributeError):
        return UNREADABLE
    return noted


def _write(*, uid: str, counted: int) -> None:
    """In one piece, so that a reader never sees half of it."""
    _drafted(uid=uid, counted=counted).replace(settings.INSTALLATION_FILE)


def _drafted(**noted) -> Path:
    path = Path(settings.INSTALLATION_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    draft.write_text(json.dumps(noted))
    return draft
