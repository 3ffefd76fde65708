"""Contacts, with up to three emails and phones, linked to a client by its id or exact name."""

from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.fields import CONTACT_FIELDS, PLACE_FIELDS
from clients.contacts.models import Affiliation, Contact, ContactEmail
from clients.contacts.services import NewContact, affiliate, check_contact, create_contacts, new_contact, update_contact
from clients.duplicates.near import first_rows, near_contacts, note
from clients.importing import common
from clients.importing.common import Write
from clients.phones import digits_of
from clients.records.models import Client
from crm.core.base.arrays import IDS, AnyOf, looked_up
from crm.core.base.errors import ServiceError
from crm.core.base.reading import fold
from crm.core.fields.types import EMAIL, Reader, limited
from crm.core.importing.kinds import Column, Context, Plan, Values

MAILS = ("email_work", "email_home", "email_other", "email_mobile")
PHONES = ("phone_work", "phone_mobile", "phone_home", "phone_other")
_FIRST, _LAST, *_REST = CONTACT_FIELDS.import_columns()


def _each(parse: Reader) -> Reader:
    """Several values in one cell, separated by ;"""
    return Reader(lambda text, conventions: [parse(part.strip()) for part in text.split(";") if part.strip()])


COLUMNS = CONTACT_FIELDS.with_custom(
    _FIRST,
    _LAST,
    Column(
        "full_name",
        gettext_lazy("First and last name in one"),
        ("full name", "contact name"),
        parse=limited(200).read,
        help_text=gettext_lazy("Used where first and last name are empty: the last word is the last name."),
    ),
    common.external_id("id", "contact id", "record id"),
    *common.client_columns(
        ("account id", "accountid", "company id", "customer id", "customerid", "client id"),
        ("company", "company name", "account name", "client", "organisation"),
    ),
    *PLACE_FIELDS.import_columns(),
    *(
        Column(name, label, aliases, parse=_each(EMAIL.read), is_lenient=True)
        for name, label, aliases in (
            ("email_work", gettext_lazy("Email, work"), ("email", "e-mail", "mail", "email address")),
            ("email_home", gettext_lazy("Email, home"), ("personal email",)),
            ("email_other", gettext_lazy("Email, other"), ("email 2",)),
            ("email_mobile", gettext_lazy("Email, mobile"), ()),
        )
    ),
    *(
        Column(name, label, aliases, parse=_each(limited(40).read), is_lenient=True)
        for name, label, aliases in (
            ("phone_work", gettext_lazy("Phone, work"), ("phone", "telephone", "business phone")),
            ("phone_mobile", gettext_lazy("Phone, mobile"), ("mobile", "mobile phone", "cell")),
            ("phone_home", gettext_lazy("Phone, home"), ("home phone",)),
            ("phone_other", gettext_lazy("Phone, other"), ()),
        )
    ),
    Column("main_email", gettext_lazy("Primary email"), parse=EMAIL.read, is_lenient=True),
    Column("main_phone", gettext_lazy("Main phone"), parse=limited(40).read, is_lenient=True),
    *_REST,
)


# Which person


def _look_up(principal, rows: list[Values], context: Context) -> None:
    """Look up who has a chunk's addresses, and the contacts of the clients it names; one query each."""
    seen, cache = _rows(principal), context["cache"]
    wanted = {address.lower() for row in rows for _label, address in _mails(row)}
    found = looked_up(ContactEmail.objects.all(), Lower("address"), wanted)
    pairs = [*ContactEmail.objects.filter(AnyOf("pk", [*found], IDS)).values_list("address", "contact")]
    clients = {client.pk for row in rows if (client := _named_client(row, context))}
    places = Affiliation.objects.filter(client__in=clients, contact__archived_at=None)
    people = [*places.values_list("client", "contact")] if clients else []
    common.load_rows("contact", seen, {pk for _key, pk in (*pairs, *people)}, context)
    there = {pk: row for pk, row in cache["rows:contact"].items() if not row.archived_at}
    cache["by_mail"] = _grouped(((address.lower(), pk) for address, pk in pairs), there)
    by_name = (((client, fold(there[pk].name)), pk) for client, pk in people if pk in there)
    cache["by_name"] = _grouped(by_name, there)
    cache["near"] = {}
    if context["is_preview"]:
        cache["near"] = near_contacts(principal, first_rows(_reached_by(rows, context), context))


