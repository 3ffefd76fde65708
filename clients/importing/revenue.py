"""Contracts and revenue lines of clients."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models.functions import Lower
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.currencies.models import ExchangeRate
from clients.currencies.pricing import check_currency
from clients.engagements.models import open_to_all_q
from clients.importing import common
from clients.invoices.models import Invoice
from clients.records.models import Client
from clients.revenue.choices import BillingPeriod, RevenueKind
from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import check_contract, create_contracts, new_contract, update_contract
from clients.revenue.services.lines import add_revenue_lines, check_line, new_line, update_revenue_line
from clients.revenue.services.rates import check_rate, set_rate
from crm.core.base.errors import ServiceError
from crm.core.base.models import fresh
from crm.core.base.permissions import may_administer
from crm.core.base.reading import currency_beside
from crm.core.fields.types import AMOUNT, CURRENCY, DAY, limited
from crm.core.firm.queries import firm_today, get_firm
from crm.core.importing.kinds import BOTH, CREATE, Column, Context, ImportKind, Plan, Values

_DATE, _AMOUNT, *_REST = REVENUE_FIELDS.import_columns()
CLIENT = (("client_external_id", "client_name"),)
IDS = ("external_id", "client_external_id")


def _contract(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = common.client_of(values, context, plan)
    service = common.find_service(values["service"], plan, context)
    if service is None:
        raise ServiceError(
            _("No service is called “%(name)s”. Add it under Services first.") % {"name": values["service"][:60]}
        )
    row, key = common.known("contract", values, context)
    check_client(row, client)
    wanted = {"service": service} | common.given(values, CONTRACT_FIELDS.cells, is_new=row is None)
    wanted |= common.engagement_of(values, client, plan, context, is_money=True)
    earlier = _replaced(row, client, values, context, plan)
    if row is None:
        wanted = {"period": BillingPeriod.MONTH} | wanted
    wanted |= paid(wanted["value"], Contract, values["start_date"], values, context, is_new=row is None)
    if wanted["value"] < 0:
        raise ServiceError(_("The value cannot be negative."))
    chain = (earlier, values.get("change_reason", ""))
    new = lambda: (new_contract(client, **wanted), *chain)  # noqa: E731
    common.settled(plan, row, key, wanted, CONTRACT_FIELDS, new=new)
    common.check_changes(plan, check_contract, _contract_of)
    if earlier is not None:
        plan.write.state["replaces"] = _record(earlier)
        plan.change(CONTRACT_FIELDS["replaces"].label, "", values["replaces_external_id"])
        context["memory"].setdefault("replaced", {})[values["replaces_external_id"][:200]] = values["row_key"]
    return plan


def _replaced(row: Any, client: Client, values: Values, context: Context, plan: Plan) -> Any:
    """The contract that the row's contract replaces: saved, or the Write of an earlier row, or None. Raises
    ServiceError.
    """
    ref = values.get("replaces_external_id", "")[:200]
    if not ref:
        return None
    if common.is_circle(values.get("external_id", ""), ref, context):
        raise ServiceError(_("A contract cannot replace itself, not even through others."))
    pk = context["cache"]["ids:contract"].get(ref)
    found = common.memory("contract", context).became.get(ref) or context["cache"]["rows:contract"].get(pk)
    if found is None and common.is_in_file("contract", ref, context):
        message = _("It replaces the contract “%(id)s”, which has to come first: sort the file by start date.")
        raise ServiceError(message % {"id": ref[:60]})
    if found is None:
        plan.warnings.append(_("No contract has the ID “%(id)s”. This one would replace none.") % {"id": ref[:60]})
        return None
    record = _record(found)
    if row is not None:
        own = row.state.get("replaces") if isinstance(row, common.Write) else row.replaces
        if own != record:
            plan.warnings.append(_("An import does not change which contract a known one replaces."))
        return None
    if record.client_id != client.pk:
        raise ServiceError(_("The contract “%(id)s” belongs to another client.") % {"id": ref[:60]})
    by_other = context["memory"].get("replaced", {}).get(ref, values["row_key"]) != values["row_key"]
    is_made_here = isinstance(found, common.Write) and found.new is not None
    if by_other or (record.pk and not is_made_here and hasattr(record, "replaced_by")):
        raise ServiceError(_("Another contract replaces “%(id)s” already.") % {"id": ref[:60]})
    return found


def _look_up(principal, rows: list[Values], context: Context) -> None:
    refs = [ref for row in rows if (ref := row.get("replaces_external_id"))]
    common.load_engagements(principal, rows, context)
    common.load_ids("contract", refs, context)
    common.load_rows("contract", _contracts(principal), context["cache"]["ids:contract"].values(), context)


def _contracts(principal):
    return Contract.objects.visible_to(principal).select_related("service", "engagement", "replaces", "replaced_by")


def _create_contracts(principal, rows: list[tuple[Contract, Any, str]], context: Context) -> list[Contract]:
    """Create each contract after the one it replaces."""
    waiting = rows
    while waiting:
        later = []
        for row in waiting:
            contract, earlier, reason = row
            before = _record(earlier)
            if before is not None and not before.pk:
                later.append(row)
                continue
            contract.replaces, contract.change_reason = before, reason if before else ""
        if len(later) == len(waiting):
            raise ServiceError(_("The contract that this one replaces could not be imported."))
        create_contracts(principal, rows=[row[0] for row in waiting if row not in later])
        waiting = later
    return [contract for contract, _earlier, _reason in rows]


def _export_contracts(principal):
    cells = common.client_cells() | common.cells_of(CONTRACT_FIELDS, "service", "engagement")
    cells |= {
        "external_id": lambda row: common.own_id("contract", row.pk),
        "replaces_external_id": lambda row: common.own_id("contract", row.replaces_id) if row.replaces_id else "",
        "change_reason": lambda row: row.change_reason,
    }
    rows = Contract.objects.visible_to(principal).select_related("client", "service", "engagement")
    found = common.named(principal, common.seen_by(principal, rows), CONTRACT_FIELDS)
    return common.exported(CONTRACTS.columns, cells, found)


def _export_lines(principal):
    cells = common.client_cells() | common.cells_of(REVENUE_FIELDS, "service", "engagement", "invoice")
    cells["external_id"] = lambda row: common.own_id("revenue", row.pk)
    rows = RevenueLine.objects.visible_to(principal).select_related("client", "service", "engagement", "invoice")
    return common.exported(REVENUE.columns, cells, common.seen_by(principal, rows))


def _line(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = common.client_of(values, context, plan)
    service = common.find_service(values.get("service", ""), plan, context)
    row, key = common.known("revenue", values, context)
    check_client(row, client)
    wanted = common.given(values, REVENUE_FIELDS.cells, is_new=row is None) | ({"service": service} if service else {})
    if invoice := _invoice_of(values.get("invoice", ""), client, plan, context):
        wanted["invoice"] = invoice
        if row is None and invoice.engagement is not None:
            wanted["engagement"] = invoice.engagement
    wanted |= common.engagement_of(values, client, plan, context, is_money=True)
    wanted |= paid(wanted["amount"], RevenueLine, values["date"], values, context, is_new=row is None)
    if row is None:
        wanted = {"kind": RevenueKind.FEE} | wanted
        if wanted["amount"] < 0 and wanted["kind"] == RevenueKind.FEE:
            wanted["kind"] = RevenueKind.REFUND
    if wanted.get("kind") == RevenueKind.REFUND and wanted["amount"] > 0:
        raise ServiceError(_("A refund is a negative amount."))
    common.settled(plan, row, key, wanted, REVENUE_FIELDS, new=lambda: new_line(client, **wanted))
    common.check_changes(plan, check_line)
    return plan


def _invoice_of(number: str, client: Client, plan: Plan, context: Context) -> Invoice | None:
    if not number:
        return None
    found = context["cache"]["invoice numbers"].get((client.pk, number.lower()))
    words = _("%(client)s has no invoice %(name)s. Left empty.")
    return next(iter(common.present({number: found}, words, plan, client=client.name)), None)


def _look_up_invoices(principal, rows: list[Values], context: Context) -> None:
    """The invoices and engagements that a chunk's lines name, of those that the principal sees."""
    common.load_engagements(principal, rows, context)
    named = {text.lower() for row in rows if (text := row.get("invoice"))}
    seen = (
        Invoice.objects.visible_to(principal)
        .filter(open_to_all_q())
        .kept()
        .alias(folded=Lower("number"))
        .filter(folded__in=named)
    )
    seen = seen.select_related("engagement")
    known = context["cache"].setdefault("invoice numbers", {})
    known |= {(row.client_id, row.number.lower()): row for row in seen} if named else {}


