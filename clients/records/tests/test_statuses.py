from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from clients.records.facts import rebuild_facts, set_facts
from clients.records.models import ClientFacts, StatusPeriod
from clients.records.services.statuses import change_status, refresh_statuses, withdraw_status
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from tools.testing.factories.clients import NOW, TODAY, make_client

pytestmark = pytest.mark.django_db


def periods(client):
    return [
        (p.status, p.start_date, p.end_date) for p in StatusPeriod.objects.filter(client=client).order_by("start_date")
    ]


def facts(client):
    return ClientFacts.objects.get(pk=client.pk)


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, status="active", status_start=date(2026, 1, 1))


def test_a_change_today_ends_the_present_period_and_starts_the_next(marta, northwind):
    change_status(acting(marta), client=northwind, status="at_notice", start_date=TODAY, today=TODAY)
    assert periods(northwind) == [("active", date(2026, 1, 1), TODAY), ("at_notice", TODAY, None)]
    assert facts(northwind).status == "at_notice"
    assert facts(northwind).active_since == date(2026, 1, 1)


def test_a_back_dated_change_splits_the_period_it_falls_into(marta, northwind):
    change_status(acting(marta), client=northwind, status="paused", start_date=date(2026, 6, 1), today=TODAY)
    change_status(acting(marta), client=northwind, status="at_notice", start_date=date(2026, 3, 1), today=TODAY)
    assert periods(northwind) == [
        ("active", date(2026, 1, 1), date(2026, 3, 1)),
        ("at_notice", date(2026, 3, 1), date(2026, 6, 1)),
        ("paused", date(2026, 6, 1), None),
    ]
    assert facts(northwind).status == "paused"
    assert facts(northwind).active_since is None


def test_a_change_before_everything_lengthens_history(marta, northwind):
    change_status(acting(marta), client=northwind, status="onboarding", start_date=date(2025, 12, 1), today=TODAY)
    assert periods(northwind)[0] == ("onboarding", date(2025, 12, 1), date(2026, 1, 1))
    assert facts(northwind).active_since == date(2026, 1, 1)


def test_the_same_status_earlier_moves_the_start(marta, northwind):
    change_status(acting(marta), client=northwind, status="active", start_date=date(2025, 12, 1), today=TODAY)
    assert periods(northwind) == [("active", date(2025, 12, 1), None)]
    assert facts(northwind).status_since == date(2025, 12, 1)


def test_a_change_on_the_first_day_of_a_period_replaces_it(marta, northwind):
    change_status(acting(marta), client=northwind, status="onboarding", start_date=date(2026, 1, 1), today=TODAY)
    assert periods(northwind) == [("onboarding", date(2026, 1, 1), None)]


def test_a_planned_change_becomes_present_on_its_day(marta, northwind):
    leaving = TODAY + timedelta(days=10)
    change_status(acting(marta), client=northwind, status="former", start_date=leaving, reason="price", today=TODAY)
    assert facts(northwind).status == "active"
    assert refresh_statuses(today=leaving - timedelta(days=1)) == 0
    assert refresh_statuses(today=leaving) == 1
    assert refresh_statuses(today=leaving) == 0
    assert (facts(northwind).status, facts(northwind).active_since) == ("former", None)


def test_a_change_before_a_planned_one_lasts_until_it(marta, northwind):
    leaving = TODAY + timedelta(days=10)
    change_status(acting(marta), client=northwind, status="former", start_date=leaving, reason="price", today=TODAY)
    change_status(acting(marta), client=northwind, status="at_notice", start_date=TODAY, today=TODAY)
    assert [p[0] for p in periods(northwind)] == ["active", "at_notice", "former"]
    assert periods(northwind)[1][2] == leaving


def test_the_active_time_starts_once(marta):
    client = make_client(owner=marta, status="prospect")
    change_status(acting(marta), client=client, status="active", start_date=TODAY, today=TODAY)
    change_status(
        acting(marta),
        client=client,
        status="at_notice",
        start_date=TODAY + timedelta(days=1),
        today=TODAY + timedelta(days=1),
    )
    assert facts(client).active_since == TODAY


def test_a_client_created_active_in_the_future_is_a_prospect_until_then(marta):
    client = make_client(owner=marta, status="active", status_start=TODAY + timedelta(days=3))
    assert facts(client).status == "prospect"
    refresh_statuses(today=TODAY + timedelta(days=3))
    assert facts(client).status == "active"


def test_leaving_needs_a_reason(marta, northwind):
    with pytest.raises(ServiceError) as refused:
        change_status(acting(marta), client=northwind, status="former", start_date=TODAY, today=TODAY)
    assert refused.value.field == "reason"
    assert len(periods(northwind)) == 1


def test_the_same_status_again_is_no_change(marta, northwind):
    with pytest.raises(ServiceError) as refused:
        change_status(acting(marta), client=northwind, status="active", start_date=TODAY, today=TODAY)
    assert refused.value.code == "no_change"


def test_a_withdrawn_change_gives_the_time_back(marta, northwind):
    planned = change_status(
        acting(marta),
        client=northwind,
        status="former",
        start_date=TODAY + timedelta(days=5),
        reason="slow",
        today=TODAY,
    )
    withdraw_status(acting(marta), period=planned, today=TODAY)
    assert periods(northwind) == [("active", date(2026, 1, 1), None)]
    with pytest.raises(ServiceError):
        withdraw_status(acting(marta), period=northwind.status_periods.get(), today=TODAY)


def test_neighbours_of_one_status_become_one_period(marta, northwind):
    paused = change_status(acting(marta), client=northwind, status="paused", start_date=date(2026, 5, 1), today=TODAY)
    change_status(acting(marta), client=northwind, status="active", start_date=date(2026, 7, 1), today=TODAY)
    assert facts(northwind).active_since == date(2026, 7, 1)
    withdraw_status(acting(marta), period=paused, today=TODAY)
    assert periods(northwind) == [("active", date(2026, 1, 1), None)]
    assert facts(northwind).active_since == date(2026, 1, 1)


def test_the_database_refuses_an_overlap(northwind):
    with pytest.raises(IntegrityError, match="status_period_no_overlap"), transaction.atomic():
        StatusPeriod.objects.create(client=northwind, status="paused", start_date=date(2026, 5, 1))
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS status_period_no_overlap IMMEDIATE")


def test_the_database_refuses_a_gap(northwind):
    with pytest.raises(IntegrityError, match="gap"), transaction.atomic():
        StatusPeriod.objects.filter(client=northwind).update(end_date=date(2026, 5, 1))
        StatusPeriod.objects.create(client=northwind, status="paused", start_date=date(2026, 6, 1))
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_rebuilding_gives_the_same_facts(marta, northwind, firm):
    change_status(acting(marta), client=northwind, status="at_notice", start_date=date(2026, 6, 1), today=TODAY)
    before = ClientFacts.objects.values().get(pk=northwind.pk)
    set_facts(client_id=northwind.pk, status="former", status_since=None, active_since=None)
    rebuild_facts(now=NOW, client_ids=[northwind.pk])
    assert ClientFacts.objects.values().get(pk=northwind.pk) == before
