"""Importing follow-ups: what is to be done, and what was done in the other system."""

from collections.abc import Iterable
from datetime import datetime, time
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common, related
from clients.importing.common import Write
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.reading import PLAIN, Conventions
from crm.core.fields.types import DAY, MOMENT, choice, limited
from crm.core.importing.kinds import Column, Context, Plan, Values, Vocabulary
from crm.core.users.models import User
from interactions.follow_ups.choices import FollowUpState, Priority
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import new_follow_up, record_follow_ups, update_follow_up

# What other systems call the states.
_STATES = {
    FollowUpState.OPEN: "open todo notstarted inprogress pending false 0 no",
    FollowUpState.DONE: "done completed complete finished closed true 1 yes",
    FollowUpState.CANCELLED: "cancelled canceled",
}
STATES = {word: state for state, words in _STATES.items() for word in words.split()}
PRIORITIES = {"high": Priority.HIGH, "urgent": Priority.HIGH, "medium": Priority.NORMAL, "none": Priority.NORMAL}
WRITTEN = ("title", "note", "due_date", "due_time", "priority", "assignee", "contact")


def _clock(text: str, conventions: Conventions = PLAIN) -> time:
    """A time of day, alone or after a day."""
    try:
        return time.fromisoformat(text.strip()[:8])
    except ValueError:
        pass
    try:
        return MOMENT.read(f"2000-01-01 {text}", conventions).time()
    except ValueError:
        raise ValueError(_("“%(text)s” has no valid time.") % {"text": text[:40]}) from None


def _columns() -> Iterable[Column]:
    fields = FOLLOW_UP_FIELDS
    yield Column(
        "title",
        fields["title"].label,
        ("subject", "task", "task title", "name"),
        is_required=True,
        parse=limited(200).read,
    )
    yield Column("due_date", fields["due_date"].label, ("due", "due date", "date"), is_required=True, parse=DAY.read)
    yield Column("due_time", fields["due_time"].label, ("due time", "time"), parse=_clock, is_lenient=True)
    states = choice(FollowUpState, STATES)
    yield Column(
        "state",
        fields["state"].label,
        ("status", "task status", "done"),
        parse=states.read,
        vocabulary=Vocabulary("followup.state", lambda: FollowUpState.choices, is_read=True),
    )
    yield Column(
        "closed_at",
        gettext_lazy("Done on"),
        ("completed at", "closed", "completed"),
        parse=MOMENT.read,
        is_lenient=True,
    )
    priorities = choice(Priority, PRIORITIES)
    yield Column(
        "priority",
        fields["priority"].label,
        ("priority",),
        parse=priorities.read,
        is_lenient=True,
        vocabulary=Vocabulary("followup.priority", lambda: Priority.choices, is_read=True),
    )
    assignee = fields["assignee"].import_column()
    yield Column("assignee", assignee.label, ("owner", "assigned to", "user"), vocabulary=assignee.vocabulary)
    yield Column("time_zone", fields["time_zone"].label, (), parse=fields["time_zone"].type.read, is_lenient=True)
    yield Column("outcome", fields["outcome"].label, (), parse=limited(10_000).read)
    yield fields["engagement"].import_column()
    yield common.in_plain_words(Column("note", fields["note"].label, ("notes", "description", "comments")), "note")
    yield from common.client_columns((*common.CLIENT_ID, "company id"), (*common.CLIENT_NAME, "company name"))
    yield common.external_id("id", "task id", "activity id")
    yield from related.COLUMNS


def _look_up(principal, rows: list[Values], context: Context) -> None:
    common.load_engagements(principal, rows, context)
    related.load_related(principal, rows, context)


def _rows(principal):
    return FollowUp.objects.visible_to(principal).select_related("client", "assignee", "contact", "engagement")


