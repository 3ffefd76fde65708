"""What providers report about mails: bounces and complaints."""

from anymail.signals import EventType, RejectReason
from django.db.models.functions import Lower
from django.utils import timezone

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
    """A hard bounce or a complaint suppresses the address. Other events and other systems' mails are ignored."""
    reason = STOPS.get(event.event_type)
    if reason is None or (reason == SuppressionReason.BOUNCE and event.reject_reason not in HARD):
        return
    mark = f"{esp_name.lower().replace(' ', '_')}:{event.message_id}"
    mail = OutboxMail.objects.filter(provider_id=mark).first() if event.message_id else None
    address = event.recipient or (mail.to_address if mail else "")
    if not address or not _is_ours(address):
        return
    detail = event.mta_response or event.description or ""
    suppression.stop_address(
        SYSTEM, address=address, reason=reason, detail=detail, mail=mail, now=event.timestamp or timezone.now()
    )


def _is_ours(address: str) -> bool:
    """Whether we have written to the address. Notices about another system's mail are ignored."""
    return OutboxMail.objects.alias(folded=Lower("to_address")).filter(folded=address.lower()).exists()