def _reached_by(rows: list[Values], context: Context) -> dict[str, dict[str, Any]]:
    """{row: its name, emails and phones} of rows without a known id."""
    ids = context["cache"]["ids:contact"]
    return {
        row["row_key"]: row
        | {
            "mails": [address for _label, address in _mails(row)],
            "phones": [number for _label, number in _pairs(row, PHONES, "main_phone")],
        }
        for row in rows
        if row.get("external_id") not in ids
    }


def _grouped(pairs, there: dict[int, Contact]) -> dict[Any, list[Contact]]:
    groups: dict[Any, list[Contact]] = {}
    for key, pk in sorted({*pairs}, key=lambda pair: pair[1]):
        groups.setdefault(key, []).append(there[pk]) if pk in there else None
    return groups


def _rows(principal):
    return Contact.objects.visible_to(principal).prefetch_related("emails", "phones", "affiliations")


def _named_client(values: Values, context: Context) -> Client | None:
    """As `common.client_of`, but None instead of an error."""
    try:
        return common.client_of(values, context, Plan())
    except ServiceError:  # Waits is one
        return None


def _client(values: Values, context: Context, plan: Plan) -> Client | None:
    if not values.get("client_external_id") and not values.get("client_name"):
        plan.warnings.append(_("No client named. The contact would not be linked to one."))
        return None
    return common.client_of(values, context, plan)


def _find(values: Values, client: Client | None, context: Context, plan: Plan) -> tuple[Any, str]:
    """Find by id, then by email (of several, the one with this name), then by name among the client's contacts."""
    row, key = common.known("contact", values, context)
    if row is not None:
        return row, key
    memory, name = common.memory("contact", context), f"{values.get('first_name', '')} {values.get('last_name', '')}"
    cache, folded = context["cache"], fold(name)
    addresses = [address.lower() for _label, address in _mails(values)]
    groups = [cache["by_mail"].get(address, []) for address in addresses]
    if client is not None:
        groups.append(cache["by_name"].get((client.pk, folded), []))
    called = {f"mail:{address}" for address in addresses} | ({f"name:{client.pk}:{folded}"} if client else set())
    earlier = next((memory.called[n] for n in sorted(called) if n in memory.called), None)
    may = common.may_be_called_again
    again = {n for n in called if may(f"name:{folded}" if n.startswith("name:") else n, context)}
    memory.called |= {n: name.strip() for n in again if n not in memory.called}
    for group in groups:
        found = common.the_one([contact for contact in group if contact.pk not in memory.made], name)
        if found is not None and memory.taken.get(found.pk, values["row_key"]) == values["row_key"]:
            return found, key
        earlier = found.name if found is not None else earlier
    if earlier is not None:
        message = _("An earlier row has the same email or name: “%(name)s”. This would be a second contact.")
        plan.warnings.append(message % {"name": earlier[:80]})
    elif near := cache["near"].get(values["row_key"]):
        plan.warnings.append(near.words())
    return None, key


CALLED_BY = ("first_name", "last_name", "full_name", *MAILS)


def _called(texts: dict[str, str]) -> Iterator[str]:
    """The addresses and the name of a row's cells, as they are read later."""
    values = _named({name: text for name, text in texts.items() if text})
    first, last = values.get("first_name", ""), values.get("last_name", "")
    yield "name:" + fold(f"{first} {last}")
    for name in MAILS:
        for part in texts.get(name, "").split(";"):
            yield f"mail:{part.strip().removeprefix('mailto:').strip().lower()}"


# What the row becomes


def _pairs(values: Values, names: tuple[str, ...], main: str) -> list[tuple[str, str]]:
    """(label, text) of the row's emails or phones, the main one first."""
    pairs = [(name.split("_")[1], text) for name in names for text in values.get(name, ())]
    return sorted(pairs, key=lambda pair: pair[1] != values.get(main, "")) if values.get(main) else pairs


