"""Finding the client or record of a row, and what the imports of records share."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.catalogue.models import Service, Tag
from clients.contacts.models import Contact, ContactEmail
from clients.engagements.models import Engagement
from clients.importing import naming
from clients.importing.ids import folded, load_ids, own_id, own_pk
from clients.phones import digits_of
from clients.records.external import link_externals
from clients.records.models import Client
from crm.core.base.arrays import IDS, AnyOf, looked_up
from crm.core.base.errors import ServiceError
from crm.core.base.plain_text import plain_text
from crm.core.base.principals import Principal
from crm.core.base.reading import fold
from crm.core.base.registry import always
from crm.core.fields.catalogue import Catalogue
from crm.core.fields.custom.entries import load_custom
from crm.core.fields.custom.entry import is_client
from crm.core.importing.journal import created_in
from crm.core.importing.kinds import (
    CREATE,
    CREATED,
    UPDATE,
    Change,
    Column,
    Context,
    ImportKind,
    OpenColumns,
    Plan,
    Remarks,
    Values,
    Waits,
    identity,
)
from crm.core.importing.recognising import OWN_ID, OWN_SYSTEM
from crm.core.importing.repeats import Numbers, Repeats
from crm.core.users.models import Team, User

CLIENT_ID = ("customerid", "customer id", "account id", "accountid", "client id")
CLIENT_OWN_ID = f"{OWN_ID} of the client"
CLIENT_NAME = ("client", "customer", "company", "account name")


def external_id(*aliases: str) -> Column:
    return Column("external_id", gettext_lazy("ID in the other system"), (OWN_ID, *aliases))


def client_columns(ids: tuple[str, ...] = CLIENT_ID, names: tuple[str, ...] = CLIENT_NAME) -> tuple[Column, Column]:
    """The columns by which a row names its client (`client_of`)."""
    return (
        Column("client_external_id", gettext_lazy("Client’s id"), (CLIENT_OWN_ID, *ids)),
        Column("client_name", gettext_lazy("Client’s name"), names),
    )


def in_plain_words(column: Column, *names: str) -> Column:
    """The column, if it is one of these: what another system wrote in HTML is read as text."""
    if column.name not in names:
        return column
    return replace(column, parse=lambda text, conventions: plain_text(text))


@dataclass
class Write:
    """What a plan writes: a `new` record for `create`, or `changes` of a known `row` or of the record of an `earlier`
    row; `key` is the id to remember it by, "" if it is already remembered. `state` is what the record will hold.
    """

    row: Any = None
    earlier: "Write | None" = None
    new: Any = None
    changes: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    state: dict[str, Any] = field(default_factory=dict)


def record_of(row: Any, made: Callable[[Any], Any] = lambda new: new) -> Any:
    """The record of a result of `known`: itself, or for an earlier row's Write the record that it changes or creates
    (`made(write.new)`), which may be unsaved.
    """
    while isinstance(row, Write):
        row = row.row or row.earlier or made(row.new)
    return row


@dataclass
class Memory:
    """The results of earlier rows of the file. `became`: records by id, for ids that occur again. `taken`: {key of a
    record: its row}, so that two rows with the same address or domain are two records. `called`: {address, domain or
    name: its owner} of those that may occur again. `made`: the records that this run has saved, which the preview could not find.
    `absent`: ids of rows that are left out, since their records are not here and the import adds none.
    """

    became: dict[str, Any] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    made: Numbers = field(default_factory=Numbers)
    absent: set[str] = field(default_factory=set)


class MayRepeat:
    """The ids of a file in which nothing names another row: which of them may occur again, counted as two."""

    def __init__(self, rows: int):
        self.repeats = Repeats(rows)

    def __getitem__(self, ref: str) -> int:
        return 1 + self.repeats.may_repeat(ref)


REFER = frozenset(
    {"parent_external_id", "replaces_external_id", "referred_by_external_id"}
)  # to other rows of the file


def note_id(ref: str, columns: Sequence[Column], context: Context) -> None:
    """Count an id; one by one only where other rows may name it."""
    survey = context["survey"]
    if "ids" not in survey:
        refer = REFER | {column.name for column in columns if column.is_client}
        survey["ids"] = MayRepeat(context["rows"]) if refer.isdisjoint(context["mapped"]) else Counter()
    if isinstance(survey["ids"], MayRepeat):
        survey["ids"].repeats.note(ref)
    else:
        survey["ids"][ref] += 1


def note_called(keys: Iterable[str], context: Context) -> None:
    """Addresses, domains and names of a row, so that planning remembers only those that another row may share."""
    called = context["survey"].setdefault("called", None) or Repeats(context["rows"])
    context["survey"]["called"] = called
    for key in keys:
        called.note(key)


def may_be_called_again(key: str, context: Context) -> bool:
    called = context["survey"].get("called")
    return called is None or called.may_repeat(key)


def memory(of: str, context: Context) -> Memory:
    return context["memory"].setdefault(of, Memory())


def is_in_file(of: str, ref: str, context: Context) -> bool:
    """Whether a row of the file has the id, and may be written."""
    return bool(context["survey"]["ids"][ref]) and ref not in memory(of, context).absent


def waiting(name: str, context: Context) -> list[Any]:
    """What was put off until the last row, [(plan, …)], without rows that turned out to be left out."""
    return [each for each in context["memory"].get(name, ()) if not each[0].is_left_out]


def record_kind(
    key: str,
    label: Any,
    *,
    of: str,
    columns: Iterable[Column],
    rows: Callable[[Principal], QuerySet],
    plan: Callable[[Principal, Values, Context], Plan],
    create: Callable[[Principal, list[Any], Context], list[Any]],
    update: Callable[[Principal, list[Write], Context], None],
    look_up: Callable[[Principal, list[Values], Context], None] = lambda principal, values, context: None,
    finish: Callable[[Principal, Context], Remarks] = lambda principal, context: (),
    called_by: tuple[str, ...] = (),
    called: Callable[[dict[str, str]], Iterable[str]] = lambda texts: (),
    is_used: Callable[[], bool] = always,
    **given,
) -> ImportKind:
    """An import of records with external ids of the kind `of`. `rows(principal)` are the rows the principal may see,
    with what planning needs. `create(principal, new, context)` saves the `new` of several plans together and returns
    the objects in order; `update(principal, writes, context)` saves changes. `called(texts)` are the addresses and names that another
    row may share, from the cells of the columns `called_by`.
    """

    columns = columns if isinstance(columns, OpenColumns) else OpenColumns(columns)

    def survey(texts: dict[str, str], context: Context) -> None:
        note_id(texts.get("external_id", ""), columns, context)
        if called_by and context["defaults"].keys().isdisjoint(called_by):
            with suppress(Exception):  # our fault: the row fails of the same when it is planned, and only the row
                note_called([*called(texts)], context)
        if parent := texts.get("parent_external_id") or texts.get("replaces_external_id"):
            context["survey"].setdefault("parents", {}).setdefault(parent, []).append(texts.get("external_id", ""))

    def prepare(principal: Principal, values: list[Values], context: Context) -> None:
        load_ids(of, [key for row in values for key in (identity(row), f"row:{row['row_key']}")], context)
        load_rows(of, rows(principal), context["cache"][f"ids:{of}"].values(), context)
        if context["mode"] == CREATE and context["begun_in"]:
            here = context["cache"][f"rows:{of}"]
            context["cache"]["made before"] = created_in(context["begun_in"], rows(principal).model, here)
        if of != "client":
            load_clients(principal, values, context)
        look_up(principal, values, context)
        context["cache"]["columns that name"] = naming.columns_that_name(columns)
        naming.load_named(principal, context["cache"]["columns that name"], values, context)

    def planned(principal: Principal, values: Values, context: Context) -> Plan:
        naming_columns = context["cache"]["columns that name"]
        made, warnings, later = naming.with_named(naming_columns, values, context, is_of_clients=of == "client")
        found = plan(principal, made, context)
        found.warnings += warnings
        if later and found.write is not None:
            context["memory"].setdefault("named later", []).append((found, found.write, later))
        return remembered(of, found, values, context)

    def finished(principal: Principal, context: Context) -> Remarks:
        yield from finish(principal, context)
        rows = waiting("named later", context)
        for found, write, changes in naming.named_later(principal, naming.columns_that_name(columns), rows, context):
            if (row := write.row or (write.earlier and write.earlier.row)) is not None and row.pk:
                label = next(column.label for column in columns if column.name in changes)
                change = partial(update, principal, [Write(row=row, changes=changes)], context)
                yield from refused(found, label, change)

    def apply(principal: Principal, plans: list[Plan], context: Context) -> None:
        writes = [plan.write for plan in plans]
        new = [write for write in writes if write.new is not None]
        for write, row in zip(
            new, create(principal, [write.new for write in new], context) if new else (), strict=True
        ):
            write.row = row
        for write in writes:
            if write.row is None and (write.earlier is None or write.earlier.row is None):
                raise ServiceError(_("An earlier row with the same ID could not be imported."))
            write.row = write.row or write.earlier.row
        update(principal, [write for write in writes if write.new is None and write.changes], context)
        ids = {write.key: write.row.pk for write in writes if write.key}
        link_externals(system=context["system"], kind=of, ids=ids) if ids else None

    return ImportKind(
        key=key,
        label=label,
        of=of,
        columns=columns,
        survey=survey,
        surveyed=("external_id", "parent_external_id", "replaces_external_id", *called_by),
        prepare=prepare,
        plan=planned,
        apply=apply,
        finish=finished,
        may_import=lambda user: (user.sees_all or user.is_account_manager) and is_used(),
        **given,
    )


def remembered(of: str, plan: Plan, values: Values, context: Context) -> Plan:
    """Remember the row's result if a later row of the file has the same id or names it as its parent."""
    write, ref = plan.write, values.get("external_id")
    if write is None:
        return plan
    if plan.outcome == CREATED and context["mode"] == UPDATE:
        memory(of, context).absent.update(filter(None, [ref]))
        return plan
    plan.is_of_new = _is_of_new(write, context)
    if write.row is not None and write.row.pk:
        memory(of, context).taken.setdefault(write.row.pk, values["row_key"])
    survey = context["survey"]
    if ref and not context["is_past"] and (survey["ids"][ref] > 1 or ref in survey.get("parents", {})):
        memory(of, context).became[ref] = write
    if write.new is None and not write.changes and not write.key:
        plan.write = None
    return plan


