"""The weekly progress email as a mail: to the recipients, and as a test to a colleague. Each function writes one outbox row."""

import uuid
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clients.contacts.languages import language_for
from clients.contacts.models import Contact
from crm.core.base.principals import Principal
from crm.core.base.secret_links import SecretLink
from crm.core.base.zones import zone
from crm.core.firm.queries import get_firm
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from interactions.progress import words as progress_words
from interactions.progress.kinds import PROGRESS, PROGRESS_TEST, STOP
from interactions.progress.models import ProgressEmail, ProgressRecipient
from interactions.progress.words import one_line

STOP_LINK = SecretLink(
    "progress-stop",
    "/mail/stop/{id}/{token}/",
    lambda: ProgressRecipient.objects.select_related("schedule__client__owner", "contact"),
    cookie="progress_stop",
    page="interactions:progress_stopping",
)


def render_progress(email: ProgressEmail, contact: Contact | None, *, stop_url: str) -> tuple[str, str]:
    """(text, HTML) as this recipient gets it, in the client's language and zone."""
    firm = get_firm()
    context: dict[str, Any] = {
        "email": email,
        "firm": firm,
        "owner": email.client.owner,
        "content": email.content,
        "stop_url": stop_url,
        "sections": [section for section in email.content.get("sections", []) if section.get("items")],
    }
    with translation.override(language_for(email.client)), timezone.override(zone(email.time_zone)):
        context["greeting"] = progress_words.greeting(email.client, contact)
        return render_to_string("mail/progress.txt", context).strip() + "\n", render_to_string(
            "mail/progress.html", context
        )


def mail_progress(
    *, email: ProgressEmail, recipient: ProgressRecipient, address: str, now: datetime, is_automatic: bool
) -> OutboxMail:
    """The email itself, to one recipient: once per client, contact and local week. Raises ServiceError (address, subject)."""
    contact, owner, firm = recipient.contact, email.client.owner, get_firm()
    text, html = render_progress(email, contact, stop_url=STOP)
    mail, _made = queue_mail(
        key=f"progress:{email.client_id}:{contact.pk}:{email.week}",
        kind=PROGRESS.key,
        cause=email,
        to_address=address,
        to_name=one_line(contact.name),
        subject=email.subject,
        text=text,
        html=html,
        client_id=email.client_id,
        contact_id=contact.pk,
        from_name=one_line(f"{owner.name}, {firm.name}"),
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
        kind=PROGRESS_TEST.key,
        cause=email,
        to_address=principal.user.email,
        to_name=one_line(principal.user.name),
        user=principal.user,
        subject=one_line(_("Test: %(subject)s") % {"subject": email.subject}),
        text=text,
        html=html,
        client_id=email.client_id,
    )
    return mail
