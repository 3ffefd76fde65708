"""The kinds of mail of progress emails. Their words are for colleagues; those of the mails themselves are in `emails.py`."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from interactions.progress.models import ProgressEmail, ProgressRecipient

STOP = "[[stop]]"


def against_progress(mail: OutboxMail) -> str:
    """Why the mail must not be sent, or ""."""
    if mail.client_id is None or mail.contact_id is None:
        return ""
    stopped = ProgressRecipient.objects.filter(
        schedule__client_id=mail.client_id, contact_id=mail.contact_id, stopped_at__isnull=False
    )
    return _("The recipient stopped these emails") if stopped.exists() else ""


PROGRESS = MailKind(
    "progress", gettext_lazy("Progress email"), 32, ProgressEmail, opt_out=STOP, why_not=against_progress
)
REVIEW = MailKind("progress-review", gettext_lazy("Progress email to review"), 33, ProgressEmail)
PROGRESS_TEST = MailKind("progress-test", gettext_lazy("Test of a progress email"), 34, ProgressEmail)
KINDS = (PROGRESS, REVIEW, PROGRESS_TEST)
