"""Lists of a client's revenue lines, of daily rates, and of amounts without a rate."""

from dataclasses import replace
from operator import attrgetter

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.currencies.models import ExchangeRate
from clients.invoices.models import Invoice
from clients.page.queries import load_client
from clients.revenue.fields import REVENUE_FIELDS
from clients.revenue.filters import RevenueFilters
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.permissions import may_administer
from crm.core.fields.types import DAY
from crm.core.firm.queries import get_firm
from crm.core.listing import filters
from crm.core.listing.filters import ListFilters
from crm.core.listing.pages import Column, ListPage
from crm.core.listing.paging import Sort
from crm.core.ui.formatting import money_exact

INVOICE = replace(  # only those that the reader sees
    REVENUE_FIELDS["invoice"].offered(),
    is_extra=False,
    link=lambda row: row.seen_invoice.get_absolute_url() if row.seen_invoice else "",
)
LINES = ListPage(
    url_name="clients:revenue",
    title=_("Revenue"),
    template="clients/revenue/lines.html",
    rows=lambda principal, client_id: load_client(principal, client_id).revenue_lines.all(),
    select=lambda rows: rows.select_related("service"),
    filters=RevenueFilters,
    has_views=False,
    default_sort=lambda values: "-date",
    columns=(
        REVENUE_FIELDS["date"].in_list(first="desc"),
        REVENUE_FIELDS["service"].in_list(_("For"), file_label=_("Service")),
        REVENUE_FIELDS["kind"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["reference"].in_list(),
        INVOICE,
        REVENUE_FIELDS["engagement"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["note"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["amount"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["currency"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["amount_firm"].in_list(
            _("Net of tax"), css="num", file_label=REVENUE_FIELDS["amount_firm"].label
        ),
        Column("menu", _("Actions"), css="col-actions", is_quiet=True),
    ),
    noun=lambda n, text: ngettext("%(n)s line", "%(n)s lines", n) % {"n": text},
    words={"no_rate": _("no rate")},
    file_name="revenue",
)


class CurrencyFilters(ListFilters):
    currency = filters.Text("currency", "iexact", label=_("Currency"), chip=_("Currency is"))


class RateFilters(CurrencyFilters):
    since = filters.Day("day", "gte", label=_("From"), chip=_("From"))

    class Meta:
        model = ExchangeRate
        fields: list[str] = []


def _columns_without_rate(url_name: str, day: str, label, amount: str) -> tuple[Column, ...]:
    """Columns that the list kit renders; `day` and `amount` name the attributes of a row, `url_name` the page to enter
    its rate.
    """

    def who(row):
        return row.client.name

    def what(row):
        return row.service.name if row.service else row.get_kind_display()

    def said(row):
        return money_exact(getattr(row, amount), row.currency)

    def address(row):
        return reverse(url_name, args=[row.client_id, row.pk])

    return (
        Column("client", _("Client"), who, cell=who, href=address),
        Column("for", _("For"), what, cell=what),
        Column("day", label, attrgetter(day), cell=lambda row: DAY.words(getattr(row, day)), css="nowrap"),
        Column("amount", _("Amount"), attrgetter(amount), cell=said, css="num"),
        Column("currency", _("Currency"), attrgetter("currency"), is_in_file_only=True),
    )


def _rate_said(rows, listing):
    for row in rows:
        row.rate_words = _plain(row.rate)


def _without_rate(model, principal):
    return model.objects.visible_to(principal).without_rate().filter(client__archived_at=None)


def _unrated(listing):
    principal = listing.principal
    return {
        "own": get_firm().currency,
        "unrated_lines": _without_rate(RevenueLine, principal).count(),
        "unrated_contracts": _without_rate(Contract, principal).count(),
        "unrated_invoices": _without_rate(Invoice, principal).kept().count(),
    }


def _plain(number) -> str:
    """Without trailing zeros."""
    return f"{number.normalize():f}"


RATES = ListPage(
    url_name="clients:rates",
    title=_("Exchange rates"),
    template="clients/revenue/rates.html",
    may=may_administer,
    rows=lambda principal: ExchangeRate.objects.filter(base=get_firm().currency),
    filters=RateFilters,
    bar=("currency", "since"),
    sorts={"newest": Sort("day", descending=True), "currency": Sort("currency")},
    columns=(
        Column("day", _("Day"), lambda rate: rate.day),
        Column("currency", _("Currency"), lambda rate: rate.currency),
        Column("rate", _("Rate"), lambda rate: _plain(rate.rate), css="num"),
    ),
    decorate=_rate_said,
    more=_unrated,
    noun=lambda n, text: ngettext("%(n)s rate", "%(n)s rates", n) % {"n": text},
    file_name="rates",
)
LINES_WITHOUT_RATE = ListPage(
    url_name="clients:lines_without_rate",
    title=_("Revenue without a rate"),
    template="clients/revenue/without_rate.html",
    empty=_("Every amount has its rate"),
    rows=lambda principal: _without_rate(RevenueLine, principal),
    select=lambda rows: rows.select_related("client", "service"),
    filters=CurrencyFilters,
    bar=("currency",),
    sorts={"newest": Sort("date", descending=True)},
    columns=_columns_without_rate("clients:edit_line", "date", _("Date"), "amount"),
    noun=lambda n, text: ngettext("%(n)s line", "%(n)s lines", n) % {"n": text},
    file_name="revenue-without-rate",
)
CONTRACTS_WITHOUT_RATE = ListPage(
    url_name="clients:contracts_without_rate",
    title=_("Contracts without a rate"),
    template="clients/revenue/without_rate.html",
    empty=_("Every amount has its rate"),
    rows=lambda principal: _without_rate(Contract, principal),
    select=lambda rows: rows.select_related("client", "service"),
    filters=CurrencyFilters,
    bar=("currency",),
    sorts={"newest": Sort("start_date", descending=True)},
    columns=_columns_without_rate("clients:edit_contract", "start_date", _("From"), "value"),
    noun=lambda n, text: ngettext("%(n)s contract", "%(n)s contracts", n) % {"n": text},
    file_name="contracts-without-rate",
)
