"""Invoices: entered, corrected, voided, archived."""

from collections.abc import Sequence
from copy import copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import check_constraints, clean_fields, only_known
from clients.currencies.pricing import apply_price, check_currency
from clients.engagements.services.records import check_engagement_of, check_money_of
from clients.engagements.words import in_words
from clients.invoices.fields import INVOICE_FIELDS
from clients.invoices.models import Invoice
from clients.invoices.services.overdue import OVERDUE
from clients.records.models import Client
from crm.core.base.archiving import set_archived
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import insert
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version

TERMS = timedelta(days=30)  # from the date of an invoice until it is due, unless it says otherwise
MOST = Decimal(10) ** 12  # of one invoice, in the firm's currency
COMPUTED = ("gross", "net_firm", "gross_firm", "open_firm")


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def create_invoice(
    principal: Principal, *, client: Client, number: str, invoice_date: date, net: Decimal, **fields: Any
) -> Invoice:
    """Enter an invoice. `due_date` defaults to 30 days after its date, `tax` to 0, `currency` to the firm's, `rate` to that of the day.
    Raises ServiceError, naming the field."""
    check_engagement_of(principal, fields.get("engagement"), client)
    row = new_invoice(client, number=number, invoice_date=invoice_date, net=net, **fields)
    return create_invoices(principal, rows=[row])[0]


def new_invoice(client: Client, **fields: Any) -> Invoice:
    """A checked invoice that is not saved yet. Raises ServiceError."""
    row = Invoice(client=client)
    _apply(row, fields)
    return row


def check_invoice(invoice: Invoice, **fields: Any) -> None:
    """Say what `update_invoice` would refuse. Raises ServiceError."""
    row = copy(invoice)
    _check_open_to_change(row)
    _apply(row, fields)


@service(may=permissions.may_edit_clients_of, why=permissions.IN_TRASH)
def create_invoices(principal: Principal, *, rows: Sequence[Invoice]) -> list[Invoice]:
    """Save these, made by `new_invoice`, in one statement. All or none."""
    return insert(rows)


@service(may=permissions.may_change_invoice, why=permissions.INVOICE_IN_TRASH)
def update_invoice(
    principal: Principal, *, invoice: Invoice, seen_version: int | None = None, **fields: Any
) -> Invoice:
    """Correct one that is not void. Raises StaleWrite, ServiceError, naming the field."""
    row = locked(invoice)
    named = fields.get("engagement")
    check_engagement_of(principal, named, row.client)
    if named is not None and named.is_restricted and row.revenue_lines.exists():  # type: ignore[attr-defined]
        check_money_of(principal, named, row.client)
    _check_open_to_change(row)
    was = row.due_date, row.open_amount == 0
    changed = _apply(row, fields)
    save_version(row, fields=changed, seen=seen_version, merges=False)
    row.refresh_from_db(fields=COMPUTED)
    OVERDUE.close([row.pk])
    if was != (row.due_date, row.open_amount == 0):
        OVERDUE.reopen(row.pk)
    return row


@service(may=permissions.may_change_invoice, why=permissions.INVOICE_IN_TRASH)
def void_invoice(
    principal: Principal, *, invoice: Invoice, now: datetime, reason: str = "", seen_version: int | None = None
) -> Invoice:
    """Say that it was taken back: it keeps its number and is in no sum. Raises StaleWrite, ServiceError where something was paid."""
    row = locked(invoice)
    if row.is_void:
        return row
    row.voided_at, row.void_reason = now, " ".join(reason.split())
    clean_fields(row, ["void_reason"])
    if row.paid:
        raise ServiceError(_("Something was paid of this invoice. Remove its payments first."))
    save_version(row, fields=["voided_at", "void_reason"], seen=seen_version, merges=False)
    OVERDUE.close([row.pk])
    return row


@service(may=permissions.may_change_invoice, why=permissions.INVOICE_IN_TRASH)
def reinstate_invoice(principal: Principal, *, invoice: Invoice, seen_version: int | None = None) -> Invoice:
    """Undo of `void_invoice`. Raises StaleWrite."""
    row = locked(invoice)
    if not row.is_void:
        return row
    row.voided_at, row.void_reason = None, ""
    save_version(row, fields=["voided_at", "void_reason"], seen=seen_version, merges=False)
    OVERDUE.reopen(row.pk)
    return row


