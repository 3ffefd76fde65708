"""The mails of this app: each writes one outbox row."""

from datetime import timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.models import OutboxMail
from crm.core.queries import get_firm, user_zone
from crm.core.services.outbox import queue_mail
from interactions.models import FollowUp

WORTH_SENDING = timedelta(days=2)


def remind_of_follow_up(follow_up: FollowUp, *, number: int, now) -> OutboxMail:
    """To its assignee: what is due, for whom, with the link."""
    due = follow_up.due_at.astimezone(user_zone(follow_up.assignee))
    url = settings.BASE_URL + reverse("interactions:follow-up", args=[follow_up.pk])
    context = {"follow_up": follow_up, "due": due, "url": url, "firm": get_firm(), "is_late": follow_up.due_at < now}
    who = follow_up.client.name if follow_up.client else ""
    subject = (
        _("Follow-up: %(what)s (%(who)s)") % {"what": follow_up.title, "who": who}
        if who
        else _("Follow-up: %(what)s") % {"what": follow_up.title}
    )
    with timezone.override(user_zone(follow_up.assignee)):
        text = render_to_string("interactions/mail/follow_up.txt", context)
        html = render_to_string("interactions/mail/follow_up.html", context)
    mail, _made = queue_mail(
        key=f"follow-up:{follow_up.pk}:{number}",
        kind="follow-up",
        to_address=follow_up.assignee.email,
        to_name=follow_up.assignee.name,
        user=follow_up.assignee,
        client_id=follow_up.client_id,
        subject=" ".join(subject.split()),
        text=text,
        html=html,
        send_at=now,
        expires_at=now + WORTH_SENDING,
    )
    return mail
