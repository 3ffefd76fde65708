"""Queueing mail: a row in the transaction of its cause. `mail/delivery` sends it."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.files.models import StoredFile
from crm.core.mail.choices import MailState
from crm.core.mail.kinds import MailKind, kinds, refusal
from crm.core.mail.models import MailAttachment, OutboxMail, cause_kind
from crm.core.mail.services import suppression
from crm.core.ui.formatting import one_line
from crm.core.users.models import User
from crm.core.work import jobs

AUTOMATIC_A_DAY = 3
DAY = timedelta(hours=24)
LOCK_AUTOMATIC = 720_164_022


@transaction.atomic
def queue_mail(
    *,
    key: str,
    kind: MailKind | str,
    to: User | None = None,
    to_address: str = "",
    to_name: str = "",
    subject: str,
    text: str,
    html: str = "",
    user: User | None = None,
    cause: Model | None = None,
    client_id: int | None = None,
    contact_id: int | None = None,
    from_name: str = "",
    reply_to: str = "",
    headers: dict[str, str] | None = None,
    links: dict | None = None,
    is_automatic: bool = False,
    attachments: Sequence[StoredFile] = (),
    send_at: datetime | None = None,
    deadline_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> tuple[OutboxMail, bool]:
    """Queue one mail to one recipient; it is never rendered again. Returns (row, whether it is new); a known key
    changes nothing.

    `kind`: a declared one, or its key; purpose, expiry and the opt-out for mail programs come from its declaration, and
    so do the links that are made of the cause. `to`: a colleague. `cause`: the row the mail is about; pages find the
    mail by it. `is_automatic`: nobody asked for it by hand; a contact gets at most three of these in 24 hours, more are
    held. A mail that may not be sent (stopped address, opt-out) is cancelled, with attachments of more than 20 MB it
    fails: the row says why, and the caller goes on.

    Raises ServiceError for an address or header that cannot be sent, KeyError for an undeclared kind.
    """
    declared, headers = kinds[kind] if isinstance(kind, str) else kind, headers or {}
    if to is not None:
        to_address, to_name, user = to.email, to.name, to
    if links is None and hasattr(cause, "salt"):
        links = {placeholder: link.in_mail(cause) for placeholder, link in declared.links.items()}
    if declared.opt_out and declared.opt_out in (links or {}):
        one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        headers = headers | {"List-Unsubscribe": f"<{declared.opt_out}>"} | one_click
    _check_headers(to_address, reply_to, headers)
    due = send_at or timezone.now()
    values = {
        "kind": declared.key,
        "to_address": to_address,
        "to_name": one_line(to_name)[:200],
        "user": user,
        "cause_kind": cause_kind(cause) if cause else "",
        "cause_id": cause.pk if cause else None,
        "client_id": client_id,
        "contact_id": contact_id,
        "from_name": one_line(from_name)[:200],
        "reply_to": reply_to,
        "subject": one_line(subject)[:300],
        "text": text,
        "html": html,
        "headers": headers,
        "links": links or {},
        "purpose": declared.purpose,
        "is_automatic": is_automatic,
        "rank": 0 if declared.is_secret else 1,
        "message_id": f"<{uuid.uuid4()}@{mail_domain()}>",
        "planned_for": due,
        "next_attempt_at": due,
        "deadline_at": deadline_at,
        "expires_at": expires_at or (due + declared.expires_after if declared.expires_after else None),
    }
    state, reply = _first_state(OutboxMail(**values), attachments)
    mail, made = OutboxMail.objects.get_or_create(key=key, defaults=values | {"state": state, "reply": reply[:500]})
    if made:
        MailAttachment.objects.bulk_create(
            MailAttachment(mail=mail, file=file, name=file.name) for file in attachments if state != MailState.DEAD
        )
    if made and state == MailState.PENDING:
        jobs.enqueue("crm.core.tasks.deliver")
    return mail, made


def _check_headers(to_address: str, reply_to: str, headers: dict[str, str]) -> None:
    for value in (to_address, reply_to, *headers, *headers.values()):
        if "\r" in value or "\n" in value or "\0" in value:
            raise ServiceError(_("A line break in an address or header is not allowed."), code="header")
    try:
        validate_email(to_address)
    except ValidationError as error:
        raise ServiceError(
            _("“%(address)s” is not an email address.") % {"address": to_address}, field="to_address"
        ) from error


def _first_state(mail: OutboxMail, attachments: Sequence[StoredFile]) -> tuple[MailState, str]:
    """The initial state of a mail, and the reason if it must not be sent."""
    if stopped := suppression.refusal(mail.kind, mail.to_address) or refusal(mail):
        return MailState.CANCELLED, stopped
    size = sum(file.size for file in attachments)
    if size > settings.MAIL_MAX_ATTACHMENT_BYTES:
        sizes = {"size": filesizeformat(size), "most": filesizeformat(settings.MAIL_MAX_ATTACHMENT_BYTES)}
        return MailState.DEAD, _("The attachments are %(size)s. An email can carry at most %(most)s.") % sizes
    if mail.is_automatic and mail.contact_id is not None and _has_enough(mail.contact_id, mail.planned_for):
        return MailState.HELD, _("Held: this person already gets three automatic emails within 24 hours.")
    return MailState.PENDING, ""


def _has_enough(contact_id: int, due: datetime) -> bool:
    """The volume guard for one contact. The lock makes concurrent writers count each other's mails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_AUTOMATIC, contact_id % 2**31])
    near = OutboxMail.objects.filter(
        is_automatic=True, contact_id=contact_id, planned_for__gt=due - DAY, planned_for__lt=due + DAY
    ).exclude(state__in=[MailState.CANCELLED, MailState.EXPIRED])
    times = sorted(near.values_list("planned_for", flat=True))
    windows = zip(times, times[AUTOMATIC_A_DAY - 1 :], strict=False)
    return any(max(last, due) - min(first, due) < DAY for first, last in windows)


def mail_domain() -> str:
    """The domain of Message-IDs: the sender's, which never depends on the request."""
    address = Address(addr_spec=sender_address())
    return address.domain or urlsplit(settings.BASE_URL).hostname or "localhost"


def sender_address() -> str:
    """The bare address of DEFAULT_FROM_EMAIL."""
    from_email = settings.DEFAULT_FROM_EMAIL
    return from_email[from_email.index("<") + 1 : from_email.index(">")] if "<" in from_email else from_email