@service(may=permissions.may_change_invoice, why=permissions.INVOICE_IN_TRASH)
def archive_invoice(principal: Principal, *, invoice: Invoice, now: datetime) -> Invoice:
    """Take one that was entered by mistake out of every list and sum. Its number is free again. Twice changes nothing."""
    row = set_archived(invoice, at=now)[0]
    OVERDUE.close([row.pk])
    return row


@service(may=permissions.may_restore_invoice, why=permissions.IN_TRASH)
def restore_invoice(principal: Principal, *, invoice: Invoice) -> Invoice:
    """Raises ServiceError (field number) if another invoice has its number by now."""
    if invoice.archived_at is not None:
        check_number(invoice)
    row, is_changed = set_archived(invoice, at=None)
    if is_changed:
        OVERDUE.reopen(row.pk)
    return row


def locked(invoice: Invoice) -> Invoice:
    rows = Invoice.objects.select_for_update(of=("self",)).select_related("client", "engagement")
    return rows.get(pk=invoice.pk)


def check_number(row: Invoice) -> None:
    taken = Invoice.objects.kept().exclude(pk=row.pk).filter(number__iexact=row.number)
    if taken.exists():
        raise ServiceError(_("This number is already in use."), field="number")


def _check_open_to_change(row: Invoice) -> None:
    if row.is_void:
        raise ServiceError(_("This invoice is void. Reinstate it first."))


def _apply(row: Invoice, fields: dict[str, Any]) -> list[str]:
    """Set and check the fields; the names of those that are to be saved."""
    only_known(fields, INVOICE_FIELDS.edited)
    currency, paid = row.currency, row.paid
    changed = apply_price(row, fields)
    row.number = " ".join(row.number.split())
    if not row.number:
        raise ServiceError(_("Enter a number."), field="number")
    row.due_date = row.invoice_date + TERMS if row.due_date is None else row.due_date
    row.tax = Decimal(0) if row.tax is None else row.tax
    _check_dates(row)
    check_currency(row, row.invoice_date)
    if paid and currency != row.currency:
        raise ServiceError(_("Something was paid in %(currency)s already.") % {"currency": currency}, field="currency")
    clean_fields(row, {*fields, "currency", "rate"})
    _check_amounts(row)
    if "number" in fields:
        check_number(row)
    check_constraints(row)
    return list(dict.fromkeys([*changed, "due_date"]))


def _check_dates(row: Invoice) -> None:
    for name in ("invoice_date", "due_date"):
        if not is_plausible(getattr(row, name)):
            raise ServiceError(_("This date is too far away."), field=name)
    if row.due_date < row.invoice_date:
        raise ServiceError(_("It cannot be due before its date."), field="due_date")


def _check_amounts(row: Invoice) -> None:
    gross = row.net + row.tax
    if row.net * row.tax < 0:
        raise ServiceError(
            _("Net and tax of an invoice are both positive, those of a credit note both negative."), field="tax"
        )
    if abs(gross) >= MOST or abs(gross * (row.rate or 0)) >= MOST:
        raise ServiceError(_("The amount is too large."), field="net")
    if row.paid * gross < 0 or abs(row.paid) > abs(gross):
        raise ServiceError(_("More has been paid than this total."), field="net")


def check_invoice_of(principal: Principal, invoice: Invoice | None, client: Client) -> None:
    """For the services of revenue that names an invoice: it is one of their client, which the principal sees, and not of a restricted
    engagement. Raises ServiceError (field invoice)."""
    if invoice is None:
        return
    is_seen = Invoice.objects.visible_to(principal).filter(pk=invoice.pk).exists()
    if invoice.client_id != client.pk or not is_seen:
        raise ServiceError(_("Choose an invoice of this client."), field="invoice")
    if invoice.engagement is not None and invoice.engagement.is_restricted:
        words = _(
            "This invoice is of a restricted %(one)s, and revenue counts in sums that others read. Leave it empty."
        )
        raise ServiceError(in_words(words), field="invoice")
