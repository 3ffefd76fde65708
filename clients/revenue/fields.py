"""The fields of a contract and of a revenue line."""

from dataclasses import replace

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Service
from clients.currencies.fields import PAID_IN, RATE
from clients.engagements.fields import engagement_field
from clients.invoices.models import Invoice
from clients.records.models import Client
from clients.revenue.choices import BillingPeriod
from clients.revenue.models import Contract, RevenueLine
from crm.core.fields.catalogue import FREE_WORDS, READ, Catalogue, Field, grouped
from crm.core.fields.custom.entries import CustomFields
from crm.core.fields.types import AMOUNT, DAY, choice, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort

CLIENT = Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, filter=filters.Id)
SERVICE = Field(
    "service",
    type=replace(link(Service.objects.all), words_key="service"),
    aliases=("product", "service name"),
    input={"queryset": Service.objects.kept()},
    filter=filters.Id,
)

ENGAGEMENT = engagement_field(
    is_imported=True, aliases=("matter", "mandate", "job number", "project", "engagement number")
)

# What other systems call the billing periods.
_PERIODS = {
    BillingPeriod.MONTH: "monthly mtl monatlich mensual mensuel mensuelle maandelijks månadsvis kuukausittain",
    BillingPeriod.QUARTER: "quarterly vierteljährlich trimestral trimestriel trimestrielle driemaandelijks kvartalsvis neljännesvuosittain",
    BillingPeriod.YEAR: "annual annually yearly jährlich anual annuel annuelle jaarlijks årlig årligen vuosittain",
    BillingPeriod.ONCE: "one-off one-time single einmalig único unique eenmalig engång kertaluonteinen",
}
PERIODS = {word: period for period, words in _PERIODS.items() for word in words.split()}


def _renews(value, principal):
    return _("automatically")


CONTRACT_FIELDS = Catalogue(
    Contract,
    CLIENT,
    *grouped(
        "form",
        replace(SERVICE, is_required=True),
        Field("name", aliases=("contract name", "title")),
        Field(
            "number",
            aliases=("contract number", "contract no", "agreement number", "vertragsnummer"),
            hint=_("Your own, if you have one. A new price keeps it."),
            filter=filters.Text,
        ),
        Field("value", aliases=("amount", "price", "fee", "mrr"), is_required=True),
        PAID_IN,
        RATE,
        Field("period", type=choice(BillingPeriod, PERIODS), aliases=("billing period", "interval")),
        Field("start_date", aliases=("start", "contract start date"), is_required=True),
        Field(
            "end_date",
            aliases=("end", "contract end date"),
            hint=_("The first day it no longer applies."),
            filter={
                "end_from": filters.Day(lookup_expr="gte", label=_("Ends from")),
                "end_before": filters.Day(lookup_expr="lt", label=_("Ends before")),
            },
        ),
        Field(
            "renewal_date",
            aliases=("renewal", "renews on"),
            filter={
                "renewal_from": filters.Day(lookup_expr="gte", label=_("Renewal from")),
                "renewal_before": filters.Day(lookup_expr="lt", label=_("Renewal before")),
            },
        ),
        Field("notice_days", aliases=("notice",), is_optional=True),
        Field("is_free", aliases=("free", "trial")),
        Field(
            "is_auto_renewed",
            aliases=("auto renew",),
            hint=_("On its renewal date it goes on by itself, for another year."),
            filter={"renews": filters.Yes(label=_("Renews automatically"), chip=_("Renews"), said=_renews)},
        ),
        ENGAGEMENT,
    ),
    Field(
        "notice_date",
        _("Notice by"),
        DAY,
        is_imported=False,
        api=READ,
        filter={
            "notice_from": filters.Day(lookup_expr="gte", label=_("Notice from")),
            "notice_before": filters.Day(lookup_expr="lt", label=_("Notice before")),
        },
        sort=Sort("notice_date", nullable=True),
    ),
    Field("replaces", is_imported=False, api=READ),
    Field("change_reason", is_imported=False, api=READ, privacy=FREE_WORDS),
    internal={"custom": "the values of the firm's own fields"},
    custom=CustomFields("contract", _("Contracts"), order=30, amounts={"value": F("value") * F("rate")}),
)
REVENUE_FIELDS = Catalogue(
    RevenueLine,
    CLIENT,
    *grouped(
        "form",
        Field(
            "date",
            aliases=("invoicedate", "invoice date", "booked", "booking date", "datum"),
            is_required=True,
            filter={
                "date_from": filters.Day(lookup_expr="gte", label=_("From")),
                "date_before": filters.Day(lookup_expr="lt", label=_("Before")),
            },
            sort=Sort("date"),
        ),
        Field(
            "amount",
            aliases=("total", "net", "net amount", "value", "revenue", "betrag"),
            is_required=True,
            hint=_("A refund is negative."),
        ),
        replace(PAID_IN, aliases=("currency code", "currencyisocode"), filter=filters.Text),
        RATE,
        Field("kind", aliases=("type",), filter=filters.Choice),
        SERVICE,
        Field(
            "invoice",
            type=link(Invoice.objects.kept, named="number"),
            filter={"invoice": filters.Id(label=_("Invoice"), chip=_("Invoice is"), named=Invoice, offers=None)},
        ),
        ENGAGEMENT,
        Field("reference", aliases=("invoice number", "number", "invoice no"), filter=filters.Text),
        Field("note", aliases=("notes", "comment"), privacy=FREE_WORDS),
    ),
    Field("amount_firm", _("Amount, firm’s currency"), AMOUNT, is_imported=False, api=READ),
)
