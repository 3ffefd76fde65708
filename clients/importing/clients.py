"""Clients, with an optional main contact in the same row."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import permissions
from clients.catalogue.models import Tag
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.models import Affiliation
from clients.contacts.services import affiliate, check_contact, create_contacts, new_contact, update_contact
from clients.importing import common
from clients.importing.common import Write
from clients.records.choices import ClientKind, LeavingReason, Status
from clients.records.external import with_externals
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client, Domain
from clients.records.queries import FREE_MAIL, domain_of
from clients.records.services.clients import NewClient, check_client, create_clients, new_client, update_client
from clients.records.services.statuses import (
    Span,
    change_since,
    change_status,
    check_history,
    check_since,
    check_status,
    replace_periods,
)
from crm.core.base.errors import ServiceError
from crm.core.base.reading import PLAIN, Conventions, fold
from crm.core.fields.types import DAY, EMAIL, Reader, limited, several
from crm.core.importing.kinds import Column, Context, Plan, Values

UNKNOWN, TODAY = "unknown", "today"
STATUS = ("status", "status_date", "leaving_reason")


def _read_since(text: str, conventions: Conventions = PLAIN) -> Any:
    """A day, TODAY, or UNKNOWN for clients whose start date is unknown."""
    word = text.strip().lower()
    return word if word in (UNKNOWN, TODAY) else DAY.read(text, conventions)


def _read_history(text: str, conventions: Conventions = PLAIN) -> tuple[Span, ...]:
    """`2020-01-01 prospect; 2021-03-01? active; 2024-02-01 former (price)`; ? marks an unknown start."""
    spans: list[Span] = []
    for part in several(text):
        day, _space, status = part.partition(" ")
        status, _bracket, reason = status.strip(" )").partition(" (")
        start = DAY.read(day.rstrip("?"))
        if status not in Status.values or (reason and reason not in LeavingReason.values):
            raise ValueError(_("“%(text)s” is not a status with its first day.") % {"text": part[:60]})
        if spans:
            if start <= spans[-1].start:
                raise ValueError(_("The dates in the status history are out of order."))
            spans[-1] = replace(spans[-1], end=start)
        spans.append(Span(start, None, status, reason, is_start_unknown=day.endswith("?")))
    return tuple(spans)


def say_history(spans: Any) -> str:
    return "; ".join(
        f"{span.start.isoformat()}{'?' * span.is_start_unknown} {span.status}"
        + (f" ({span.reason})" if span.reason else "")
        for span in spans
    )


def _columns() -> Iterator[Column]:
    for column in CLIENT_FIELDS.import_columns():
        if column.name == "status_date":
            text = gettext_lazy("A date, “today”, or “unknown”: clients of unknown start are left out of retention.")
            column = replace(column, parse=Reader(_read_since, asks="date_order"), help_text=text)
        yield column


_NAME, *_REST = _columns()
COLUMNS = CLIENT_FIELDS.with_custom(
    _NAME,
    common.external_id("id", "account id", "customerid", "customer id", "record id", "client id", "company id"),
    *_REST,
    Column("status_history", gettext_lazy("Status history"), parse=Reader(_read_history)),
    Column(
        "contact_first_name",
        gettext_lazy("Contact’s first name"),
        ("firstname", "first name", "vorname"),
        parse=CONTACT_FIELDS["first_name"].type.read,
    ),
    Column(
        "contact_last_name",
        gettext_lazy("Contact’s last name"),
        ("lastname", "last name", "nachname"),
        parse=CONTACT_FIELDS["last_name"].type.read,
    ),
    Column("contact_email", gettext_lazy("Contact’s email"), ("contact email",), parse=EMAIL.read, is_lenient=True),
    Column(
        "contact_phone", gettext_lazy("Contact’s phone"), ("contact phone",), parse=limited(40).read, is_lenient=True
    ),
)


@dataclass(frozen=True)
class Later:
    """A parent further down in the file."""

    ref: str

    def __str__(self) -> str:
        return self.ref


# Which client


def _look_up(principal, rows: list[Values], context: Context) -> None:
    """Look up who has a chunk's addresses, domains and names; one query each."""
    seen = _rows(principal).kept()
    cache = context["cache"]
    if parents := [ref for row in rows if (ref := row.get("parent_external_id"))]:
        common.load_ids("client", parents, context)
        common.load_rows("client", _rows(principal), cache["ids:client"].values(), context)
    mails = {mail.lower() for row in rows if (mail := row.get("email"))}
    domains = {domain for row in rows if (domain := own_domain(row))}
    cache["by_mail"] = _grouped(
        seen.alias(folded=Lower("email")).filter(folded__in=mails).exclude(email=""), mails, context
    )
    sites = seen.alias(domain=Domain(F("website"))).filter(domain__in=domains).exclude(website="")
    cache["by_domain"] = _grouped(sites, domains, context)
    keys = common.folded(name for row in rows if (name := row.get("name")))
    there = {*seen.filter(name_key__in={*keys.values()}).values_list("name_key", flat=True)}
    cache["names"] = {name for name, key in keys.items() if key in there}
    found = {client.pk for group in ("by_mail", "by_domain") for rows in cache[group].values() for client in rows}
    if any(row.get("contact_first_name") or row.get("contact_last_name") for row in rows):
        cache["places"] = _places(cache["rows:client"])
    cache["with_id"] = with_externals(system=context["system"], kind="client", ids=found)


