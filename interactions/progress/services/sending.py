"""Sending progress emails at their time, holding those nobody approved, and opting out."""

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from clients.contacts.models import Contact
from clients.merging.queries import successor, time_within
from clients.records.choices import Status
from clients.records.models import Client, ClientFacts
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Kind, Principal
from crm.core.base.services import service
from crm.core.base.states import advance
from crm.core.mail.choices import MAIL_NEVER_LEFT, MAIL_UNSENT
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from interactions import permissions
from interactions.progress import emails, flags, review_emails
from interactions.progress.choices import PROGRESS, ProgressState
from interactions.progress.flags import recipients_now
from interactions.progress.models import ProgressEmail, ProgressRecipient
from interactions.progress.services.drafts import (
    approve_progress,
    check_seen,
    explain,
    hold_progress,
    is_silent_week,
    lock,
    refresh,
    trouble_of,
    write_draft,
)
from interactions.progress.times import WARN_BEFORE

log = logging.getLogger(__name__)
PER_TICK = 500
TAKE_BACK = timedelta(seconds=10)


def run_progress(now: datetime) -> int:
    """Periodic job: draft, hold, send and expire what is due. One failure does not stop the others. Returns how many moved."""
    due = ProgressEmail.objects.open().filter(client__archived_at__isnull=True)
    rows = list(due.filter(state=ProgressState.PLANNED, draft_at__lte=now).order_by("draft_at")[:PER_TICK])
    rows += due.exclude(state=ProgressState.PLANNED).filter(send_at__lte=now).order_by("send_at")[:PER_TICK]
    moved = sum(_guarded(email, now) for email in rows)
    flags.notify(now)
    return moved


def _guarded(email: ProgressEmail, now: datetime) -> int:
    """Settle one. An email that cannot be rendered is held with the reason; it is retried only when the database was away or
    busy."""
    try:
        with transaction.atomic():
            return int(settle_progress(email=email, now=now))
    except (OperationalError, InterfaceError):
        log.exception("progress email %s could not be settled for want of the database", email.pk)
        return 0
    except ServiceError as error:  # its message is written for people
        problem = explain(error)
    except Exception as error:  # one client's broken draft must not stop the mails of all others
        log.exception("progress email %s cannot be made", email.pk)
        problem = explain(error)
    try:
        return int(_hold_broken(email, problem, now))
    except Exception:
        log.exception("progress email %s could not be held", email.pk)
        return 0


@transaction.atomic
def _hold_broken(email: ProgressEmail, problem: str, now: datetime) -> bool:
    """Hold it with the reason and notify the account manager and who covers for them, once for each reason."""
    email = lock(email)
    if email.state not in PROGRESS.open or (email.state == ProgressState.HELD and email.problem == problem):
        return False
    hold_progress(email=email, problem=problem)
    try:
        review_emails.mail_review_missing(email=email, when="problem", now=now)
    except ServiceError:  # the account manager's own address is broken: the notification has to do
        log.exception("nobody could be mailed about progress email %s", email.pk)
    flags.notify_readers(
        email, "progress-problem", _("Progress email to %(client)s is held: %(why)s"), why=problem, now=now
    )
    return True


@transaction.atomic
def settle_progress(*, email: ProgressEmail, now: datetime) -> bool:
    """Make the due transition of one email. False if there is none."""
    email = lock(email)
    before = email.state
    if email.state in PROGRESS.over:
        return False
    moved = _settle(email, before, now)
    if email.state in PROGRESS.over and not email.problem:
        flags.close_notices(email)
    return moved


