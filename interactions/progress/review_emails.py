"""The mail to the account manager, and to who covers for them, about a progress email that waits: once at its time, once an hour before
the deadline, once when it cannot be rendered."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.cover.queries import readers_of
from crm.core.firm.queries import user_zone
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.models import User
from interactions.progress.emails import render_progress
from interactions.progress.flags import read_by
from interactions.progress.models import ProgressEmail

REVIEW = MailKind(
    "progress-review",
    gettext_lazy("Progress email to review"),
    cause=ProgressEmail,
    templates="mail/progress_review",
)
log = logging.getLogger(__name__)


def mail_review_missing(*, email: ProgressEmail, when: str, now: datetime) -> list[OutboxMail]:
    """`when`: "send", "deadline" or "problem". To the account manager and to who covers for them, each once; not to somebody who left."""
    row = read_by(email, now)
    first, *others = [reader.user_id for reader in readers_of(row)]
    keys = {first: f"progress-review:{email.pk}:{when}"}
    keys |= {user_id: f"progress-review:{email.pk}:{when}:{user_id}" for user_id in others}
    sent = set(OutboxMail.objects.filter(key__in=keys.values()).values_list("key", flat=True))
    people = User.objects.filter(pk__in=keys, is_active=True)
    return [_mail(email, user, keys[user.pk], when, now) for user in people if keys[user.pk] not in sent]


def _mail(email: ProgressEmail, user: User, key: str, when: str, now: datetime) -> OutboxMail:
    owner = email.client.owner
    with timezone.override(user_zone(user)):
        context = {
            "email": email,
            "client": email.client,
            "reader": user,
            "absent": owner if user != owner else None,
            "is_last_call": when == "deadline",
            "url": settings.BASE_URL + reverse("interactions:progress", args=[email.pk]),
            "draft": _draft_of(email),
            "problem": email.problem,
        }
        text, html = REVIEW.render(context)
        subject = _("Waiting for you: progress email to %(client)s") % {"client": email.client.name}
    mail, _made = queue_mail(
        key=key,
        kind=REVIEW,
        cause=email,
        to=user,
        subject=subject,
        text=text,
        html=html,
        client_id=email.client_id,
        send_at=now,
    )
    return mail


def _draft_of(email: ProgressEmail) -> str:
    """The draft as text; "" without a draft, and for one that cannot be rendered."""
    if not email.content:
        return ""
    try:
        return render_progress(email, None, stop_url="")[0]
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.info("the draft of progress email %s cannot be shown", email.pk, exc_info=True)
        return ""
