"""Revenue lines of clients."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.revenue.choices import RevenueKind
from clients.revenue.fields import REVENUE_FIELDS
from clients.revenue.models import RevenueLine
from clients.revenue.services.lines import add_revenue_lines, new_line, update_revenue_line
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today, get_firm
from crm.core.importing.kinds import RowResult

_DATE, _AMOUNT, *_REST = REVENUE_FIELDS.import_columns()
COLUMNS = (
    _DATE,
    _AMOUNT,
    common.external_id("invoiceid", "invoice id", "id", "line id"),
    *common.client_columns(),
    *_REST,
)
COMPARED = [name for name in REVENUE_FIELDS.cells if name != "rate"]


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
        given = {name: values[name] for name in REVENUE_FIELDS.cells if name in values}
        result.new = new_line(client, service=service, **given)
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
    common.check_rate(values["currency"], values)


def _find(principal, values, context, client) -> RevenueLine | None:
    line = common.known_row("revenue", RevenueLine.objects.visible_to(principal), values, context)
    if line is not None and line.client_id != client.pk:
        raise ServiceError(_("This id belongs to a revenue line of another client."))
    return line


REVENUE = common.record_kind(
    "revenue",
    gettext_lazy("Revenue"),
    of="revenue",
    columns=COLUMNS,
    work=_work,
    create=_book,
    defaults=("currency", "kind"),
    match_note=gettext_lazy("Known lines are found by their id; a line without one by all its values."),
)
