"""Invoices of clients, with what was paid of them."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.importing.revenue import CLIENT, IDS, check_client, paid
from clients.invoices.choices import InvoiceStatus
from clients.invoices.fields import INVOICE_FIELDS
from clients.invoices.models import Invoice
from clients.invoices.services.payments import new_payment, record_payment, record_payments
from clients.invoices.services.records import check_invoice, create_invoices, new_invoice, update_invoice
from crm.core.base.errors import ServiceError
from crm.core.fields.types import AMOUNT, DAY, choice
from crm.core.firm.queries import firm_today
from crm.core.importing.kinds import Column, Context, Plan, Values, Vocabulary

VOID = InvoiceStatus.VOID
WORDS = {"cancelled": VOID, "canceled": VOID, "storniert": VOID, "open": InvoiceStatus.DUE, "unpaid": InvoiceStatus.DUE}
WORDS |= {"sent": InvoiceStatus.DUE, "partly paid": InvoiceStatus.PART_PAID, "partially paid": InvoiceStatus.PART_PAID}
GROSS = Column(
    "gross",
    INVOICE_FIELDS["gross"].label,
    ("gross amount", "total", "total amount", "invoice total", "brutto"),
    parse=AMOUNT.read,
    help_text=gettext_lazy("Net and tax together. Gives the net where a file has no column for it."),
)
PAID = Column(
    "paid",
    INVOICE_FIELDS["paid"].label,
    ("amount paid", "paid amount", "payments", "bezahlt"),
    parse=AMOUNT.read,
    help_text=gettext_lazy("What was paid so far. What is more than before is recorded as a payment."),
)
PAID_ON = Column(
    "paid_date", gettext_lazy("Paid on"), ("payment date", "date paid", "last payment", "bezahlt am"), parse=DAY.read
)
STATUS = Column(
    "status",
    gettext_lazy("Status"),
    ("state", "invoice status"),
    parse=choice(InvoiceStatus, WORDS).read,
    choices=lambda: list(InvoiceStatus.choices),
    vocabulary=Vocabulary("invoice.status", lambda: InvoiceStatus.choices, is_read=True),
    help_text=gettext_lazy("Void ones are kept as void. The other words follow from amounts and dates."),
)


def _invoice(principal, values: Values, context: Context) -> Plan:
    plan = Plan()
    client = common.client_of(values, context, plan)
    row, key = common.known("invoice", values, context)
    row = row if row is not None else common.by_number("invoice", values, client, context)
    check_client(row, client)
    is_new = row is None
    wanted = common.given(values, INVOICE_FIELDS.cells, is_new=is_new) | _net(values)
    wanted |= common.engagement_of(values, client, plan, context)
    if wanted.get("net") is not None:
        wanted |= paid(wanted["net"], Invoice, values["invoice_date"], values, context, is_new=is_new)
    is_void = values.get("status") == VOID
    money = _paid_of(values, row, plan, is_void=is_void)
    if is_new and wanted.get("net") is None:
        raise ServiceError(_("The row has no amount."))
    common.settled(
        plan,
        row,
        key,
        wanted | money,
        INVOICE_FIELDS,
        new=lambda: _new(client, wanted, money, values, is_void, context),
    )
    _check(plan, is_void)
    if plan.write.new is None and plan.write.changes.get("paid") is not None:
        plan.write.changes["paid_date"] = _paid_date(values, common.record_of(row, _made), context)
    return plan


def _net(values: Values) -> dict[str, Any]:
    """The net that gross and tax make, where the row has none of its own. Raises ServiceError where the three do not fit."""
    net, tax, gross = (values.get(name) for name in ("net", "tax", "gross"))
    if gross is None or gross == "":
        return {}
    if net in (None, ""):
        return {"net": gross - (tax or 0)}
    if tax in (None, ""):
        return {"tax": gross - net}
    if net + tax != gross:
        raise ServiceError(_("Net and tax do not make the gross amount."))
    return {}


def _paid_of(values: Values, row: Any, plan: Plan, *, is_void: bool) -> dict[str, Any]:
    """{"paid": …} where the row says more than what was paid before."""
    said = values.get("paid")
    if said in (None, "") or is_void:
        return {}
    record = common.record_of(row, _made) if row is not None else None
    before = Decimal(0) if record is None else record.paid
    if abs(said) < abs(before):
        plan.warnings.append(_("More was paid than the row says. An import takes no payment back."))
        return {}
    return {"paid": said} if said or record is not None else {}


def _paid_date(values: Values, record: Invoice | None, context: Context) -> date:
    today = firm_today(context["now"])
    day = values.get("paid_date") or (record.due_date if record else None) or today
    return min(day, today)


def _made(new: Any) -> Any:
    return new[0] if isinstance(new, tuple) else new


def _new(client, wanted, money, values, is_void, context) -> tuple[Invoice, Decimal | None, date | None]:
    row = new_invoice(client, **wanted)
    if is_void:
        row.voided_at = context["now"]
    amount = money.get("paid") or None
    day = _paid_date(values, row, context) if amount else None
    if amount:
        new_payment(row, amount=amount, paid_date=day, today=firm_today(context["now"]))  # type: ignore[arg-type]
    return row, amount, day


def _check(plan: Plan, is_void: bool) -> None:
    write = plan.write
    if write.new is not None:
        return
    record = common.record_of(write.row or write.earlier, _made)
    if is_void and not record.is_void:
        plan.warnings.append(_("An import does not void a known invoice."))
    changes = {name: value for name, value in write.changes.items() if name not in ("paid", "paid_date")}
    if changes:
        check_invoice(record, **changes)
    if (said := write.changes.get("paid")) is not None:
        gross = changes.get("net", record.net) + changes.get("tax", record.tax)
        if record.is_void or abs(said) > abs(gross) or said * gross < 0:
            raise ServiceError(_("More would be paid than the invoice’s total."))


def _look_up(principal, rows: list[Values], context: Context) -> None:
    common.load_numbers("invoice", _rows(principal).kept(), rows, context)
    common.load_engagements(principal, rows, context)


def _create(principal, rows: list[Any], context: Context) -> list[Invoice]:
    made = create_invoices(principal, rows=[row[0] for row in rows])
    today = firm_today(context["now"])
    payments = [
        new_payment(invoice, amount=amount, paid_date=day, today=today)
        for invoice, (_row, amount, day) in zip(made, rows, strict=True)
        if amount
    ]
    if payments:
        record_payments(principal, rows=payments)
    return made


def _update(principal, writes: list[common.Write], context: Context) -> None:
    today = firm_today(context["now"])
    for write in writes:
        changes = dict(write.changes)
        said, day = changes.pop("paid", None), changes.pop("paid_date", today)
        row = update_invoice(principal, invoice=write.row, **changes) if changes else write.row
        if said is not None:
            row.refresh_from_db(fields=["paid"])
            if left := said - row.paid:
                record_payment(principal, invoice=row, amount=left, paid_date=day, today=today)


def _rows(principal):
    return Invoice.objects.visible_to(principal).select_related("client", "engagement")


def _export(principal):
    today = firm_today(timezone.now())
    cells = common.client_cells() | common.cells_of(INVOICE_FIELDS, "gross", "paid", "engagement")
    cells |= {
        "external_id": lambda row: common.own_id("invoice", row.pk),
        "status": lambda row: row.status_on(today).value,
    }
    return common.exported(INVOICES.columns, cells, common.seen_by(principal, _rows(principal).kept()))


INVOICES = common.record_kind(
    "invoices",
    gettext_lazy("Invoices"),
    of="invoice",
    turn=60,
    columns=(
        *common.client_columns(),
        common.external_id("invoiceid", "invoice id", "id"),
        *INVOICE_FIELDS.import_columns(),
        GROSS,
        PAID,
        PAID_ON,
        STATUS,
    ),
    rows=_rows,
    plan=_invoice,
    look_up=_look_up,
    export=_export,
    update=_update,
    needs=CLIENT,
    ids=IDS,
    create=_create,
    defaults=("currency",),
    match_note=gettext_lazy("Existing invoices are matched by ID, or by their number."),
)
