"""The interaction log: write, correct, archive, restore, pin."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Contact
from clients.engagements.services.records import check_engagement_of
from crm.core.base.archiving import set_archived
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.writing import with_custom
from crm.core.users.models import User
from interactions import permissions
from interactions.log.facts import refresh_last_contact
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import BODY_AT_MOST, Interaction
from interactions.log.signals import engagement_corrected

CLOCKS_DIFFER = timedelta(minutes=10)


@service(may=permissions.may_correct)
def correct_interaction(
    principal: Principal,
    *,
    interaction: Interaction,
    now: datetime,
    seen_version: int | None = None,
    contacts: Iterable[Contact] | None = None,
    participants: Iterable[User] | None = None,
    **fields,
) -> Interaction:
    """Correct an interaction; the earlier text stays in its history. Raises StaleWrite, ServiceError."""
    if unknown := set(fields) - set(INTERACTION_FIELDS.edited):
        raise TypeError(f"not fields of an interaction that are corrected: {sorted(unknown)}")
    interaction = _locked(interaction)
    check_engagement_of(principal, fields.get("engagement"), interaction.client)
    engagement_id = interaction.engagement_id
    fields = with_custom(interaction, fields, INTERACTION_FIELDS)
    contacts = None if contacts is None else list(contacts)
    participants = None if participants is None else list(participants)
    for name, value in fields.items():
        setattr(interaction, name, value)
    check_words(subject=interaction.subject, body=interaction.body, occurred_at=interaction.occurred_at, now=now)
    merges = not _people_differ(interaction, contacts, participants)  # lists have no version of their own
    save_version(interaction, fields=[*fields], seen=seen_version, merges=merges)
    set_people(interaction, contacts, participants)
    if interaction.engagement_id != engagement_id:  # what was agreed in it goes along
        interaction.decisions.update(engagement=interaction.engagement_id)
        interaction.commitments.update(engagement=interaction.engagement_id)
        engagement_corrected.send(sender=Interaction, interaction=interaction, before=engagement_id)
    refresh_last_contact(client_ids=[interaction.client_id])
    return interaction


def check_correction(interaction: Interaction, *, now: datetime, **fields) -> None:
    """Raises ServiceError for texts, times and values of the firm's own fields that `correct_interaction` would refuse."""
    with_custom(interaction, fields, INTERACTION_FIELDS)
    after = {name: fields.get(name, getattr(interaction, name)) for name in ("subject", "body", "occurred_at")}
    check_words(**after, now=now)


@service(may=permissions.may_correct)
def archive_interaction(principal: Principal, *, interaction: Interaction, now: datetime) -> Interaction:
    """Archive it: hidden from the timeline and the facts. Its decision and follow-up stay. Idempotent."""
    return _set_archived(interaction, now)


@service(may=permissions.may_correct)
def restore_interaction(principal: Principal, *, interaction: Interaction, now: datetime) -> Interaction:
    """Restore an archived interaction. Idempotent."""
    return _set_archived(interaction, None)


def _set_archived(interaction: Interaction, at: datetime | None) -> Interaction:
    fresh, is_changed = set_archived(interaction, at=at, is_edit=False)
    if is_changed:
        refresh_last_contact(client_ids=[fresh.client_id])
    return fresh


@service(may=permissions.may_pin)
def pin_interaction(principal: Principal, *, interaction: Interaction, is_pinned: bool) -> Interaction:
    """Pin it to the top of the client's timeline, for everyone. Not a correction: the version stays."""
    interaction = _locked(interaction)
    interaction.is_pinned = is_pinned
    interaction.save(update_fields=["is_pinned"])
    return interaction


def _locked(interaction: Interaction) -> Interaction:
    return Interaction.objects.select_for_update(of=("self",)).select_related("client").get(pk=interaction.pk)


def check_words(*, subject, body, occurred_at, now) -> None:
    if not subject.strip() and not body.strip():
        raise ServiceError(_("Enter a subject or a summary."), field="body")
    if len(body) > BODY_AT_MOST:
        raise ServiceError(_("The summary has more than %(n)d characters.") % {"n": BODY_AT_MOST}, field="body")
    if occurred_at > now + CLOCKS_DIFFER:
        raise ServiceError(_("This time is in the future. Add it as a next step instead."), field="occurred_at")
    if not is_plausible(occurred_at):
        raise ServiceError(_("This date is too far away."), field="occurred_at")


def set_people(interaction, contacts, participants) -> None:
    if contacts is not None:
        ids = {contact.pk for contact in contacts}
        check_contacts({(interaction.client_id, pk) for pk in ids})
        interaction.contacts.set(ids)
    if participants is not None:
        interaction.participants.set(participants)


def _people_differ(interaction, contacts, participants) -> bool:
    given = ((interaction.contacts, contacts), (interaction.participants, participants))
    return any(
        rows is not None and {row.pk for row in rows} != {row.pk for row in field.all()} for field, rows in given
    )


def check_contacts(pairs: set[tuple[int, int]]) -> None:
    """Raises ServiceError (field contacts) unless each (client id, contact id) is an affiliation."""
    clients, contacts = {client for client, _contact in pairs}, {contact for _client, contact in pairs}
    known = Affiliation.objects.filter(client__in=clients, contact__in=contacts).values_list("client_id", "contact_id")
    if pairs and not pairs <= set(known):
        raise ServiceError(_("One of these people is not a contact at this client."), field="contacts")