def _settle(email: ProgressEmail, before: str, now: datetime) -> bool:
    if now >= email.expires_at:
        advance(email, to=ProgressState.EXPIRED, states=PROGRESS)
        return True
    if _has_left(email):
        advance(email, to=ProgressState.SKIPPED, states=PROGRESS, skip_reason=_("They are a former client."))
        return True
    if email.state == ProgressState.PLANNED and now >= email.draft_at:
        write_draft(email, now)
    if now < email.send_at:
        return email.state != before
    if email.state == ProgressState.APPROVED:
        send(email, now)
    elif email.state == ProgressState.DRAFT:
        _send_or_hold(email, now)
    if email.state == ProgressState.HELD and now >= email.deadline_at - WARN_BEFORE:
        review_emails.mail_review_missing(email=email, when="deadline", now=now)
    return email.state != before


def _has_left(email: ProgressEmail) -> bool:
    """A former client gets no progress email, even if one is drafted."""
    return ClientFacts.objects.filter(pk=email.client_id, status=Status.FORMER).exists()


def _send_or_hold(email: ProgressEmail, now: datetime) -> None:
    refresh(email, now)
    if is_silent_week(email):
        advance(email, to=ProgressState.SKIPPED, states=PROGRESS, skip_reason=_("Nothing happened this week."))
    elif email.is_review_needed:
        advance(email, to=ProgressState.HELD, states=PROGRESS)
        review_emails.mail_review_missing(email=email, when="send", now=now)
    else:
        send(email, now)


def send(
    email: ProgressEmail, now: datetime, *, leaves_at: datetime | None = None, is_automatic: bool = True
) -> list[OutboxMail]:
    """Freeze the email and queue one mail per recipient. The caller holds the row.

    A recipient with an invalid address does not stop the others: `problem` names them. Returns [] when there is nobody to send
    it to (the email is then skipped). Raises ServiceError (code "conflict") when it cannot be sent at all."""
    people = recipients_now(email)
    if not people:
        nobody = _("No recipients: all have opted out, left, or have no address.")
        advance(email, to=ProgressState.SKIPPED, states=PROGRESS, skip_reason=nobody)
        return []
    had = _had_one(email)
    people = [person for person in people if person.contact_id not in had]
    if not people:
        told = _("All recipients already had a progress email of this client this week.")
        advance(email, to=ProgressState.SKIPPED, states=PROGRESS, skip_reason=told)
        return []
    if trouble := trouble_of(email):
        raise ServiceError(trouble, code="conflict")
    text, html = emails.render_progress(email, people[0].contact, stop_url=emails.STOP)
    mails, refused = [], []
    for person in people:
        address = person.address  # type: ignore[attr-defined]
        try:
            mails.append(
                emails.mail_progress(
                    email=email, recipient=person, address=address, now=leaves_at or now, is_automatic=is_automatic
                )
            )
        except ServiceError as error:
            refused.append(_("%(name)s: %(why)s") % {"name": person.contact.name, "why": error.message})
    if not mails:
        raise ServiceError(" ".join(refused), code="conflict")
    problem = (_("Not sent to %(who)s") % {"who": " ".join(refused)})[:300] if refused else ""
    sent = {"sent_at": now, "sent_text": text, "sent_html": html, "problem": problem}
    advance(email, to=ProgressState.SENT, states=PROGRESS, **sent)
    if refused:
        words = _("Progress email to %(client)s: %(why)s")
        flags.notify_readers(email, "progress-refused", words, why=email.problem, now=now)
    return mails


