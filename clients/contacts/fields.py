"""The fields of a contact, and of its role at a client."""

from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Affiliation, Contact
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, Catalogue, Field, derived, grouped
from crm.core.fields.custom.entries import CustomFields
from crm.core.fields.types import LANGUAGE, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort


def _first(rows, name):
    return next((getattr(row, name) for row in rows.all()), "")


CONTACT_FIELDS = Catalogue(
    Contact,
    derived("name", _("Name"), reads=("first_name", "last_name"), privacy=PERSONAL, sort=Sort("name_key")),
    derived(
        "email",
        _("Email"),
        source=lambda contact: _first(contact.emails, "address"),
        reads=("emails",),
        privacy=PERSONAL,
        filter={"email": filters.Text("emails__address", "iexact")},
    ),
    derived(
        "phone",
        _("Phone"),
        source=lambda contact: _first(contact.phones, "number"),
        reads=("phones",),
        privacy=PERSONAL,
    ),
    Field("first_name", aliases=("firstname", "given name", "vorname"), privacy=PERSONAL),
    Field(
        "last_name",
        aliases=("lastname", "surname", "family name", "nachname", "name"),
        privacy=PERSONAL,
    ),
    *grouped(
        "about",
        Field("salutation", aliases=("salutation",), privacy=PERSONAL),
        Field("language", type=LANGUAGE),
        Field("notes", aliases=("background", "description"), privacy=FREE_WORDS),
    ),
    internal={
        "created_by": "who entered it: sees it while it has no client",
        "clients": "the places, which have fields of their own",
        "custom": "the values of the firm's own fields",
    },
    custom=CustomFields("contact", _("Contacts"), order=20),
)
PLACE_FIELDS = Catalogue(
    Affiliation,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True),
    Field("title", aliases=("job title", "position"), privacy=PERSONAL),
    Field("decision_role", privacy=PERSONAL),
    Field("is_primary", aliases=("primary", "primary contact")),
    Field("is_billing", aliases=("billing contact",)),
    Field("left_date", aliases=("left",)),
    internal={"contact": "whose place it is"},
)
