"""Survey invitations: ask, reschedule, skip, send. The rule that asks automatically is in `rules`, answering in `answering`."""

import logging
import uuid
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clients.contacts.models import Contact
from clients.records.choices import Status
from clients.records.models import Client, ClientFacts
from crm.core.base.dates import is_plausible, local_date, local_to_utc
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.secret_links import hash_token, new_salt
from crm.core.base.services import service
from crm.core.base.states import advance
from crm.core.base.versions import save_version
from crm.core.firm.queries import get_firm
from crm.core.mail.choices import MailState
from crm.core.mail.models import OutboxMail
from interactions import permissions
from interactions.surveys import emails
from interactions.surveys.audience import Audience, Person, audience, people
from interactions.surveys.choices import INVITATION, Asked, InvitationSource, InvitationState
from interactions.surveys.models import Survey, SurveyInvitation

log = logging.getLogger(__name__)
PER_TICK = 200  # a run is one transaction, and others wait for it
TAKE_BACK = timedelta(minutes=5)  # a mailing to many leaves this long after it was confirmed
OFFICE_HOUR = time(10, 0)
AHEAD_AT_MOST = timedelta(days=366)


def hand_period(now: datetime) -> str:
    """The period of an invitation by hand: nobody gets the same survey twice on one day of the firm."""
    return local_date(now, get_firm().time_zone).isoformat()


def mass_audience(*, survey: Survey, clients: QuerySet, who: str, now: datetime) -> Audience:
    """Whom `invite_clients` would ask."""
    return audience(clients, survey=survey, who=who, when=now, period=hand_period(now))


@service(may=permissions.may_send_surveys)
def invite_clients(
    principal: Principal,
    *,
    survey: Survey,
    clients: QuerySet,
    who: str = Asked.MAIN,
    send_date: date | None = None,
    seen_count: int | None = None,
    now: datetime,
) -> tuple[uuid.UUID, int]:
    """Ask the people of many clients as one action. Returns (batch, number of invitations).

    They leave after five minutes, or on `send_date` at ten in the client's zone; until then each can be read and skipped.
    Raises ServiceError (field send_date; code "nobody"; code "changed" when `seen_count` is no longer the number)."""
    emails.check_words(survey.mail_subject, survey.mail_text)
    _check_date(send_date, now)
    found = mass_audience(survey=survey, clients=clients, who=who, now=now)
    if not found.people:
        raise ServiceError(_("None of these contacts can be surveyed now."), code="nobody")
    if seen_count is not None and seen_count != len(found.people):
        raise ServiceError(
            _("The list has changed: %(now)d people now, not %(seen)d. Check it again.")
            % {"now": len(found.people), "seen": seen_count},
            code="changed",
        )
    batch, period, firm_zone = uuid.uuid4(), hand_period(now), get_firm().time_zone
    rows = [
        invitation_for(
            principal, person, survey, period=period, send_at=_leaves(person, send_date, firm_zone, now), batch=batch
        )
        for person in found.people
    ]
    return batch, save_new(rows)


def _check_date(send_date: date | None, now: datetime) -> None:
    if send_date is None:
        return
    if send_date < local_date(now, get_firm().time_zone):
        raise ServiceError(_("This day has passed."), field="send_date")
    if send_date > (now + AHEAD_AT_MOST).date():
        raise ServiceError(_("This is more than a year ahead."), field="send_date")


def _leaves(person: Person, send_date: date | None, firm_zone: str, now: datetime) -> datetime:
    soon = now + TAKE_BACK
    if send_date is None:
        return soon
    return max(soon, local_to_utc(send_date, OFFICE_HOUR, person.time_zone or firm_zone))


def invitation_for(
    principal: Principal,
    person: Person,
    survey: Survey,
    *,
    period: str,
    send_at: datetime,
    batch: uuid.UUID,
) -> SurveyInvitation:
    """The invitation, not saved; by rule when the system acts."""
    return SurveyInvitation(
        survey=survey,
        client_id=person.client_id,
        contact_id=person.contact_id,
        address=person.address,
        period=period,
        batch=batch,
        key=f"survey:{survey.pk}:{person.contact_id}:{period}" + (f":{person.tries + 1}" if person.tries else ""),
        source=InvitationSource.HAND if principal.user else InvitationSource.RULE,
        requested_by=principal.user,
        send_at=send_at,
        expires_at=send_at + timedelta(days=survey.answer_days),
        salt=new_salt(),
        is_demo=person.is_demo,
    )


def save_new(rows: list[SurveyInvitation]) -> int:
    """Insert the invitations that do not exist yet, safely beside a second run. Returns how many."""
    if not rows:
        return 0
    SurveyInvitation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return SurveyInvitation.objects.filter(batch=rows[0].batch).count()


