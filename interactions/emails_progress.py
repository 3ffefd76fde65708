"""The mails around a client's weekly progress: to the client, to test, to the account manager. Each writes one outbox row."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clients.models import Contact
from crm.core.models import OutboxMail, User
from crm.core.queries import get_firm, user_zone
from crm.core.services.outbox import queue_mail
from crm.core.zones import zone
from interactions.models import ProgressEmail, ProgressRecipient

STOP = "[[stop]]"
STOP_PURPOSE = "progress-stop"
STOP_PATH = "/mail/stop/{id}/{token}/"


def greeting(email: ProgressEmail, contact: Contact | None) -> str:
    """As they wish to be addressed, else by first name."""
    wanted = (contact.salutation if contact else "") or email.client.salutation
    if wanted:
        return wanted.rstrip(" ,")
    name = (contact.first_name or contact.name) if contact else ""
    return _("Hello %(name)s") % {"name": name} if name else _("Hello")


def render_progress(email: ProgressEmail, contact: Contact | None, *, stop_url: str) -> tuple[str, str]:
    """(text, HTML) as this recipient gets it, in the client's language and zone."""
    firm = get_firm()
    context: dict[str, Any] = {
        "email": email, "firm": firm, "owner": email.client.owner, "content": email.content, "stop_url": stop_url,
        "sections": [section for section in email.content.get("sections", []) if section.get("items")],
    }  # fmt: skip
    with translation.override(email.client.language or firm.language or None), timezone.override(zone(email.time_zone)):
        context["greeting"] = greeting(email, contact)
        return render_to_string("mail/progress.txt", context).strip() + "\n", render_to_string(
            "mail/progress.html", context
        )


def mail_progress(*, email: ProgressEmail, recipient: ProgressRecipient, address: str, now: datetime) -> OutboxMail:
    """The email itself, to one recipient: once per client, contact and local week."""
    contact, owner, firm = recipient.contact, email.client.owner, get_firm()
    text, html = render_progress(email, contact, stop_url=STOP)
    mail, _made = queue_mail(
        key=f"progress:{email.client_id}:{contact.pk}:{email.week}", kind="progress", to_address=address, to_name=contact.name,
        subject=email.subject, text=text, html=html, client_id=email.client_id, contact_id=contact.pk,
        from_name=f"{owner.name}, {firm.name}", reply_to=owner.email, links={STOP: _stop_link(recipient)},
        headers={"List-Unsubscribe": f"<{STOP}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        send_at=now, deadline_at=email.deadline_at, expires_at=max(email.expires_at, now),
    )  # fmt: skip
    return mail


def _stop_link(recipient: ProgressRecipient) -> dict[str, Any]:
    return {"purpose": STOP_PURPOSE, "id": recipient.pk, "salt": recipient.salt, "path": STOP_PATH}


def mail_progress_test(*, actor: User, email: ProgressEmail, contact: Contact | None) -> OutboxMail:
    """The same mail to whoever asked for it, without the link that stops."""
    text, html = render_progress(email, contact, stop_url="")
    mail, _made = queue_mail(
        key=f"progress-test:{email.pk}:{uuid.uuid4()}", kind="progress-test", to_address=actor.email, to_name=actor.name, user=actor,
        subject=_("Test: %(subject)s") % {"subject": email.subject}, text=text, html=html, client_id=email.client_id,
    )  # fmt: skip
    return mail


def mail_review_missing(*, email: ProgressEmail, when: str, now: datetime) -> OutboxMail | None:
    """To the account manager, with the draft: it is held until somebody approves it. `when`: "send" or "deadline"."""
    owner = email.client.owner
    if not owner.is_active:
        return None
    with timezone.override(user_zone(owner)):
        context = {
            "email": email, "client": email.client, "owner": owner, "is_last_call": when == "deadline", "firm": get_firm(),
            "url": settings.BASE_URL + reverse("interactions:progress", args=[email.pk]),
            "draft": render_progress(email, None, stop_url="")[0],
        }  # fmt: skip
        text, html = (
            render_to_string("mail/progress_review.txt", context).strip() + "\n",
            render_to_string("mail/progress_review.html", context),
        )
        subject = _("Waiting for you: progress email to %(client)s") % {"client": email.client.name}
    mail, _made = queue_mail(
        key=f"progress-review:{email.pk}:{when}", kind="progress-review", to_address=owner.email, to_name=owner.name, user=owner,
        subject=" ".join(subject.split()), text=text, html=html, client_id=email.client_id, send_at=now,
    )  # fmt: skip
    return mail
