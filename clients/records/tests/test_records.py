"""Contacts, revenue, contracts, facts and external ids through their services; the client page's cost."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.catalogue.services import create_service
from clients.contacts.models import Affiliation, Contact
from clients.contacts.services import end_affiliation, update_contact
from clients.records.external import find_external
from clients.records.facts import rebuild_facts
from clients.records.models import Client, ClientFacts
from clients.records.services.clients import update_client
from clients.revenue.models import RevenueLine
from clients.revenue.services.contracts import change_price, create_contract
from clients.revenue.services.lines import move_revenue_window
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import SYSTEM, acting
from crm.core.work.schedule import periodic
from tools.testing.factories.clients import NOW, TODAY, make_client, make_contact, make_line

pytestmark = pytest.mark.django_db


def revenue(client):
    return ClientFacts.objects.get(pk=client.pk).revenue_12m


def test_the_twelve_months_end_today(marta):
    row = make_client(owner=marta)
    for day in (date(2025, 11, 20), date(2025, 11, 21), TODAY, TODAY + timedelta(days=1)):
        make_line(actor=marta, client=row, amount="100", date=day)
    assert revenue(row) == 200
    make_line(actor=marta, client=row, amount="-30", kind="refund")
    assert revenue(row) == 170


def test_the_window_moves_with_the_day_and_touches_only_what_changed(marta):
    row, quiet = make_client(owner=marta), make_client(owner=marta, name="Quiet")
    make_line(actor=marta, client=row, date=date(2025, 11, 21))
    make_line(actor=marta, client=quiet, date=date(2026, 5, 1))
    assert move_revenue_window(since=TODAY, today=TODAY) == 0
    assert move_revenue_window(since=TODAY, today=TODAY + timedelta(days=1)) == 1
    assert (revenue(row), revenue(quiet)) == (0, 100)


def test_the_tick_does_it_once_a_day(marta):
    make_line(actor=marta, client=make_client(owner=marta), date=date(2025, 11, 21))
    job = periodic["clients.revenue"]
    assert job.do(NOW) == 0
    assert job.do(NOW + timedelta(days=1)) == 1
    assert job.do(NOW + timedelta(days=1, hours=1)) == 0


def test_a_refund_is_negative_and_the_own_currency_has_rate_one(marta):
    row = make_client(owner=marta)
    with pytest.raises(ServiceError, match="negative"):
        make_line(actor=marta, client=row, amount="5", kind="refund")
    with pytest.raises(ServiceError) as refused:
        make_line(actor=marta, client=row, amount="5", rate=2)
    assert refused.value.field == "rate"
    line = make_line(actor=marta, client=row, amount="100", currency="USD", rate=Decimal("0.9"))
    assert RevenueLine.objects.get(pk=line.pk).amount_firm == 90
    assert revenue(row) == 90


def test_a_new_price_replaces_the_contract_without_a_gap(marta):
    row, audit = make_client(owner=marta), create_service(SYSTEM, name="Audit")
    old = create_contract(acting(marta), client=row, service=audit, value=Decimal(100), start_date=date(2026, 1, 1))
    new = change_price(acting(marta), contract=old, value=Decimal(120), start_date=date(2026, 6, 1), reason="index")
    old.refresh_from_db()
    assert (old.end_date, new.start_date, new.replaces, new.monthly_value) == (
        date(2026, 6, 1),
        date(2026, 6, 1),
        old,
        120,
    )
    with pytest.raises(ServiceError):
        change_price(acting(marta), contract=old, value=Decimal(130), start_date=date(2026, 7, 1), reason="again")


def test_the_main_contact_is_one(marta):
    row = make_client(owner=marta)
    make_contact(actor=marta, client=row, is_primary=True)
    jari = make_contact(actor=marta, client=row, first_name="Jari", is_primary=True)
    assert list(Affiliation.objects.filter(is_primary=True).values_list("contact_id", flat=True)) == [jari.pk]
    place = Affiliation.objects.get(contact=jari)
    end_affiliation(acting(marta), affiliation=place, left_date=TODAY)
    assert not Affiliation.objects.filter(is_primary=True).exists()


def test_changing_the_main_mail_keeps_the_rows(marta):
    elina = make_contact(
        actor=marta, emails=[("work", "a@x.example"), ("home", "b@x.example")], phones=[("work", "+358 9 123456")]
    )
    first = {mail.address: mail.pk for mail in elina.emails.all()}
    update_contact(acting(marta), contact=elina, emails=[("home", "B@x.example"), ("work", "a@x.example")])
    rows = list(Contact.objects.get().emails.all())
    assert [(mail.address, mail.is_primary) for mail in rows] == [("B@x.example", True), ("a@x.example", False)]
    assert {mail.pk for mail in rows} == {*first.values()}
    with pytest.raises(ServiceError):
        update_contact(acting(marta), contact=elina, emails=[("work", "nope")])


def test_a_phone_is_read_with_the_country_of_the_client(marta):
    assert make_client(owner=marta, phone="020 7946 0018", country="GB").phone_digits == "442079460018"


def test_stale_and_circular_changes_are_refused(marta):
    parent, child = make_client(owner=marta, name="Parent"), make_client(owner=marta, name="Child")
    update_client(acting(marta), client=child, parent=parent)
    with pytest.raises(ServiceError) as refused:
        update_client(acting(marta), client=parent, parent=child)
    assert refused.value.field == "parent"
    update_client(acting(marta), client=child, seen_version=1, city="Oslo")  # the parent is another field: both stay
    with pytest.raises(StaleWrite):
        update_client(acting(marta), client=child, seen_version=1, city="Turku")
    merged = Client.objects.get(pk=child.pk)
    assert (merged.parent, merged.city) == (parent, "Oslo")


def test_only_a_new_parent_takes_the_lock_of_parents(marta):
    parent, child = make_client(owner=marta, name="Parent"), make_client(owner=marta, name="Child", city="Oslo")
    for fields, n in (({"parent": parent}, 1), ({"parent": parent, "city": "Turku"}, 0), ({"parent": None}, 0)):
        with CaptureQueriesContext(connection) as asked:
            update_client(acting(marta), client=child, **fields)
        assert sum("pg_advisory_xact_lock" in query["sql"] for query in asked) == n, fields
    child.refresh_from_db()
    assert (child.parent, child.city) == (None, "Turku")


def test_an_external_id_belongs_to_one_row(marta):
    row = make_client(owner=marta, external_ids=[("Salesforce", "001")])
    assert find_external(system="salesforce", kind="client", value="001") == row.pk
    with pytest.raises(ServiceError):
        make_client(owner=marta, name="Other", external_ids=[("salesforce", "001")])


def test_facts_are_made_anew(marta, capsys):
    row = make_client(owner=marta)
    make_line(actor=marta, client=row, date=TODAY)
    ClientFacts.objects.filter(pk=row.pk).update(revenue_12m=5, status="former")
    assert rebuild_facts(now=NOW, client_ids=[row.pk]) == 1
    facts = ClientFacts.objects.get(pk=row.pk)
    assert (facts.revenue_12m, facts.status) == (100, "active")
    call_command("rebuild_facts", client_ids=[row.pk])
    assert "1 clients" in capsys.readouterr().out


def test_the_page_costs_no_more_with_more_people(client, marta, django_assert_max_num_queries):
    row = make_client(owner=marta)
    for n in range(12):
        make_contact(actor=marta, client=row, first_name=f"Person {n}", emails=[("work", f"p{n}@x.example")])
    client.force_login(marta)
    with django_assert_max_num_queries(30) as captured:
        assert client.get(row.get_absolute_url()).status_code == 200
    own = [query for query in captured.captured_queries if '"clients_' in query["sql"].split("WHERE")[0]]
    assert len(own) <= 13, len(captured.captured_queries)
