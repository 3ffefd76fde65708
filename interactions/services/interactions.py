"""The interaction log: write, correct, archive, restore, pin."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clients.models import Affiliation, Client, Contact
from crm.core.dates import is_plausible, local_date
from crm.core.errors import ServiceError
from crm.core.models import User
from crm.core.queries import user_zone
from crm.core.services.drafts import discard_draft
from crm.core.services.versions import save_version
from interactions.choices import DRAFT_KIND, Direction, SourceKind, Visibility
from interactions.models import Interaction
from interactions.services.agreements import record_decision
from interactions.services.facts import refresh_last_contact
from interactions.services.follow_ups import create_follow_up
from interactions.signals import interaction_logged

CLOCKS_DIFFER = timedelta(minutes=10)
EDITABLE = ("channel", "direction", "occurred_at", "duration_minutes", "subject", "body", "sentiment", "visibility")


@dataclass(frozen=True)
class NextStep:
    """What follows out of an interaction: becomes a follow-up of the assignee (None: the author)."""

    title: str
    due_date: date
    due_time: time | None = None
    assignee: User | None = None
    time_zone: str = ""


@transaction.atomic
def log_interaction(
    *,
    actor: User,
    client: Client,
    channel: str,
    occurred_at: datetime,
    body: str = "",
    subject: str = "",
    direction: str = Direction.BOTH,
    duration_minutes: int | None = None,
    contacts: Iterable[Contact] = (),
    participants: Iterable[User] = (),
    sentiment: int | None = None,
    visibility: str = Visibility.FIRM,
    decision: str = "",
    decision_shared: bool = False,
    next_step: NextStep | None = None,
    now: datetime,
    is_demo: bool = False,
    from_composer: bool = False,
) -> Interaction:
    """Write down what passed, what was decided and what follows, all or nothing. `from_composer` discards the author's
    draft for this client. Raises ServiceError (fields body, occurred_at, contacts, and title or assignee of the next step)."""
    _check(subject=subject, body=body, occurred_at=occurred_at, now=now)
    contacts = list(contacts)
    interaction = Interaction.objects.create(
        client=client,
        channel=channel,
        direction=direction,
        occurred_at=occurred_at,
        duration_minutes=duration_minutes,
        subject=subject.strip(),
        body=body.strip(),
        sentiment=sentiment,
        author=actor,
        visibility=visibility,
        is_demo=is_demo,
    )
    _set_people(interaction, contacts, participants)
    if decision.strip():
        record_decision(
            actor=actor, client=client, interaction=interaction, text=decision, is_shared=decision_shared, is_demo=is_demo,
            decided_date=local_date(occurred_at, user_zone(actor).key), contact=contacts[0] if len(contacts) == 1 else None,
        )  # fmt: skip
    if next_step is not None:
        create_follow_up(
            actor=actor, client=client, title=next_step.title, due_date=next_step.due_date, due_time=next_step.due_time,
            assignee=next_step.assignee, time_zone=next_step.time_zone, contact=contacts[0] if contacts else None,
            source_kind=SourceKind.INTERACTION, source_id=interaction.pk, now=now, is_demo=is_demo,
        )  # fmt: skip
    refresh_last_contact(client_id=client.pk)
    if from_composer:
        discard_draft(actor=actor, kind=DRAFT_KIND, client_id=client.pk)
    interaction_logged.send(Interaction, interaction=interaction, actor=actor)
    return interaction


@transaction.atomic
def correct_interaction(
    *,
    actor: User,
    interaction: Interaction,
    now: datetime,
    seen_version: int | None = None,
    contacts: Iterable[Contact] | None = None,
    participants: Iterable[User] | None = None,
    **fields,
) -> Interaction:
    """Change what was written; the earlier text stays in its history. Raises StaleWrite, ServiceError."""
    if unknown := set(fields) - set(EDITABLE):
        raise TypeError(f"not fields of an interaction that are corrected: {sorted(unknown)}")
    interaction = _locked(interaction)
    for name, value in fields.items():
        setattr(interaction, name, value)
    _check(subject=interaction.subject, body=interaction.body, occurred_at=interaction.occurred_at, now=now)
    save_version(interaction, fields=list(EDITABLE), seen=seen_version)
    _set_people(interaction, contacts, participants)
    refresh_last_contact(client_id=interaction.client_id)
    return interaction


@transaction.atomic
def archive_interaction(*, actor: User, interaction: Interaction, now: datetime) -> Interaction:
    """Take it out of the timeline and of the facts. Its decision and follow-up stand. Twice changes nothing."""
    interaction = _locked(interaction)
    if interaction.archived_at is None:
        _set(interaction, archived_at=now)
        refresh_last_contact(client_id=interaction.client_id)
    return interaction


@transaction.atomic
def restore_interaction(*, actor: User, interaction: Interaction, now: datetime) -> Interaction:
    """Undo of archiving."""
    interaction = _locked(interaction)
    if interaction.archived_at is not None:
        _set(interaction, archived_at=None)
        refresh_last_contact(client_id=interaction.client_id)
    return interaction


@transaction.atomic
def pin_interaction(*, actor: User, interaction: Interaction, is_pinned: bool) -> Interaction:
    """On top of the client's timeline, for everybody. No correction: the version stays."""
    return _set(_locked(interaction), is_pinned=is_pinned)


def _locked(interaction: Interaction) -> Interaction:
    return Interaction.objects.select_for_update(of=("self",)).select_related("client").get(pk=interaction.pk)


def _set(interaction: Interaction, **fields) -> Interaction:
    for name, value in fields.items():
        setattr(interaction, name, value)
    interaction.save(update_fields=[*fields])
    return interaction


def _check(*, subject, body, occurred_at, now) -> None:
    if not subject.strip() and not body.strip():
        raise ServiceError(_("Write a subject or a summary."), field="body")
    if occurred_at > now + CLOCKS_DIFFER:
        raise ServiceError(_("This lies in the future. Plan it as a next step."), field="occurred_at")
    if not is_plausible(occurred_at):
        raise ServiceError(_("This date is too far away."), field="occurred_at")


def _set_people(interaction, contacts, participants) -> None:
    if contacts is not None:
        ids = {contact.pk for contact in contacts}
        if ids and Affiliation.objects.filter(client=interaction.client, contact__in=ids).count() != len(ids):
            raise ServiceError(_("One of these people is not a contact of this client."), field="contacts")
        interaction.contacts.set(ids)
    if participants is not None:
        interaction.participants.set(participants)
