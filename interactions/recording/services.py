"""Logging an interaction with its decision and next step, all or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from clients.checks import only_known
from clients.contacts.models import Contact
from clients.engagements.models import Engagement
from clients.engagements.services.records import check_engagement_of
from clients.records.models import Client
from crm.core.base.actors import actor_columns
from crm.core.base.dates import local_date
from crm.core.base.models import fresh, insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.drafts.services import discard_draft
from crm.core.fields.custom.writing import with_custom
from crm.core.firm.queries import user_zone
from crm.core.users.models import User
from interactions import permissions
from interactions.agreements.services import record_decision
from interactions.follow_ups.choices import SourceKind
from interactions.follow_ups.services import create_follow_up
from interactions.log.choices import DRAFT_KIND, Direction, Visibility
from interactions.log.facts import refresh_last_contact
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import Interaction
from interactions.log.services import check_contacts, check_words


@dataclass(frozen=True)
class NextStep:
    """The next step of an interaction: becomes a follow-up of the assignee (None: the author)."""

    title: str
    due_date: date
    due_time: time | None = None
    assignee: User | None = None
    time_zone: str = ""


@dataclass(frozen=True)
class Entry:
    """An interaction, made by `new_interaction`, with its people and what was decided ("": nothing)."""

    interaction: Interaction
    contacts: Sequence[Contact] = ()
    participants: Iterable[User] = ()
    decision: str = ""
    is_decision_shared: bool = False

    @property
    def client(self) -> Client:
        return self.interaction.client


def new_interaction(
    principal: Principal, *, subject: str, body: str, now: datetime, is_automatic: bool = False, **fields
) -> Interaction:
    """A checked interaction by the principal that is not saved yet. Raises ServiceError (fields body, occurred_at, and those of the firm)."""
    fields = with_custom(fresh(Interaction), fields, INTERACTION_FIELDS, is_new=not is_automatic)
    check_words(subject=subject, body=body, occurred_at=fields["occurred_at"], now=now)
    author = actor_columns(principal, "author", "author_contact_id")
    return fresh(Interaction, subject=subject.strip(), body=body.strip(), **author, **fields)


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def log_interactions(principal: Principal, *, rows: Sequence[Entry]) -> list[Interaction]:
    """Save these interactions in one statement, their clients' last contact in another, and what was decided. All or none.
    Raises ServiceError (field contacts)."""
    made = insert([entry.interaction for entry in rows])
    _save_people(rows)
    refresh_last_contact(client_ids={interaction.client_id for interaction in made})
    for entry in rows:
        if entry.decision.strip():
            _record_decision(principal, entry)
    return made


def _record_decision(principal: Principal, entry: Entry) -> None:
    record_decision(
        principal,
        client=entry.client,
        interaction=entry.interaction,
        engagement=entry.interaction.engagement,
        text=entry.decision,
        is_shared=entry.is_decision_shared,
        is_demo=entry.interaction.is_demo,
        decided_date=local_date(entry.interaction.occurred_at, user_zone(principal.user).key),
        contact=entry.contacts[0] if len(entry.contacts) == 1 else None,
    )


def _save_people(entries: Sequence[Entry]) -> None:
    with_whom = [(entry.interaction, contact.pk) for entry in entries for contact in {*entry.contacts}]
    by_whom = [(entry.interaction, user.pk) for entry in entries for user in {*entry.participants}]
    check_contacts({(interaction.client_id, pk) for interaction, pk in with_whom})
    people, colleagues = Interaction.contacts.through, Interaction.participants.through
    insert([people(interaction=row, contact_id=pk) for row, pk in with_whom])
    insert([colleagues(interaction=row, user_id=pk) for row, pk in by_whom])


@service(may=permissions.may_log, why=permissions.IN_TRASH)
def log_interaction(
    principal: Principal,
    *,
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
    engagement: Engagement | None = None,
    now: datetime,
    is_demo: bool = False,
    from_composer: bool = False,
    is_automatic: bool = False,
    **own: Any,
) -> Interaction:
    """Log an interaction with its decision and next step, all or nothing. `own`: values of the firm's own fields; of one that
    `is_automatic` (a note that comes of something else) none is required. `from_composer` discards the author's
    draft for this client. What comes of it names the same engagement. Raises ServiceError (fields body, occurred_at, contacts,
    engagement, text of the decision, and title or assignee of the next step)."""
    contacts = list(contacts)
    only_known(own, tuple(INTERACTION_FIELDS.custom))
    check_engagement_of(principal, engagement, client)
    interaction = new_interaction(
        principal,
        client=client,
        engagement=engagement,
        channel=channel,
        direction=direction,
        occurred_at=occurred_at,
        duration_minutes=duration_minutes,
        subject=subject,
        body=body,
        sentiment=sentiment,
        visibility=visibility,
        is_demo=is_demo,
        is_automatic=is_automatic,
        now=now,
        **own,
    )
    log_interactions(principal, rows=[Entry(interaction, contacts, participants, decision, decision_shared)])
    if next_step is not None:
        create_follow_up(
            principal,
            client=client,
            engagement=engagement,
            title=next_step.title,
            due_date=next_step.due_date,
            due_time=next_step.due_time,
            assignee=next_step.assignee,
            time_zone=next_step.time_zone,
            contact=contacts[0] if contacts else None,
            source_kind=SourceKind.INTERACTION,
            source_id=interaction.pk,
            now=now,
            is_demo=is_demo,
        )
    if from_composer:
        discard_draft(principal, kind=DRAFT_KIND, client_id=client.pk)
    return interaction
