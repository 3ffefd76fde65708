"""The fields of an invoice."""

from dataclasses import replace
from functools import partial

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.currencies.fields import PAID_IN, RATE
from clients.engagements.fields import engagement_field
from clients.invoices.models import Invoice
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, READ, Catalogue, Field, grouped
from crm.core.fields.types import AMOUNT, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort

PICKED_CLIENT = filters.Picked("client", named=Client, url="clients:options")
INVOICE_FIELDS = Catalogue(
    Invoice,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, filter=PICKED_CLIENT),
    *grouped(
        "form",
        Field(
            "number",
            aliases=("invoice number", "invoice no", "document number", "rechnungsnummer"),
            is_required=True,
            is_on_page=False,
            input={"widget": partial(forms.TextInput, attrs={"autocomplete": "off"})},
        ),
        Field(
            "invoice_date",
            aliases=("date", "invoicedate", "issued", "issue date", "datum"),
            is_required=True,
            filter={
                "date_from": filters.Day(lookup_expr="gte", label=_("Dated from")),
                "date_before": filters.Day(lookup_expr="lt", label=_("Dated before")),
            },
            sort=Sort("invoice_date"),
        ),
        Field(
            "due_date",
            aliases=("due", "due on", "duedate", "fällig am"),
            hint=_("Leave empty for 30 days after its date."),
            is_optional=True,
            is_on_page=False,
            api={"required": False},
            filter={
                "due_from": filters.Day(lookup_expr="gte", label=_("Due from")),
                "due_before": filters.Day(lookup_expr="lt", label=_("Due before")),
            },
            sort=Sort("due_date"),
        ),
        Field(
            "net",
            aliases=("net amount", "amount", "subtotal", "netto"),
            hint=_("Without tax. A credit note is negative."),
            is_on_page=False,
        ),
        Field("tax", aliases=("vat", "tax amount", "sales tax", "ust"), is_optional=True, is_on_page=False),
        replace(PAID_IN, filter=filters.Text, is_on_page=False),
        replace(RATE, is_on_page=False),
        engagement_field(is_imported=True, aliases=("matter", "mandate", "job", "project", "engagement number")),
        Field("note", aliases=("notes", "comment", "memo"), privacy=FREE_WORDS, input={"max_length": 2_000}),
    ),
    Field("gross", _("Gross"), AMOUNT, is_imported=False, api=READ),
    Field("paid", is_imported=False, api=READ),
    Field("net_firm", _("Net, firm’s currency"), AMOUNT, is_imported=False, api=READ),
    Field("gross_firm", _("Gross, firm’s currency"), AMOUNT, is_imported=False, api=READ),
    Field("open_firm", _("Open, firm’s currency"), AMOUNT, is_imported=False, api=READ),
    Field("voided_at", is_imported=False, api=READ),
    Field("void_reason", is_imported=False, api=READ, privacy=FREE_WORDS),
)
