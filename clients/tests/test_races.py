"""Two people write about one client at the same moment: two connections, real locks."""

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from clients.catalogue.services import create_tag
from clients.listing.actions import CLIENTS, EDIT
from clients.listing.boards import STATUS
from clients.merging.services import merge_clients
from clients.records.external import find_external, link_external
from clients.records.models import Client, ClientFacts
from clients.records.services.clients import update_client
from clients.records.services.statuses import change_status
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.bulk import running
from crm.core.firm.queries import firm_today
from crm.core.listing import selection
from crm.core.listing.models import BulkChange
from crm.core.work.models import Job
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


def bulk(user, action, rows, values):
    """The change, done at once."""
    change = selection.new_change(acting(user), action, [row.pk for row in rows], values, timezone.now())
    selection.do(acting(user), action, change, [row.pk for row in rows], values)
    return change


def while_others_wait(write, act):
    """`act` in one connection reads its rows and comes to those that `write` has changed in another, before it commits."""
    is_written = threading.Event()

    def do(number):
        if number:
            assert is_written.wait(20)
            return act()
        with transaction.atomic():
            write()
            is_written.set()
            wait_until_somebody_waits()
        return None

    return next(result for result in at_once(do, 2) if result is not None)


def to_status(user, client, status):
    change_status(acting(user), client=client, status=status, start_date=today(), today=today())


def today():
    return firm_today(timezone.now())


def test_undo_of_an_edit_keeps_what_somebody_else_writes_meanwhile():
    make_firm()
    marta, otto = make_user(), make_user(name="Otto Berg")
    rows = [make_client(owner=marta, name=f"C{n}", tier="B") for n in range(3)]
    change = bulk(marta, EDIT, rows, {"changes": {"tier": ["set", "A"]}})
    result = while_others_wait(
        lambda: update_client(acting(otto), client=rows[2], tier="C"),
        lambda: selection.take_back(acting(marta), change, timezone.now()),
    )
    assert [row.tier for row in Client.objects.order_by("pk")] == ["B", "B", "C"]
    assert result.left == [(rows[2].pk, "changed again since")]


def test_undo_of_a_reassignment_keeps_whom_somebody_else_chooses_meanwhile():
    make_firm()
    sini = make_user(name="Sini Ranta", roles=["manager"])
    marta, otto = make_user(), make_user(name="Otto Berg")
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(3)]
    reassign = next(action for action in CLIENTS if action.key == "clients.reassign")
    change = bulk(sini, reassign, rows, {"owner": otto})
    result = while_others_wait(
        lambda: update_client(acting(sini), client=rows[2], owner=sini),
        lambda: selection.take_back(acting(sini), change, timezone.now()),
    )
    assert [row.owner for row in Client.objects.order_by("pk")] == [marta, marta, sini]
    assert result.left == [(rows[2].pk, "changed again since")]


def test_a_tag_for_many_keeps_what_somebody_else_tags_meanwhile():
    make_firm()
    marta, otto = make_user(), make_user(name="Otto Berg")
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(2)]
    vip, board = (create_tag(SYSTEM, name=name) for name in ("VIP", "Board"))
    tag = next(action for action in CLIENTS if action.key == "clients.tag")
    while_others_wait(
        lambda: update_client(acting(otto), client=rows[1], tags=[board]), lambda: bulk(marta, tag, rows, {"tag": vip})
    )
    assert [*rows[0].tags.all()] == [vip] and [*rows[1].tags.all()] == [board]


def test_undo_of_a_status_keeps_what_somebody_else_writes_meanwhile():
    make_firm()
    marta, otto = make_user(), make_user(name="Otto Berg")
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(3)]
    values = {"status": "at_notice", "start_date": today()}
    change = bulk(marta, STATUS, rows, values)
    result = while_others_wait(
        lambda: to_status(otto, rows[2], "paused"), lambda: selection.take_back(acting(marta), change, timezone.now())
    )
    assert [row.status for row in ClientFacts.objects.order_by("pk")] == ["active", "active", "paused"]
    assert result.left == [(rows[2].pk, "changed again since")]


def test_a_status_of_many_remembers_what_somebody_else_writes_meanwhile():
    """What it kept for its undo is what it replaced."""
    make_firm()
    marta, otto = make_user(), make_user(name="Otto Berg")
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(2)]
    values = {"status": "at_notice", "start_date": today()}
    change = while_others_wait(lambda: to_status(otto, rows[1], "paused"), lambda: bulk(marta, STATUS, rows, values))
    selection.take_back(acting(marta), change, timezone.now())
    assert [row.status for row in ClientFacts.objects.order_by("pk")] == ["active", "paused"]


def test_of_two_clicks_on_undo_one_is_refused():
    make_firm()
    marta = make_user()
    rows = [make_client(owner=marta, name=f"C{n}", tier="B") for n in range(2)]
    change = bulk(marta, EDIT, rows, {"changes": {"tier": ["set", "A"]}})
    found = at_once(lambda number: running.start(acting(marta), change, [], {}), 2)
    assert len([each for each in found if isinstance(each, ServiceError)]) == 1 and Job.objects.count() == 1
    assert BulkChange.objects.get().job_id == Job.objects.get().pk


def test_an_id_given_while_a_merge_is_made_goes_to_the_kept_client():
    make_firm()
    marta = make_user()
    kept, away = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Alder Oy")
    is_merged = threading.Event()

    def work(number):
        if number:
            is_merged.wait(20)
            return link_external(system="sf", kind="client", value="001", object_id=away.pk)
        with transaction.atomic():
            merge_clients(acting(marta), kept=kept, away=away, now=timezone.now())
            is_merged.set()
            wait_until_somebody_waits()
        return None

    assert at_once(work, 2) == [None, None]
    assert find_external(system="sf", kind="client", value="001") == kept.pk


def test_two_who_make_each_other_the_parent_at_once_make_no_ring():
    make_firm()
    marta = make_user()
    one, two = make_client(owner=marta, name="One"), make_client(owner=marta, name="Two")
    is_set = threading.Event()

    def move(number):
        if number:
            is_set.wait(20)
            return update_client(acting(marta), client=two, parent=one)
        with transaction.atomic():
            row = update_client(acting(marta), client=one, parent=two)
            is_set.set()
            wait_until_somebody_waits()
        return row

    refused = [found for found in at_once(move, 2) if isinstance(found, ServiceError)]
    assert [str(error.message) for error in refused] == ["A client cannot be its own parent."]
    assert set(Client.objects.values_list("name", "parent__name")) == {("One", "Two"), ("Two", None)}
