"""Importing interactions."""

from collections import defaultdict
from functools import partial
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common, related
from clients.importing.common import Write
from clients.records.facts import lock_facts
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.fields.types import several
from crm.core.importing.kinds import Context, Plan, Values
from interactions import permissions
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import Interaction
from interactions.log.services import check_correction, correct_interaction
from interactions.recording.services import Entry, log_interactions, new_interaction


def _look_up(principal, rows: list[Values], context: Context) -> None:
    common.load_contacts((mail for row in rows for mail in row.get("contact_email", ())), context)
    common.load_engagements(principal, rows, context)
    related.load_related(principal, rows, context)


def _rows(principal):
    return (
        Interaction.objects.visible_to(principal)
        .select_related("client", "engagement")
        .prefetch_related("contacts", "participants")
    )


def _interaction(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = related.client_of(values, context, plan)
    if not values.get("subject") and not values.get("body"):
        raise ServiceError(_("No subject and no summary."))
    if values["occurred_at"] > context["now"]:
        raise ServiceError(_("This time is in the future."))
    row, key = common.known("interaction", values, context)
    wanted = common.given(values, INTERACTION_FIELDS.cells, is_new=row is None)
    wanted |= _people(client, values, context, plan) | common.engagement_of(values, client, plan, context)
    common.settled(
        plan,
        row,
        key,
        wanted,
        INTERACTION_FIELDS,
        new=lambda: _new(principal, client, wanted, values, context, plan),
        more=_state,
    )
    record = row.row if isinstance(row, Write) else row
    if plan.write.changes and record is not None and not permissions.may_correct(principal, record):
        raise ServiceError(_("Only its author, the account manager and managers can edit it."))
    common.check_changes(plan, partial(check_correction, now=context["now"]), attrgetter("interaction"))
    return plan


def _people(client: Client, values: Values, context: Context, plan: Plan) -> dict[str, Any]:
    """The participants, of the client and of the firm."""
    found = common.contacts_of(client, values.get("contact_email", ()), plan, context)
    contacts = related.with_contacts(client, found, values, plan, context)
    named = {name: common.find_user(name, context) for name in several(values.get("participants", ""))}
    participants = common.present(named, _("No colleague is called “%(name)s”. Left empty."), plan)
    people = {"contacts": frozenset(contacts), "participants": frozenset(participants)}
    return {name: rows for name, rows in people.items() if rows}


def _state(row: Interaction) -> dict[str, Any]:
    people = {"contacts": frozenset(row.contacts.all()), "participants": frozenset(row.participants.all())}
    return people | {"engagement": row.engagement}


def _new(principal, client: Client, wanted: dict[str, Any], values: Values, context: Context, plan: Plan) -> Entry:
    author = common.find_user(values["author"], context) if values.get("author") else None
    if author is not None and author != principal.user and not permissions.may_log_for_others(principal):
        plan.warnings.append(_("Only managers and admins can import in a colleague’s name. Logged under yours."))
        author = None
    elif values.get("author") and author is None:
        text = _("No colleague is called “%(name)s”. Logged by %(owner)s.")
        plan.warnings.append(text % {"name": values["author"][:60], "owner": principal.user.name})
    author = author or principal.user
    if author != principal.user:
        plan.change(INTERACTION_FIELDS["author"].label, "", author.name)
    given = {"subject": "", "body": ""} | {n: v for n, v in wanted.items() if n in INTERACTION_FIELDS.cells}
    given |= {"engagement": wanted.get("engagement")}
    interaction = new_interaction(acting(author), client=client, now=context["now"], **given)
    return Entry(interaction, wanted.get("contacts", ()), wanted.get("participants", ()))


def _update(principal, writes: list[Write], context: Context) -> None:
    for write in writes:
        correct_interaction(principal, interaction=write.row, now=context["now"], **write.changes)


def _log(principal, rows: list[Entry], context) -> list[Interaction]:
    """One list per author, so that the history names the author."""
    by_author = defaultdict(list)
    for entry in rows:
        by_author[entry.interaction.author].append(entry)
    lock_facts(client_ids={entry.client.pk for entry in rows})  # over all lists, in one order
    for author, entries in by_author.items():
        log_interactions(acting(author), rows=entries)
    return [entry.interaction for entry in rows]


def _export(principal):
    cells = common.client_cells() | common.cells_of(INTERACTION_FIELDS, "participants", "author")
    cells |= {
        "external_id": lambda row: common.own_id("interaction", row.pk),
        "engagement": lambda row: row.engagement.number if row.engagement else "",
        "contact_email": lambda row: "; ".join(
            next((mail.address for mail in contact.emails.all()), "") for contact in row.contacts.all()
        ),
    }
    rows = Interaction.objects.visible_to(principal).kept().select_related("client", "author", "engagement")
    rows = rows.prefetch_related("contacts__emails", "participants")
    rows = common.named(principal, common.seen_by(principal, rows), INTERACTION_FIELDS)
    return common.exported(INTERACTIONS.columns, cells, rows)


INTERACTIONS = common.record_kind(
    "interactions",
    gettext_lazy("Interactions"),
    of="interaction",
    turn=80,
    columns=INTERACTION_FIELDS.with_custom(
        *(common.in_plain_words(column, "body") for column in INTERACTION_FIELDS.import_columns()),
        *common.client_columns((*common.CLIENT_ID, "company id"), (*common.CLIENT_NAME, "company name")),
        common.external_id("id", "activity id", "response id", "engagement id"),
        *related.COLUMNS,
    ),
    rows=_rows,
    plan=_interaction,
    look_up=_look_up,
    export=_export,
    create=_log,
    update=_update,
    needs=related.NEEDS,
    ids=related.IDS,
    defaults=("channel",),
    match_note=gettext_lazy("Existing interactions are matched by ID, or by all values if there is no ID."),
)
