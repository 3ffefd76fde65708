"""Invoices and payments: what the services refuse, what the database refuses, and how an invoice stands."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.currencies.models import ExchangeRate
from clients.invoices.models import Invoice, Payment
from clients.invoices.queries import billed, open_sums
from clients.invoices.services import payments, records
from clients.records.services.clients import archive_client
from clients.revenue.services.lines import add_revenue_line, update_revenue_line
from clients.revenue.services.rates import set_rate
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.firm.services import update_firm
from tools.testing.factories.clients import make_client
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.invoices import ISSUED, make_invoice

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def row(marta, northwind):
    return make_invoice(actor=marta, client=northwind)


def pay(actor, row, amount, day=ISSUED, **more):
    return payments.record_payment(
        acting(actor), invoice=row, amount=Decimal(amount), paid_date=day, today=TODAY, **more
    )


def stands(row, today=TODAY):
    row.refresh_from_db()
    return row.status_on(today).value


def test_it_defaults_to_thirty_days_and_the_firms_currency(row):
    assert (row.due_date, row.currency, row.rate) == (ISSUED + timedelta(days=30), "EUR", 1)
    assert (row.gross, row.gross_firm, row.open_firm, row.paid) == (1240, 1240, 1240, 0)


def test_paid_in_parts_and_taken_back(marta, row):
    assert stands(row) == "overdue" and stands(row, ISSUED) == "due"
    first = pay(marta, row, "240", note="  on  account ")
    assert first.note == "on account" and stands(row, ISSUED) == "part_paid" and stands(row) == "overdue"
    assert (row.paid, row.open_amount, row.open_firm) == (240, 1000, 1000)
    last = pay(marta, row, "1000")
    assert stands(row) == "paid" and row.version == 3
    with pytest.raises(ServiceError) as caught:
        pay(marta, row, "0.01")
    assert caught.value.field == "amount"
    payments.remove_payment(acting(marta), payment=last)
    assert stands(row) == "overdue" and row.paid == 240
    back = payments.restore_payment(acting(marta), invoice=row, payment_id=last.pk, today=TODAY)
    assert back.pk == last.pk and stands(row) == "paid"
    with pytest.raises(ServiceError):
        payments.restore_payment(acting(marta), invoice=row, payment_id=last.pk, today=TODAY)


@pytest.mark.parametrize(
    ("amount", "day", "field"),
    [
        ("0", ISSUED, "amount"),
        ("-5", ISSUED, "amount"),
        ("1240.01", ISSUED, "amount"),
        ("5", date(2026, 11, 21), "paid_date"),
    ],
)
def test_a_wrong_payment_is_refused(marta, row, amount, day, field):
    with pytest.raises(ServiceError) as caught:
        pay(marta, row, amount, day)
    assert caught.value.field == field and not Payment.objects.exists()


def test_a_credit_note_is_negative_as_are_its_payments(marta, northwind):
    note = make_invoice(actor=marta, client=northwind, net="-100", tax="-24")
    with pytest.raises(ServiceError):
        pay(marta, note, "124")
    pay(marta, note, "-124")
    assert stands(note) == "paid"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"number": "  "}, "number"),
        ({"number": "inv-1"}, "number"),
        ({"due_date": ISSUED - timedelta(days=1)}, "due_date"),
        ({"invoice_date": date(1850, 1, 1)}, "invoice_date"),
        ({"tax": Decimal("-1")}, "tax"),
        ({"net": Decimal(10) ** 11 * 99}, "net"),
        ({"currency": "USD"}, "rate"),
        ({"currency": "usdollar", "rate": Decimal(1)}, "currency"),
        ({"rate": Decimal("0.5")}, "rate"),
    ],
)
def test_a_wrong_invoice_is_refused(marta, northwind, row, given, field):
    values = {"number": "INV-2", "invoice_date": ISSUED, "net": Decimal(1)} | given
    with pytest.raises(ServiceError) as caught:
        records.create_invoice(acting(marta), client=northwind, **values)
    assert caught.value.field == field and Invoice.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"paid": Decimal(2000)},
        {"paid": Decimal(-1)},
        {"due_date": ISSUED - timedelta(days=1)},
        {"tax": Decimal(-1)},
        {"rate": Decimal(0)},
        {"number": ""},
    ],
)
def test_the_database_refuses_the_same(row, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.filter(pk=row.pk).update(**wrong)


def test_a_number_is_free_again_once_its_invoice_is_archived(marta, northwind, row):
    records.archive_invoice(acting(marta), invoice=row, now=NOW)
    again = make_invoice(actor=marta, client=northwind, number="inv-1")
    row.refresh_from_db()
    with pytest.raises(ServiceError) as caught:
        records.restore_invoice(acting(marta), invoice=row)
    assert caught.value.field == "number"
    records.archive_invoice(acting(marta), invoice=again, now=NOW)
    assert records.restore_invoice(acting(marta), invoice=row).archived_at is None


def test_a_void_one_is_in_no_sum_and_takes_no_payment(marta, row):
    pay(marta, row, "1")
    with pytest.raises(ServiceError):
        records.void_invoice(acting(marta), invoice=row, now=NOW)
    payments.remove_payment(acting(marta), payment=row.payments.get())
    void = records.void_invoice(acting(marta), invoice=row, now=NOW, reason="Sent  twice")
    assert (void.void_reason, stands(row), row.open_amount) == ("Sent twice", "void", 0)
    assert open_sums(Invoice.objects.all(), TODAY).all.n == 0 and billed(Invoice.objects.all()).n == 0
    for refused in (lambda: pay(marta, row, "1"), lambda: records.update_invoice(acting(marta), invoice=row, note="x")):
        with pytest.raises(ServiceError):
            refused()
    records.reinstate_invoice(acting(marta), invoice=row)
    assert stands(row) == "overdue" and row.void_reason == ""


def test_the_total_and_the_currency_stay_where_something_was_paid(marta, row):
    pay(marta, row, "500")
    row.refresh_from_db()
    for given, field in (({"net": Decimal(100)}, "net"), ({"currency": "USD", "rate": Decimal("0.9")}, "currency")):
        with pytest.raises(ServiceError) as caught:
            records.update_invoice(acting(marta), invoice=row, **given)
        assert caught.value.field == field
    assert records.update_invoice(acting(marta), invoice=row, net=Decimal(600)).open_firm == 340


def test_the_rate_of_the_day_follows_the_date(marta, northwind):
    for day, rate in ((ISSUED, "0.9"), (date(2026, 11, 12), "0.8")):
        ExchangeRate.objects.create(base="EUR", currency="USD", day=day, rate=Decimal(rate))
    row = make_invoice(actor=marta, client=northwind, currency="USD")
    assert row.rate == Decimal("0.9")
    moved = records.update_invoice(acting(marta), invoice=row, invoice_date=date(2026, 11, 15), due_date=TODAY)
    assert (moved.rate, moved.gross_firm) == (Decimal("0.8"), 992)


def test_a_payment_is_not_recorded_twice(marta, row):
    pay(marta, row, "400", seen_version=1)
    with pytest.raises(StaleWrite) as caught:
        pay(marta, row, "400", seen_version=1)
    assert (caught.value.current.open_amount, caught.value.who) == (840, marta.name)
    pay(marta, row, "400", seen_version=2)
    assert stands(row) == "overdue" and row.paid == 800


def test_a_stale_edit_is_refused(marta, row):
    records.update_invoice(acting(marta), invoice=row, seen_version=1, note="First")
    with pytest.raises(StaleWrite):
        records.update_invoice(acting(marta), invoice=row, seen_version=1, note="Second")


def test_an_archived_client_is_closed(marta, northwind, row):
    archive_client(acting(marta), client=northwind, now=NOW)
    row = Invoice.objects.get()
    with pytest.raises(PermissionDenied):
        pay(marta, row, "1")
    with pytest.raises(PermissionDenied):
        records.update_invoice(acting(marta), invoice=row, note="x")


def test_an_amount_without_a_rate_is_in_no_sum_and_takes_the_rate_that_is_entered(marta, aino, northwind, row):
    ExchangeRate.objects.create(base="EUR", currency="USD", day=ISSUED, rate=Decimal("0.9"))
    dollars = make_invoice(actor=marta, client=northwind, number="USD-1", net="100", tax="0", currency="USD")
    assert (dollars.rate, dollars.gross_firm) == (Decimal("0.9"), 90)
    Invoice.objects.filter(pk=dollars.pk).update(rate=None)
    sums = open_sums(Invoice.objects.all(), TODAY)
    assert (sums.all.n, sums.all.amount, sums.all.no_rate) == (2, 1240, 1)
    assert {each.currency: each.amount for each in sums.currencies} == {"EUR": 1240, "USD": 100}
    assert (billed(Invoice.objects.all()).gross, billed(Invoice.objects.all()).no_rate) == (1240, 1)
    set_rate(acting(aino), day=ISSUED, currency="USD", rate=Decimal("0.8"), today=TODAY)
    assert open_sums(Invoice.objects.all(), TODAY).all == type(sums.all)("all", 2, Decimal(1320), 0)


def test_the_firms_new_currency_converts_invoices_too(marta, aino, row):
    ExchangeRate.objects.create(base="EUR", currency="USD", day=ISSUED, rate=Decimal("0.5"))
    update_firm(acting(aino), currency="USD")
    row.refresh_from_db()
    assert (row.currency, row.rate, row.gross_firm) == ("EUR", 2, 2480)


def test_aging_by_days_after_the_due_date(marta, northwind):
    for n, days in enumerate((-5, 0, 1, 30, 31, 60, 61, 90, 91, 400)):
        due = TODAY - timedelta(days=days)
        make_invoice(actor=marta, client=northwind, number=f"A{n}", net="100", tax="0", invoice_date=due, due_date=due)
    sums = open_sums(Invoice.objects.all(), TODAY)
    assert [(part.key, part.n) for part in sums.ages] == [
        ("current", 2),
        ("1-30", 2),
        ("31-60", 2),
        ("61-90", 2),
        ("91", 2),
    ]
    assert (sums.overdue.n, sums.overdue.amount) == (8, 800)
    for part in sums.ages:
        assert Invoice.objects.aged(part.key, TODAY).count() == part.n


def test_a_line_names_an_invoice_of_its_client_that_the_colleague_sees(marta, otto, northwind, row):
    line = add_revenue_line(acting(marta), client=northwind, date=ISSUED, amount=Decimal(5), invoice=row, today=TODAY)
    assert line.invoice == row
    other = make_invoice(actor=otto, client=make_client(owner=otto, name="Other"), number="O-1")
    mill = make_engagement(actor=otto, client=northwind, is_restricted=True, lead=otto)
    hidden = make_invoice(actor=otto, client=northwind, number="H-1", engagement=mill)
    for wrong in (other, hidden):
        with pytest.raises(ServiceError) as caught:
            update_revenue_line(acting(marta), line=line, invoice=wrong, today=TODAY)
        assert caught.value.field == "invoice"
    with pytest.raises(ServiceError, match="restricted"):  # revenue is in sums that others read
        update_revenue_line(acting(otto), line=line, invoice=hidden, today=TODAY)


def test_the_sum_of_the_payments_holds_whoever_writes_them(row):
    made = Payment.objects.bulk_create([Payment(invoice=row, paid_date=ISSUED, amount=n) for n in (100, 200)])
    Payment.objects.filter(pk=made[0].pk).update(amount=50)
    row.refresh_from_db()
    assert row.paid == 250
    Payment.objects.all().delete()
    row.refresh_from_db()
    assert row.paid == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(invoice=row, paid_date=ISSUED, amount=5000)


def test_a_payment_is_in_the_history_with_who_recorded_it(marta, row):
    made = pay(marta, row, "10")
    event = Payment.pgh_event_models["insert"].objects.get(pgh_obj_id=made.pk)
    assert event.pgh_context.metadata["user"] == marta.pk
    assert Invoice.pgh_event_models["update"].objects.filter(pgh_obj_id=row.pk, paid=10).exists()


def test_an_engagement_is_one_of_the_client(marta, northwind):
    other = make_engagement(actor=marta, client=make_client(owner=marta, name="Other"))
    with pytest.raises(ServiceError) as caught:
        make_invoice(actor=marta, client=northwind, engagement=other)
    assert caught.value.field == "engagement"
