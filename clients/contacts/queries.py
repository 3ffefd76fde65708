"""Reads of contacts and their affiliations.

Contact details are read per client: if someone who cannot see a client changes the contact, that client keeps the
earlier details (`HeldDetails`).
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf, StrIndex, Upper
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clients.contacts.choices import Purpose
from clients.contacts.models import Affiliation, Consent, Contact, ContactEmail, ContactPhone, HeldDetails
from clients.phones import bare_digits, digits_of
from clients.records.models import Client
from clients.records.queries import matching
from crm.core.base.kept import Kept, once
from crm.core.base.principals import SYSTEM
from crm.core.firm.queries import get_firm


def people_of(client: Client) -> list[Affiliation]:
    """The client's current affiliations, main contact first, each with `contact`, `main_email` and `main_phone`. Read
    once for a client object.
    """
    return once(client, "people", lambda: _people.rows(SYSTEM, client_id=client.pk))


@Kept
def _people(principal, *, client_id: int) -> QuerySet:
    return with_addresses(Affiliation.objects.filter(client=client_id).current())


def with_addresses(affiliations: QuerySet) -> QuerySet:
    mail = address_at(held_for(affiliation=OuterRef("pk")), usable=lambda addresses: addresses)
    phone = ContactPhone.objects.filter(contact=OuterRef("contact")).order_by("-is_primary", "id").values("number")[:1]
    return affiliations.select_related("contact").annotate(main_email=mail, main_phone=Subquery(phone))


NAMES = ("first_name", "last_name", "salutation", "language")


def held_for(**of: Any) -> QuerySet:
    """The held details of one affiliation, given by `affiliation`, or by `affiliation__client` and
    `affiliation__contact`.
    """
    return HeldDetails.objects.filter(**of)


def _takes_mail(addresses: QuerySet) -> QuerySet:
    return addresses.filter(refused_at__isnull=True)


def _first_address(contact: str, usable: Any) -> Subquery:
    mails = usable(ContactEmail.objects.filter(contact=OuterRef(contact))).order_by("-is_primary", "id")
    return Subquery(mails.values("address")[:1])


def address_at(held: QuerySet, *, usable: Any = _takes_mail, contact: str = "contact") -> Case:
    """SQL: the contact's email address at a client; NULL for none. `usable` narrows rows with `address` and
    `refused_at`. `contact` is the outer query's column with the contact's id."""
    own = _first_address(contact, usable)
    kept = held.filter(details__has_key="address").annotate(address=KT("details__address"))
    return Case(
        When(Exists(kept), then=NullIf(Subquery(usable(kept).values("address")[:1]), Value(""))),
        default=own,
        output_field=TextField(),
    )


def refuses_at(held: QuerySet, purpose: str, *, contact: Any = None) -> Q:
    """SQL: whether the contact has opted out of a purpose at a client. `contact`: the contact, by default the outer
    row's.
    """
    own = Consent.objects.filter(
        contact=OuterRef("contact") if contact is None else contact, purpose=purpose, is_given=False
    )
    kept = held.filter(details__has_key=purpose)
    return Q(Exists(kept.filter(**{f"details__{purpose}": False}))) | Q(Exists(own)) & ~Q(Exists(kept))


def has_refused(*, client_id: int | None, contact_id: int, purpose: str) -> bool:
    """Whether a contact has opted out of a purpose at this client."""
    held = held_for(affiliation__client=client_id, affiliation__contact=contact_id)
    return Contact.objects.filter(refuses_at(held, purpose, contact=contact_id), pk=contact_id).exists()


def as_known_at(client_id: int, contacts: Iterable[Contact]) -> None:
    """Set names, salutation and language on unsaved copies of contacts, as this client knows them."""
    by_id = {contact.pk: contact for contact in contacts}
    rows = held_for(affiliation__client=client_id, affiliation__contact__in=list(by_id))
    for contact_id, details in rows.values_list("affiliation__contact", "details"):
        for name in NAMES:
            if name in details:
                setattr(by_id[contact_id], name, details[name])


def reach_of(contact: Contact) -> dict[str, Any]:
    """The contact's current values of what `HeldDetails` can hold."""
    row = Contact.objects.annotate(address=_first_address("pk", _takes_mail)).get(pk=contact.pk)
    consents = {value: value != Purpose.MARKETING for value in Purpose.values}
    consents |= dict(row.consents.values_list("purpose", "is_given"))
    names = {name: getattr(row, name) for name in NAMES}
    return {"address": row.address or "", "archived": row.is_archived} | names | consents  # type: ignore[attr-defined]


def held_words(row: HeldDetails, contact: Contact) -> list[tuple[str, str, str]]:
    """(what, the client's held value, the contact's value) of each held detail."""
    labels = {"address": _("Email"), "archived": _("Archived")} | dict(Purpose.choices)
    labels |= {name: capfirst(Contact._meta.get_field(name).verbose_name) for name in NAMES}
    values = {True: _("yes"), False: _("no"), "": _("none")}
    new = reach_of(contact)
    return [
        (str(labels[name]), str(values.get(value, value)), str(values.get(new[name], new[name])))
        for name, value in row.details.items()
    ]


def country_of(places: Iterable[Affiliation]) -> str:
    """The country for parsing a contact's phone numbers: of the first client that has one, else ""."""
    return next((place.client.country for place in places if place.client.country), "")


def mailed_at(text: str, *, has_at: bool | None = None) -> QuerySet:
    """Ids of the contacts with an email address that contains `text` (trigram index). Without an @ only the part before
    the @ is searched: "com" and "mail" are in every second domain. `has_at`: whether there is one, for a kept statement.
    """
    part = Upper(Value(text))
    rows = ContactEmail.objects.alias(up=Upper("address")).filter(up__contains=part)
    if not ("@" in text if has_at is None else has_at):
        rows = rows.alias(starts=StrIndex(Upper("address"), part), at=StrIndex("address", Value("@")))
        rows = rows.filter(starts__lt=F("at"))
    return rows.values("contact_id")


def is_part_of_address(text: str) -> bool:
    """Whether the text may be part of an address: one word, long enough for the index."""
    return len(text) >= 3 and len(text.split()) == 1


def find_contacts(contacts: QuerySet, text: str) -> QuerySet:
    """Contacts by name, part of any mail address, or phone in any spelling."""
    bare = bare_digits(text)
    if len(bare) >= 5 and not any(c.isalpha() for c in text):
        read = digits_of(text, get_firm().holiday_country)
        numbers = ContactPhone.objects.filter(Q(digits__startswith=read) | Q(digits__contains=bare.lstrip("0")))
        return contacts.filter(pk__in=numbers.values("contact_id"))
    text = text.strip()
    if "@" in text:
        return contacts.filter(pk__in=mailed_at(text))
    if is_part_of_address(text):  # one set of ids: each half has its own index, which an OR would not use
        return contacts.filter(
            pk__in=matching(Contact.objects.all(), text).values("pk").union(mailed_at(text), all=True)
        )
    return matching(contacts, text)
