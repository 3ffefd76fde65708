"""The suppression list: addresses that bounced or complained, or that an admin entered.

Waiting mails to such an address are cancelled, and new ones are written as cancelled, with the reason. Mails that open
an account are still tried: someone has just asked for one.
"""

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.services import service
from crm.core.mail import kinds
from crm.core.mail.choices import SuppressionReason
from crm.core.mail.models import OutboxMail, Suppression
from crm.core.mail.signals import address_released, address_stopped

# Enhanced status codes of RFC 3463 that mean the mailbox does not exist
NO_MAILBOX = re.compile(r"^5\d\d[ -]5\.1\.(?:1|3|6|10)\b")


def find(address: str) -> Suppression | None:
    return Suppression.objects.alias(folded=Lower("address")).filter(folded=address.lower()).first()


def why(row: Suppression) -> str:
    """The reason as one sentence, for a mail that is not sent."""
    day = date_format(localtime(row.created_at), "j M Y")
    reasons = {
        SuppressionReason.BOUNCE: _("Email to this address is suppressed: it bounced on %(day)s."),
        SuppressionReason.COMPLAINT: _("Email to this address is suppressed: it was reported as spam on %(day)s."),
        SuppressionReason.MANUAL: _("Email to this address has been suppressed since %(day)s."),
    }
    return reasons[SuppressionReason(row.reason)] % {"day": day}


def refusal(kind: str, address: str) -> str:
    """Why a mail of this kind may not go to this address, or ""."""
    row = find(address) if kind not in kinds.secret() else None
    return why(row) if row else ""


@service(may=may_administer)
def stop_address(
    principal: Principal, *, address: str, reason: str, detail: str = "", mail: OutboxMail | None = None, now: datetime
) -> Suppression:
    """Suppress an address and cancel mails that wait for it. Idempotent."""
    row = find(address)
    if row is not None:
        return row
    try:
        with transaction.atomic():
            row = Suppression.objects.create(
                address=address.lower(), reason=reason, detail=" ".join(detail.split())[:500], mail=mail
            )
    except IntegrityError:
        return Suppression.objects.alias(folded=Lower("address")).get(folded=address.lower())
    theirs = OutboxMail.objects.annotate(folded=Lower("to_address")).filter(folded=row.address)
    theirs.exclude(kind__in=kinds.secret()).withdraw(why(row), now=now)
    address_stopped.send(Suppression, address=row.address, reason=row.reason, detail=row.detail, now=now)
    return row


@service(may=may_administer)
def release_address(principal: Principal, *, row: Suppression, now: datetime) -> None:
    """Take an address off the list. Cancelled mails stay cancelled; failed ones can be sent again."""
    deleted, _rows = Suppression.objects.filter(pk=row.pk).delete()
    if deleted:
        address_released.send(Suppression, address=row.address, now=now)


@service(may=may_administer)
def enter_address(principal: Principal, *, address: str, detail: str, now: datetime) -> Suppression:
    """Suppress an address by hand. Raises ServiceError (field address) if it is on the list already."""
    if find(address):
        raise ServiceError(_("This address is already suppressed."), field="address", code="conflict")
    return stop_address(principal, address=address, reason=SuppressionReason.MANUAL, detail=detail, now=now)


def note_refusal(mail: OutboxMail, reply: str, now: datetime) -> None:
    """Suppress an address when a server answers that the mailbox does not exist."""
    if NO_MAILBOX.match(reply):
        stop_address(SYSTEM, address=mail.to_address, reason=SuppressionReason.BOUNCE, detail=reply, mail=mail, now=now)
