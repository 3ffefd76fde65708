"""The opt-out of progress emails, asked again before a mail is sent."""

from django.utils.translation import gettext as _

from crm.core.mail.models import OutboxMail
from interactions.progress.models import ProgressRecipient


def against_progress(mail: OutboxMail) -> str:
    """Why the mail must not be sent, or ""."""
    if mail.client_id is None or mail.contact_id is None:
        return ""
    stopped = ProgressRecipient.objects.filter(
        schedule__client_id=mail.client_id, contact_id=mail.contact_id, stopped_at__isnull=False
    )
    return _("The recipient stopped these emails") if stopped.exists() else ""