def _follow_up(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = related.client_of(values, context, plan)
    row, key = common.known("follow_up", values, context)
    _check_client(row, client)
    is_new = row is None
    wanted = common.given(values, ("title", "note", "due_date", "due_time", "time_zone", "priority"), is_new=is_new)
    wanted |= common.engagement_of(values, client, plan, context)
    if assignee := _assignee(principal, values, client, context, plan, is_new=is_new):
        wanted["assignee"] = assignee
    if contacts := related.with_contacts(client, [], values, plan, context):
        wanted["contact"] = contacts[0]
    state = values.get("state") or (FollowUpState.DONE if values.get("closed_at") else FollowUpState.OPEN)
    if not is_new and values.get("state") and state != common.record_of(row).state:
        plan.warnings.append(_("An import does not close or reopen a known follow-up."))
    common.settled(
        plan, row, key, wanted, FOLLOW_UP_FIELDS, new=lambda: _new(principal, client, wanted, state, values, context)
    )
    if is_new and state != FollowUpState.OPEN:
        plan.change(FOLLOW_UP_FIELDS["state"].label, "", FollowUpState(state).label)
    return plan


def _check_client(row: Any, client: Client) -> None:
    if row is not None and common.record_of(row).client_id != client.pk:
        raise ServiceError(_("This ID belongs to a row of another client."))


def _assignee(principal, values: Values, client: Client, context: Context, plan: Plan, *, is_new: bool) -> User | None:
    """Whom the row names, if they see the client; a new one goes to the account manager instead."""
    text = values.get("assignee")
    user = common.find_user(text, context) if text else None
    if text and user is None:
        words = _("No colleague is called “%(name)s”. A new one would go to %(owner)s.")
        plan.warnings.append(words % {"name": text[:60], "owner": client.owner.name})
    if user is not None and not _sees(user, client, principal, context):
        plan.warnings.append(_("%(name)s cannot see this client.") % {"name": user.name})
        user = None
    return user or (client.owner if is_new else None)


def _sees(user: User, client: Client, principal, context: Context) -> bool:
    """Asked once for all clients of a chunk."""
    if user == principal.user:
        return True
    asked, seen = context["cache"].setdefault("sees", {}).setdefault(user.pk, (set(), set()))
    if client.pk not in asked:
        more = {client.pk, *context["cache"]["rows:client"]} - asked
        asked |= more
        seen |= {*Client.objects.visible_to(acting(user)).filter(pk__in=more).values_list("pk", flat=True)}
    return client.pk in seen


def _new(principal, client: Client, wanted: dict[str, Any], state: str, values: Values, context: Context) -> FollowUp:
    closed_at: datetime | None = None
    if state != FollowUpState.OPEN:
        closed_at = min(values.get("closed_at") or context["now"], context["now"])
        wanted = wanted | {"outcome": values.get("outcome", "")}
    return new_follow_up(principal, client=client, state=state, closed_at=closed_at, now=context["now"], **wanted)


def _create(principal, rows: list[FollowUp], context: Context) -> list[FollowUp]:
    return record_follow_ups(principal, rows=rows)


def _update(principal, writes: list[Write], context: Context) -> None:
    for write in writes:
        update_follow_up(principal, follow_up=write.row, now=context["now"], is_told=False, **write.changes)


def _export(principal):
    cells = common.client_cells() | {
        "external_id": lambda row: common.own_id("follow_up", row.pk),
        "assignee": lambda row: row.assignee.email,
        "engagement": lambda row: row.engagement.number if row.engagement else "",
        "due_time": lambda row: row.due_time.isoformat() if row.due_time else "",
        "closed_at": lambda row: row.closed_at.isoformat() if row.closed_at else "",
        "state": lambda row: row.state,
        "priority": lambda row: str(Priority(row.priority).label),
        "contact_external_id": lambda row: common.own_id("contact", row.contact_id) if row.contact_id else "",
    }
    cells |= {name: partial(_cell, name) for name in ("title", "note", "due_date", "time_zone", "outcome")}
    return common.exported(FOLLOW_UPS.columns, cells, common.seen_by(principal, _rows(principal)))


def _cell(name: str, row: FollowUp) -> Any:
    return getattr(row, name)


FOLLOW_UPS = common.record_kind(
    "follow-ups",
    gettext_lazy("Follow-ups"),
    of="follow_up",
    turn=90,
    columns=tuple(_columns()),
    rows=_rows,
    plan=_follow_up,
    look_up=_look_up,
    export=_export,
    create=_create,
    update=_update,
    needs=related.NEEDS,
    ids=related.IDS,
    defaults=("due_date", "assignee"),
    match_note=gettext_lazy("Existing follow-ups are matched by ID, or by all values if there is no ID."),
)
