"""The fields of a referral."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.records.models import Client
from clients.referrals.models import Referral
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, Catalogue, Field, grouped
from crm.core.fields.types import link
from crm.core.listing import filters
from crm.core.listing.paging import Sort
from crm.core.ui.forms import SearchedField

REFERRAL_FIELDS = Catalogue(
    Referral,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, filter=filters.Id),
    *grouped(
        "form",
        Field(
            "by_client",
            type=link(Client.objects.kept),
            is_imported=False,
            input=partial(SearchedField, Client.objects.none(), url="/clients/options/", empty_label=_("Type a name")),
            filter=filters.Id,
        ),
        Field(
            "by_contact",
            type=link(Contact.objects.kept),
            is_imported=False,
            input=partial(
                SearchedField, Contact.objects.none(), url="/contacts/options/", empty_label=_("Type a name")
            ),
            filter={
                "by_contact": filters.Id(
                    label=_("Referred by contact"), chip=_("Referred by"), named=Contact, offers=None
                )
            },
        ),
        Field("by_source", is_imported=False, privacy=PERSONAL, filter=filters.Text(lookup_expr="iexact")),
        Field("date", is_imported=False, sort=Sort("date", nullable=True)),
        Field("note", is_imported=False, privacy=FREE_WORDS, input={"max_length": 2000}),
    ),
)
