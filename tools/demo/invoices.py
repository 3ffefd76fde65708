"""Invoices of the demo firm: most are paid, some in part, some are overdue, one is in another currency."""

from datetime import timedelta
from decimal import Decimal

from clients.invoices.services.payments import new_payment, record_payments
from clients.invoices.services.records import create_invoices, new_invoice
from clients.revenue.models import RevenueLine
from crm.core.base.principals import SYSTEM

TAX = Decimal("0.255")
MONTHS = 4
CLIENTS = 7
# What became of each client's invoices, the newest first: the share that was paid, None for what is not due yet.
STORIES = (
    ("", "1", "1", "1"),
    ("", "0", "1", "1"),
    ("", "1", "0.5", "1"),
    ("", "0", "0", "1"),
    ("", "1", "1", "0"),
)


def make(stage) -> None:
    lines = list(_lines(stage))
    rows = [_invoice(stage, place, line) for place, (line, _story) in enumerate(lines, start=1)]
    made = create_invoices(SYSTEM, rows=rows)
    payments = []
    for invoice, (line, share) in zip(made, lines, strict=True):
        line.invoice = invoice
        if share and (amount := (invoice.gross * Decimal(share)).quantize(Decimal("0.01"))):
            day = min(stage.today, invoice.due_date - timedelta(days=invoice.pk % 9))
            payments.append(new_payment(invoice, amount=amount, paid_date=day, today=stage.today))
    record_payments(SYSTEM, rows=payments)
    RevenueLine.objects.bulk_update([line for line, _share in lines], ["invoice"])


def _lines(stage):
    """(revenue line, the share that was paid) of a few clients' last months."""
    first = stage.today.replace(day=1) - timedelta(days=31 * (MONTHS - 1))
    lines = RevenueLine.objects.filter(date__gte=first, client__archived_at=None).select_related("client")
    of_client: dict[int, list[RevenueLine]] = {}
    for line in lines.order_by("client", "-date"):
        of_client.setdefault(line.client_id, []).append(line)
    for place, own in enumerate(list(of_client.values())[:CLIENTS]):
        yield from zip(own, STORIES[place % len(STORIES)], strict=False)


def _invoice(stage, place: int, line: RevenueLine):
    tax = (line.amount * TAX).quantize(Decimal("0.01"))
    money = {"net": line.amount, "tax": tax}
    if place == 2:  # one client pays in dollars
        money = {
            "net": (line.amount / Decimal("0.92")).quantize(Decimal("0.01")),
            "currency": "USD",
            "rate": Decimal("0.92"),
        }
    day = min(line.date + timedelta(days=2), stage.today)
    number = f"NL-{line.date:%y}{place:04d}"
    return new_invoice(line.client, number=number, invoice_date=day, due_date=day + timedelta(days=30), **money)
