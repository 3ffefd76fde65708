"""Reads of contacts and their affiliations."""

from django.db.models import OuterRef, Q, QuerySet, Subquery

from clients.contacts.models import Affiliation, ContactEmail, ContactPhone
from clients.phones import bare_digits, digits_of
from clients.records.models import Client
from clients.records.queries import matching
from crm.core.base.kept import Kept, once
from crm.core.base.principals import SYSTEM
from crm.core.firm.queries import get_firm


def people_of(client: Client) -> list[Affiliation]:
    """The client's present affiliations, main contact first, each with `contact`, `main_email` and `main_phone`. Read once for a
    client object."""
    return once(client, "people", lambda: _people.rows(SYSTEM, client_id=client.pk))


@Kept
def _people(principal, *, client_id: int) -> QuerySet:
    return with_addresses(Affiliation.objects.filter(client=client_id).current())


def with_addresses(affiliations: QuerySet) -> QuerySet:
    mail = ContactEmail.objects.filter(contact=OuterRef("contact")).order_by("-is_primary", "id").values("address")[:1]
    phone = ContactPhone.objects.filter(contact=OuterRef("contact")).order_by("-is_primary", "id").values("number")[:1]
    return affiliations.select_related("contact").annotate(main_email=Subquery(mail), main_phone=Subquery(phone))


def find_contacts(contacts: QuerySet, text: str) -> QuerySet:
    """Contacts by name, mail address, or phone in any spelling."""
    bare = bare_digits(text)
    if len(bare) >= 5 and not any(c.isalpha() for c in text):
        read = digits_of(text, get_firm().holiday_country)
        numbers = ContactPhone.objects.filter(Q(digits__startswith=read) | Q(digits__contains=bare.lstrip("0")))
        return contacts.filter(pk__in=numbers.values("contact_id"))
    if "@" in text:
        return contacts.filter(pk__in=ContactEmail.objects.filter(address__icontains=text).values("contact_id"))
    return matching(contacts, text)
