"""The fields of a contract and of a revenue line."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Service
from clients.records.models import Client
from clients.revenue.models import Contract, RevenueLine
from crm.core.fields.catalogue import FREE_WORDS, READ, Catalogue, Field
from crm.core.fields.types import AMOUNT, CURRENCY, link

CLIENT = Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, sort="client__name_key")
PAID_IN = Field("currency", type=CURRENCY, aliases=("currency code",))
RATE = Field("rate", header=_("Rate (firm’s currency per unit)"), aliases=("exchange rate",))
SERVICE = Field("service", type=link(Service.objects.all), aliases=("product", "service name"))

CONTRACT_FIELDS = Catalogue(
    Contract,
    CLIENT,
    replace(SERVICE, is_required=True),
    Field("name", aliases=("contract name", "title")),
    Field("value", aliases=("amount", "price", "fee", "mrr"), is_required=True),
    PAID_IN,
    RATE,
    Field("is_free", aliases=("free", "trial")),
    Field("period", aliases=("billing period", "interval")),
    Field("start_date", aliases=("start", "contract start date"), is_required=True, sort="start_date"),
    Field("end_date", aliases=("end", "contract end date")),
    Field("renewal_date", aliases=("renewal", "renews on")),
    Field("notice_days", aliases=("notice",)),
    Field("is_auto_renewed", aliases=("auto renew",)),
    Field("replaces", is_imported=False, api=READ),
    Field("change_reason", is_imported=False, api=READ, privacy=FREE_WORDS),
)
REVENUE_FIELDS = Catalogue(
    RevenueLine,
    CLIENT,
    Field(
        "date",
        aliases=("invoicedate", "invoice date", "booked", "booking date", "datum"),
        is_required=True,
        sort="date",
    ),
    Field("amount", aliases=("total", "net", "net amount", "value", "revenue", "betrag"), is_required=True),
    replace(PAID_IN, aliases=("currency code", "currencyisocode")),
    RATE,
    Field("amount_firm", _("Amount, firm’s currency"), AMOUNT, is_imported=False, api=READ),
    SERVICE,
    Field("kind", aliases=("type",)),
    Field("reference", aliases=("invoice number", "number", "invoice no")),
    Field("note", aliases=("notes", "comment"), privacy=FREE_WORDS),
)
