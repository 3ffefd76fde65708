"""By which day a client should hear from us: one rule, written where its causes are written, read everywhere."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from clients.page.header import cadence_note
from clients.records.facts import rebuild_facts, set_facts
from clients.records.models import Client, ClientFacts
from clients.records.services.clients import update_client
from crm.core.base.principals import acting
from crm.core.firm.queries import get_firm
from crm.core.firm.services import update_firm
from crm.core.work import jobs, schedule
from interactions.cadence import services
from interactions.cadence.queries import going_quiet
from interactions.cadence.services import refresh_contact_due, set_cadence
from interactions.log.services import archive_interaction
from reports.attention import needing
from reports.scope import Scope
from tools.testing.factories.interactions import NOW, log, make_client, make_user

pytestmark = pytest.mark.django_db
SINCE = date(2026, 1, 5)  # since when the factory's clients are served


def due(client):
    return ClientFacts.objects.get(pk=client.pk).contact_due_at


def test_never_contacted_counts_from_the_start(northwind):
    assert due(northwind) == SINCE + timedelta(days=14)


def test_a_contact_moves_it_and_its_removal_moves_it_back(marta, northwind):
    call = log(actor=marta, client=northwind, occurred_at=datetime(2026, 11, 17, 23, 30, tzinfo=UTC))
    assert due(northwind) == date(2026, 11, 18) + timedelta(days=14)  # in Helsinki it was the 18th
    log(actor=marta, client=northwind, channel="note", body="A note is no contact")
    assert due(northwind) == date(2026, 12, 2)
    archive_interaction(acting(marta), interaction=call, now=NOW)
    assert due(northwind) == SINCE + timedelta(days=14)


def test_its_own_cadence_goes_before_the_tier(marta, northwind):
    set_cadence(acting(marta), client=northwind, days=5)
    assert due(northwind) == SINCE + timedelta(days=5)
    set_cadence(acting(marta), client=northwind, days=None)
    assert due(northwind) == SINCE + timedelta(days=14)


def test_another_tier_is_another_day(marta, northwind):
    update_client(acting(marta), client=northwind, tier="B")
    assert due(northwind) == SINCE + timedelta(days=30)
    update_client(acting(marta), client=northwind, tier="")
    assert due(northwind) == SINCE + timedelta(days=90)


def test_other_numbers_of_the_firm_move_all(marta, northwind):
    admin = make_user(name="Aino Admin", roles=("admin",))
    other = make_client(owner=marta, name="Other", tier="B")
    update_firm(acting(admin), cadence_days_a=7)
    assert (due(northwind), due(other)) == (SINCE + timedelta(days=7), SINCE + timedelta(days=30))


def rewritten(firm_admin, monkeypatch, capture, **changed):
    """The wake-ups that a change of the firm sends."""
    woken = []
    monkeypatch.setattr(jobs, "_listener", lambda task, kwargs: woken.append((task, kwargs)))
    with capture(execute=True):
        update_firm(acting(firm_admin), **changed)
    return woken


def test_up_to_the_limit_all_are_rewritten_at_once(marta, northwind, monkeypatch, django_capture_on_commit_callbacks):
    make_client(owner=marta, name="Other", tier="B")
    monkeypatch.setattr(services, "AT_ONCE", 2)
    admin = make_user(name="Aino Admin", roles=("admin",))
    assert rewritten(admin, monkeypatch, django_capture_on_commit_callbacks, cadence_days_a=7) == []
    assert due(northwind) == SINCE + timedelta(days=7)


def test_above_the_limit_a_job_rewrites_them(marta, northwind, monkeypatch, django_capture_on_commit_callbacks):
    own = make_client(owner=marta, name="With its own cadence", tier="A")
    set_cadence(acting(marta), client=own, days=5)
    monkeypatch.setattr(services, "AT_ONCE", 1)
    admin = make_user(name="Aino Admin", roles=("admin",))
    schedule.beat(services.DAILY, NOW, note="2026-11-20")
    [(task, kwargs)] = rewritten(admin, monkeypatch, django_capture_on_commit_callbacks, cadence_days_a=7)
    assert due(northwind) == SINCE + timedelta(days=14)
    assert schedule.last_day(services.DAILY) is None, "if the message is lost, the next tick does the work"
    task(**kwargs)
    assert (due(northwind), due(own)) == (SINCE + timedelta(days=7), SINCE + timedelta(days=5))


def test_another_zone_of_the_firm_moves_all(marta, northwind):
    admin = make_user(name="Aino Admin", roles=("admin",))
    log(actor=marta, client=northwind, occurred_at=datetime(2026, 11, 17, 23, 30, tzinfo=UTC))
    update_firm(acting(admin), time_zone="UTC")
    assert due(northwind) == date(2026, 11, 17) + timedelta(days=14)


def test_who_is_not_served_has_no_day(northwind):
    set_facts(client_id=northwind.pk, status="former", active_since=None)
    assert due(northwind) is None


def test_rebuilding_gives_the_same(marta, northwind):
    log(actor=marta, client=northwind)
    before = due(northwind)
    ClientFacts.objects.update(contact_due_at=None)
    assert refresh_contact_due() == 1
    assert due(northwind) == before
    ClientFacts.objects.update(contact_due_at=None)
    northwind.status_periods.create(status="active", start_date=SINCE)
    rebuild_facts(now=NOW, client_ids=[northwind.pk])
    assert due(northwind) == before


def test_list_page_today_and_attention_agree(client, marta, manager, northwind):
    fresh = make_client(owner=marta, name="Fresh", tier="A")
    edge = make_client(owner=marta, name="On its last day", tier="A")
    log(actor=marta, client=fresh, occurred_at=NOW - timedelta(days=1))
    log(actor=marta, client=edge, occurred_at=NOW - timedelta(days=14))
    seen = Client.objects.visible_to(acting(manager))
    assert list(going_quiet(seen, NOW)) == [northwind]
    scope = Scope(get_firm(), NOW.date(), acting(manager))
    assert list(needing(scope, NOW)) == [northwind]
    for row in (northwind, fresh, edge):
        assert cadence_note(seen.select_related("facts").get(pk=row.pk), NOW)["is_late"] == (row == northwind)
    client.force_login(manager)
    ClientFacts.objects.filter(pk__in=[fresh.pk, edge.pk]).update(contact_due_at=date(2100, 1, 1))
    page = client.get(reverse("clients:list"), {"quiet": "1"}).text
    assert "Northwind" in page and "On its last day" not in page