def _is_of_new(write: Write, context: Context) -> bool:
    """Whether this import creates the record, in an earlier row or before it was paused."""
    first = write
    while first.earlier is not None:
        first = first.earlier
    return first.new is not None or (first.row is not None and first.row.pk in context["cache"].get("made before", ()))


def refused(plan: Plan, label: Any, write: Callable[[], Any]) -> Remarks:
    """What a service refuses after the last row, as a remark on the row that wanted it; the others are written."""
    try:
        with transaction.atomic():
            write()
    except ServiceError as error:
        yield plan, f"{label}: {error.message}"
    except PermissionDenied as error:
        yield plan, f"{label}: {str(error) or _('You cannot change it.')}"


def is_circle(own: str, ref: str, context: Context) -> bool:
    """Whether the parents in the file lead from `ref`, the parent named by the row `own`, back to that row."""
    above = context["survey"].setdefault("above", {})
    if not above:
        above |= {child: parent for parent, children in context["survey"]["parents"].items() for child in children}
    seen = {own}
    while ref and ref not in seen:
        seen.add(ref)
        ref = above.get(ref, "")
    return bool(ref)


# Rows


def load_rows(of: str, rows: QuerySet, ids: Iterable[int], context: Context) -> None:
    """Load a chunk's known records that are not loaded yet, in one query (plus prefetches)."""
    cached = context["cache"].setdefault(f"rows:{of}", {})
    wanted = {*ids} - cached.keys()
    cached |= {row.pk: row for row in rows.filter(pk__in=wanted)} if wanted else {}


