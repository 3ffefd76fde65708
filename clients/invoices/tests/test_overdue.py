"""Notices of overdue invoices: whom they tell, once, and what closes them."""

from datetime import date, timedelta

import pytest

from clients.engagements.services.records import restrict_engagement
from clients.invoices.models import Payment
from clients.invoices.services import payments, records
from clients.invoices.services.overdue import tell_of_overdue
from clients.records.services.clients import reassign_clients
from crm.core.base.principals import SYSTEM, acting
from crm.core.notifications.models import Notification
from crm.core.work.schedule import periodic
from tools.testing.factories.clients import NOW, TODAY, make_client
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.invoices import make_invoice
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def frozen(time_machine):
    time_machine.move_to(NOW)


@pytest.fixture
def row(marta):
    return due(marta, make_client(owner=marta))


def due(marta, client, number="INV-1", day=YESTERDAY, **fields):
    return make_invoice(
        actor=marta, client=client, number=number, invoice_date=date(2026, 10, 1), due_date=day, **fields
    )


def unread():
    return list(Notification.objects.filter(kind="invoice-overdue", read_at=None).values_list("user__name", "text"))


def pay(marta, row, amount):
    given = {"invoice": row, "amount": amount, "paid_date": date(2026, 11, 2), "today": TODAY}
    return payments.record_payment(acting(marta), **given)


def test_the_account_manager_is_told_once_when_it_becomes_overdue(marta, row):
    assert tell_of_overdue(YESTERDAY, None) == 0, "due that day"
    assert [tell_of_overdue(TODAY, None), tell_of_overdue(TODAY, TODAY)] == [1, 0]
    words = "Invoice INV-1 is overdue: €1,240.00 were due on 19 Nov 2026 · Northwind Advisory"
    assert unread() == [("Marta Kallio", words)]
    assert Notification.objects.get().url == row.get_absolute_url()


def test_it_runs_every_day(marta, row):
    assert periodic["clients.invoices"].do(NOW) == 1
    assert periodic["clients.invoices"].do(NOW) == 0


def test_what_was_overdue_long_ago_a_credit_note_and_what_is_settled_is_not_told(marta, row):
    client = row.client
    pay(marta, row, row.gross)
    due(marta, client, "OLD", TODAY - timedelta(days=30))
    due(marta, client, "CREDIT", net="-100", tax="0")
    records.void_invoice(acting(marta), invoice=due(marta, client, "VOID"), now=NOW)
    records.archive_invoice(acting(marta), invoice=due(marta, client, "GONE"), now=NOW)
    assert tell_of_overdue(TODAY, None) == 0
    assert tell_of_overdue(TODAY, TODAY - timedelta(days=25)) == 1, "nothing ran for 25 days"


def test_a_part_payment_leaves_it_open_and_the_last_one_closes_it(marta, row):
    tell_of_overdue(TODAY, None)
    pay(marta, row, 240)
    assert len(unread()) == 1
    last = pay(marta, row, 1000)
    assert unread() == []
    payments.remove_payment(acting(marta), payment=last)
    assert len(unread()) == 1, "it is overdue again"
    payments.restore_payment(acting(marta), invoice=row, payment_id=last.pk, today=TODAY)
    assert unread() == []


@pytest.mark.parametrize(
    "settle",
    [
        lambda who, row: records.void_invoice(who, invoice=row, now=NOW),
        lambda who, row: records.archive_invoice(who, invoice=row, now=NOW),
        lambda who, row: records.update_invoice(who, invoice=row, due_date=TODAY + timedelta(days=9)),
        lambda who, row: payments.record_payments(
            who, rows=[payments.new_payment(row, amount=row.gross, paid_date=YESTERDAY, today=TODAY)]
        ),
    ],
)
def test_whatever_settles_it_closes_it(marta, row, settle):
    tell_of_overdue(TODAY, None)
    settle(acting(marta), row)
    assert unread() == []


def test_a_later_due_date_that_passes_is_told_again(marta, row):
    tell_of_overdue(TODAY, None)
    records.update_invoice(acting(marta), invoice=row, due_date=TODAY + timedelta(days=9))
    assert tell_of_overdue(TODAY + timedelta(days=10), TODAY + timedelta(days=9)) == 1


def void_and_back(who, row):
    records.void_invoice(who, invoice=row, now=NOW)
    records.reinstate_invoice(who, invoice=row)


def archive_and_back(who, row):
    gone = records.archive_invoice(who, invoice=row, now=NOW)
    records.restore_invoice(who, invoice=gone)


def move_and_back(who, row):
    records.update_invoice(who, invoice=row, due_date=TODAY + timedelta(days=9))
    records.update_invoice(who, invoice=row, due_date=YESTERDAY)


def lower_and_back(who, row):
    pay(who.user, row, 240)
    records.update_invoice(who, invoice=row, net=200, tax=40)
    records.update_invoice(who, invoice=row, net=1000, tax=240)


@pytest.mark.parametrize("there_and_back", [void_and_back, archive_and_back, move_and_back, lower_and_back])
def test_what_is_taken_back_opens_it_again(marta, row, there_and_back):
    tell_of_overdue(TODAY, None)
    there_and_back(acting(marta), row)
    assert len(unread()) == 1
    assert tell_of_overdue(TODAY, TODAY) == 0 and len(unread()) == 1


def test_one_that_was_read_stays_read_when_something_else_is_corrected(marta, row):
    tell_of_overdue(TODAY, None)
    Notification.objects.update(read_at=NOW)
    records.update_invoice(acting(marta), invoice=row, net=900)
    assert unread() == []


def test_a_corrected_day_that_is_past_too_leaves_one_notice(marta, row):
    tell_of_overdue(TODAY, None)
    records.update_invoice(acting(marta), invoice=row, due_date=YESTERDAY - timedelta(days=1))
    assert unread() == [] and tell_of_overdue(TODAY, TODAY) == 1
    assert [text for _name, text in unread()] == [
        "Invoice INV-1 is overdue: €1,240.00 were due on 18 Nov 2026 · Northwind Advisory"
    ]


def test_a_notice_of_what_was_paid_while_it_was_told_is_closed_by_the_next_run(marta, row):
    tell_of_overdue(TODAY, None)
    Payment.objects.create(invoice=row, paid_date=TODAY, amount=row.gross)
    assert len(unread()) == 1
    tell_of_overdue(TODAY, TODAY)
    assert unread() == []


def test_who_does_not_see_the_engagement_is_not_told_and_a_notice_is_hidden(client, marta, otto):
    northwind = make_client(owner=marta)
    engagement = make_engagement(actor=marta, client=northwind, lead=otto)
    due(marta, northwind, "SECRET", engagement=engagement)
    tell_of_overdue(TODAY, None)
    assert Notification.objects.visible_to(acting(marta)).count() == 1
    restrict_engagement(acting(otto), engagement=engagement, now=NOW)
    assert Notification.objects.visible_to(acting(marta)).count() == 0
    Notification.objects.all().delete()
    assert tell_of_overdue(TODAY, None) == 0


def test_a_new_account_manager_is_not_told_of_the_old(marta, otto, row):
    tell_of_overdue(TODAY, None)
    reassign_clients(SYSTEM, clients=[row.client], owner=otto)
    assert tell_of_overdue(TODAY, TODAY) == 0


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once(marta, row):
    at_once(lambda n: tell_of_overdue(TODAY, None), 2)
    assert len(unread()) == 1
