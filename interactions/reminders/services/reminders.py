"""Reminders of due follow-ups and unread notifications: one mail per person and run.

`remind_at` of a follow-up says when its reminder leaves; it is cleared in the transaction that writes the mail. During an absence the mail
goes to the colleague who covers instead of the assignee (`FollowUp.with_reader`); their settings decide whether it leaves.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from clients.cover.models import Cover
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal, acting
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.queries import firm_cached, firm_today
from crm.core.mail.choices import MailState
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.users.choices import Reminders
from crm.core.users.models import User
from interactions import permissions
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import reminder_moment
from interactions.reading.choices import ReadKind
from interactions.reading.models import ReadMark
from interactions.reminders.emails import REMINDER, remind
from interactions.reminders.models import Told

log = logging.getLogger(__name__)
PEOPLE_AT_ONCE = 100
NEAR = timedelta(minutes=5)  # follow-ups due within this go into the same mail
UNREAD_AFTER = timedelta(minutes=5)  # a notification not read by then is mailed
UNREAD_UNTIL = timedelta(days=2)


@transaction.atomic
def send_reminders(now: datetime) -> int:
    """Queue the mails of what is due; nothing that is done, snoozed, read or no longer visible to its reader. Skips rows that
    another run has locked. Returns the number of follow-ups and notifications mailed, plus the mails cancelled."""
    taken_back = take_back_read(now)
    due = FollowUp.objects.open().awake(now).filter(remind_at__lte=now).with_reader(firm_today(now))
    unwanted = due.exclude(reader_id__in=User.objects.filter(reminders=Reminders.EACH).values("pk"))
    FollowUp.objects.filter(pk__in=unwanted.values("pk")).update(remind_at=None)
    readers = User.objects.filter(
        Q(pk__in=due.order_by().values("reader_id"))
        | Q(pk__in=unread(now).values("user"), reminders=Reminders.EACH, is_active=True)
    )
    with firm_cached():
        return taken_back + sum(_guarded(user, now) for user in readers.order_by("pk")[:PEOPLE_AT_ONCE])


def unread(now: datetime):
    """Unread notifications that no mail has mentioned yet."""
    mentions = Told.objects.filter(kind=ReadKind.NOTIFICATION, record_id=OuterRef("pk"))
    span = {"created_at__lte": now - UNREAD_AFTER, "created_at__gt": now - UNREAD_UNTIL}
    return Notification.objects.filter(read_at__isnull=True, **span).exclude(Exists(mentions))


def oldest_due(now: datetime) -> datetime | None:
    rows = FollowUp.objects.open().awake(now).filter(remind_at__lte=now)
    return rows.order_by("remind_at").values_list("remind_at", flat=True).first()


def _guarded(user: User, now: datetime) -> int:
    """Remind one user. When the mail fails, each follow-up is tried alone; one that fails again gets no reminder."""
    rows = _locked(user, now)
    is_told = user.is_active and user.reminders == Reminders.EACH
    news = list(unread(now).visible_to(acting(user)).order_by("pk")) if is_told else []
    try:
        with transaction.atomic():
            return _remind(user, rows, news, now)
    except Exception:
        log.exception("the reminders of user %s could not be written together", user.pk)
    return sum(_alone(user, row, now) for row in rows)


def _alone(user: User, row: FollowUp, now: datetime) -> int:
    try:
        with transaction.atomic():
            row.refresh_from_db(fields=["remind_at", "reminder_number"])
            return _remind(user, [row], [], now)
    except (OperationalError, InterfaceError):  # the database is away or busy: retried
        log.exception("the reminder of follow-up %s could not be written for want of the database", row.pk)
        return 0
    except Exception:
        log.exception("the reminder of follow-up %s could not be written", row.pk)
        FollowUp.objects.filter(pk=row.pk).update(remind_at=None)
        return 0


def _locked(user: User, now: datetime) -> list[FollowUp]:
    due = FollowUp.objects.open().awake(now + NEAR).filter(remind_at__lte=now + NEAR)
    due = due.with_reader(firm_today(now)).filter(reader_id=user.pk)
    rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("client", "assignee", "contact")
    return list(rows.order_by("remind_at", "id"))


def _remind(user: User, rows: list[FollowUp], news: list[Notification], now: datetime) -> int:
    if not news and all(row.remind_at is None or row.remind_at > now for row in rows):
        return 0  # only what is nearly due is left: another run took the rest
    wanted = _wanted(user, rows) if user.is_active and user.reminders == Reminders.EACH else []
    for row in rows:
        row.remind_at = None
    for row in wanted:
        row.reminder_number += 1
    if wanted or news:
        mail = remind(user, wanted, news, now=now)
        note_mentions(mail, ReadKind.FOLLOW_UP, wanted)
        note_mentions(mail, ReadKind.NOTIFICATION, news)
    FollowUp.objects.bulk_update(rows, ["remind_at", "reminder_number"])
    return len(wanted) + len(news)


def _wanted(user: User, rows: list[FollowUp]) -> list[FollowUp]:
    """The follow-ups the user may still see and has not opened since they were due."""
    ids = [row.pk for row in rows]
    seen = set(FollowUp.objects.visible_to(acting(user)).filter(pk__in=ids).values_list("pk", flat=True))
    marks = ReadMark.objects.filter(user=user, kind=ReadKind.FOLLOW_UP, record_id__in=ids)
    read = dict(marks.values_list("record_id", "read_at"))
    return [
        row
        for row in rows
        if row.pk in seen
        and not (row.client and row.client.archived_at)
        and not (row.pk in read and row.remind_at and read[row.pk] >= row.remind_at)
    ]


def note_mentions(mail: OutboxMail, kind: ReadKind, rows: Iterable) -> None:
    """Record what a mail mentions."""
    Told.objects.bulk_create([Told(mail=mail, kind=kind, record_id=row.pk) for row in rows], ignore_conflicts=True)


def take_back_read(now: datetime) -> int:
    """Cancel reminders still in the outbox that mention something done, snoozed or read since they were written; what is left
    of them is due again. Returns how many."""
    mentions = Told.objects.filter(mail=OuterRef("pk"))
    waiting = OutboxMail.objects.filter(Exists(mentions), kind=REMINDER.key, state=MailState.PENDING)
    return sum(_take_back(mail, now) for mail in waiting.select_for_update(skip_locked=True, of=("self",)))


def _take_back(mail: OutboxMail, now: datetime) -> int:
    mentions = list(mail.told.all())  # type: ignore[attr-defined]
    news = {row.record_id for row in mentions if row.kind == ReadKind.NOTIFICATION}
    asked = {row.record_id for row in mentions if row.kind == ReadKind.FOLLOW_UP}
    seen = Notification.objects.visible_to(acting(mail.user)).filter(pk__in=news, read_at__isnull=True)
    open_news = set(seen.values_list("pk", flat=True))
    marks = ReadMark.objects.filter(user=mail.user_id, kind=ReadKind.FOLLOW_UP, record_id__in=asked)
    read = set(marks.filter(read_at__gte=mail.created_at).values_list("record_id", flat=True))
    rows = FollowUp.objects.open().awake(now).with_reader(firm_today(now))
    rows = rows.filter(pk__in=asked - read, remind_at__isnull=True)
    own = rows.filter(pk__in=FollowUp.objects.visible_to(acting(mail.user)).filter(pk__in=asked).values("pk"))
    left = set(own.filter(reader_id=mail.user_id).values_list("pk", flat=True))
    if left == asked and open_news == news:
        return 0
    OutboxMail.objects.filter(pk=mail.pk).withdraw(_("Done or read before it was sent"), now=now)
    again = left | set(_turned_over(rows, mail).values_list("pk", flat=True))
    FollowUp.objects.filter(pk__in=again).update(remind_at=now)
    Told.objects.filter(mail=mail, kind=ReadKind.NOTIFICATION).delete()
    return 1


def _turned_over(rows: QuerySet, mail: OutboxMail) -> QuerySet:
    """Follow-ups of the mail that are somebody else's now because a cover began or ended since, not because they were reassigned."""
    covers = Cover.objects.filter(absent=OuterRef("assignee"), covering=mail.user_id)
    return rows.exclude(reader_id=mail.user_id).filter(Q(assignee=mail.user_id) | Exists(covers))


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def skip_reminder(principal: Principal, *, follow_up: FollowUp, now: datetime) -> FollowUp:
    """Send no reminder of this follow-up; it stays due. Raises ServiceError (code "conflict") when none is scheduled."""
    row = FollowUp.objects.select_for_update(of=("self",)).get(pk=follow_up.pk)
    if row.remind_at is None:
        raise ServiceError(_("No more reminders for this follow-up."), code="conflict")
    row.remind_at = None
    save_version(row, fields=["remind_at"], seen=None)
    return row


@service(may=permissions.may_change_follow_up, why=permissions.IN_TRASH)
def restore_reminder(principal: Principal, *, follow_up: FollowUp, now: datetime) -> FollowUp:
    """Undo a skip: the reminder leaves at its time, or at once if that has passed. Raises ServiceError (code "closed")."""
    row = FollowUp.objects.select_for_update(of=("self",)).select_related("assignee").get(pk=follow_up.pk)
    if row.state != FollowUpState.OPEN:
        raise ServiceError(_("This follow-up is closed. Reopen it first."), code="closed")
    if row.remind_at is None:
        row.remind_at = max(row.snoozed_until, now) if row.snoozed_until else reminder_moment(row, now)
        save_version(row, fields=["remind_at"], seen=None)
    return row
