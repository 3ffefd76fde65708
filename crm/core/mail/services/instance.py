"""The identity of an installation: a copy of the database must not write to the firm's clients.

A database is bound to properties that a copy does not share (`Installation`, sealed by one row that is never written
again):

- its number in the server and the transaction that wrote the seal. A dump that is restored, here or elsewhere, has the rows but
  not that transaction; `CREATE DATABASE … TEMPLATE` has another number.
- where the data folder lies (machine, path, inode), when the database lies in it: a copied folder lies elsewhere.
- the address of BASE_URL otherwise, for a disk image of a server has all the rest. Hosts that share a database share the address.

The data folder also notes how far mails and attempts had counted (`installation.json`): a database that counts less
went back in time and may hold mails that have been sent since. A folder without a note says nothing, so a new container
or a second host sends on.
"""

import json
import os
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
from crm.core.work.models import Heartbeat

SEAL = "installation"  # the heartbeat row that seals it
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
# The folder notes the last committed rows: a sequence itself may go back a little if Postgres is killed.
COMMITTED = """
    SELECT (SELECT COALESCE(max(id), 0) FROM core_outboxmail), (SELECT COALESCE(max(id), 0) FROM core_deliveryattempt)
"""
STATE = """
    SELECT i.uid::text AS uid, i.database, i.place, i.base_url,
           (SELECT oid FROM pg_database WHERE datname = current_database()) || '.' || seal.xmin::text || '.' || seal.note AS seen,
           (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM core_outboxmail_id_seq) AS mails,
           (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM core_deliveryattempt_id_seq) AS attempts
    FROM (SELECT 1) AS one LEFT JOIN core_installation AS i ON i.id = 1 LEFT JOIN core_heartbeat AS seal ON seal.name = 'installation'
"""
RESTORED = "restored from an archive"  # never what a database is bound to
COUNTS = ("counted", "attempts")  # in the folder's note

UNREADABLE: dict = {"uid": None}


@dataclass(frozen=True)
class Hold:
    """`why` is "" when mail may leave."""

    why: str = ""
    is_older: bool = False

    @property
    def is_on(self) -> bool:
        return bool(self.why)


@dataclass(frozen=True)
class State:
    """What the database is bound to (`database`, `place`, `base_url`) and its present state (`seen`, the counts). "" if
    nothing was written yet.
    """

    uid: str
    database: str
    place: str
    base_url: str
    seen: str
    mails: int
    attempts: int

    @classmethod
    def of(cls, row: dict[str, Any]) -> "State":
        named: dict[str, Any] = {n: value or (0 if n in ("mails", "attempts") else "") for n, value in row.items()}
        return cls(**named)


def look() -> Hold:
    """The hold on this database's mail: it may send only from the place it is bound to."""
    return check(_state())


def register() -> Hold:
    """As `look`, but first binds a database that is not bound yet: a new one, or one from an earlier version in its
    known folder. Called by the deliverer.
    """
    state = _state()
    hold = check(state)
    if not state.database and not hold.is_on:
        _bind(uid=uuid.UUID(state.uid or _read().get("uid") or str(uuid.uuid4())))
        return look()
    return hold


def check(state: State) -> Hold:
    """Compare what the database is bound to with the present state."""
    noted = _read()
    if noted is UNREADABLE:
        return Hold(_("installation.json in the data folder is unreadable."))
    if not state.uid:
        return Hold()
    if noted.get("uid") == state.uid and _is_older(noted, state):
        return Hold(_("This database is older than the email sent from here: a backup was restored."), is_older=True)
    if not state.database:  # of an earlier version: it and its folder know each other by their id
        return Hold() if noted.get("uid") == state.uid else Hold(_restored())
    if state.database != state.seen or not state.seen.endswith(f".{state.uid}"):
        return Hold(_restored())
    return _elsewhere(state)


def _restored() -> str:
    return _("This database was copied, or restored from a backup.")


def _is_older(noted: dict, state: State) -> bool:
    return any(noted.get(name, 0) > seen for name, seen in zip(COUNTS, (state.mails, state.attempts), strict=True))


