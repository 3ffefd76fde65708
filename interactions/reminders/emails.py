"""The mails of this app to colleagues: each function writes one outbox row."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clients.engagements.queries import has_restricted
from crm.core.base.dates import local_to_utc
from crm.core.firm.queries import get_firm, user_zone
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.notifications.models import Notification
from crm.core.users.models import User
from interactions.follow_ups.models import FollowUp
from interactions.progress.sections import label_of
from interactions.reading.choices import ReadKind
from interactions.reminders.digest import Part
from interactions.reminders.models import Digest, Told

REMINDER = MailKind(
    "follow-up",
    gettext_lazy("Reminder"),
    cause=FollowUp,
    templates="interactions/reminders/mail/reminders",
    expires_after=timedelta(days=2),
)
DIGEST = MailKind("digest", gettext_lazy("Morning email"), cause=Digest, templates="interactions/reminders/mail/digest")


def remind(user: User, follow_ups: Sequence[FollowUp], news: Sequence[Notification], *, now: datetime) -> OutboxMail:
    """One mail to a colleague about their due follow-ups and unread notifications.

    The key ends in the first follow-up's `reminder_number`, which the caller has increased.
    """
    zone = user_zone(user)
    rows = [
        {
            "row": row,
            "due": row.due_at.astimezone(zone),
            "is_late": row.due_at < now,
            "for_whom": row.assignee.name if row.assignee_id != user.pk else "",
            "url": settings.BASE_URL + reverse("interactions:follow-up", args=[row.pk]),
        }
        for row in follow_ups
    ]
    context = {
        "rows": rows,
        "news": [{"text": item.text, "url": settings.BASE_URL + item.url if item.url else ""} for item in news],
        "profile_url": settings.BASE_URL + reverse("core:profile"),
    }
    # whoever sees the client may read a mail about it, but what a notification tells may be of a restricted engagement
    clients = set() if news else {row.client_id for row in follow_ups}
    first: Any = follow_ups[0] if follow_ups else None
    with timezone.override(zone):
        text, html = REMINDER.render(context)
        mail, _made = queue_mail(
            key=f"follow-up:{first.pk}:{first.reminder_number}" if first else _key_of(news),
            kind=REMINDER,
            cause=first,
            to=user,
            client_id=clients.pop() if len(clients) == 1 else None,
            subject=_subject(follow_ups, news),
            text=text,
            html=html,
            send_at=now,
        )
    return mail


def _key_of(news: Sequence[Notification]) -> str:
    """Differs from the key of a cancelled mail: one of its notifications was read since, so the first, last or number changed."""
    return f"notification:{news[0].pk}:{news[-1].pk}:{len(news)}"


def _subject(follow_ups: Sequence[FollowUp], news: Sequence[Notification]) -> str:
    """One item of a client by its name, all else by its number: admins see subjects, and what concerns no client is personal."""
    if len(follow_ups) == 1 and not news and follow_ups[0].client:
        row = follow_ups[0]
        return _("Follow-up: %(what)s (%(who)s)") % {"what": row.title, "who": row.client.name}
    if not follow_ups:
        if len(news) == 1 and news[0].client_id and not has_restricted(news[0].client_id):
            return news[0].text
        return ngettext("%(n)d message", "%(n)d messages", len(news)) % {"n": len(news)}
    return ngettext("%(n)d follow-up is due", "%(n)d follow-ups are due", len(follow_ups)) % {"n": len(follow_ups)}


def mail_digest(*, row: Digest, parts: Sequence[Part], now: datetime) -> OutboxMail:
    """The morning mail, once per user and local day; it expires at the end of that day."""
    user, day = row.user, row.date
    zone = user_zone(user)
    context = digest_context(user, day, parts)
    with timezone.override(zone):
        text, html = DIGEST.render(context)
        mail, _made = queue_mail(
            key=f"digest:{user.pk}:{day.isoformat()}",
            kind=DIGEST,
            cause=row,
            to=user,
            subject=context["subject"],
            text=text,
            html=html,
            send_at=now,
            expires_at=local_to_utc(day + timedelta(days=1), time(), zone.key),
        )
    told: set[tuple[str, int]]
    told = {(label_of(line.about), line.about.pk) for part in parts for line in part.lines if line.about is not None}
    told |= {(ReadKind.NOTIFICATION, row.pk) for part in parts for row in part.records}
    Told.objects.bulk_create(
        [Told(mail=mail, kind=kind, record_id=pk) for kind, pk in sorted(told)], ignore_conflicts=True
    )
    return mail


def digest_context(user: User, day: date, parts: Sequence[Part]) -> dict[str, Any]:
    """Context of the mail's templates and of its preview."""
    figures = [f"{part.count_text} {part.short}" for part in parts if part.short][:3]
    return {
        "user": user,
        "day": day,
        "parts": parts,
        "firm": get_firm(),
        "base_url": settings.BASE_URL,
        "today_url": settings.BASE_URL + reverse("interactions:today"),
        "profile_url": settings.BASE_URL + reverse("core:profile"),
        "subject": _("Today: %(what)s") % {"what": ", ".join(figures)} if figures else _("Today"),
    }
