"""Two people write about one client at the same moment: two connections, real locks."""

import threading

import pytest
from django.db import connection, transaction

from clients.records.models import ClientFacts
from tools.testing.factories.clients import make_client, make_firm, make_line, make_user
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until_somebody_waits():
    """Until another connection stands before a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")  # the application's role is not shown what other sessions do
        for _turn in range(2000):
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            threading.Event().wait(0.005)
    raise AssertionError("nobody waited")


def test_two_invoices_at_once_are_both_in_the_sum():
    make_firm()
    marta = make_user()
    client = make_client(owner=marta)
    is_booked = threading.Event()

    def book(number):
        if number:
            is_booked.wait(20)
            return make_line(actor=marta, client=client, amount="30").amount
        with transaction.atomic():
            line = make_line(actor=marta, client=client, amount="100")
            is_booked.set()
            wait_until_somebody_waits()
        return line.amount

    assert sorted(at_once(book, 2)) == [30, 100]
    assert ClientFacts.objects.get(pk=client.pk).revenue_12m == 130