def known(of: str, values: Values, context: Context) -> tuple[Any, str]:
    """(the record, "") of an earlier import or an earlier row of the file; else (None, the key to remember it by). An
    id of a record that the principal may not see is ignored: the row is then recognised by its content.
    """
    ids, rows = context["cache"][f"ids:{of}"], context["cache"][f"rows:{of}"]
    ref = values.get("external_id", "")[:200]
    if ref in memory(of, context).became:
        return memory(of, context).became[ref], ""
    for key in (ref, f"row:{values['row_key']}"):
        if key and key in ids and ids[key] in rows:
            return rows[ids[key]], ""
        if key and key not in ids:
            is_own = context["system"] == OWN_SYSTEM and own_pk(of, key)
            return None, f"row:{values['row_key']}" if is_own else key
    return None, ""


def exported(
    columns: Iterable[Column], cells: Mapping[str, Callable[[Any], Any]], rows: Iterable[Any]
) -> Iterator[list[Any]]:
    """Head and rows of a file that the import can read back, with those `columns` that `cells` defines."""
    told = [column for column in columns if column.name in cells]
    ids = {"external_id": OWN_ID, "client_external_id": CLIENT_OWN_ID}
    yield [ids.get(column.name) or str(column.label) for column in told]
    for row in rows:
        yield [cells[column.name](row) for column in told]


