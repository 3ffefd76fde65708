"""The kinds of mail of surveys. Their words are for colleagues; those of the mails themselves are in `emails.py`."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.choices import Purpose
from clients.contacts.models import Consent
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from interactions.surveys.models import SurveyInvitation

STOP = "[[stop]]"


def against_survey(mail: OutboxMail) -> str:
    """Why the mail must not be sent, or ""."""
    if mail.contact_id is None:
        return ""
    refused = Consent.objects.filter(contact_id=mail.contact_id, purpose=Purpose.SURVEY, is_given=False)
    return _("The recipient wants no surveys") if refused.exists() else ""


SURVEY = MailKind(
    "survey", gettext_lazy("Survey"), 35, SurveyInvitation, purpose=Purpose.SURVEY, opt_out=STOP, why_not=against_survey
)
SURVEY_TEST = MailKind("survey-test", gettext_lazy("Test of a survey"), 36)
KINDS = (SURVEY, SURVEY_TEST)
