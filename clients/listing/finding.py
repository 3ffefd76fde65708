"""Clients and contacts, as the search and the palette find them."""

from functools import partial
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Concat, Lower, Upper
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Contact, ContactEmail, ContactPhone
from clients.contacts.queries import mailed_at
from clients.gate import among_few
from clients.phones import digits_of
from clients.records.choices import Status
from clients.records.models import Client
from crm.core.base.arrays import IDS, AnyOf, Within
from crm.core.base.kept import Kept, kept_by_access
from crm.core.firm.queries import get_firm
from crm.core.search import sources
from crm.core.search.branches import (
    ANYWHERE,
    EXACT,
    WORD,
    Ask,
    Found,
    by_name,
    found,
    ids,
    newest_first,
    own_first,
    similar,
    together,
    ways,
)
from crm.core.search.sources import Hit
from crm.core.search.typed import Shape, Typed, filled

RECENT = F("facts__last_contact_at").desc(nulls_last=True)
REMEMBERED = 8
OFFERED = 20  # in a combobox, before anything is typed
NEWEST = 1_000  # contacts that are read one by one for what many have


def numbers(typed: Typed) -> dict[str, str]:
    """What was typed as a phone number: without the zeros before it, and with its country, as numbers are stored."""
    if not typed.shape.is_number:
        return {"bare": "", "number": ""}
    number = digits_of(typed.text, get_firm().holiday_country)
    return {"bare": typed.digits.lstrip("0") or typed.digits, "number": number or typed.digits}


def _numbered(typed: Typed, name: str) -> Q:
    return Q(**{f"{name}__contains": Value(typed.more["bare"])}) | Q(
        **{f"{name}__contains": Value(typed.more["number"])}
    )


def _clients(ask: Ask) -> QuerySet:
    rows = Client.objects.visible_to(ask.principal).kept()
    return rows.filter(among_few(ask.principal, "pk")) if ask.is_few else rows