def _places(client_ids: Iterable[int]) -> dict[int, list[Affiliation]]:
    """The contacts of the clients that a chunk's rows may refer to."""
    places = Affiliation.objects.current().filter(client__in=[*client_ids]).select_related("contact").order_by("pk")
    groups: dict[int, list[Affiliation]] = {}
    for place in places.prefetch_related("contact__emails", "contact__phones"):
        groups.setdefault(place.client_id, []).append(place)
    return groups


def _grouped(clients, wanted: set[str], context: Context) -> dict[str, list[Client]]:
    groups: dict[str, list[Client]] = {}
    known = context["cache"]["rows:client"]
    for client in clients.order_by("pk") if wanted else ():
        client = known.setdefault(client.pk, client)
        for key in {client.email.lower(), domain_of(client.website)} & wanted:
            groups.setdefault(key, []).append(client)
    return groups


def _rows(principal):
    """Clients with everything a row is compared with."""
    return (
        Client.objects.visible_to(principal)
        .with_parent_seen(principal)
        .select_related("facts", "owner", "team", "parent")
        .prefetch_related("tags", "status_periods")
    )


def find(values: Values, context: Context, plan: Plan) -> tuple[Any, str]:
    """The client (or the Write of an earlier row) that the row refers to, or None for a new one; and the id to remember
    it by.
    """
    row, key = common.known("client", values, context)
    if row is not None:
        if not isinstance(row, Write) and row.archived_at:
            raise ServiceError(str(permissions.IN_TRASH))
        return row, key
    memory, names = common.memory("client", context), _names(values)
    client = _by_mail_or_domain(values, context)
    is_shared = client is not None and memory.taken.get(client.pk, values["row_key"]) != values["row_key"]
    earlier = client.name if is_shared else next((memory.called[n] for n in names[:-1] if n in memory.called), None)
    is_other = client is not None and values.get("external_id") and client.pk in context["cache"]["with_id"]
    if client is not None and not is_shared and not is_other:
        return client, key
    if earlier is not None:
        message = _("An earlier row has the same website or email: “%(name)s”. This would be a second client.")
        plan.warnings.append(message % {"name": earlier[:80]})
    elif values["name"] in context["cache"]["names"] or names[-1] in memory.called:
        message = _("A client called “%(name)s” already exists. This would be another one.")
        plan.warnings.append(message % {"name": values["name"][:80]})
    return None, key


def _names(values: Values) -> list[str]:
    """Keys that another row of the file may share with this one; the name comes last."""
    email, domain = values.get("email"), own_domain(values)
    known = [email and f"mail:{email.lower()}", domain and f"domain:{domain}"]
    return [*filter(None, known), f"name:{fold(values['name'])}"]


def own_domain(values: Values) -> str:
    """The domain of the row's website, "" for a domain that many share."""
    domain = domain_of(values.get("website", ""))
    return "" if domain in FREE_MAIL else domain


