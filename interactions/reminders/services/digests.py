"""The morning mail: planned ahead as one row per user and local day, rendered and mailed at its hour, once.

The planner keeps rows for each user who wants the mail, up to the first one beyond the next 36 hours. A user who has that row,
with their present hour and zone, is skipped: a run costs two statements, plus one user's planning a day.
"""

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _

from clients.engagements.models import Engagement
from clients.engagements.queries import rows_naming
from crm.core.base.dates import local_date, local_to_utc
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal, acting
from crm.core.base.services import service
from crm.core.base.states import advance
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import firm_cached, get_firm, user_zone
from crm.core.mail.choices import MAIL_UNSENT, MailState
from crm.core.mail.models import OutboxMail
from crm.core.mail.scheduled import HORIZON
from crm.core.notifications.models import Notification
from crm.core.users.choices import Reminders
from crm.core.users.models import User
from interactions import permissions
from interactions.reading.choices import ReadKind
from interactions.reading.models import ReadMark
from interactions.reminders import digest, emails
from interactions.reminders.choices import DIGEST, DigestState
from interactions.reminders.emails import mail_digest
from interactions.reminders.models import Digest

log = logging.getLogger(__name__)
AT_ONCE = 100  # per run; the rest follow a minute later
DAYS_AHEAD = 400


def run_digests(now: datetime) -> int:
    """Periodic job: plan, cancel what was read, send what is due. Returns the number of rows changed."""
    with firm_cached():
        return plan_digests(now) + take_back_read(now) + send_digests(now)


def wanting() -> QuerySet:
    return User.objects.active().filter(reminders=Reminders.DIGEST)


@transaction.atomic
def plan_digests(now: datetime) -> int:
    """Create missing rows and move those whose user changed hour or zone. Idempotent. Returns the number of rows changed."""
    firm = get_firm()
    zone = Coalesce(NullIf(OuterRef("time_zone"), Value("")), Value(firm.time_zone))
    ahead = Digest.objects.filter(
        user=OuterRef("pk"), due_at__gt=now + HORIZON, hour=OuterRef("digest_hour"), time_zone=zone
    )
    users = list(wanting().exclude(Exists(ahead)).order_by("pk"))
    if not users:
        return 0
    calendar = WorkingCalendar.of(firm)
    return sum(_plan(user, calendar, now) for user in users)


def _plan(user: User, calendar: WorkingCalendar, now: datetime) -> int:
    moments = dict(_moments(user, calendar, now))
    zone, moved = user_zone(user).key, 0
    for row in Digest.objects.planned().filter(user=user).select_for_update():
        due = local_to_utc(row.date, time(user.digest_hour), zone)
        if row.date not in moments and due > now:
            row.delete()  # the firm does not work on this day any more
            moved += 1
        elif (row.hour, row.time_zone) != (user.digest_hour, zone):
            row.hour, row.time_zone, row.due_at = user.digest_hour, zone, due
            row.save(update_fields=["hour", "time_zone", "due_at"])
            moved += 1
    have = set(Digest.objects.filter(user=user, date__in=moments).values_list("date", flat=True))
    fresh = [
        Digest(user=user, date=day, hour=user.digest_hour, time_zone=zone, due_at=due)
        for day, due in moments.items()
        if day not in have
    ]
    Digest.objects.bulk_create(fresh, ignore_conflicts=True)
    return moved + len(fresh)


def _moments(user: User, calendar: WorkingCalendar, now: datetime) -> Iterator[tuple[date, datetime]]:
    """(day, moment) of the user's coming working days, up to the first beyond the horizon."""
    zone = user_zone(user).key
    day = local_date(now, zone)
    for _n in range(DAYS_AHEAD):
        due = local_to_utc(day, time(user.digest_hour), zone)
        if due > now and calendar.is_working(day):
            yield day, due
            if due > now + HORIZON:
                return
        day += timedelta(days=1)


@transaction.atomic
def send_digests(now: datetime) -> int:
    """Mail what is due, or note why not. Skips rows that another run has locked. Returns the number of rows settled."""
    due = Digest.objects.planned().filter(due_at__lte=now)
    rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("user").order_by("due_at", "pk")
    found = list(rows[:AT_ONCE])
    calendar = WorkingCalendar.of(get_firm()) if found else None
    return sum(_guarded(row, calendar, now) for row in found if calendar)


def _guarded(row: Digest, calendar: WorkingCalendar, now: datetime) -> int:
    """Settle one; a failure does not stop the others and is retried until the day is over."""
    try:
        with transaction.atomic():
            _settle(row, calendar, now)
            return 1
    except Exception:
        log.exception("the morning mail of user %s could not be written", row.user_id)
        return 0


