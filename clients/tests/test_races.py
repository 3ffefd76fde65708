"""Two people write about one client at the same moment: two connections, real locks."""

import threading

import pytest
from django.db import connection, transaction

from clients.records.models import ClientFacts
from tools.testing.factories.clients import make_client, make_firm, make_line, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until_somebody_waits():
    """Until another connection stands before a lock of ours."""
    with connection.cursor() as cursor:
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
    wrong = []

    def second():
        try:
            make_line(actor=marta, client=client, amount="30")
        except Exception as error:  # shown by the assertion below
            wrong.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        make_line(actor=marta, client=client, amount="100")
        other.start()
        wait_until_somebody_waits()
    other.join(20)
    assert not wrong
    assert ClientFacts.objects.get(pk=client.pk).revenue_12m == 130