def _mails(values: Values) -> list[tuple[str, str]]:
    return _pairs(values, MAILS, "main_email")


def _phones(values: Values) -> list[tuple[str, str]]:
    return _pairs(values, PHONES, "main_phone")


def _named(values: Values) -> Values:
    """With first and last name, of a row that has them in one."""
    if values.get("first_name") or values.get("last_name") or not values.get("full_name"):
        return values
    first, _space, last = values["full_name"].rpartition(" ")
    return values | {"first_name": first[:80], "last_name": last[:80]}


def _plan(principal, values: Values, context: Context) -> Plan:
    plan, values = Plan(), _named(values)
    if not values.get("first_name") and not values.get("last_name"):
        raise ServiceError(_("Enter a first or last name."))
    client = _client(values, context, plan)
    row, key = _find(values, client, context, plan)
    wanted = common.given(values, CONTACT_FIELDS.cells, is_new=row is None)
    place = common.given(values, PLACE_FIELDS.cells, is_new=row is None) if client else {}
    make = lambda: _new(principal, client, values, place)  # noqa: E731
    common.settled(plan, row, key, wanted, CONTACT_FIELDS, new=make)
    plan.target = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip() + (
        f" · {client}" if client else ""
    )
    contact = row.row if isinstance(row, Write) else row
    if contact is not None and contact.pk:
        plan.url = contact.get_absolute_url()
    _plan_reach(plan, row, client, values)
    _plan_place(plan, row, client, place)
    _plan_others(plan, row, client, values, context)
    common.check_changes(plan, partial(_check, client), attrgetter("contact"))
    return plan if row is None else plan.settle()


def _plan_reach(plan: Plan, row: Any, client: Client | None, values: Values) -> None:
    """Emails and phones: a row adds some, and removes none."""
    state = plan.write.state
    if row is None:
        before = {"emails": [], "phones": []}
    elif isinstance(row, Write):
        before = {name: row.state.get(name, []) for name in ("emails", "phones")}
    else:
        before = {
            "emails": [(mail.label, mail.address) for mail in row.emails.all()],
            "phones": [(phone.label, phone.number) for phone in row.phones.all()],
        }
    country = client.country if client else ""
    for name, label, pairs, key in (
        ("emails", gettext_lazy("Email"), _mails(values), str.lower),
        ("phones", gettext_lazy("Phone"), _phones(values), lambda number: digits_of(number, country)),
    ):
        here = {key(text) for _label, text in before[name]}
        more = [pair for pair in pairs if key(pair[1]) not in here]
        state[name] = [*before[name], *more]
        if more:
            plan.change(label, _said(before[name]), _said(state[name]))
            if row is not None:
                plan.write.changes[name] = state[name]


def _check(client: Client | None, contact: Contact, *, place: Any = (None, {}), also_at: Any = (), **changes) -> None:
    check_contact(contact, place=place[1], country=client.country if client else "", **changes)


def _said(pairs: list[tuple[str, str]]) -> str:
    return ", ".join(text for _label, text in pairs)


def _plan_place(plan: Plan, row: Any, client: Client | None, place: dict[str, Any]) -> None:
    """Plan the contact's role at the client."""
    if client is None:
        return
    places = row.state["places"] if isinstance(row, Write) else _places(row)
    here = places.get(client.pk)
    if here is None:
        plan.change(gettext_lazy("Client"), "", client)
    changes = common.compare(plan, here or {}, place, PLACE_FIELDS)
    if row is not None and (changes or here is None):
        plan.write.changes["place"] = (client, changes)
    plan.write.state["places"] = places | {client.pk: (here or {}) | changes}


def _plan_others(plan: Plan, row: Any, client: Client | None, values: Values, context: Context) -> None:
    """The further clients that the row names by id: the contact belongs to them as well."""
    places = plan.write.state.get("places", {})
    more = [other for other in common.clients_named(values, context) if other != client and other.pk not in places]
    if not more:
        return
    plan.change(gettext_lazy("Also at"), "", ", ".join(other.name for other in more))
    plan.write.state["places"] = places | {other.pk: {} for other in more}
    if row is None:
        plan.write.new.also_at = more
    else:
        plan.write.changes["also_at"] = more


