"""Plain makers of invoices for tests; they go through the services, as everything does."""

from datetime import date
from decimal import Decimal

from clients.invoices.services.payments import record_payment
from clients.invoices.services.records import create_invoice
from crm.core.base.principals import acting
from tools.testing.factories.clients import TODAY

ISSUED = date(2026, 10, 1)


def make_invoice(*, actor, client, number="INV-1", net="1000", tax="240", paid=None, invoice_date=ISSUED, **fields):
    """Dated 1 October 2026; `paid` is one payment of that much."""
    row = create_invoice(
        acting(actor),
        client=client,
        number=number,
        invoice_date=invoice_date,
        net=Decimal(net),
        tax=Decimal(tax),
        **fields,
    )
    if paid is not None:
        record_payment(acting(actor), invoice=row, amount=Decimal(paid), paid_date=invoice_date, today=TODAY)
        row.refresh_from_db()
    return row