@service(may=permissions.may_ask, why=permissions.ASKED_BY)
def ask_contacts(
    principal: Principal, *, survey: Survey, client: Client, contacts: Iterable[Contact], now: datetime
) -> list[SurveyInvitation]:
    """Ask people of one client now. One that cannot be sent is skipped with its reason and does not stop the others.

    Raises ServiceError (field contacts) if one of them may not be asked now."""
    emails.check_words(survey.mail_subject, survey.mail_text)
    wanted = {contact.pk for contact in contacts}
    if not wanted:
        raise ServiceError(_("Choose at least one person."), field="contacts")
    known = {person.contact_id: person for person in askable(survey=survey, client=client, now=now)}
    strangers = wanted - known.keys()
    refused = [known[pk] for pk in sorted(wanted - strangers) if known[pk].reason]
    if strangers or refused:
        words = [f"{person.name}: {person.reason.label}" for person in refused]
        words += [_("Someone chosen is no longer at this client.")] if strangers else []
        raise ServiceError("; ".join(words), field="contacts")
    batch, period = uuid.uuid4(), hand_period(now)
    rows = [
        invitation_for(principal, known[pk], survey, period=period, send_at=now, batch=batch) for pk in sorted(wanted)
    ]
    save_new(rows)
    made = list(SurveyInvitation.objects.filter(batch=batch).values_list("pk", flat=True))
    for pk in made:
        _guarded(pk, now)
    return list(SurveyInvitation.objects.filter(pk__in=made).select_related("contact").order_by("pk"))


def askable(*, survey: Survey, client: Client, now: datetime) -> list[Person]:
    """Everybody at the client, each with the reason why they cannot be asked now."""
    rows = Client.objects.filter(pk=client.pk)
    return list(people(rows, survey=survey, who=Asked.ALL, when=now, period=hand_period(now), is_mass=False))


def lock(invitation: SurveyInvitation) -> SurveyInvitation:
    """Lock first, then load: rows joined in the locking statement would be those from before the wait."""
    SurveyInvitation.objects.select_for_update().values_list("pk").get(pk=invitation.pk)
    return SurveyInvitation.objects.select_related("client__owner", "contact", "survey", "response").get(
        pk=invitation.pk
    )


@service(may=permissions.may_decide_invitation, why=permissions.ASKED_BY)
def change_date(
    principal: Principal,
    *,
    invitation: SurveyInvitation,
    send_at: datetime,
    seen_version: int | None = None,
    now: datetime,
) -> SurveyInvitation:
    """Reschedule a planned invitation. Raises ServiceError (field send_at; code "conflict"), StaleWrite."""
    row = lock(invitation)
    INVITATION.expect(row, InvitationState.PLANNED)
    if not is_plausible(send_at) or send_at > now + AHEAD_AT_MOST:
        raise ServiceError(_("This is more than a year ahead."), field="send_at")
    if send_at < now:
        raise ServiceError(_("This time has passed."), field="send_at")
    row.send_at, row.expires_at = send_at, send_at + timedelta(days=row.survey.answer_days)
    save_version(row, fields=["send_at", "expires_at"], seen=seen_version)
    return row


@service(may=permissions.may_decide_invitation, why=permissions.ASKED_BY)
def skip_invitation(
    principal: Principal, *, invitation: SurveyInvitation, reason: str = "", now: datetime
) -> SurveyInvitation:
    """Do not ask, or withdraw the question: an unsent mail is cancelled, a sent link stops working. Idempotent."""
    row = lock(invitation)
    if row.state == InvitationState.SKIPPED:
        return row
    by = _("Skipped by %(name)s") % {"name": principal.user.name} if principal.user else ""
    advance(row, to=InvitationState.SKIPPED, states=INVITATION, skip_reason=(reason or by)[:300])
    OutboxMail.objects.caused_by(row).withdraw(row.skip_reason, now=now)
    return row


@service(may=permissions.may_send_surveys)
def skip_batch(principal: Principal, *, batch: uuid.UUID, invitations: QuerySet, now: datetime) -> int:
    """Skip the planned invitations of one batch, of those given. Returns how many."""
    rows = list(invitations.filter(batch=batch, state=InvitationState.PLANNED).order_by("pk"))
    return sum(skip_invitation(principal, invitation=row, now=now).state == InvitationState.SKIPPED for row in rows)