def _client_rows(ask: Ask, rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    is_own = Q(owner=ask.principal.user) if ask.principal.user else Q(pk=None)
    return found(
        rows,
        "clients",
        rank,
        **{"is_own": Case(When(is_own, then=True), default=False)} | more,
        at=F("facts__last_contact_at"),
        title=F("name"),
        client=F("city"),
        state=F("facts__status"),
    )


def find_clients(ask: Ask) -> list[QuerySet]:
    """By name, then by any word of name, city, website and email; the principal's own of each rank first, then those last spoken to. By a
    phone number in any format. Part of an email address with text before the @ also finds the clients of contacts.
    """
    rows, end = _clients(ask), ask.limit
    if ask.typed.shape.is_number:
        return [_client_rows(ask, rows.filter(_numbered(ask.typed, "search_key")), WORD).order_by(RECENT, "-pk")[:end]]
    way = ways(ask.typed, name="name_key", key="search_key")
    make, order = partial(_client_rows, ask), (RECENT, "-pk")
    branches = by_name(ask, rows, way, make, order)
    if not ask.is_few:
        branches += own_first(ask, rows, Q(owner=ask.principal.user), way, make, order)
    if ask.typed.shape.is_address:
        places = Affiliation.objects.filter(
            contact__in=mailed_at(ask.typed.text, has_at=ask.typed.shape.has_at), contact__archived_at=None
        )
        mailed = rows.filter(pk__in=places.order_by().values("client_id"))
        branches.append(_client_rows(ask, mailed, ANYWHERE).order_by(RECENT, "-pk")[:end])
    return branches


def similar_clients(ask: Ask) -> list[QuerySet]:
    return [_client_rows(ask, similar(_clients(ask), ask.typed, key="search_key"), WORD)[: ask.limit]]


def client_hit(row: Found) -> Hit:
    words = (Status(row.state).label if row.state else "", row.client)
    return Hit(
        title=row.title,
        url=reverse("clients:client", args=[row.pk]),
        kind=_("Client"),
        icon="building",
        detail=" · ".join(str(word) for word in words if word),
        pk=row.pk,
    )


def find_recent(principal, client_ids):
    """The visible clients among the ids, in the same order."""
    ids = tuple(client_ids[:REMEMBERED])
    rows = {row[4]: Found(*row) for row in _recent.rows(principal, ids=ids)} if ids else {}
    return [client_hit(rows[pk]) for pk in client_ids if pk in rows]


@Kept
def _recent(principal, *, ids: tuple[int, ...]) -> QuerySet:
    ask = Ask(principal, Typed(), REMEMBERED)
    return _client_rows(ask, Client.objects.visible_to(principal).kept().filter(AnyOf("pk", ids, IDS)), EXACT)


def clients_named(principal, text, client_ids, limit):
    """The clients a command can apply to: by name, or without a text the recent ones, then the user's own that are not
    former.
    """
    if text:
        return [hit for group in sources.find(principal, text, limit=limit, only="clients") for hit in group.hits]
    hits = find_recent(principal, client_ids[:limit])
    own = [client_hit(Found(*row)) for row in _own.rows(principal, limit + len(hits))]
    return [*hits, *(hit for hit in own if hit.pk not in {known.pk for known in hits})][:limit]


@Kept
def _own(principal, limit: int) -> QuerySet:
    rows = Client.objects.visible_to(principal).kept().filter(owner=principal.user)
    rows = rows.exclude(facts__status=Status.FORMER)
    return _client_rows(Ask(principal, Typed(), limit), rows, EXACT).order_by("name_key", "pk")[:limit]


def offered_clients(principal) -> list[Hit]:
    """What a combobox offers before anything is typed: one's own, else the first by name."""
    own = [client_hit(Found(*row)) for row in _own.rows(principal, OFFERED)]
    return own or [client_hit(Found(*row)) for row in _first_clients.rows(principal)]


@Kept
def _first_clients(principal) -> QuerySet:
    ask = Ask(principal, Typed(), OFFERED)
    return _client_rows(ask, _clients(ask), EXACT).order_by("name_key", "pk")[:OFFERED]


def offered_contacts(principal) -> list[Hit]:
    """The first by name."""
    typed = Typed()
    rows = with_details(principal, typed, [Found(*row) for row in _first_contacts.rows(principal)])
    return [contact_hit(row) for row in rows]


@Kept
def _first_contacts(principal) -> QuerySet:
    ask = Ask(principal, Typed(), OFFERED)
    return _contact_rows(_contacts(ask), EXACT).order_by("name_key", "pk")[:OFFERED]


def _contacts(ask: Ask) -> QuerySet:
    rows = Contact.objects.visible_to(ask.principal).kept()
    return rows.filter(_among_few(ask.principal, "pk")) if ask.is_few else rows


def _among_few(principal, column: str) -> Within:
    """Contacts of the few clients, and those that the principal entered."""
    places = Affiliation.objects.filter(among_few(principal))
    entered = Contact.objects.filter(created_by=principal.viewer)
    return Within(column, ids(places, "contact_id"), ids(entered))


def _contact_rows(rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    name = Concat("first_name", Value(" "), "last_name")
    return found(rows, "contacts", rank, at=F("created_at"), title=name, **more)


def _own_contacts(ask: Ask) -> Q:
    """Those of the principal's own clients, read once."""
    return Q(Within("pk", ids(Affiliation.objects.filter(client__owner=ask.principal.user), "contact_id")))


def find_people(ask: Ask) -> list[QuerySet]:
    """By name, by part of any email address, by a phone number in any format; those of the principal's own clients, then the newest first."""
    typed, rows = ask.typed, _contacts(ask)
    if typed.shape.is_number:
        phones = ContactPhone.objects.filter(_numbered(typed, "digits"))
        numbered = rows.filter(pk__in=phones.values("contact_id"))
        return [_contact_rows(numbered, WORD).order_by("-pk")[: ask.limit]]
    named = [] if typed.shape.has_at else _named(ask, rows)
    return named + _mailed(ask, rows) if typed.shape.is_part else named


def _named(ask: Ask, rows: QuerySet) -> list[QuerySet]:
    """By the first or the last name first, then by any part."""
    way = ways(ask.typed, name="search_key", key="search_key") | ways(ask.typed, name="name_key", key="search_key")
    if ask.is_few:
        return by_name(ask, rows, way, _contact_rows, ("-pk",), own=_own_contacts(ask))
    make = partial(_contact_rows, rank=way.rank)
    first = newest_first(ask, rows, rows.filter(way.prefix), make, recent="id", newest=NEWEST)
    others = make(rows.filter(way.words & ~way.prefix)).order_by("-pk")[: ask.limit]
    own = own_first(ask, rows, _own_contacts(ask), way, _contact_rows, ("-pk",))
    return [together([*first, others], ask.limit), *own]


def _mailed(ask: Ask, rows: QuerySet) -> list[QuerySet]:
    typed = ask.typed
    same = ContactEmail.objects.alias(folded=Lower("address")).filter(folded=Lower(Value(typed.text)))
    rank = Case(When(Exists(same.filter(contact=OuterRef("pk"))), then=Value(EXACT)), default=Value(WORD))
    mails = mailed_at(typed.text, has_at=typed.shape.has_at)
    mailed = rows.filter(pk__in=mails.filter(_among_few(ask.principal, "contact_id")) if ask.is_few else mails)
    return newest_first(ask, rows, mailed, partial(_contact_rows, rank=rank), recent="id", newest=NEWEST)


def with_details(principal, typed: Typed, rows: list[Found]) -> list[Found]:
    """With the client they are seen at, and the address or number they were found by, else the main address."""
    ids = tuple(row.pk for row in rows)
    details = _details.rows(principal, typed.shape, **typed.given(), **numbers(typed), ids=ids)
    known = {pk: (client or "", address or "") for pk, client, address in details}
    return [row._replace(client=known[row.pk][0], text=known[row.pk][1]) for row in rows if row.pk in known]


@kept_by_access
def _details(principal, shape: Shape, **given: Any) -> QuerySet:
    typed = filled(shape, given)
    places = Affiliation.objects.visible_to(principal).filter(contact=OuterRef("pk"), client__archived_at=None)
    if shape.is_number:
        shown = ContactPhone.objects.filter(_numbered(typed, "digits")).values("number")
    else:
        part = Case(When(up__contains=Upper(Value(typed.text)), then=Value(0)), default=Value(1))
        shown = ContactEmail.objects.alias(up=Upper("address"), part=part).order_by("part", "-is_primary", "pk")
        shown = shown.values("address")
    rows = Contact.objects.visible_to(principal).filter(AnyOf("pk", given["ids"], IDS))
    name = Subquery(places.order_by("-is_primary", "pk").values("client__name")[:1])
    return rows.values_list("pk", name, Subquery(shown.filter(contact=OuterRef("pk"))[:1]))


def similar_people(ask: Ask) -> list[QuerySet]:
    return [_contact_rows(similar(_contacts(ask), ask.typed, key="search_key"), WORD)[: ask.limit]]


def contact_hit(row: Found) -> Hit:
    return Hit(
        title=row.title.strip(),
        url=reverse("clients:contact", args=[row.pk]),
        kind=_("Contact"),
        icon="person",
        pk=row.pk,
        detail=row.text or "",
        client=row.client or "",
    )
