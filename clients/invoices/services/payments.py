"""What was paid of an invoice, in parts. The sum on the invoice is kept by the database (`clients/invoices/models.py`)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import clean_fields
from clients.invoices.models import Invoice, Payment
from clients.invoices.services.overdue import OVERDUE
from clients.invoices.services.records import locked
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import check_version
from crm.core.ui.formatting import money_exact


@service(may=permissions.may_change_invoice, why=permissions.INVOICE_IN_TRASH)
def record_payment(
    principal: Principal,
    *,
    invoice: Invoice,
    amount: Decimal,
    paid_date: date,
    today: date,
    note: str = "",
    seen_version: int | None = None,
) -> Payment:
    """Something was paid, in the invoice's currency: at most what is open. Of a credit note it is negative. Each payment is a new version
    of the invoice, so that none is recorded twice. Raises StaleWrite, ServiceError (fields amount, paid_date, note)."""
    row = locked(invoice)
    check_version(row, seen_version)
    payment = new_payment(row, amount=amount, paid_date=paid_date, today=today, note=note)
    payment.save()
    OVERDUE.close([row.pk])
    return payment


def new_payment(row: Invoice, *, amount: Decimal, paid_date: date, today: date, note: str = "") -> Payment:
    """A checked payment that is not saved yet. Raises ServiceError."""
    payment = Payment(invoice=row, amount=amount, paid_date=paid_date, note=" ".join(note.split()))
    clean_fields(payment, ["amount", "note"])
    if row.is_void:
        raise ServiceError(_("This invoice is void. Reinstate it first."))
    if not is_plausible(paid_date) or paid_date > today:
        raise ServiceError(
            _("This day is in the future.") if paid_date > today else _("This date is too far away."), field="paid_date"
        )
    if not amount:
        raise ServiceError(_("Enter an amount."), field="amount")
    gross = row.net + row.tax
    left = gross - row.paid
    if amount * gross < 0:
        words = _("A payment of a credit note is negative.") if gross < 0 else _("A payment is a positive amount.")
        raise ServiceError(words, field="amount")
    if abs(amount) > abs(left):
        raise ServiceError(_("Only %(left)s is open.") % {"left": money_exact(left, row.currency)}, field="amount")
    return payment


@service(may=permissions.may_change_payments, why=permissions.INVOICE_IN_TRASH)
def record_payments(principal: Principal, *, rows: Sequence[Payment]) -> list[Payment]:
    """Save these, made by `new_payment`, in one statement. All or none."""
    made = insert(rows)
    OVERDUE.close(row.invoice_id for row in made)
    return made


@service(may=permissions.may_change_payment, why=permissions.INVOICE_IN_TRASH)
def remove_payment(principal: Principal, *, payment: Payment) -> None:
    """Take back one that was recorded by mistake; the history keeps it."""
    row = locked(payment.invoice)
    Payment.objects.filter(pk=payment.pk).delete()
    OVERDUE.reopen(row.pk)


@service(may=permissions.may_change_invoice, why=permissions.INVOICE_IN_TRASH)
def restore_payment(principal: Principal, *, invoice: Invoice, payment_id: int, today: date) -> Payment:
    """Undo of `remove_payment`. Raises ServiceError if it is not removed, unknown, or more than what is open now."""
    row = locked(invoice)
    if Payment.objects.filter(pk=payment_id).exists():
        raise ServiceError(_("This payment is there already."))
    removed = Payment.pgh_event_models["delete"].objects.filter(pgh_obj_id=payment_id, invoice=row)  # type: ignore[attr-defined]
    last = removed.order_by("-pgh_id").first()
    if last is None:
        raise ServiceError(_("Not found in the history."))
    made = new_payment(row, amount=last.amount, paid_date=last.paid_date, today=today, note=last.note)
    made.pk = payment_id
    made.save(force_insert=True)
    OVERDUE.close([row.pk])
    return made
