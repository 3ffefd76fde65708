"""Importing interactions."""

from collections import defaultdict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.records.facts import lock_facts
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.fields.types import several
from crm.core.importing.kinds import RowResult
from interactions import permissions
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import Interaction
from interactions.log.services import correct_interaction
from interactions.recording.services import Entry, log_interactions, new_interaction


def _interaction(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    contacts = common.contacts_of(client, values.get("contact_email", ()), result)
    named = {name: common.find_user(name, context) for name in several(values.get("participants", ""))}
    participants = common.present(named, _("Nobody is called “%(name)s”; left empty."), result)
    if not values.get("subject") and not values.get("body"):
        raise ServiceError(_("Neither a subject nor a summary."))
    if values["occurred_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    row = common.known_row("interaction", Interaction.objects.visible_to(principal), values, context)
    if row is not None:
        changes = common.changed_fields(row, values, INTERACTION_FIELDS.cells)
        result.outcome = "updated" if changes else "unchanged"
        if changes and not permissions.may_correct(principal, row):
            raise ServiceError(_("Only its author, the account manager and managers correct it."))
        if write and changes:
            correct_interaction(principal, interaction=row, now=context["now"], **changes)
    elif write:
        author = acting(common.owner_of(values.get("author"), principal, context, result))
        given = {"subject": "", "body": ""} | {n: values[n] for n in INTERACTION_FIELDS.cells if n in values}
        interaction = new_interaction(author, client=client, now=context["now"], **given)
        result.new = Entry(interaction, contacts, participants)
    return result


def _log(principal, rows: list[Entry], context) -> list[Interaction]:
    """One list for each author: what they did is theirs in the history too."""
    by_author = defaultdict(list)
    for entry in rows:
        by_author[entry.interaction.author].append(entry)
    lock_facts(client_ids={entry.client.pk for entry in rows})  # of all lists, in one order
    for author, entries in by_author.items():
        log_interactions(acting(author), rows=entries)
    return [entry.interaction for entry in rows]


INTERACTIONS = common.record_kind(
    "interactions",
    gettext_lazy("Interactions"),
    of="interaction",
    columns=(
        *INTERACTION_FIELDS.import_columns(),
        *common.client_columns((*common.CLIENT_ID, "company id"), (*common.CLIENT_NAME, "company name")),
        common.external_id("id", "activity id", "response id", "engagement id"),
    ),
    work=_interaction,
    create=_log,
    defaults=("channel",),
    match_note=gettext_lazy("Known interactions are found by their id; one without an id by all its values."),
)