def _had_one(email: ProgressEmail) -> set[int]:
    """The contacts who got another progress email of this client in this week: that of a client that was merged into it, whose mails
    are this one's now, or that of the client this one was part of until the merge was undone.
    """
    of_client = Q(client_id=email.client_id)
    for kept, start, end in time_within(email.client_id):
        of_client |= Q(client_id=kept, created_at__range=(start, end))
    emails_of_week = ProgressEmail.objects.filter(week=email.week).exclude(pk=email.pk)
    mails = OutboxMail.objects.caused_by(ProgressEmail).filter(of_client, kind="progress", contact_id__isnull=False)
    mails = mails.filter(cause_id__in=emails_of_week.values("pk")).exclude(state__in=MAIL_NEVER_LEFT)
    return {*mails.values_list("contact_id", flat=True)}


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def send_progress_now(
    principal: Principal, *, email: ProgressEmail, seen_version: int | None = None, now: datetime
) -> ProgressEmail:
    """Approve and send; its mails leave after ten seconds, and until then `unsend_progress` takes them back.

    Raises StaleWrite, ServiceError."""
    email = lock(email)
    check_seen(email, seen_version)
    email = approve_progress(principal, email=email, now=now)
    if not send(email, now, leaves_at=now + TAKE_BACK, is_automatic=False):
        raise ServiceError(email.skip_reason, code="conflict")
    return email


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def unsend_progress(principal: Principal, *, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Take back what has not left yet: a draft again. Raises ServiceError (code "conflict") when a mail of it is on its way."""
    email = lock(email)
    PROGRESS.expect(email, ProgressState.SENT)
    mails = list(OutboxMail.objects.caused_by(email).filter(kind="progress").select_for_update(of=("self",)))
    if any(mail.state not in MAIL_UNSENT or mail.attempts for mail in mails):
        raise ServiceError(_("It has already left."), code="conflict")
    OutboxMail.objects.filter(
        pk__in=[mail.pk for mail in mails]
    ).delete()  # their keys are needed when it is sent again
    nothing = {
        "sent_at": None,
        "sent_text": "",
        "sent_html": "",
        "problem": "",
        "approved_by": None,
        "approved_at": None,
    }
    advance(email, to=ProgressState.DRAFT, states=PROGRESS, **nothing)
    return email


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def send_test(principal: Principal, *, email: ProgressEmail, now: datetime) -> OutboxMail:
    """Send the mail as the first recipient would get it to the colleague who asks. Raises ServiceError (code "conflict")."""
    if not email.content:
        raise ServiceError(_("There is no draft yet."), code="conflict")
    if trouble := trouble_of(email):
        raise ServiceError(trouble, code="conflict")
    people = recipients_now(email)
    return emails.mail_progress_test(principal, email=email, contact=people[0].contact if people else None)


@service(may=permissions.is_recipient, open_to=frozenset({Kind.LINK}))
def stop_recipient(principal: Principal, *, recipient: ProgressRecipient, now: datetime) -> ProgressRecipient:
    """The recipient opts out: their unsent mails are cancelled and the account manager is notified. Twice changes nothing."""
    row = (
        ProgressRecipient.objects.select_for_update(of=("self",))
        .select_related("schedule__client", "contact")
        .get(pk=recipient.pk)
    )
    _stop(row, now)
    if (heir := _heir_of(row)) is not None:
        _stop(heir, now)
    return row


def _heir_of(row: ProgressRecipient) -> ProgressRecipient | None:
    """Who gets the emails in place of this one since the client or the contact was merged into another: their link still stops them."""
    client, contact = successor(Client, row.schedule.client_id), successor(Contact, row.contact_id)
    if (client, contact) == (row.schedule.client_id, row.contact_id):
        return None
    rows = ProgressRecipient.objects.select_for_update(of=("self",)).select_related("schedule__client", "contact")
    return rows.filter(schedule__client=client, contact=contact).first()


def _stop(row: ProgressRecipient, now: datetime) -> None:
    if row.stopped_at is None:
        row.stopped_at = now
        row.save(update_fields=["stopped_at"])
        client = row.schedule.client
        theirs = OutboxMail.objects.filter(kind="progress", client_id=client.pk, contact_id=row.contact_id)
        theirs.withdraw(_("The recipient unsubscribed"), now=now)
        Notification.objects.get_or_create(
            key=f"progress-stop:{row.pk}:{now.isoformat()}",
            defaults={
                "user_id": client.owner_id,
                "client_id": client.pk,
                "kind": "progress-stop",
                "url": f"/clients/{client.pk}/",
                "text": _("%(name)s unsubscribed from progress emails.") % {"name": row.contact.name},
            },
        )
