"""Writing mail: a row in the transaction of its cause. Sending is `core.services.delivery`."""

import uuid
from datetime import datetime
from email.headerregistry import Address
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core import jobs
from crm.core.choices import MailState
from crm.core.errors import ServiceError
from crm.core.models import OutboxMail, User


@transaction.atomic
def queue_mail(
    *,
    key: str,
    kind: str,
    to_address: str,
    subject: str,
    text: str,
    html: str = "",
    to_name: str = "",
    user: User | None = None,
    client_id: int | None = None,
    contact_id: int | None = None,
    from_name: str = "",
    reply_to: str = "",
    headers: dict[str, str] | None = None,
    links: dict | None = None,
    purpose: str = "service",
    is_automatic: bool = False,
    send_at: datetime | None = None,
    deadline_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> tuple[OutboxMail, bool]:
    """(row, made): one mail to one recipient, rendered for good. A second call with the same key changes nothing.

    `is_automatic`: nobody pressed a button for it; the blast guard counts these per contact.

    Raises ServiceError for an address or header that cannot be sent.
    """
    for value in (to_address, to_name, from_name, reply_to, subject, *(headers or {}), *(headers or {}).values()):
        if "\r" in value or "\n" in value or "\0" in value:
            raise ServiceError(_("A line break in an address or subject is not allowed."), code="header")
    try:
        validate_email(to_address)
    except ValidationError as error:
        raise ServiceError(
            _("“%(address)s” is not an e-mail address.") % {"address": to_address}, field="to_address"
        ) from error
    due = send_at or timezone.now()
    mail, made = OutboxMail.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "state": MailState.PENDING,
            "to_address": to_address,
            "to_name": to_name[:200],
            "user": user,
            "client_id": client_id,
            "contact_id": contact_id,
            "from_name": from_name[:200],
            "reply_to": reply_to,
            "subject": subject[:300],
            "text": text,
            "html": html,
            "headers": headers or {},
            "links": links or {},
            "purpose": purpose,
            "is_automatic": is_automatic,
            "message_id": f"<{uuid.uuid4()}@{mail_domain()}>",
            "planned_for": due,
            "next_attempt_at": due,
            "deadline_at": deadline_at,
            "expires_at": expires_at,
        },
    )
    if made:
        jobs.enqueue("crm.core.tasks.deliver")
    return mail, made


def mail_domain() -> str:
    """The domain of Message-IDs: the sender's, which never depends on the request."""
    address = Address(addr_spec=sender_address())
    return address.domain or urlsplit(settings.BASE_URL).hostname or "localhost"


def sender_address() -> str:
    """The bare address of DEFAULT_FROM_EMAIL."""
    from_email = settings.DEFAULT_FROM_EMAIL
    return from_email[from_email.index("<") + 1 : from_email.index(">")] if "<" in from_email else from_email
