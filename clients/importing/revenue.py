"""Revenue lines of clients."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.importing.common import Context
from clients.revenue.choices import RevenueKind
from clients.revenue.models import RevenueLine
from clients.revenue.services.lines import add_revenue_lines, new_line, update_revenue_line
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today, get_firm
from crm.core.importing.kinds import Column, ImportKind, RowResult

COLUMNS = (
    Column(
        "date",
        gettext_lazy("Date"),
        ("invoicedate", "invoice date", "booked", "booking date", "datum"),
        is_required=True,
        parse=common.parse_date,
    ),
    Column(
        "amount",
        gettext_lazy("Amount, net of tax"),
        ("total", "net", "net amount", "value", "revenue", "betrag"),
        is_required=True,
        parse=common.parse_amount,
    ),
    Column("external_id", gettext_lazy("Id in the other system"), ("invoiceid", "invoice id", "id", "line id")),
    Column(
        "client_external_id",
        gettext_lazy("Client’s id"),
        ("customerid", "customer id", "account id", "accountid", "client id"),
    ),
    Column("client_name", gettext_lazy("Client’s name"), ("client", "customer", "company", "account name")),
    Column("currency", gettext_lazy("Currency"), ("currency code", "currencyisocode"), parse=common.parse_currency),
    Column("rate", gettext_lazy("Rate (firm’s currency per unit)"), ("exchange rate",), parse=common.parse_amount),
    Column("service", gettext_lazy("Service"), ("product", "service name")),
    Column(
        "kind",
        gettext_lazy("Kind"),
        ("type",),
        parse=common.choice_parser(RevenueKind),
        choices=common.choices_of(RevenueKind),
    ),
    Column(
        "reference", gettext_lazy("Reference"), ("invoice number", "number", "invoice no"), parse=common.limited(120)
    ),
)
COMPARED = ("date", "amount", "currency", "kind", "reference")


def _work(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    service = common.find_service(values.get("service"), result)
    values = {"currency": get_firm().currency, "kind": RevenueKind.FEE, "reference": "", **values}
    _check_rate(values, result)
    line = _find(principal, values, context, client)
    if line is not None:
        changes = common.changed_fields(line, values, COMPARED)
        result.outcome = "updated" if changes else "unchanged"
        if write and changes:
            update_revenue_line(principal, line=line, today=firm_today(context["now"]), **changes)
    elif write:
        given = {name: values[name] for name in COMPARED} | {"rate": values.get("rate", 1), "service": service}
        result.new = new_line(client, **given)
    return result


def _book(principal, rows, context):
    return add_revenue_lines(principal, rows=rows, today=firm_today(context["now"]))


def _check_rate(values, result: RowResult) -> None:
    if values["amount"] < 0 and values["kind"] == RevenueKind.FEE:
        values["kind"] = RevenueKind.REFUND
    if values["kind"] == RevenueKind.REFUND and values["amount"] > 0:
        raise ServiceError(_("A refund is a negative amount."))
    if values.get("rate") is not None and values["rate"] <= 0:
        raise ServiceError(_("The rate must be above 0."))
    if values["currency"] != get_firm().currency and "rate" not in values:
        raise ServiceError(
            _("%(currency)s is not the firm’s currency; give the rate.") % {"currency": values["currency"]}
        )


def _find(principal, values, context, client) -> RevenueLine | None:
    found = common.known("revenue", values, context)
    line = RevenueLine.objects.visible_to(principal).filter(pk=found).first() if found else None
    if line is not None and line.client_id != client.pk:
        raise ServiceError(_("This id belongs to a revenue line of another client."))
    return line


def check(principal, values: dict[str, Any], context: Context) -> RowResult:
    return _work(principal, values, context, write=False)


def save(principal, values: dict[str, Any], context: Context) -> RowResult:
    return _work(principal, values, context, write=True)


def prepare(principal, rows: list[dict[str, Any]], context: Context) -> None:
    common.load_known("revenue", rows, context)
    common.load_known("client", rows, context, field="client_external_id")


REVENUE = ImportKind(
    key="revenue",
    label=gettext_lazy("Revenue"),
    columns=COLUMNS,
    save=save,
    check=check,
    create=common.creator("revenue", _book),
    prepare=prepare,
    defaults=("currency", "kind"),
    may_import=lambda user: user.sees_all or user.is_account_manager,
    match_note=gettext_lazy("Known lines are found by their id; a line without one by all its values."),
)
