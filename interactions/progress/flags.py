"""What someone should check before a progress email is sent: notified the day before, shown wherever it is listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from clients.contacts.choices import Purpose
from clients.contacts.models import Affiliation
from clients.contacts.queries import address_at, as_known_at, held_for, refuses_at
from clients.cover.queries import readers_of, with_covering
from crm.core.base.kept import SameForAll
from crm.core.base.zones import zone
from crm.core.firm.queries import firm_today
from crm.core.mail.choices import MAIL_WAITING, MailState
from crm.core.mail.models import STORED, OutboxMail
from crm.core.notifications.notices import RowNotice
from crm.core.ui.formatting import one_line
from interactions.progress.choices import PROGRESS, ProgressState, WhenNothing
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule

FAILED = (MailState.DEAD, MailState.EXPIRED, MailState.UNCERTAIN)
PER_TICK = 200
NOTICES = {kind: RowNotice(kind, readers_of) for kind in ("progress-flag", "progress-problem", "progress-refused")}


@dataclass(frozen=True)
class Flag:
    key: str
    text: str
    tone: str = "amber"


def reachable(client_id: Any) -> QuerySet:
    """The recipients of a client (id or OuterRef) who can be mailed now, each with `address`: still at the client, not opted out,
    with an address that takes mail."""
    current = Affiliation.objects.filter(client_id=OuterRef("schedule__client_id"), contact_id=OuterRef("contact_id"))
    held = held_for(affiliation__client=OuterRef("schedule__client_id"), affiliation__contact=OuterRef("contact_id"))
    rows = ProgressRecipient.objects.filter(schedule__client_id=client_id, stopped_at__isnull=True)
    rows = rows.filter(Exists(current.current())).exclude(refuses_at(held, Purpose.SERVICE))
    return rows.annotate(address=address_at(held)).filter(address__isnull=False)


@SameForAll
def _recipients(*, client_id: int) -> QuerySet:
    return reachable(client_id).select_related("contact").order_by("pk")


def recipients_now(email: ProgressEmail) -> list[ProgressRecipient]:
    """The recipients if it left now, each with `address`."""
    people = _recipients.rows(client_id=email.client_id)
    as_known_at(email.client_id, [person.contact for person in people])
    return people


def _mails() -> QuerySet:
    return OutboxMail.objects.caused_by(ProgressEmail).filter(kind="progress", cause_id=OuterRef("pk"))


def with_state(rows: QuerySet) -> QuerySet:
    """The annotations that `lists.state_of` needs."""
    waiting, stored = _mails().filter(state__in=MAIL_WAITING), _mails().filter(STORED)
    return rows.annotate(has_waiting_mail=Exists(waiting), has_kept_mail=Exists(stored))


def with_signs(rows: QuerySet, now: datetime) -> QuerySet:
    """The annotations that `flags` and `lists.state_of` need."""
    schedule = ProgressSchedule.objects.filter(client_id=OuterRef("client_id"))
    mails = _mails()
    after = Q(sent_at__gt=OuterRef("deadline_at")) | Q(sent_at=None, state__in=MAIL_WAITING, deadline_at__lt=now)
    return with_state(rows).annotate(
        has_recipients=Exists(reachable(OuterRef("client_id"))),
        when_nothing=Subquery(schedule.values("when_nothing")[:1]),
        has_late_mail=Exists(mails.filter(after)),
        has_failed_mail=Exists(mails.filter(state__in=FAILED)),
    )


def flags(email: ProgressEmail, now: datetime) -> list[Flag]:
    """What to fix or to know, the worst first. The row needs the annotations of `with_signs`."""
    found = []
    if email.problem:
        found.append(Flag("problem", email.problem, "red"))
    if is_late(email, now):
        found.append(Flag("late", _("Late"), "red"))
    elif will_be_late(email, now):
        by = email.deadline_at.astimezone(zone(email.time_zone)).strftime("%H:%M")
        found.append(Flag("late-soon", _("Approve by %(time)s (their time) to be on time") % {"time": by}))
    if email.state == ProgressState.SENT and email.has_failed_mail:
        found.append(Flag("failed", _("Not delivered to everyone"), "red"))
    if email.state in PROGRESS.open:
        found += _before_it_leaves(email)
    return found


def is_late(email: ProgressEmail, now: datetime) -> bool:
    """It was sent or arrived after the deadline, or is unsent although the deadline has passed."""
    if email.state == ProgressState.SENT:
        return email.sent_at > email.deadline_at or email.has_late_mail
    return email.state in PROGRESS.open and now > email.deadline_at


def will_be_late(email: ProgressEmail, now: datetime) -> bool:
    """It should have been sent and waits for a person."""
    return email.state == ProgressState.HELD and now >= email.send_at


def _before_it_leaves(email: ProgressEmail) -> Iterable[Flag]:
    if not email.has_recipients:
        yield Flag("nobody", _("No recipients"), "red")
    if email.state not in PROGRESS.undecided or email.problem:
        return  # approved as it is
    if email.is_empty and not email.is_edited:
        words = {
            WhenNothing.SKIP: _("Nothing to report. It will be skipped unless you add something."),
            WhenNothing.SHORT: _("Nothing to report. A short note will be sent unless you add something."),
            WhenNothing.ASK: _("Nothing to report. Add a line or skip."),
        }
        yield Flag("empty", words.get(email.when_nothing, words[WhenNothing.ASK]))
    elif not _summary_of(email):
        yield Flag("note", _("Without a summary"))


def _summary_of(email: ProgressEmail) -> str:
    content = email.content if isinstance(email.content, dict) else {}
    return str(content.get("summary") or "").strip()


def flagged(rows: QuerySet) -> QuerySet:
    """Open, drafted emails that someone should check. The rows need the annotations of `with_signs`."""
    unread = Q(state=ProgressState.DRAFT, is_review_needed=True) | Q(state=ProgressState.HELD)
    empty = Q(is_empty=True, version=1, state__in=PROGRESS.undecided)
    no_note = Q(content__summary="", state__in=PROGRESS.undecided) | Q(content={}, state__in=PROGRESS.undecided)
    return rows.filter(state__in=PROGRESS.open).filter(unread | empty | no_note | Q(has_recipients=False))


def notify(now: datetime) -> int:
    """The day before: notify the account manager, and who covers for them, once of each email to check. Returns how many."""
    rows = with_signs(
        ProgressEmail.objects.open().filter(
            draft_at__lte=now, send_at__gt=now, client__archived_at__isnull=True, client__owner__is_active=True
        ),
        now,
    )
    rows = NOTICES["progress-flag"].untold(with_covering(flagged(rows), firm_today(now)))
    found = list(rows.select_related("client__owner").order_by("send_at", "pk")[:PER_TICK])
    for email in found:
        said = [flag.text for flag in flags(email, now)]
        if email.state == ProgressState.DRAFT and email.is_review_needed:
            said.append(_("Waiting for your approval"))
        why = " ".join(f"{text.rstrip('.')}." for text in said)
        _tell(email, "progress-flag", _("Progress email to %(client)s is due soon: %(why)s"), why)
    return len(found)


def close_notices(email: ProgressEmail) -> None:
    """Close the notifications about this email: nothing is left to check."""
    for notice in NOTICES.values():
        notice.close([email.pk])


def notify_readers(email: ProgressEmail, kind: str, words: str, *, why: str, now: datetime) -> None:
    """Notify the account manager of one email, and who covers for them."""
    _tell(read_by(email, now), kind, words, why)


def read_by(email: ProgressEmail, now: datetime) -> ProgressEmail:
    """With what `readers_of` needs."""
    rows = with_covering(ProgressEmail.objects.filter(pk=email.pk), firm_today(now))
    return rows.select_related("client__owner").get()


def _tell(email: ProgressEmail, kind: str, words: str, why: str) -> None:
    """Once for each kind; the newest takes the place of what was said before."""
    close_notices(email)
    NOTICES[kind].tell([email], lambda row: words % {"client": one_line(row.client.name)[:120], "why": why})