def named(principal: Principal, rows: Iterable[Any], fields: Catalogue) -> Iterator[Any]:
    """The rows with what the firm's own fields show besides what they keep, a thousand at a time."""
    rows = iter(rows)
    while chunk := list(islice(rows, 1000)):
        load_custom(principal, fields, chunk)
        yield from chunk


def cells_of(fields: Catalogue, *names: str) -> dict[str, Callable[[Any], Any]]:
    """{column: its cell} for the fields that a file's cell fills, and the named ones."""

    def cell(entry) -> Callable[[Any], Any]:
        def say(row: Any) -> Any:
            if is_client(entry):
                return own_id("client", entry.raw(row)) if entry.value(row) else ""
            value = entry.value(row)
            return value.isoformat() if isinstance(value, datetime) else value

        return say

    return {fields[name].cell or name: cell(fields[name]) for name in (*fields.cells, *names)}


def client_cells(client: Callable[[Any], Any] = attrgetter("client")) -> dict[str, Callable[[Any], Any]]:
    """The columns by which a row names its client."""
    return {
        "client_external_id": lambda row: own_id("client", client(row).pk) if client(row) else "",
        "client_name": lambda row: client(row).name if client(row) else "",
    }


def seen_by(principal: Principal, rows: QuerySet) -> Iterator[Any]:
    """The rows about clients that are not archived, in order of creation."""
    return rows.filter(client__in=Client.objects.visible_to(principal).kept()).order_by("pk").iterator(chunk_size=1000)


# What a row names


def the_one(found: list[Any], name: str) -> Any:
    """The only one, or the one with this name; else None."""
    if len(found) > 1:
        found = [row for row in found if fold(row.name) == fold(name)]
    return found[0] if len(found) == 1 else None


def _cached(context: Context, name: str, load: Callable[[], Any]) -> Any:
    if name not in context["cache"]:
        context["cache"][name] = load()
    return context["cache"][name]


def people(context: Context) -> dict[str, User]:
    """Active colleagues by folded name and email; a name that two of them share is left out. Includes the names matched
    for the whole file.
    """

    def load() -> dict[str, User]:
        users = [*User.objects.active()]
        names = Counter(fold(user.name) for user in users)
        found = {fold(user.name): user for user in users if names[fold(user.name)] == 1}
        found |= {fold(user.email): user for user in users}
        return found | {name: found[fold(email)] for name, email in context["people"].items() if fold(email) in found}

    return _cached(context, "people", load)


def find_user(text: str, context: Context) -> User | None:
    """By email or full name, ignoring case and spaces; None for no match or several: the preview asks who is meant."""
    user = people(context).get(fold(text))
    if user is None:
        context["survey"].setdefault("unknown_people", Counter())[text[:100]] += 1
    return user


def owner_of(text: str | None, principal: Principal, context: Context, plan: Plan) -> User:
    """The account manager named in the row, else the one chosen for all rows, else the user who imports. An unknown
    name gives a warning.
    """
    chosen = context["defaults"].get("owner")
    user = find_user(text, context) if text else None
    fallback = user or (chosen and find_user(chosen, context)) or principal.user
    if text and user is None:
        message = _("No colleague is called “%(name)s”. The account manager would be %(owner)s.")
        plan.warnings.append(message % {"name": text[:60], "owner": fallback.name})
    return fallback


