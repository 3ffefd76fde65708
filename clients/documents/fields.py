"""The fields of a document."""

from functools import partial

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from clients.documents.choices import DocumentKind
from clients.documents.models import Document
from clients.engagements.fields import engagement_field
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field, derived, grouped
from crm.core.fields.types import COLLEAGUE, WHOLE, Type, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort
from crm.core.ui.forms import DateInput

BYTES = Type(WHOLE.read, say=filesizeformat)

DOCUMENT_FIELDS = Catalogue(
    Document,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, filter=filters.Id),
    *grouped(
        "form",
        Field(
            "title",
            privacy=FREE_WORDS,
            is_imported=False,
            is_on_page=False,
            sort=Sort("search_key"),
            input={"widget": partial(forms.TextInput, attrs={"autocomplete": "off"})},
        ),
        Field(
            "kind",
            is_imported=False,
            filter={"kind": filters.Choice(choices=DocumentKind.choices, empty_label=_("Any kind"))},
        ),
        engagement_field(),
        Field(
            "expiry_date",
            is_imported=False,
            hint=_("The client’s account manager is told 30 days before."),
            input={"widget": DateInput},
            sort=Sort("expiry_date", nullable=True),
            filter={
                "expires_from": filters.Day(lookup_expr="gte", label=_("Expires from")),
                "expires_before": filters.Day(lookup_expr="lt", label=_("Expires before")),
            },
        ),
        Field(
            "is_shared",
            is_imported=False,
            filter={
                "shared": filters.Yes(
                    label=_("May be shared"), chip=_("May be shared:"), said=lambda value, principal: _("yes")
                )
            },
            hint=_("A mark for your colleagues. Nothing is sent."),
        ),
        Field("note", privacy=FREE_WORDS, is_imported=False, input={"max_length": 2_000}),
    ),
    derived("file_name", _("File"), source="file.name", privacy=PERSONAL),
    derived("size", _("Size"), BYTES, "file.size"),
    Field("number", is_imported=False, api=READ),
    Field("uploaded_at", is_imported=False, api=READ, key="uploaded", sort=Sort("uploaded_at")),
    derived("uploaded_by", _("Uploaded by"), COLLEAGUE, "file.user"),
    internal={"file": "the file of the latest version; its name and size are fields"},
)
