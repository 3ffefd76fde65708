"""Importing interactions."""

from collections import defaultdict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.importing.common import Context
from clients.records.facts import lock_facts
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.importing.kinds import Column, ImportKind, RowResult
from interactions import permissions
from interactions.import_cells import CLIENT_COLUMNS, contact_of, parse_moment, prepare_for
from interactions.log.choices import Channel, Direction, Sentiment
from interactions.log.models import Interaction
from interactions.log.services import correct_interaction
from interactions.recording.services import Entry, log_interactions, new_interaction


def parse_sentiment(text: str, context: Context) -> int:
    try:
        value = int(text)
    except ValueError:
        return int(common.choice_parser(Sentiment)(text, context))
    if not -2 <= value <= 2:
        raise ValueError(_("“%(text)s” is not between -2 and 2.") % {"text": text[:10]})
    return value


def _interaction(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    contact = contact_of(client, values, result)
    if not values.get("subject") and not values.get("body"):
        raise ServiceError(_("Neither a subject nor a summary."))
    if values["occurred_at"] > context["now"]:
        raise ServiceError(_("The time lies in the future."))
    found = common.known("interaction", values, context)
    row = Interaction.objects.visible_to(principal).filter(pk=found).first() if found else None
    if row is not None:
        changes = common.changed_fields(
            row, values, ("subject", "body", "channel", "occurred_at", "duration_minutes", "sentiment")
        )
        result.outcome = "updated" if changes else "unchanged"
        if changes and not permissions.may_correct(principal, row):
            raise ServiceError(_("Only its author, the account manager and managers correct it."))
        if write and changes:
            correct_interaction(principal, interaction=row, now=context["now"], **changes)
    elif write:
        interaction = new_interaction(
            acting(common.owner_of(values.get("author"), principal, context, result)),
            client=client,
            channel=values.get("channel") or Channel.NOTE,
            direction=values.get("direction") or Direction.BOTH,
            occurred_at=values["occurred_at"],
            subject=values.get("subject", ""),
            body=values.get("body", ""),
            duration_minutes=values.get("duration_minutes"),
            sentiment=values.get("sentiment"),
            now=context["now"],
        )
        result.new = Entry(interaction, [contact] if contact else [])
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


INTERACTIONS = ImportKind(
    key="interactions",
    label=gettext_lazy("Interactions"),
    columns=(
        Column(
            "occurred_at",
            gettext_lazy("When"),
            ("date", "datetime", "activity date", "activitydate", "timestamp"),
            is_required=True,
            parse=parse_moment,
        ),
        Column(
            "channel",
            gettext_lazy("Type"),
            ("activity type", "kind"),
            parse=common.choice_parser(Channel),
            choices=common.choices_of(Channel),
        ),
        Column("subject", gettext_lazy("Subject"), ("title",), parse=common.limited(200)),
        Column("body", gettext_lazy("Summary"), ("notes", "note", "description", "text", "comments")),
        Column("direction", gettext_lazy("Direction"), (), parse=common.choice_parser(Direction)),
        Column("duration_minutes", gettext_lazy("Minutes"), ("duration",), parse=common.parse_whole),
        Column("sentiment", gettext_lazy("How they felt (-2 to 2)"), ("mood",), parse=parse_sentiment),
        Column("author", gettext_lazy("Logged by"), ("owner", "user", "created by"), choices=common.people_choices),
        *CLIENT_COLUMNS,
    ),
    save=lambda principal, values, context: _interaction(principal, values, context, write=True),
    check=lambda principal, values, context: _interaction(principal, values, context, write=False),
    create=common.creator("interaction", _log),
    prepare=prepare_for("interaction"),
    defaults=("channel",),
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy("Known interactions are found by their id; one without an id by all its values."),
)