def present(found: Mapping[str, Any], warning: str, plan: Plan, **words) -> list[Any]:
    """The objects found in {name in the row: object or None}; each missing one adds the warning (with %(name)s)."""
    plan.warnings += [warning % {"name": name[:60], **words} for name, row in found.items() if row is None]
    return [row for row in found.values() if row is not None]


def find_team(text: str, plan: Plan, context: Context) -> Team | None:
    teams = _cached(context, "teams", lambda: {t.name.lower(): t for t in Team.objects.filter(archived_at=None)})
    found = {text: teams.get(text.lower())} if text else {}
    return next(iter(present(found, _("No team is called “%(name)s”. Left empty."), plan)), None)


def find_service(text: str, plan: Plan, context: Context) -> Service | None:
    def load() -> dict[str, Service]:
        services = [*Service.objects.order_by("-pk")]
        return {s.code.lower(): s for s in services if s.code} | {s.name.lower(): s for s in services}

    found = {text: _cached(context, "services", load).get(text.lower())} if text else {}
    return next(iter(present(found, _("No service is called “%(name)s”. Left empty."), plan)), None)


def load_numbers(of: str, rows: QuerySet, values: list[Values], context: Context) -> None:
    """Those of the `rows` that a chunk's rows name by their number."""
    numbers = {text.lower() for row in values if (text := row.get("number"))}
    found = rows.alias(folded=Lower("number")).filter(folded__in=numbers) if numbers else ()
    context["cache"].setdefault(f"numbers:{of}", {}).update({fold(row.number): row for row in found})


def by_number(of: str, values: Values, client: Client, context: Context) -> Any:
    """The client's row with the number, or None. Raises ServiceError where it belongs to another client."""
    found = context["cache"][f"numbers:{of}"].get(fold(values.get("number", "")))
    if found is not None and found.client_id != client.pk:
        words = _("The number “%(number)s” belongs to another client.")
        raise ServiceError(words % {"number": values["number"][:40]})
    return found


def load_engagements(principal, rows: Iterable[Values], context: Context) -> None:
    """The engagements that a chunk's rows name, of those that the principal sees."""
    named = {text.lower() for row in rows if (text := row.get("engagement"))}
    seen = Engagement.objects.visible_to(principal).kept().alias(folded=Lower("number")).filter(folded__in=named)
    known = context["cache"].setdefault("engagement numbers", {})
    found = [*seen.select_related("client")] if named else []
    known |= {(row.client_id, row.number.lower()): row for row in found}
    at = context["cache"].setdefault("clients by engagement", {})
    for row in found:
        if row.client.archived_at is None:
            at.setdefault(row.number.lower(), {})[row.client_id] = row.client


def engagement_of(
    values: Values, client: Client, plan: Plan, context: Context, *, is_money: bool = False
) -> dict[str, Any]:
    """{"engagement": …} that a row of the client names, or nothing and a warning. `is_money`: a contract or revenue, which is of no
    restricted one."""
    if not (number := values.get("engagement")):
        return {}
    found = context["cache"]["engagement numbers"].get((client.pk, number.lower()))
    if is_money and found is not None and found.is_restricted:
        words = _("“%(name)s” is restricted, so contracts and revenue do not name it. Left empty.")
        plan.warnings.append(words % {"name": number[:60]})
        return {}
    words = _("%(name)s is not known at %(client)s. Left empty.")
    rows = present({number: found}, words, plan, client=client.name)
    return {"engagement": rows[0]} if rows else {}


def tags(context: Context) -> dict[str, Tag]:
    """All tags by their lower-case name."""
    return _cached(context, "tags", lambda: {tag.name.lower(): tag for tag in Tag.objects.all()})


def load_clients(principal: Principal, rows: list[Values], context: Context) -> None:
    """The clients that a chunk's rows name, by id and by exact name."""
    seen = Client.objects.visible_to(principal).kept()
    load_ids("client", [ref for row in rows for ref in refs_in(row.get("client_external_id", ""))], context)
    load_rows("client", seen, context["cache"]["ids:client"].values(), context)
    keys = folded(name for row in rows if (name := row.get("client_name")))
    named: dict[str, list[Client]] = {}
    for client in seen.filter(name_key__in={*keys.values()}).order_by("pk") if keys else ():
        named.setdefault(client.name_key, []).append(context["cache"]["rows:client"].setdefault(client.pk, client))
    context["cache"]["named"] = {name: named.get(key, []) for name, key in keys.items()}