def _record(row: Any) -> Any:
    return common.record_of(row, _contract_of)


def _contract_of(new: Any) -> Any:
    """A contract is planned with the one it replaces."""
    return new[0] if isinstance(new, tuple) else new


def check_client(row: Any, client: Client) -> None:
    record = _record(row)
    if record is not None and record.client_id != client.pk:
        raise ServiceError(_("This ID belongs to a row of another client."))


def paid(amount: Decimal, model: Any, day: date, values: Values, context: Context, *, is_new: bool) -> dict[str, Any]:
    """Currency and rate of a row's amount, by default the day's rate. A known record keeps what the row omits.
    Raises ServiceError."""
    if not is_new and not values.get("currency") and not values.get("rate") and not getattr(amount, "currencies", ()):
        return {}
    row = fresh(model, currency=_currency(amount, values, context), rate=values.get("rate"))
    check_currency(row, day)
    return {"currency": row.currency, "rate": row.rate}


def _currency(amount: Decimal, values: dict[str, Any], context: Context) -> str:
    """The currency of a row's amount: from its own cell or the sign beside the amount, else the one chosen for all
    rows, else the firm's. Raises ServiceError if cell and sign contradict each other.
    """
    own, for_all = get_firm().currency, str(context["defaults"].get("currency") or "").upper()
    named = values.get("currency") or ""
    try:
        if named == for_all:  # only the default: a sign beside the amount takes precedence
            return currency_beside(amount, "", own) or named or own
        return currency_beside(amount, named, own) or own
    except ValueError as error:
        raise ServiceError(str(error)) from error


