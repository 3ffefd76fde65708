"""Bounces and complaints that providers report."""

from datetime import datetime
from typing import Any

from anymail.signals import EventType, RejectReason
from django.db.models.functions import Lower
from django.utils import timezone

from crm.core.base.dates import is_plausible
from crm.core.base.principals import SYSTEM
from crm.core.mail.choices import SuppressionReason
from crm.core.mail.models import OutboxMail
from crm.core.mail.services import suppression

STOPS = {
    EventType.BOUNCED: SuppressionReason.BOUNCE,
    EventType.COMPLAINED: SuppressionReason.COMPLAINT,
}
HARD = {RejectReason.INVALID, RejectReason.BOUNCED, None, ""}


def on_event(sender, event, esp_name: str, **kwargs) -> None:
    """A hard bounce or a complaint suppresses the address. Other events, and events about another system's emails, are
    ignored. Values of an unexpected type are ignored.
    """
    reason = STOPS.get(event.event_type)
    if reason is None or (reason == SuppressionReason.BOUNCE and event.reject_reason not in HARD):
        return
    message_id = _text(event.message_id)
    mark = f"{esp_name.lower().replace(' ', '_')}:{message_id}"
    mail = OutboxMail.objects.filter(provider_id=mark).first() if message_id else None
    address = _text(event.recipient) or (mail.to_address if mail else "")
    if not address or not _is_ours(address):
        return
    detail = _text(event.mta_response) or _text(event.description)
    suppression.stop_address(
        SYSTEM, address=address, reason=reason, detail=detail, mail=mail, now=_moment(event.timestamp)
    )


def _text(value: Any) -> str:
    return str(value).replace("\0", "") if isinstance(value, str | int) else ""


def _moment(value: Any) -> datetime:
    """When it happened; now if the notice has no plausible time."""
    now = timezone.now()
    is_moment = isinstance(value, datetime) and value.tzinfo is not None and is_plausible(value)
    return min(value, now) if is_moment else now


def _is_ours(address: str) -> bool:
    """Whether we have written to the address. Notices about another system's mail are ignored."""
    return OutboxMail.objects.alias(folded=Lower("to_address")).filter(folded=address.lower()).exists()