def client_of(values: Values, context: Context, plan: Plan) -> Client:
    """The client a row belongs to: by its external id, then by its engagement's number, then by exact name. Sets it on
    the plan. Raises ServiceError.
    """
    client = _client_of(values, context, plan)
    plan.target, plan.url = client.name, client.get_absolute_url
    return client


def _client_of(values: Values, context: Context, plan: Plan) -> Client:
    ref, name = values.get("client_external_id"), values.get("client_name")
    if ref:
        found = next(iter(clients_named(values, context)), None) or _client_of_engagement(values, context)
        if found is None:
            wait_for(("client",), refs_in(ref), context)
        if found is None and not name:
            message = _(
                "No client has the ID “%(id)s” in “%(system)s”. Import the clients first, with the same system name."
            )
            raise ServiceError(message % {"id": ref[:60], "system": context["system"]})
        if found is not None:
            if name and fold(name) != fold(found.name):
                text = _("The row says “%(name)s”, but its ID belongs to “%(client)s”.")
                plan.question = text % {"name": name[:80], "client": found.name[:80]}
            return found
    if not name and (matter := _client_of_engagement(values, context)):
        return matter
    if not name:
        raise ServiceError(_("The row names no client."))
    named = context["cache"]["named"].get(name, [])
    if len(named) == 1:
        return named[0]
    if not named:
        wait_for(("client",), [fold(name)], context)
    many, none = _("More than one client is called “%(name)s”. Use its ID."), _("No client is called “%(name)s”.")
    raise ServiceError((many if named else none) % {"name": name[:80]})


def _client_of_engagement(values: Values, context: Context) -> Client | None:
    """The client of the engagement that the row names by its number, if it is one's only."""
    found = context["cache"].get("clients by engagement", {}).get(values.get("engagement", "").lower(), {})
    return next(iter(found.values())) if len(found) == 1 else None


def refs_in(text: str) -> list[str]:
    """The ids in a cell; other systems join several with ;"""
    return [ref.strip() for ref in text.split(";") if ref.strip()]


def clients_named(values: Values, context: Context) -> list[Client]:
    """The known clients that a row names by id, in its order."""
    ids, rows = context["cache"]["ids:client"], context["cache"]["rows:client"]
    return [rows[ids[ref[:200]]] for ref in refs_in(values.get("client_external_id", "")) if ids.get(ref[:200]) in rows]


def is_coming(of: str, refs: Iterable[str], context: Context) -> bool:
    """Whether a file of the same move that runs earlier brings one of these ids or names."""
    return not context["coming"].get(of, {}).keys().isdisjoint(refs)


def wait_for(kinds: Iterable[str], refs: list[str], context: Context) -> None:
    """Raises Waits if one of the ids or names comes with a file that runs earlier."""
    coming = [context["coming"].get(of, {}) for of in kinds]
    if found := [names[ref] for ref in refs for names in coming if ref in names]:
        raise Waits("; ".join(dict.fromkeys(found)))


def load_contacts(addresses: Iterable[str], context: Context) -> None:
    """The contacts with these addresses, by (client, lower-case address)."""
    wanted = {address.lower() for address in addresses}
    ids = looked_up(ContactEmail.objects.all(), Lower("address"), wanted)
    mails = ContactEmail.objects.filter(AnyOf("pk", [*ids], IDS)).order_by("-contact_id")
    named = mails.values_list("contact__affiliations__client", "address", "contact")
    found = {(client, address.lower()): pk for client, address, pk in named if client}
    context["cache"]["contacts"] = (found, Contact.objects.in_bulk({*found.values()}))


def contacts_of(client: Client, addresses: Iterable[str], plan: Plan, context: Context) -> list[Contact]:
    """The client's contacts with these addresses."""
    ids, contacts = context["cache"]["contacts"]
    found = {address: contacts.get(ids.get((client.pk, address.lower()))) for address in addresses}
    return present(found, _("No contact at %(client)s has the address %(name)s. Left empty."), plan, client=client.name)


