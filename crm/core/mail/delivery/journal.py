"""The journal: a mailbox of the firm that gets a second copy of each mail in the same SMTP transaction.

A server that said 250 to the body took both copies, so what is in the journal was accepted and what is not was not. That
settles mails whose sender died before it heard the answer. A journal that receives nothing proves nothing: that a mail is
missing counts only when a later one has arrived there, and a probe is sent when there is none.
"""

import imaplib
import logging
import mailbox
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from imap_tools import AND, H, MailBox, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from crm.core.mail.choices import MailState
from crm.core.mail.delivery import decisions
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail

log = logging.getLogger(__name__)
LOCK = 7_201_640_224
AT_ONCE = 200
WITNESSES = 20
CLOCKS_DIFFER = timedelta(minutes=5)
PROBE = MailKind("journal-probe", gettext_lazy("Journal check"), expires_after=timedelta(hours=1))
PORTS = {"imap": 143, "imaps": 993}


class Unreadable(Exception):
    """The journal cannot be read; nothing is decided."""


class Journal(Protocol):
    def find(self, message_ids: Iterable[str], since: datetime) -> set[str]:
        """The Message-IDs that are there, among those that arrived after `since`. Raises Unreadable."""


class MaildirJournal:
    """A Maildir on this machine, as mail servers deliver to."""

    def __init__(self, path: str):
        self.path = Path(path)

    def find(self, message_ids: Iterable[str], since: datetime) -> set[str]:
        wanted, found = set(message_ids), set()
        for name in self._names(since):
            if wanted <= found:
                break
            found |= wanted & {_message_id_of(name)}
        return found

    def _names(self, since: datetime) -> Iterator[Path]:
        oldest = (since - CLOCKS_DIFFER).timestamp()
        try:
            mailbox.Maildir(self.path, create=False)
            for folder in ("new", "cur"):
                for path in (self.path / folder).iterdir():
                    if path.stat().st_mtime >= oldest:
                        yield path
        except (OSError, mailbox.Error) as error:
            raise Unreadable(str(error)) from error


def _message_id_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return str(BytesHeaderParser().parse(file).get("Message-ID", "")).strip()
    except OSError as error:  # moved from `new` to `cur` meanwhile, or unreadable: no proof that anything is missing
        raise Unreadable(str(error)) from error


class ImapJournal:
    """A folder of an IMAP server."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self.host, self.is_safe = parts.hostname or "", parts.scheme == "imaps"
        self.port = parts.port or PORTS[parts.scheme]
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.folder = unquote(parts.path.strip("/")) or "INBOX"

    def find(self, message_ids: Iterable[str], since: datetime) -> set[str]:
        box = MailBox if self.is_safe else MailBoxUnencrypted
        day = (since - timedelta(days=1)).date()
        try:
            with box(self.host, self.port, timeout=20).login(self.user, self.password, self.folder) as opened:
                return {
                    one
                    for one in message_ids
                    if opened.uids(AND(header=H("Message-ID", one.strip("<>")), date_gte=day))
                }
        except (OSError, ImapToolsError, imaplib.IMAP4.error) as error:
            raise Unreadable(f"{type(error).__name__}: {error}"[:300]) from error


def open_journal() -> Journal | None:
    url = settings.MAIL_JOURNAL_URL
    if not url:
        return None
    return MaildirJournal(urlsplit(url).path) if urlsplit(url).scheme == "maildir" else ImapJournal(url)


def address_for(mail: OutboxMail) -> str:
    """Where the second copy of a mail goes: journal+{id}@…; "" without a journal."""
    local, _at, domain = settings.MAIL_JOURNAL.rpartition("@")
    return f"{local}+{mail.pk}@{domain}" if local else ""


def settle_undecided(now: datetime) -> int:
    """Look up undecided mails. Returns how many were settled. One process at a time, and outside a transaction."""
    journal = open_journal()
    if journal is None or not _undecided().exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            return _settle(journal, now)
        except Unreadable as error:
            log.warning("the journal cannot be read: %s", error)
            return 0
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _undecided():
    return OutboxMail.objects.filter(state=MailState.UNCERTAIN, has_journal=True, fenced_at__isnull=False)


def _settle(journal: Journal, now: datetime) -> int:
    mails = [(mail, mail.fenced_at) for mail in _undecided().order_by("fenced_at", "id")[:AT_ONCE] if mail.fenced_at]
    if not mails:
        return 0
    found = journal.find([mail.message_id for mail, _fenced in mails], mails[0][1])
    grace_ends = now - timedelta(seconds=settings.MAIL_JOURNAL_GRACE_SECONDS)
    missing = [(mail, fenced) for mail, fenced in mails if mail.message_id not in found and fenced < grace_ends]
    last_seen = _last_seen(journal, missing[0][1]) if missing else None
    proven = [mail for mail, fenced in missing if last_seen is not None and last_seen > fenced]
    if len(proven) < len(missing):
        probe(now)
    arrived = [mail for mail, _fenced in mails if mail.message_id in found]
    return sum(decisions.settle_by_journal(mail.pk, arrived=True) for mail in arrived) + sum(
        decisions.settle_by_journal(mail.pk, arrived=False) for mail in proven
    )


def _last_seen(journal: Journal, since: datetime) -> datetime | None:
    """The fence of the latest mail that did arrive in the journal, among those handed over after `since`."""
    later = OutboxMail.objects.filter(state=MailState.SENT, has_journal=True, fenced_at__gt=since)
    rows = [(mail.message_id, mail.fenced_at) for mail in later.order_by("-fenced_at")[:WITNESSES] if mail.fenced_at]
    found = journal.find([message_id for message_id, _fenced in rows], since) if rows else set()
    return max((fenced for message_id, fenced in rows if message_id in found), default=None)


def probe(now: datetime) -> OutboxMail:
    """A mail to the journal alone, at most one every 15 minutes. Once it arrives, a mail that is missing there was not accepted."""
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    mail, _made = queue_mail(
        key=f"{PROBE.key}:{quarter.isoformat()}",
        kind=PROBE,
        to_address=settings.MAIL_JOURNAL,
        subject=_("Is the journal listening?"),
        text=_("Rapport is checking the mail journal. No action needed."),
        send_at=now,
    )
    return mail
