"""The weekly progress email as a mail: to the recipients, and as a test to a colleague. Each function writes one outbox row."""

import uuid
from datetime import datetime

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.greetings import greeting
from clients.contacts.languages import language_for
from clients.contacts.models import Contact
from crm.core.base.principals import Principal
from crm.core.base.secret_links import SecretLink
from crm.core.base.zones import zone
from crm.core.firm.queries import get_firm
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from interactions.progress.models import ProgressEmail, ProgressRecipient

STOP = "[[stop]]"
STOP_LINK = SecretLink(
    "progress-stop",
    "/mail/stop/{id}/{token}/",
    lambda: ProgressRecipient.objects.select_related("schedule__client__owner", "contact"),
    cookie="progress_stop",
    page="interactions:progress_stopping",
)


def against_progress(mail: OutboxMail) -> str:
    """Why the mail must not be sent, or ""."""
    if mail.client_id is None or mail.contact_id is None:
        return ""
    stopped = ProgressRecipient.objects.filter(
        schedule__client_id=mail.client_id, contact_id=mail.contact_id, stopped_at__isnull=False
    )
    return _("The recipient unsubscribed") if stopped.exists() else ""


PROGRESS = MailKind(
    "progress",
    gettext_lazy("Progress email"),
    cause=ProgressEmail,
    templates="mail/progress",
    why_not=against_progress,
    links={STOP: STOP_LINK},
    opt_out=STOP,
)
PROGRESS_TEST = MailKind(
    "progress-test", gettext_lazy("Test of a progress email"), cause=ProgressEmail, templates="mail/progress"
)


def render_progress(email: ProgressEmail, contact: Contact | None, *, stop_url: str) -> tuple[str, str]:
    """(text, HTML) as this recipient gets it, in the client's language and zone."""
    with translation.override(language_for(email.client)), timezone.override(zone(email.time_zone)):
        return PROGRESS.render(
            {
                "email": email,
                "owner": email.client.owner,
                "content": email.content,
                "stop_url": stop_url,
                "sections": [section for section in email.content.get("sections", []) if section.get("items")],
                "greeting": greeting(email.client, contact),
            }
        )


def mail_progress(
    *, email: ProgressEmail, recipient: ProgressRecipient, address: str, now: datetime, is_automatic: bool
) -> OutboxMail:
    """The email itself, to one recipient: once per client, contact and local week. Raises ServiceError (address)."""
    contact, owner = recipient.contact, email.client.owner
    text, html = render_progress(email, contact, stop_url=STOP)
    mail, _made = queue_mail(
        key=f"progress:{email.client_id}:{contact.pk}:{email.week}",
        kind=PROGRESS,
        cause=email,
        to_address=address,
        to_name=contact.name,
        subject=email.subject,
        text=text,
        html=html,
        client_id=email.client_id,
        contact_id=contact.pk,
        from_name=f"{owner.name}, {get_firm().name}",
        reply_to=owner.email,
        links={STOP: STOP_LINK.in_mail(recipient)},
        is_automatic=is_automatic,
        send_at=now,
        deadline_at=email.deadline_at,
        expires_at=max(email.expires_at, now),
    )
    return mail


def mail_progress_test(principal: Principal, *, email: ProgressEmail, contact: Contact | None) -> OutboxMail:
    """The same mail as a test to the colleague who asked for it, without the opt-out link."""
    text, html = render_progress(email, contact, stop_url="")
    mail, _made = queue_mail(
        key=f"progress-test:{email.pk}:{uuid.uuid4()}",
        kind=PROGRESS_TEST,
        cause=email,
        to=principal.user,
        subject=_("Test: %(subject)s") % {"subject": email.subject},
        text=text,
        html=html,
        client_id=email.client_id,
    )
    return mail
