from datetime import date
from decimal import Decimal

from clients.invoices.services.payments import new_payment
from clients.invoices.services.records import new_invoice
from tools.testing.samples import TODAY, Sample, declare

GIVEN = {"invoice_date": date(2026, 11, 3), "net": Decimal(50), "rate": 1, "currency": "EUR"}


def _unpaid(own):
    own("payment").delete()
    return own("invoice")


def _void(own):
    own("payment").delete()
    return own.changed("invoice", voided_at=own.now)


def _trashed(own):
    return own.changed("invoice", archived_at=own.now)


def _of_trashed(own):
    _trashed(own)
    return own("payment")


def _removed(own):
    payment = own("payment")
    number = payment.pk
    payment.delete()
    return number


declare(
    "clients.invoices.services.records",
    create_invoice=lambda own: {"client": own("client"), "number": "N-1"} | GIVEN,
    create_invoices=lambda own: {"rows": [new_invoice(own("client"), number=f"N-{n}", **GIVEN) for n in (1, 2)]},
    update_invoice=Sample(
        lambda own: {"invoice": own("invoice"), "note": "Sent again"},
        refused=lambda own: {"invoice": _trashed(own), "note": "Sent again"},
    ),
    void_invoice=Sample(
        lambda own: {"invoice": _unpaid(own), "now": own.now, "reason": "Wrong address"},
        refused=lambda own: {"invoice": _trashed(own), "now": own.now},
    ),
    reinstate_invoice=Sample(lambda own: {"invoice": _void(own)}, refused=lambda own: {"invoice": _trashed(own)}),
    archive_invoice=Sample(
        lambda own: {"invoice": own("invoice"), "now": own.now},
        refused=lambda own: {"invoice": _trashed(own), "now": own.now},
    ),
    restore_invoice=lambda own: {"invoice": _trashed(own)},
)


def _payment(own):
    return {"amount": Decimal(5), "paid_date": date(2026, 11, 10), "today": TODAY}


declare(
    "clients.invoices.services.payments",
    record_payment=Sample(
        lambda own: {"invoice": own("invoice")} | _payment(own),
        refused=lambda own: {"invoice": _trashed(own)} | _payment(own),
    ),
    record_payments=lambda own: {
        "rows": [new_payment(own("invoice"), **_payment(own)), new_payment(own("invoice"), **_payment(own))]
    },
    remove_payment=Sample(lambda own: {"payment": own("payment")}, refused=lambda own: {"payment": _of_trashed(own)}),
    restore_payment=Sample(
        lambda own: {"invoice": own("invoice"), "payment_id": _removed(own), "today": TODAY},
        refused=lambda own: {"invoice": _trashed(own), "payment_id": 1, "today": TODAY},
    ),
)
