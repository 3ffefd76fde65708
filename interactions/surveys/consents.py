"""The opt-out of surveys, asked again before a mail is sent."""

from django.utils.translation import gettext as _

from clients.contacts.choices import Purpose
from clients.contacts.models import Consent
from crm.core.mail.models import OutboxMail


def against_survey(mail: OutboxMail) -> str:
    """Why the mail must not be sent, or ""."""
    if mail.contact_id is None:
        return ""
    refused = Consent.objects.filter(contact_id=mail.contact_id, purpose=Purpose.SURVEY, is_given=False)
    return _("The recipient wants no surveys") if refused.exists() else ""