def _by_mail_or_domain(values: Values, context: Context) -> Client | None:
    made = common.memory("client", context).made
    for group, key in (("by_mail", values.get("email", "").lower()), ("by_domain", own_domain(values))):
        found = [client for client in context["cache"][group].get(key, ()) if client.pk not in made]
        if client := common.the_one(found, values["name"]):
            return client
    return None


# What the row becomes


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


@dataclass
class New:
    """A client that is not saved yet, with its tag names, parent, and arguments of its main contact."""

    row: NewClient
    tags: frozenset[str] = frozenset()
    parent: Any = None
    contact: dict[str, Any] | None = None

    @property
    def client(self) -> Client:
        return self.row.client


def _plan(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    values = dict(values)
    _complete(values)
    row, key = find(values, context, plan)
    for name in _names(values):
        common.memory("client", context).called.setdefault(name, values["name"])
    client = _client_in(row)
    plan.target, plan.url = (
        (client.name, client.get_absolute_url() if client.pk else "") if client else (values["name"], "")
    )
    wanted = common.given(values, CLIENT_FIELDS.cells, is_new=row is None) | {"name": " ".join(values["name"].split())}
    wanted |= _links(principal, client, values, context, plan) | _status(values, context["today"], is_new=row is None)
    if row is None and values["left_out"]:
        lines = [*filter(None, [wanted.get("notes")]), _("Unreadable in the import:"), *values["left_out"]]
        wanted["notes"] = "\n".join(lines)
    make = lambda: _new(wanted, values, context)  # noqa: E731
    common.settled(plan, row, key, wanted, CLIENT_FIELDS, new=make, more=_state)
    if "name" in plan.write.changes:
        words = {"before": plan.target[:80], "name": wanted["name"][:80]}
        plan.question = _("“%(before)s” would be renamed to “%(name)s”.") % words
    _plan_history(plan, values)
    _plan_contact(principal, plan, client, values, context)
    common.check_changes(plan, partial(_check, plan.write.state, context["today"]), lambda new: new.client)
    _put_off(plan, context)
    return plan if row is None else plan.settle()


def _client_in(row: Any) -> Client | None:
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
        return _client_in(earlier)
    pk = context["cache"]["ids:client"].get(ref[:200])
    parent = context["cache"]["rows:client"].get(pk)
    if parent is not None and parent != client:
        return parent
    if parent is None and context["survey"]["ids"][ref]:
        return Later(ref)
    plan.warnings.append(_("No client has the ID “%(id)s”. No parent was set.") % {"id": ref[:60]})
    return None


def _status(values: Values, today: date, *, is_new: bool) -> dict[str, Any]:
    if "status_history" in values:
        return {}
    wanted = common.given(values, STATUS, is_new=is_new)
    if wanted.get("status_date") == TODAY:
        wanted["status_date"] = today
    if wanted.get("status_date") == UNKNOWN:
        del wanted["status_date"]
    if is_new:
        wanted.setdefault("status", Status.PROSPECT)
        if wanted["status"] == Status.FORMER:
            wanted.setdefault("leaving_reason", LeavingReason.OTHER)
    if wanted.get("status", Status.FORMER) != Status.FORMER:
        wanted.pop("leaving_reason", None)
    return wanted


def _state(client: Any) -> dict[str, Any]:
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


def _plan_history(plan: Plan, values: Values) -> None:
    spans = values.get("status_history")
    before = plan.write.state.get("status_history", ())
    if spans and spans != before:
        plan.change(gettext_lazy("Status history"), before, spans, say_history)
        if plan.write.new is None:
            plan.write.changes["status_history"] = spans
        plan.write.state["status_history"] = spans


def _check(state: dict[str, Any], today: date, client: Client, **changes) -> None:
    """Raises ServiceError for changes that the services would refuse. `state` is what the client will hold."""
    fields = {n: value for n, value in changes.items() if n not in (*STATUS, "tags", "status_history", "contact")}
    if isinstance(fields.get("parent"), Later):
        del fields["parent"]
    check_client(client, **fields)
    spans = [*state.get("status_history", ())]
    if spans and not changes.keys().isdisjoint(STATUS):
        how, arguments = _status_change(changes, state, today)
        how_checked = {change_status: check_status, change_since: partial(check_since, today=today)}
        how_checked[how](spans, **arguments)
    if "status_history" in changes:
        check_history([*changes["status_history"]], today)
    if contact := changes.get("contact"):
        _check_main_contact(client, **contact)


def _check_main_contact(
    client: Client, *, before: str = "", new: Any = None, contact: Any = None, is_primary=False, **changes
):
    if new is not None:
        new_contact(created_by=None, client=client, **new)
    elif contact is not None:
        check_contact(contact, country=client.country, **changes)


def _status_change(changes: dict[str, Any], state: dict[str, Any], today: date) -> tuple[Any, dict[str, Any]]:
    """(the service that makes the change, its arguments)"""
    reason = state.get("leaving_reason") or (LeavingReason.OTHER if state["status"] == Status.FORMER else "")
    if "status" in changes:
        start = changes.get("status_date") or today
        return change_status, {"status": state["status"], "start_date": start, "reason": reason}
    return change_since, {"start_date": state["status_date"], "reason": reason}


def _put_off(plan: Plan, context: Context) -> None:
    """A parent further down is linked after the last row."""
    write = plan.write
    wanted = write.new.parent if write.new else write.changes.get("parent")
    if isinstance(wanted, Later):
        context["memory"].setdefault("later", []).append((write, wanted.ref))
        if write.new:
            write.new.parent = None
        else:
            del write.changes["parent"]
    elif wanted and context["is_past"]:
        context["memory"].setdefault("later", []).append((write, wanted.pk))


# The main contact


def _plan_contact(principal, plan: Plan, client: Client | None, values: Values, context: Context) -> None:
    first, last = values.get("contact_first_name", ""), values.get("contact_last_name", "")
    if not first and not last:
        return
    label = gettext_lazy("Main contact")
    given = _contact_cells(values, client.kind if client else values.get("kind", ""))
    said = " · ".join(
        filter(None, [f"{first} {last}".strip(), *(text for pairs in given.values() for _label, text in pairs)])
    )
    if client is None:
        contact = {"created_by": principal.user, "first_name": first, "last_name": last, "is_primary": True, **given}
        new_contact(**contact)  # says what is wrong with it
        plan.write.new.contact = contact
        plan.change(label, "", said)
    elif client.pk and (change := _contact_change(client, first, last, given, context)):
        plan.change(label, change.pop("before"), said)
        plan.write.changes["contact"] = change


def _contact_cells(values: Values, kind: str) -> dict[str, list[tuple[str, str]]]:
    is_same = kind == ClientKind.INDIVIDUAL or "contact_email" not in values
    email = values.get("contact_email") or (values.get("email") if is_same else "")
    phone = values.get("contact_phone") or values.get("phone")
    return {"emails": [("work", email)] if email else [], "phones": [("work", phone)] if phone else []}


def _contact_change(client: Client, first: str, last: str, given, context: Context) -> dict[str, Any]:
    """The differences between the row's contact and the client's contacts; {} if none. `before` is the current main
    contact.
    """
    places = context["cache"].get("places", {}).get(client.pk, [])
    before = next((str(place.contact) for place in places if place.is_primary), "")
    mails = {address.lower() for _label, address in given["emails"]}
    own = {place.contact_id: {mail.address.lower() for mail in place.contact.emails.all()} for place in places}
    name = fold(f"{first} {last}")
    by_mail = [place for place in places if own[place.contact_id] & mails]
    found = next(iter([*by_mail, *(place for place in places if fold(place.contact.name) == name)]), None)
    if found is None:
        new = {"first_name": first, "last_name": last, "is_primary": True, **given}
        return {"before": before, "new": new}
    change = common.contact_changes(found.contact, {"first_name": first, "last_name": last}, given, client.country)
    if not found.is_primary and not found.left_date:
        change["is_primary"] = True
    return {"before": before, "contact": found.contact, **change} if change else {}


# Writing


def _create(principal, rows: list[New], context: Context) -> list[Client]:
    """Create parents before their children, so that every link has its row; one statement per level and table."""
    today, waiting = context["today"], rows
    while waiting:
        ready = [new for new in waiting if new.parent is None or new.parent.pk]
        if not ready:
            raise ServiceError(_("An earlier row with the same ID could not be imported."))
        for new in ready:
            new.client.parent = new.parent
            new.row.tags = {_tag(name, context) for name in new.tags}
        create_clients(principal, rows=[new.row for new in ready], today=today)
        there = {id(new) for new in ready}
        waiting = [new for new in waiting if id(new) not in there]
    contacts = [new_contact(client=new.client, **new.contact) for new in rows if new.contact]
    create_contacts(principal, rows=contacts)
    common.memory("client", context).made.update(new.client.pk for new in rows)
    return [new.client for new in rows]


def _tag(name: str, context: Context) -> Tag:
    here = common.tags(context)
    if name.lower() not in here:
        here[name.lower()] = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
    return here[name.lower()]


def _update(principal, writes: list[Write], context: Context) -> None:
    today = context["today"]
    for write in writes:
        client, changes = write.row, dict(write.changes)
        status = {name: changes.pop(name) for name in STATUS if name in changes}
        history, contact = changes.pop("status_history", None), changes.pop("contact", None)
        if "tags" in changes:
            changes["tags"] = [_tag(name, context) for name in changes["tags"]]
        if changes:
            update_client(principal, client=client, **changes)
        if status:
            change, arguments = _status_change(status, write.state, today)
            change(principal, client=client, today=today, **arguments)
        if history:
            replace_periods(principal, client=client, spans=history, today=today)
        if contact:
            _update_contact(principal, client, contact)


def _update_contact(principal, client: Client, change: dict[str, Any]) -> None:
    change = dict(change)
    if "new" in change:
        create_contacts(principal, rows=[new_contact(created_by=principal.user, client=client, **change["new"])])
        return
    contact, is_primary = change.pop("contact"), change.pop("is_primary", False)
    if change:
        update_contact(principal, contact=contact, **change)
    if is_primary:
        affiliate(principal, client=client, contact=contact, is_primary=True)


def _finish(principal, context: Context) -> None:
    """Link the parents that were further down than their children."""
    later = context["memory"].get("later", [])
    refs = {ref for _write, ref in later if isinstance(ref, str)}
    context["cache"].clear()
    common.load_ids("client", refs, context)
    ids = context["cache"]["ids:client"]
    parents = Client.objects.visible_to(principal).in_bulk({ids.get(ref, ref) for _write, ref in later} - refs)
    for write, ref in later:
        child, parent = _client_in(write), parents.get(ids.get(ref, ref))
        if child is not None and child.pk and parent is not None and child.parent_id != parent.pk:
            update_client(principal, client=child, parent=parent)


def exported(principal, clients: QuerySet) -> Iterator[list[Any]]:
    """Head and rows of the clients that the principal may see, as the import can read them back."""
    cells = common.cells_of(CLIENT_FIELDS, *STATUS, "owner", "team", "tags") | {
        "external_id": lambda client: common.own_id("client", client.pk),
        "parent_external_id": lambda client: common.own_id("client", client.parent_id) if client.is_parent_seen else "",
        "status_history": lambda client: say_history(_state(client)["status_history"]),
    }
    rows = clients.with_parent_seen(principal).select_related("facts", "owner", "team")
    rows = rows.prefetch_related("tags", "status_periods")
    found = common.named(principal, rows.order_by("name_key", "pk").iterator(chunk_size=1000), CLIENT_FIELDS)
    return common.exported(COLUMNS, cells, found)


CLIENTS = common.record_kind(
    "clients",
    gettext_lazy("Clients"),
    of="client",
    columns=COLUMNS,
    rows=_rows,
    plan=_plan,
    create=_create,
    update=_update,
    look_up=_look_up,
    finish=_finish,
    export=lambda principal: exported(principal, Client.objects.visible_to(principal).kept()),
    defaults=("status", "owner", "status_date", "relationship", "tier"),
    must_ask=("status", "owner", "status_date"),
    needs=(("name", "contact_last_name", "contact_first_name"),),
    ids=("external_id", "parent_external_id"),
    match_note=gettext_lazy("Existing clients are matched by ID, then email, then domain. Never by name alone."),
)
