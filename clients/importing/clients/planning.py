"""What a row becomes: a new client, or changes of one."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from clients import permissions
from clients.importing import common
from clients.importing.clients.main_contact import check_main_contact, plan_contact
from clients.importing.clients.matching import find, keys_of
from clients.importing.clients.referrals import Referrer, plan_referrers
from clients.importing.clients.statuses import STATUS, plan_history, status_change, status_given
from clients.records.choices import ClientKind, Status
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import NewClient, check_client, new_client
from clients.records.services.statuses import (
    Span,
    change_since,
    change_status,
    check_history,
    check_since,
    check_status,
)
from crm.core.base.errors import ServiceError
from crm.core.fields.types import several
from crm.core.importing.kinds import Context, Plan, Values


@dataclass(frozen=True)
class Later:
    """A parent further down in the file."""

    ref: str

    def __str__(self) -> str:
        return self.ref


@dataclass
class New:
    """A client that is not saved yet, with its tag names, parent, arguments of its main contact, and who referred it."""

    row: NewClient
    tags: frozenset[str] = frozenset()
    parent: Any = None
    contact: dict[str, Any] | None = None
    referrers: tuple[Referrer, ...] = ()

    @property
    def client(self) -> Client:
        return self.row.client


def _complete(values: Values) -> None:
    """A row without a company is an individual with the contact's name."""
    person = f"{values.get('contact_first_name', '')} {values.get('contact_last_name', '')}".strip()
    if not values.get("name"):
        if not person:
            raise ServiceError(_("Name is empty."))
        values["name"] = person
        values.setdefault("kind", ClientKind.INDIVIDUAL)
    if len(values["name"]) > 200:
        raise ServiceError(_("The name is longer than 200 characters."))


