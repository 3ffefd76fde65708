"""Contracts and revenue lines of clients."""

from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.revenue.choices import BillingPeriod, RevenueKind
from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import create_contracts, new_contract, update_contract
from clients.revenue.services.lines import add_revenue_lines, new_line, update_revenue_line
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today, get_firm
from crm.core.importing.kinds import RowResult

_DATE, _AMOUNT, *_REST = REVENUE_FIELDS.import_columns()


def _compared(catalogue) -> list[str]:
    """The rate of a row that is here stays as it was."""
    return [name for name in catalogue.cells if name != "rate"]


def _contract(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    service = common.find_service(values["service"], result)
    if service is None:
        raise ServiceError(
            _("There is no service “%(name)s”. Add it under Services first.") % {"name": values["service"][:60]}
        )
    fields = {"currency": get_firm().currency, "period": BillingPeriod.MONTH}
    fields |= {name: values[name] for name in CONTRACT_FIELDS.cells if values.get(name) not in (None, "")}
    if fields["value"] < 0:
        raise ServiceError(_("The value cannot be negative."))
    _check_rate(fields)
    contract = common.known_row("contract", Contract.objects.visible_to(principal), values, context)
    return common.settle(
        result,
        contract,
        fields,
        _compared(CONTRACT_FIELDS),
        write=write,
        update=partial(update_contract, principal, contract=contract),
        new=lambda: new_contract(client, service=service, **fields),
    )


def _line(principal, values, context, *, write: bool) -> RowResult:
    result = RowResult("created")
    client = common.client_of(principal, values, context)
    service = common.find_service(values.get("service", ""), result)
    values = {"currency": get_firm().currency, "kind": RevenueKind.FEE, **values}
    if values["amount"] < 0 and values["kind"] == RevenueKind.FEE:
        values["kind"] = RevenueKind.REFUND
    if values["kind"] == RevenueKind.REFUND and values["amount"] > 0:
        raise ServiceError(_("A refund is a negative amount."))
    if values.get("rate") is not None and values["rate"] <= 0:
        raise ServiceError(_("The rate must be above 0."))
    _check_rate(values)
    line = common.known_row("revenue", RevenueLine.objects.visible_to(principal), values, context)
    if line is not None and line.client_id != client.pk:
        raise ServiceError(_("This id belongs to a revenue line of another client."))
    return common.settle(
        result,
        line,
        values,
        _compared(REVENUE_FIELDS),
        write=write,
        update=partial(update_revenue_line, principal, line=line, today=firm_today(context["now"])),
        new=lambda: new_line(
            client, service=service, **{name: values[name] for name in REVENUE_FIELDS.cells if name in values}
        ),
    )


def _check_rate(fields) -> None:
    if fields["currency"] != get_firm().currency and "rate" not in fields:
        raise ServiceError(
            _("%(currency)s is not the firm’s currency; give the rate.") % {"currency": fields["currency"]}
        )


CONTRACTS = common.record_kind(
    "contracts",
    gettext_lazy("Contracts"),
    of="contract",
    columns=(
        *common.client_columns(),
        common.external_id("id", "contract id", "contractid"),
        *CONTRACT_FIELDS.import_columns(),
    ),
    work=_contract,
    create=lambda principal, rows, context: create_contracts(principal, rows=rows),
    defaults=("currency", "period"),
    match_note=gettext_lazy("Known contracts are found by their id; one without an id by all its values."),
)
REVENUE = common.record_kind(
    "revenue",
    gettext_lazy("Revenue"),
    of="revenue",
    columns=(
        _DATE,
        _AMOUNT,
        common.external_id("invoiceid", "invoice id", "id", "line id"),
        *common.client_columns(),
        *_REST,
    ),
    work=_line,
    create=lambda principal, rows, context: add_revenue_lines(principal, rows=rows, today=firm_today(context["now"])),
    defaults=("currency", "kind"),
    match_note=gettext_lazy("Known lines are found by their id; a line without one by all its values."),
)