def _places(row: Contact | None) -> dict[int, dict[str, Any]]:
    if row is None:
        return {}
    return {
        place.client_id: {name: getattr(place, name) for name in PLACE_FIELDS.cells} for place in row.affiliations.all()
    }


def _new(principal, client: Client | None, values: Values, place: dict[str, Any]) -> NewContact:
    return new_contact(
        created_by=principal.user,
        client=client,
        emails=_mails(values),
        phones=_phones(values),
        **place,
        **{name: values[name] for name in CONTACT_FIELDS.cells if values.get(name)},
    )


# Writing


def _create(principal, rows: list[NewContact], context: Context) -> list[Contact]:
    made = create_contacts(principal, rows=rows)
    common.memory("contact", context).made.update(contact.pk for contact in made)
    for new, contact in zip(rows, made, strict=True):
        for client in new.also_at:
            affiliate(principal, client=client, contact=contact)
    return made


def _update(principal, writes: list[Write], context: Context) -> None:
    for write in writes:
        changes = dict(write.changes)
        place, also_at = changes.pop("place", None), changes.pop("also_at", ())
        if changes:
            update_contact(principal, contact=write.row, **changes)
        if place:
            affiliate(principal, client=place[0], contact=write.row, **place[1])
        for client in also_at:
            affiliate(principal, client=client, contact=write.row)


def exported(contacts: QuerySet, principal) -> Iterator[list[Any]]:
    """One row per client of a contact; a contact without a client has one row."""
    clients = Client.objects.visible_to(principal).kept()
    seen = Affiliation.objects.filter(client__in=clients).select_related("client").order_by("pk")
    rows = contacts.kept().prefetch_related("emails", "phones", Prefetch("affiliations", seen)).order_by("pk")
    pairs = (
        (contact, place)
        for contact in common.named(principal, rows.iterator(chunk_size=1000), CONTACT_FIELDS)
        for place in contact.affiliations.all() or (None,)
    )
    person = {name: _first(cell) for name, cell in common.cells_of(CONTACT_FIELDS).items()}
    place = {name: _second(cell) for name, cell in common.cells_of(PLACE_FIELDS).items()}
    reach = {
        name: partial(_reached, "emails" if name in MAILS else "phones", name.split("_")[1])
        for name in (*MAILS, *PHONES)
    }
    cells = {**person, **place, **reach, **common.client_cells(lambda pair: pair[1] and pair[1].client)}
    cells |= {
        "external_id": lambda pair: common.own_id("contact", pair[0].pk),
        "main_email": lambda pair: next((mail.address for mail in pair[0].emails.all() if mail.is_primary), ""),
        "main_phone": lambda pair: next((phone.number for phone in pair[0].phones.all() if phone.is_primary), ""),
    }
    return common.exported(COLUMNS, cells, pairs)


def _first(cell: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda pair: cell(pair[0])


def _second(cell: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda pair: cell(pair[1]) if pair[1] else ""


def _reached(group: str, label: str, pair: Any) -> str:
    rows = sorted(getattr(pair[0], group).all(), key=lambda row: row.pk)
    return "; ".join(str(row) for row in rows if row.label == label)


CONTACTS = common.record_kind(
    "contacts",
    gettext_lazy("Contacts"),
    of="contact",
    columns=COLUMNS,
    called_by=CALLED_BY,
    called=_called,
    rows=_rows,
    plan=_plan,
    create=_create,
    update=_update,
    look_up=_look_up,
    export=lambda principal: exported(Contact.objects.visible_to(principal), principal),
    needs=(("last_name", "first_name", "full_name"),),
    turn=20,
    ids=("external_id", "client_external_id"),
    preview_note=note,
    match_note=gettext_lazy("Existing contacts are matched by ID, then email, then name among the client’s contacts."),
)