def _settle(row: Digest, calendar: WorkingCalendar, now: datetime) -> None:
    state, note = _why_not(row, calendar, now)
    if not state:
        parts = digest.build(acting(row.user), now)
        state = DigestState.SENT if parts else DigestState.NOTHING
        if parts:
            mail_digest(row=row, parts=parts, now=now)
    advance(row, to=state, states=DIGEST, note=note[:200], settled_at=now)


def _why_not(row: Digest, calendar: WorkingCalendar, now: datetime) -> tuple[str, str]:
    """(state, note) of a mail that must not be sent, or ("", "")."""
    user, zone = row.user, user_zone(row.user).key
    if not user.is_active or user.reminders != Reminders.DIGEST:
        return DigestState.SKIPPED, _("Morning emails are turned off.")
    if local_date(now, zone) > row.date:
        return DigestState.MISSED, _("The day has passed.")
    if not calendar.is_working(row.date):
        return DigestState.SKIPPED, _("This is not a working day.")
    midnight = local_to_utc(row.date, time(), zone)
    if ReadMark.objects.filter(user=user, kind=ReadKind.TODAY, read_at__gte=midnight).exists():
        return DigestState.READ, _("Today was opened before.")
    return "", ""


def take_back_read(now: datetime) -> int:
    """Cancel morning mails still in the outbox whose reader has opened Today since. Returns how many."""
    opened = ReadMark.objects.filter(user=OuterRef("user"), kind=ReadKind.TODAY, read_at__gte=OuterRef("created_at"))
    waiting = OutboxMail.objects.filter(Exists(opened), kind=emails.DIGEST.key, state=MailState.PENDING)
    return waiting.withdraw(_("Today was opened before it was sent"), now=now)


def take_back_mentions(engagement: Engagement, now: datetime) -> int:
    """Cancel morning mails still in the outbox that tell of rows of an engagement, or have a notification about one, which their reader does
    not see any more. Returns how many."""
    waiting = OutboxMail.objects.filter(kind=emails.DIGEST.key, state__in=MAIL_UNSENT)
    mails = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("user").prefetch_related("told")
    told = {mail: {(row.kind, row.record_id) for row in mail.told.all()} for mail in mails}  # type: ignore[attr-defined]
    named = rows_naming(engagement, set().union(*told.values()))
    insiders = {engagement.lead_id, *engagement.seats.values_list("user", flat=True)}  # type: ignore[attr-defined]
    found = [
        mail.pk
        for mail, rows in told.items()
        if (rows & named and mail.user_id not in insiders)
        or (mail.user is not None and _tells_hidden_news(mail.user, engagement, rows))
    ]
    return OutboxMail.objects.filter(pk__in=found).withdraw(_("It named work that was restricted since"), now=now)


def _tells_hidden_news(user: User | None, engagement: Engagement, rows: set[tuple[str, int]]) -> bool:
    """Whether a notification about the client is out of the user's sight: the rules of its gate look at what it is about."""
    if user is None:
        return False
    news = Notification.objects.filter(client_id=engagement.client_id)
    news = news.filter(pk__in=[pk for kind, pk in rows if kind == ReadKind.NOTIFICATION])
    return news.exists() and news.exclude(pk__in=Notification.objects.visible_to(acting(user)).values("pk")).exists()


def oldest_due(now: datetime) -> datetime | None:
    rows = Digest.objects.planned().filter(due_at__lte=now)
    return rows.order_by("due_at").values_list("due_at", flat=True).first()


@service(may=permissions.may_change_digest)
def skip_digest(principal: Principal, *, row: Digest, now: datetime) -> Digest:
    """No morning mail on this day. Raises ServiceError (code "conflict") when it is no longer planned."""
    row = Digest.objects.select_for_update().get(pk=row.pk)
    by = _("Skipped by %(name)s") % {"name": principal.user.name}
    advance(row, to=DigestState.SKIPPED, states=DIGEST, note=by[:200], settled_at=now)
    return row


@service(may=permissions.may_change_digest)
def restore_digest(principal: Principal, *, row: Digest, now: datetime) -> Digest:
    """Undo a skip while the day is not over. Raises ServiceError (code "conflict")."""
    row = Digest.objects.select_for_update().get(pk=row.pk)
    if row.state != DigestState.SKIPPED or local_date(now, row.time_zone) > row.date:
        raise ServiceError(_("This morning email can no longer be restored."), code="conflict")
    advance(row, to=DigestState.PLANNED, states=DIGEST, note="", settled_at=None)
    return row