@service(may=permissions.may_decide_invitation, why=permissions.ASKED_BY)
def bring_back(principal: Principal, *, invitation: SurveyInvitation, now: datetime) -> SurveyInvitation:
    """Undo a skip: planned again, or the sent link works again. Raises ServiceError (code "conflict")."""
    row = lock(invitation)
    if row.sent_at is None:
        send_at = max(row.send_at, now)
        times = {"send_at": send_at, "expires_at": send_at + timedelta(days=row.survey.answer_days)}
        advance(row, to=InvitationState.PLANNED, states=INVITATION, skip_reason="", **times)
        return row
    if row.expires_at <= now:
        raise ServiceError(_("The survey has closed."), code="conflict")
    if OutboxMail.objects.caused_by(row).filter(state=MailState.CANCELLED).exists():
        raise ServiceError(_("This survey was cancelled before it was sent. Send a new one instead."), code="conflict")
    advance(row, to=InvitationState.SENT, states=INVITATION, skip_reason="")
    return row


@service(may=permissions.may_decide_invitation, why=permissions.ASKED_BY)
def send_now(principal: Principal, *, invitation: SurveyInvitation, now: datetime) -> SurveyInvitation:
    """Send a planned invitation now. Raises ServiceError with the reason when it cannot be sent."""
    row = lock(invitation)
    INVITATION.expect(row, InvitationState.PLANNED)
    _send(row, now)
    return row


def send_due(now: datetime) -> int:
    """Periodic job: send what is due. One failure does not stop the others. Returns how many were sent."""
    return sum(_guarded(pk, now) for pk in _due(now).values_list("pk", flat=True)[:PER_TICK])


def oldest_due(now: datetime) -> datetime | None:
    return _due(now).values_list("send_at", flat=True).first()


def _due(now: datetime) -> QuerySet:
    rows = SurveyInvitation.objects.filter(state=InvitationState.PLANNED, send_at__lte=now, expires_at__gt=now)
    return rows.order_by("send_at", "pk")


def expire_invitations(now: datetime) -> int:
    """Periodic job: expire what was not answered or not sent in time. Returns how many."""
    over = SurveyInvitation.objects.filter(state__in=INVITATION.open, expires_at__lte=now)
    return over.update(state=InvitationState.EXPIRED, updated_at=now)


def _guarded(pk: int, now: datetime) -> int:
    """Send one; when it cannot be sent, skip it with the reason."""
    found = SurveyInvitation.objects.select_for_update(of=("self",), skip_locked=True)
    rows = found.select_related("client__owner", "contact", "survey").filter(pk=pk, state=InvitationState.PLANNED)
    with transaction.atomic():
        row = rows.first()
        if row is None:
            return 0
        try:
            with transaction.atomic():
                _send(row, now)
            return 1
        except (OperationalError, InterfaceError):  # the database is away or busy: retried
            log.exception("survey invitation %s could not be sent for want of the database", pk)
            return 0
        except ServiceError as error:
            reason = error.message
        except Exception:
            log.exception("survey invitation %s could not be sent", pk)
            reason = _("The email could not be created. Try again, or ask your admin to check the log.")
        row.refresh_from_db()
        skip_invitation(SYSTEM, invitation=row, reason=reason, now=now)
        return 0


def _send(row: SurveyInvitation, now: datetime) -> None:
    """Queue the mail, if the person may still be asked. The caller holds the row. Raises ServiceError."""
    advance(
        row,
        to=InvitationState.SENT,
        states=INVITATION,
        address=_person_now(row, now).address,
        sent_at=now,
        expires_at=now + timedelta(days=row.survey.answer_days),
        token_hash=hash_token(emails.ANSWER_LINK.token(row)),
    )
    emails.mail_survey(invitation=row, now=now)


def _person_now(row: SurveyInvitation, now: datetime) -> Person:
    """The person as of now: consent, address, affiliation, and surveys since it was planned. Raises ServiceError."""
    if row.client.archived_at:
        raise ServiceError(_("The client is archived."))
    if ClientFacts.objects.filter(pk=row.client_id, status=Status.FORMER).exists() and row.requested_by_id is None:
        raise ServiceError(_("They are a former client."))
    clients = Client.objects.filter(pk=row.client_id)
    is_mass = row.source == InvitationSource.RULE
    # read to the end: an open cursor would not survive a rollback to the savepoint around this
    at_client = {
        found.contact_id: found
        for found in people(
            clients, survey=row.survey, who=Asked.ALL, when=now, period="", is_mass=is_mass, ignoring=row.pk
        )
    }
    person = at_client.get(row.contact_id)
    if person is None:
        raise ServiceError(_("They are no longer at this client."))
    if person.reason:
        raise ServiceError(str(person.reason.label).capitalize())
    return person