def plan_client(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    values = dict(values)
    _complete(values)
    row, key = find(values, context, plan)
    for name in keys_of(values):
        if common.may_be_called_again(name, context):
            common.memory("client", context).called.setdefault(name, values["name"])
    client = client_in(row)
    plan.target, plan.url = (
        (client.name, client.get_absolute_url() if client.pk else "") if client else (values["name"], "")
    )
    wanted = common.given(values, CLIENT_FIELDS.cells, is_new=row is None) | {"name": " ".join(values["name"].split())}
    wanted |= _links(principal, client, values, context, plan) | status_given(
        values, context["today"], is_new=row is None
    )
    if row is None and values["left_out"]:
        lines = [*filter(None, [wanted.get("notes")]), _("Unreadable in the import:"), *values["left_out"]]
        wanted["notes"] = "\n".join(lines)
    make = lambda: _new(wanted, values, context)  # noqa: E731
    common.settled(plan, row, key, wanted, CLIENT_FIELDS, new=make, more=state_of)
    if "name" in plan.write.changes:
        words = {"before": plan.target[:80], "name": wanted["name"][:80]}
        plan.question = _("“%(before)s” would be renamed to “%(name)s”.") % words
    plan_history(plan, values)
    plan_contact(principal, plan, client, values, context)
    plan_referrers(plan, client, values, context)
    common.check_changes(plan, partial(_check, plan.write.state, context["today"]), lambda new: new.client)
    _put_off(plan, context)
    return plan if row is None else plan.settle()


def client_in(row: Any) -> Client | None:
    """The client of a result of `find`; an unsaved one if it is an earlier row's."""
    return common.record_of(row, lambda new: new.client)


def _links(principal, client: Client | None, values: Values, context: Context, plan: Plan) -> dict[str, Any]:
    """The account manager, team, tags and parent in the row."""
    wanted: dict[str, Any] = {}
    owner = common.owner_of(values.get("owner"), principal, context, plan)
    if client is None:
        wanted["owner"] = owner
    elif values.get("owner") and "owner" not in values["defaulted"] and common.find_user(values["owner"], context):
        if client.owner == owner or permissions.may_reassign(principal, client):
            wanted["owner"] = owner
        else:
            plan.warnings.append(str(permissions.HAND_ON))
    if team := common.find_team(values.get("team", ""), plan, context):
        wanted["team"] = team
    if names := several(values.get("tags", "")):
        here = common.tags(context)
        wanted["tags"] = frozenset(here[n.lower()].name if n.lower() in here else n[:60] for n in names)
    if parent := _parent(client, values, context, plan):
        wanted["parent"] = parent
    return wanted


def _parent(client: Client | None, values: Values, context: Context, plan: Plan) -> Any:
    """The parent that the row names by id: a client, or Later."""
    ref = values.get("parent_external_id")
    if not ref:
        return None
    if common.is_circle(values.get("external_id", ""), ref, context):
        plan.warnings.append(_("A client cannot be its own parent. No parent was set."))
        return None
    if earlier := common.memory("client", context).became.get(ref):
        return client_in(earlier)
    pk = context["cache"]["ids:client"].get(ref[:200])
    parent = context["cache"]["rows:client"].get(pk)
    if parent is not None and parent != client:
        return parent
    if parent is None and common.is_in_file("client", ref, context):
        return Later(ref)
    plan.warnings.append(no_parent(ref))
    return None


def no_parent(ref: str) -> str:
    return _("No client has the ID “%(id)s”. No parent was set.") % {"id": ref[:60]}


def state_of(client: Any) -> dict[str, Any]:
    """What a row is compared with, besides the columns. A hidden parent counts as none."""
    periods = [*client.status_periods.all()]
    spans = [Span(p.start_date, p.end_date, p.status, p.reason, is_start_unknown=p.is_start_unknown) for p in periods]
    return {
        "status": client.facts.status,
        "status_date": client.facts.status_since,
        "leaving_reason": next((s.reason for s in spans if s.start == client.facts.status_since), ""),
        "tags": frozenset(tag.name for tag in client.tags.all()),
        "parent": client.parent if client.is_parent_seen else None,
        "status_history": tuple(spans),
    }


def _new(wanted: dict[str, Any], values: Values, context: Context) -> New:
    fields = {name: value for name, value in wanted.items() if name not in (*STATUS, "tags", "parent")}
    today = context["today"]
    status = wanted.get("status", Status.PROSPECT)
    row = new_client(
        status=status,
        status_start=wanted.get("status_date"),
        is_start_unknown="status_date" not in wanted and status != Status.PROSPECT,
        reason=wanted.get("leaving_reason", ""),
        history=values.get("status_history", ()),
        today=today,
        **fields,
    )
    return New(row, wanted.get("tags", frozenset()), wanted.get("parent"))


def _check(state: dict[str, Any], today: date, client: Client, **changes) -> None:
    """Raises ServiceError for changes that the services would refuse. `state` is what the client will hold."""
    fields = {
        n: value for n, value in changes.items() if n not in (*STATUS, "tags", "status_history", "contact", "referrers")
    }
    if isinstance(fields.get("parent"), Later):
        del fields["parent"]
    check_client(client, **fields)
    spans = [*state.get("status_history", ())]
    if spans and not changes.keys().isdisjoint(STATUS):
        how, arguments = status_change(changes, state, today)
        how_checked = {change_status: check_status, change_since: partial(check_since, today=today)}
        how_checked[how](spans, **arguments)
    if "status_history" in changes:
        check_history([*changes["status_history"]], today)
    if contact := changes.get("contact"):
        check_main_contact(client, **contact)


def _put_off(plan: Plan, context: Context) -> None:
    """A parent further down is linked after the last row."""
    write = plan.write
    wanted = write.new.parent if write.new else write.changes.get("parent")
    if isinstance(wanted, Later):
        context["memory"].setdefault("later", []).append((plan, write, wanted.ref))
        if write.new:
            write.new.parent = None
        else:
            del write.changes["parent"]
    elif wanted and context["is_past"]:
        context["memory"].setdefault("later", []).append((plan, write, wanted.pk))