def _rate(principal, values: Values, context: Context) -> Plan:
    rate = values.get("rate")
    if rate is None and values.get("units"):
        rate = 1 / values["units"]
    if rate is None or rate <= 0:
        raise ServiceError(_("The row has no rate."))
    rate = check_rate(day=values["day"], currency=values["currency"], rate=Decimal(rate), today=context["today"])
    of = (values["currency"], values["day"])
    known, new = context["cache"]["rates"].get(of), context["memory"].setdefault("new rates", set())
    plan = Plan(target=f"{values['currency']} · {date_format(values['day'], 'j M Y')}", write=(values, rate))
    if known != rate:
        plan.change(_("Rate"), known, rate)
    if known is None:
        new.add(of)
    plan.is_of_new = of in new
    if context["mode"] == BOTH or (of in new) == (context["mode"] == CREATE):  # it is written
        context["cache"]["rates"][of] = rate
    return plan if known is None else plan.settle()


def _look_up_rates(principal, rows: list[Values], context: Context) -> None:
    days = {row["day"] for row in rows}
    found = ExchangeRate.objects.filter(base=get_firm().currency, day__in=days)
    known = {(rate.currency, rate.day): rate.rate for rate in found}
    context["cache"]["rates"] = known | context["cache"].get("rates", {})


def _set_rates(principal, plans: list[Plan], context: Context) -> None:
    today = firm_today(context["now"])
    for plan in plans:
        values, rate = plan.write
        set_rate(principal, day=values["day"], currency=values["currency"], rate=rate, today=today)


def _update_contracts(principal, writes: list[common.Write], context: Context) -> None:
    for write in writes:
        update_contract(principal, contract=write.row, **write.changes)


def _update_lines(principal, writes: list[common.Write], context: Context) -> None:
    today = firm_today(context["now"])
    for write in writes:
        update_revenue_line(principal, line=write.row, today=today, **write.changes)


CONTRACTS = common.record_kind(
    "contracts",
    gettext_lazy("Contracts"),
    of="contract",
    turn=40,
    columns=CONTRACT_FIELDS.with_custom(
        *common.client_columns(),
        common.external_id("id", "contract id", "contractid"),
        *CONTRACT_FIELDS.import_columns(),
        Column("replaces_external_id", gettext_lazy("Replaces (id)")),
        Column("change_reason", gettext_lazy("Reason for the change"), parse=limited(200).read),
    ),
    rows=_contracts,
    plan=_contract,
    look_up=_look_up,
    export=_export_contracts,
    update=_update_contracts,
    needs=CLIENT,
    ids=IDS,
    create=_create_contracts,
    defaults=("currency", "period"),
    match_note=gettext_lazy("Existing contracts are matched by ID, or by all values if there is no ID."),
)
REVENUE = common.record_kind(
    "revenue",
    gettext_lazy("Revenue"),
    of="revenue",
    turn=70,
    columns=(
        _DATE,
        _AMOUNT,
        common.external_id("invoiceid", "invoice id", "id", "line id"),
        *common.client_columns(),
        *_REST,
    ),
    rows=lambda principal: RevenueLine.objects.visible_to(principal).select_related("service", "engagement", "invoice"),
    plan=_line,
    look_up=_look_up_invoices,
    export=_export_lines,
    update=_update_lines,
    needs=CLIENT,
    ids=IDS,
    create=lambda principal, rows, context: add_revenue_lines(principal, rows=rows, today=firm_today(context["now"])),
    defaults=("currency", "kind"),
    match_note=gettext_lazy("Existing lines are matched by ID, or by all values if there is no ID."),
)
RATES = ImportKind(
    key="rates",
    label=gettext_lazy("Exchange rates"),
    turn=5,
    columns=(
        Column("day", gettext_lazy("Day"), ("date", "datum", "valid from"), is_required=True, parse=DAY.read),
        Column("currency", gettext_lazy("Currency"), ("currency code", "code"), is_required=True, parse=CURRENCY.read),
        Column(
            "rate",
            gettext_lazy("Rate (firm’s currency per unit)"),
            ("exchange rate",),
            parse=AMOUNT.read,
            help_text=gettext_lazy("What one unit is worth in the firm’s currency."),
        ),
        Column(
            "units",
            gettext_lazy("Units for one of the firm’s currency"),
            ("units per euro",),
            parse=AMOUNT.read,
            help_text=gettext_lazy("The inverse rate, as central banks publish it."),
        ),
    ),
    prepare=_look_up_rates,
    plan=_rate,
    apply=_set_rates,
    ids=(),
    defaults=("currency",),
    may_import=may_administer,
    match_note=gettext_lazy("A currency has one rate per day. A file with another rate replaces it."),
)
