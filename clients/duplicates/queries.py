"""What identifies clients and contacts, and the existing ones that a new one resembles."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from clients.contacts.models import Affiliation, Contact, ContactEmail, ContactPhone
from clients.duplicates.finding import folded
from clients.duplicates.scoring import LIKELY, REASONS, Details, Likeness, likeness
from clients.phones import digits_of
from clients.records.models import Client
from clients.records.queries import EMPTY_WORDS, FREE_MAIL, domain_of
from crm.core.base.models import Folded

TYPED_AT_MOST = 50


def bare_name(name: str) -> str:
    """Without legal forms, unless nothing else is left."""
    words = [word for word in name.lower().split() if word.strip(".,") not in EMPTY_WORDS]
    return folded(" ".join(words)) or folded(name)


def domains(website: str, email: str) -> frozenset[str]:
    mail = email.strip().lower().rpartition("@")[2]
    return frozenset({domain_of(website), domain_of(mail)} - {""} - FREE_MAIL)


def _some(*texts: str) -> frozenset[str]:
    return frozenset(text for text in texts if text)


def client_details(**values: Any) -> Details:
    """From the columns of a client, or what was typed or read for one."""
    value = defaultdict(str, {name: each or "" for name, each in values.items()})
    digits = value["phone_digits"] or digits_of(value["phone"], value["country"])
    return Details(
        pk=values.get("pk"),
        name=bare_name(value["name"]),
        mails=_some(value["email"].strip().lower()),
        phones=_some(digits if len(digits) >= 6 else ""),
        domains=domains(value["website"], value["email"]),
        street=folded(value["street"]),
        postal_code=folded(value["postal_code"]),
        city=folded(value["city"]),
    )


CLIENT_COLUMNS = (
    "pk",
    "name",
    "email",
    "website",
    "phone_digits",
    "street",
    "postal_code",
    "city",
)


def likeness_of_typed(client: Client, **typed: str) -> Likeness:
    """How alike a client is to the one being typed."""
    columns = {name: getattr(client, name) for name in CLIENT_COLUMNS}
    return likeness(client_details(**typed), client_details(**columns))


def of_clients(rows: QuerySet) -> Iterator[Details]:
    """What identifies these clients, in one query."""
    columns = rows.order_by("pk").values_list(*CLIENT_COLUMNS)
    for values in columns.iterator(chunk_size=5000):
        yield client_details(**dict(zip(CLIENT_COLUMNS, values, strict=True)))


def contact_details(
    pk: Any, first_name: str, last_name: str, mails: Iterable[str], phones: Iterable[str], clients: Iterable[int] = ()
) -> Details:
    return Details(
        pk=pk,
        parts=(folded(first_name), folded(last_name)),
        mails=_some(*(mail.strip().lower() for mail in mails)),
        phones=_some(*(digits for digits in phones if len(digits) >= 6)),
        clients=frozenset(clients),
    )


def of_contacts(rows: QuerySet) -> Iterator[Details]:
    """What identifies these contacts, in four queries. Restricted clients are left out, so that no reason reveals one."""
    pks = rows.order_by().values("pk")
    mails, phones, clients = (
        _grouped(found.filter(contact__in=pks).values_list("contact_id", column))
        for found, column in (
            (ContactEmail.objects.all(), "address"),
            (ContactPhone.objects.all(), "digits"),
            (Affiliation.objects.filter(client__is_restricted=False), "client_id"),
        )
    )
    names = rows.order_by("pk").values_list("pk", "first_name", "last_name")
    for pk, first, last in names.iterator(chunk_size=5000):
        yield contact_details(pk, first, last, mails[pk], phones[pk], clients[pk])


def _grouped(pairs: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for pk, value in pairs.iterator(chunk_size=5000):
        found[pk].append(value)
    return found


def mark_of(one: Details, other: Details) -> str:
    """Changes with what identifies the two."""
    told = [
        (d.name, d.parts, sorted(d.mails), sorted(d.phones), sorted(d.domains), d.street, d.postal_code, d.city)
        for d in (one, other)
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def words_of(reasons: Iterable[str]) -> str:
    """The reasons as text: Same email · Similar name."""
    return said(*(str(REASONS[reason]) for reason in reasons if reason in REASONS))


def said(*words: str) -> str:
    """Those that say something, one after the other."""
    return " · ".join(filter(None, words))


def similar_contacts(
    principal,
    *,
    first_name: str = "",
    last_name: str = "",
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    exclude: int | None = None,
    limit: int = 5,
) -> list[tuple[Contact, Likeness]]:
    """Existing contacts a new one may be a duplicate of, the most alike first."""
    mails = {mail.strip().lower() for mail in emails if "@" in mail}
    digits = {found for phone in phones if len(found := digits_of(phone)) >= 6}
    name = f"{first_name} {last_name}".strip()
    wanted = Q()
    if mails:
        wanted |= Q(
            pk__in=ContactEmail.objects.alias(folded=Lower("address")).filter(folded__in=mails).values("contact")
        )
    if digits:
        wanted |= Q(pk__in=ContactPhone.objects.filter(digits__in=digits).values("contact"))
    if len(first_name.strip()) > 1 and len(last_name.strip()) > 1:
        wanted |= Q(search_key__trigram_similar=Folded(Value(name[:200])))
    if not wanted:
        return []
    seen = Contact.objects.visible_to(principal).kept().filter(wanted).exclude(pk=exclude)
    rows = {row.pk: row for row in seen.order_by("pk")[:TYPED_AT_MOST]}
    typed = contact_details(None, first_name, last_name, mails, digits)
    found = [(rows[one.pk], likeness(typed, one)) for one in of_contacts(Contact.objects.filter(pk__in=rows))]
    return sorted((pair for pair in found if pair[1].score >= LIKELY), key=lambda pair: -pair[1].score)[:limit]
