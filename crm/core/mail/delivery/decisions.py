"""Decisions about a mail, by a person or by its kind's policy. Sending again always creates a new row."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_see_outbox
from crm.core.base.principals import Principal
from crm.core.base.reading import whole_number
from crm.core.base.services import service
from crm.core.mail import kinds
from crm.core.mail.choices import MAIL_UNSENT, MailState
from crm.core.mail.models import OutboxMail
from crm.core.mail.services import suppression
from crm.core.mail.services.outbox import mail_domain
from crm.core.work import jobs

# Seconds after the previous fence at which an account mail is automatically sent again.
AGAIN_AFTER = (30, 120, 600)
MAY_SEND_AGAIN = (MailState.UNCERTAIN, MailState.DEAD, MailState.EXPIRED)
COPIED = (
    "kind",
    "cause_kind",
    "cause_id",
    "client_id",
    "contact_id",
    "user",
    "to_address",
    "to_name",
    "from_name",
    "reply_to",
    "subject",
    "text",
    "html",
    "headers",
    "links",
    "purpose",
    "is_automatic",
    "rank",
    "deadline_at",
)


@service(may=may_see_outbox)
def cancel_mail(principal: Principal, *, mail: OutboxMail) -> OutboxMail:
    """Cancel a mail that is not on its way yet. Raises ServiceError if it is."""
    mail = _locked(mail, *MAIL_UNSENT)
    return _move(mail, MailState.CANCELLED, _("Cancelled by %(name)s") % {"name": principal.user.name})


@service(may=may_see_outbox)
def release_mail(principal: Principal, *, mail: OutboxMail, now: datetime) -> OutboxMail:
    """Send a held mail. Raises ServiceError if it is not held, or may no longer be sent."""
    mail = _locked(mail, MailState.HELD)
    if stopped := _why_not(mail):
        raise ServiceError(stopped, code="stopped")
    mail.next_attempt_at = max(mail.next_attempt_at, now)
    mail.save(update_fields=["next_attempt_at"])
    jobs.enqueue("crm.core.tasks.deliver")
    return _move(mail, MailState.PENDING, _("Released by %(name)s") % {"name": principal.user.name})


@service(may=may_see_outbox)
def mark_arrived(principal: Principal, *, mail: OutboxMail, now: datetime) -> OutboxMail:
    """Mark an undecided mail as arrived, after asking the recipient."""
    mail = _locked(mail, MailState.UNCERTAIN)
    mail.sent_at = mail.fenced_at or now
    return _move(mail, MailState.SENT, _("%(name)s confirmed that it arrived") % {"name": principal.user.name})


@service(may=may_see_outbox)
def send_again(principal: Principal, *, mail: OutboxMail, now: datetime) -> OutboxMail:
    """Send a failed, expired or undecided mail again as a new row. Returns that row; an undecided one is closed.

    Raises ServiceError when the address is suppressed or the contact opted out."""
    mail = _locked(mail, *MAY_SEND_AGAIN)
    if stopped := _why_not(mail):
        raise ServiceError(stopped, code="stopped")
    return _copy(mail, now, _("Sent again by %(name)s") % {"name": principal.user.name})


@transaction.atomic
def apply_policy(mail_id: int) -> OutboxMail | None:
    """Resend an undecided mail of a kind that is resent automatically (login, reset, invitation) once it is due; a
    second copy does no harm. The time between tries grows, so a server that is away for a while neither uses them up
    nor gets four. Other kinds wait for a person.
    """
    mail = OutboxMail.objects.select_for_update().get(pk=mail_id)
    if mail.state != MailState.UNCERTAIN or mail.kind not in kinds.resent() or _number(mail.key) > len(AGAIN_AFTER):
        return None
    wait = timedelta(seconds=AGAIN_AFTER[_number(mail.key) - 1])
    if mail.fenced_at and timezone.now() < mail.fenced_at + wait:
        return None
    return _copy(mail, timezone.now(), _("Resent automatically, as usual for this type"))


@transaction.atomic
def settle_by_journal(mail_id: int, *, arrived: bool) -> bool:
    """Settle by the journal: a mail found there was accepted, a missing one is sent again. False if it was settled already."""
    mail = OutboxMail.objects.select_for_update().get(pk=mail_id)
    if mail.state != MailState.UNCERTAIN:
        return False
    if arrived:
        mail.sent_at = mail.fenced_at
        _move(mail, MailState.SENT, _("Found in the mail journal"))
    elif stopped := _why_not(mail):
        _move(mail, MailState.CANCELLED, _("Not found in the mail journal and not resent. %(why)s") % {"why": stopped})
    else:
        note = _("Not found in the mail journal, so it will be sent again.")
        _copy(mail, timezone.now(), note, expires_at=mail.expires_at)
    return True


def _why_not(mail: OutboxMail) -> str:
    """Why this mail may no longer be sent (suppressed address, opt-out), or ""."""
    return suppression.refusal(mail.kind, mail.to_address) or kinds.refusal(mail)


def _copy(mail: OutboxMail, now: datetime, note: str, *, expires_at: datetime | None = None) -> OutboxMail:
    stem, number = mail.key.rpartition("#")[0] or mail.key, _number(mail.key)
    key = f"{stem[:190]}#{number + 1}"
    if OutboxMail.objects.filter(key=key).exists():
        raise ServiceError(_("This email was already resent."), code="conflict")
    if mail.state == MailState.UNCERTAIN:
        _move(mail, MailState.CANCELLED, note)
    again = OutboxMail.objects.create(
        key=key,
        state=MailState.PENDING,
        message_id=f"<{uuid.uuid4()}@{mail_domain()}>",
        planned_for=now,
        next_attempt_at=now,
        expires_at=expires_at,
        **{name: getattr(mail, name) for name in COPIED},
    )
    again.attachments.model.objects.bulk_create(
        again.attachments.model(mail=again, file_id=attached.file_id, name=attached.name)
        for attached in mail.attachments.all()
    )
    jobs.enqueue("crm.core.tasks.deliver")
    return again


def _number(key: str) -> int:
    stem, mark, number = key.rpartition("#")
    return (stem and mark and whole_number(number)) or 1


def _locked(mail: OutboxMail, *states: MailState) -> OutboxMail:
    row = OutboxMail.objects.select_for_update(of=("self",)).get(pk=mail.pk)
    if row.state not in states:
        raise ServiceError(_("This email is now “%(state)s”.") % {"state": row.get_state_display()}, code="conflict")
    return row


def _move(mail: OutboxMail, state: MailState, reply: str) -> OutboxMail:
    mail.state, mail.reply = state, reply[:500]
    mail.lease_token = mail.lease_until = None
    mail.save(update_fields=["state", "reply", "lease_token", "lease_until", "sent_at", "updated_at"])
    return mail