def _elsewhere(state: State) -> Hold:
    place, host = _place(), urlsplit(state.base_url).hostname
    if place:
        if place == state.place:
            return Hold()
        return Hold(
            _("This data folder was copied or moved: email was sent from %(place)s before.") % {"place": state.place}
        )
    if host and host != urlsplit(settings.BASE_URL).hostname:
        text = _("This database sent email for %(was)s, but BASE_URL is now %(now)s. It may be a copy.")
        return Hold(text % {"was": state.base_url, "now": settings.BASE_URL})
    return Hold()


def _place() -> str:
    """The location of the data folder if the database is in it, else "". A copy of the folder has another location."""
    if not settings.OWN_DATABASE:
        return ""
    folder = Path(os.path.realpath(settings.DATA_DIR))
    machine = next((text for path in MACHINE_IDS if (text := _text_of(path))), "")
    return f"{folder} (inode {folder.stat().st_ino}{', machine ' + machine[:12] if machine else ''})"


def _text_of(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""


@transaction.atomic
def _bind(*, uid: uuid.UUID, is_new: bool = False) -> None:
    """Bind the database to this place. If several processes do it at once, the first wins, unless `is_new`."""
    row, _made = Installation.objects.get_or_create(pk=1, defaults={"uid": uid})
    row = Installation.objects.select_for_update().get(pk=1)
    if row.database and not is_new:
        return
    row.uid = uid if is_new else row.uid
    Heartbeat.objects.filter(name=SEAL).delete()
    Heartbeat.objects.create(name=SEAL, finished_at=timezone.now(), note=str(row.uid))
    row.database, row.place = _state().seen, _place()
    row.base_url = "" if row.place or settings.IS_LOOPBACK else settings.BASE_URL
    row.since = timezone.now() if is_new else row.since
    row.save()
    _note(str(row.uid))


def note_sent() -> None:
    """Note in the folder how far the database had counted. Called after mail was sent."""
    row = Installation.objects.filter(pk=1).first()
    if row is not None and _read() is not UNREADABLE:
        _note(str(row.uid))


def _note(uid: str) -> None:
    counts = dict(zip(COUNTS, _committed(), strict=True))
    if _read() != (noted := {"uid": uid, **counts}):
        _write(**noted)


def hold_restored() -> None:
    """Hold email after records were restored from an archive: they may be those of a firm that still sends, so an admin says when."""
    row, _made = Installation.objects.get_or_create(pk=1, defaults={"uid": uuid.uuid4()})
    row.database = RESTORED
    row.save(update_fields=["database"])


def waiting() -> dict[str, int]:
    """What would be sent at once when the hold is lifted: {"due", "late"}; late ones are past their deadline."""
    due = OutboxMail.objects.due(timezone.now())
    return {"due": due.count(), "late": due.filter(deadline_at__lt=timezone.now()).count()}


@service(may=may_administer)
def claim(principal: Principal, *, cancel_waiting: bool, now: datetime) -> int:
    """Claim to be the real installation: bind to this place under a new id, so that a copy is not mistaken for it.

    `cancel_waiting` cancels what is already due. Returns how many were cancelled.
    """
    cancelled = 0
    if cancel_waiting:
        reply = _("Cancelled by %(name)s when the hold was lifted") % {"name": principal.user.name}
        cancelled = OutboxMail.objects.due(now).update(state=MailState.CANCELLED, reply=reply[:500], updated_at=now)
    _bind(uid=uuid.uuid4(), is_new=True)
    jobs.enqueue("crm.core.tasks.deliver")
    return cancelled


def _state() -> State:
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        columns = [column.name for column in cursor.description]
        return State.of(dict(zip(columns, cursor.fetchone(), strict=True)))


def _committed() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(COMMITTED)
        return cursor.fetchone()


def _read() -> dict:
    """{} without a file, UNREADABLE for a broken one: then mail is held, and pages still work."""
    try:
        noted = json.loads(Path(settings.INSTALLATION_FILE).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return UNREADABLE
    if not isinstance(noted, dict) or not all(isinstance(noted.get(name, 0), int) for name in COUNTS):
        return UNREADABLE
    try:
        uuid.UUID(noted.get("uid"))
    except (ValueError, TypeError, AttributeError):
        return UNREADABLE
    return noted


def _write(**noted) -> None:
    """Write atomically, so that a reader never sees half of it."""
    path = Path(settings.INSTALLATION_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    draft.write_text(json.dumps(noted))
    draft.replace(path)
