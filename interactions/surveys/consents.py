"""Why a survey mail may not go out any more."""

from django.utils.translation import gettext as _

from clients.contacts.choices import Purpose
from clients.contacts.models import Consent
from crm.core.mail.models import OutboxMail


def against_survey(mail: OutboxMail) -> str:
    if mail.contact_id is None:
        return ""
    refused = Consent.objects.filter(contact_id=mail.contact_id, purpose=Purpose.SURVEY, is_given=False)
    return _("The recipient wants no surveys") if refused.exists() else ""
