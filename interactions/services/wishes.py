"""Who wants no more of a kind of mail: what the kernel asks before one that was written goes out after all."""

from django.utils.translation import gettext as _

from clients.choices import Purpose
from clients.models import Consent
from crm.core.models import OutboxMail
from interactions.models import ProgressRecipient


def against_progress(mail: OutboxMail) -> str:
    if mail.client_id is None or mail.contact_id is None:
        return ""
    stopped = ProgressRecipient.objects.filter(
        schedule__client_id=mail.client_id, contact_id=mail.contact_id, stopped_at__isnull=False
    )
    return _("The recipient stopped these emails") if stopped.exists() else ""


def against_survey(mail: OutboxMail) -> str:
    if mail.contact_id is None:
        return ""
    refused = Consent.objects.filter(contact_id=mail.contact_id, purpose=Purpose.SURVEY, is_given=False)
    return _("The recipient wants no surveys") if refused.exists() else ""