def contact_changes(
    contact: Contact, names: dict[str, Any], additions: dict[str, list[tuple[str, str]]], country: str
) -> dict[str, Any]:
    """Arguments of `update_contact`: fields that differ, and emails and phones including those the row adds."""
    mails = [(row.label, row.address) for row in contact.emails.all()]
    phones = [(row.label, row.number) for row in contact.phones.all()]
    here = {address.lower() for _label, address in mails} | {row.digits for row in contact.phones.all()}
    new_mails = [pair for pair in additions["emails"] if pair[1].lower() not in here]
    new_phones = [pair for pair in additions["phones"] if digits_of(pair[1], country) not in here]
    more = {"emails": new_mails and mails + new_mails, "phones": new_phones and phones + new_phones}
    changed = {n: v for n, v in names.items() if v and _plain(getattr(contact, n)) != _plain(v)}
    return changed | {name: pairs for name, pairs in more.items() if pairs}


# What a row changes


def given(values: Values, names: Iterable[str], *, is_new: bool) -> dict[str, Any]:
    """The row's non-empty cells. Answers for all rows apply to new records only."""
    skipped = frozenset() if is_new else values["defaulted"]
    return {name: values[name] for name in names if values.get(name) not in (None, "") and name not in skipped}


def compare(plan: Plan, state: dict[str, Any], wanted: dict[str, Any], fields: Catalogue) -> dict[str, Any]:
    """What of `wanted` differs from `state`, recorded in the plan under the fields' labels. Spacing is ignored."""
    changes = {name: value for name, value in wanted.items() if _plain(state.get(name)) != _plain(value)}
    plan.changes += told(state, changes, fields)
    return changes


def told(state: dict[str, Any], changes: dict[str, Any], fields: Catalogue) -> Iterator[Change]:
    for name, value in changes.items():
        entry = fields[name]
        yield entry.header or entry.label, state.get(name), value, _words(entry)


def told_of_new(wanted: dict[str, Any], fields: Catalogue) -> Iterator[Change]:
    """Of a new record: most are counted and never shown, so their words are made late."""
    return told({}, {name: value for name, value in wanted.items() if _plain(value) is not None}, fields)


def _words(entry) -> Callable[[Any], str]:
    def say(value: Any) -> str:
        if isinstance(value, naming.Named):
            return value.name
        if is_client(entry):  # which one, not everybody may know
            return _("a client")
        if isinstance(value, frozenset):
            return ", ".join(sorted(map(str, value)))
        return entry.type.words(value) if not hasattr(value, "pk") else str(value)

    return say


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return None if value == "" else value


def settled(
    plan: Plan,
    row: Any,
    key: str,
    wanted: dict[str, Any],
    fields: Catalogue,
    *,
    new: Callable[[], Any],
    more: Callable[[Any], dict[str, Any]] = lambda row: {},
) -> Plan:
    """Finish the plan of a record: compare it with what the known `row` (or the Write of an earlier row) holds, or make
    a new one. `more(row)` are values without a column of their own.
    """
    if row is None:
        plan.changes.append(partial(told_of_new, dict(wanted), fields))
        plan.outcome = CREATED
        made = new()
        plan.write = Write(new=made, key=key, state=wanted)
        return plan
    is_earlier = isinstance(row, Write)
    before = row.state if is_earlier else _before(row, {*fields.cells, *wanted}, more(row))
    plan.write = Write(
        row=row.row if is_earlier else row,
        earlier=row if is_earlier else None,
        changes=compare(plan, before, wanted, fields),
        key=key,
    )
    plan.write.state = before | plan.write.changes
    return plan.settle()


def check_changes(plan: Plan, check: Callable[..., None], made: Callable[[Any], Any] = lambda new: new) -> None:
    """Check the changes of a known record as the service would: `check(record, **changes)` raises ServiceError."""
    write = plan.write
    if write.new is None and write.changes:
        check(record_of(write.row or write.earlier, made), **write.changes)


def _before(row: Any, names: set[str], more: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names - more.keys()} | more
