"""New clients and contacts of a file are written together; a row that may mean an earlier one waits for it."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.contacts.models import Affiliation, Contact
from clients.records.models import Client, ClientFacts, StatusPeriod
from crm.core.importing import planner
from tools.testing.factories.clients import locks_in
from tools.testing.importing import counts, remarks, run

pytestmark = pytest.mark.django_db
HEADER = "Id,Name,Status,Status since,E-mail,Website,Tags,Part of (id),First name,Last name"


def inserted(asked):
    return re.findall(r'(?:INSERT INTO|COPY) "clients_(\w+)"', " ".join(query["sql"] for query in asked))


def import_clients(actor, *rows):
    with CaptureQueriesContext(connection) as asked:
        job = run(actor, "clients", "\n".join([HEADER, *rows]).encode(), defaults={"status": "active"})
    return job, inserted(asked)


def test_new_clients_are_one_statement_a_table(marta):
    rows = [
        f"{n},Client {n},active,2026-01-{n:02},a{n}@c{n}.example,c{n}.example,Key;Tag {n % 2},,Ada,Nr {n}"
        for n in range(1, 31)
    ]
    job, tables = import_clients(marta, *rows)
    assert counts(job) == {"created": 30}, job.report
    for table in (
        "client",
        "statusperiod",
        "clientfacts",
        "contact",
        "contactemail",
        "affiliation",
        "client_tags",
        "externalid",
    ):
        assert tables.count(table) == 1, table
    assert Client.objects.get(name="Client 7").facts.status_since.day == 7
    assert ClientFacts.objects.filter(contact_due_at=None).count() == 0
    assert sorted(Client.objects.get(name="Client 3").tags.values_list("name", flat=True)) == ["Key", "Tag 1"]
    assert Affiliation.objects.filter(is_primary=True).count() == 30
    assert {
        row.pgh_context.metadata["user"] for row in Client.pgh_event_model.objects.select_related("pgh_context")
    } == {marta.pk}


def test_a_batch_takes_the_lock_of_parents_before_any_row(marta):
    import_clients(marta, "1,Alder,active,,,,,,,", "2,Birch,active,,,,,,,", "3,Cedar,active,,,,,,,")
    for rows in (
        ("1,Alder,active,,,alder.example,,,,", "2,Birch,active,,,,,1,,"),
        ("2,Birch,active,,,b.example,,3,,", "3,Cedar,active,,,,,,,"),
    ):
        with CaptureQueriesContext(connection) as asked:
            import_clients(marta, *rows)
        assert locks_in(asked)[0] == "parents"
    assert Client.objects.get(name="Birch").parent.name == "Cedar"


def test_a_parent_in_the_same_file_is_linked_whatever_stands_between(marta):
    job, _tables = import_clients(
        marta, "1,Holding,,,,,,,,", "2,Daughter,,,,,,1,,", "3,Niece,,,,,,2,,", "4,Lost,,,,,,99,,"
    )
    assert counts(job) == {"created": 4}, job.report
    assert {row.name: row.parent and row.parent.name for row in Client.objects.all()} == {
        "Holding": None,
        "Daughter": "Holding",
        "Niece": "Daughter",
        "Lost": None,
    }
    assert "99" in remarks(job)[0][1][0]


def test_a_row_that_shares_a_domain_or_name_with_an_earlier_one_says_so(marta):
    job, _tables = import_clients(
        marta, "1,Alfa,,,,alfa.example,,,,", "2,Alfa Two,,,,alfa.example,,,,", "3,ALFA,,,,,,,,"
    )
    assert counts(job) == {"created": 3}, job.report
    assert [number for number, _texts in remarks(job)] == [3, 4]
    assert "website" in remarks(job)[0][1][0] and "already" in remarks(job)[1][1][0]


def test_an_id_that_comes_twice_is_one_client(marta):
    job, _tables = import_clients(marta, "1,Alfa,,,,,,,,", "1,Alfa Ltd,,,,,,,,")
    assert counts(job) == {"created": 1, "updated": 1}, job.report
    assert Client.objects.get().name == "Alfa Ltd"


def test_a_refused_row_fails_alone_and_leaves_nothing(marta):
    job, _tables = import_clients(marta, "1,Alfa,,,,,,,Ada,A", "2,Beta,,,,,New,,Ada,B", "3,Gamma,,1500-01-01,,,,,Ada,C")
    assert counts(job) == {"created": 2, "failed": 1}, job.report
    assert Client.objects.count() == Contact.objects.count() == StatusPeriod.objects.count() == 2


def test_new_contacts_are_one_statement_a_table_and_a_shared_mailbox_two_people(marta):
    import_clients(marta, "1,Alfa,,,,,,,,")
    rows = [f"{n},Ada,Nr {n},1,a{n if n > 2 else 1}@alfa.example,+358 40 555 {n:04}" for n in range(1, 31)]
    data = "\n".join(["Id,First name,Last name,Client’s id,E-mail,Phone", *rows]).encode()
    with CaptureQueriesContext(connection) as asked:
        job = run(marta, "contacts", data)
    assert counts(job) == {"created": 30}, job.report
    assert [inserted(asked).count(table) for table in ("contact", "contactemail", "contactphone", "affiliation")] == [
        1
    ] * 4
    assert Contact.objects.filter(emails__address="a1@alfa.example").count() == 2


def test_a_contact_belongs_to_the_clients_of_its_own_row_and_no_others(marta, monkeypatch):
    monkeypatch.setattr(planner, "CHUNK", 20)
    import_clients(marta, "1,Alfa,,,,,,,,", "2,Beta,,,,,,,,")
    rows = [f"{n},Ada,Nr {n},{'1;2' if n % 10 == 0 else 1}" for n in range(1, 401)]
    job = run(marta, "contacts", "\n".join(["Id,First name,Last name,Client’s id", *rows]).encode())
    assert counts(job) == {"created": 400}, job.report
    at_beta = Affiliation.objects.filter(client__name="Beta").values_list("contact__last_name", flat=True)
    assert sorted(at_beta) == sorted(f"Nr {n}" for n in range(10, 401, 10))


def test_further_rows_of_a_new_client_bring_its_further_contacts(marta):
    rows = [
        "1,Alder,active,,info@alder.example,,,,Ada,Aho",
        "1,Alder,active,,info@alder.example,,,,Bo,Berg",
        "1,Alder,active,,info@alder.example,,,,Ada,Aho",
    ]
    header = HEADER + ",Contact email"
    rows = [f"{row},{row.split(',')[8].lower()}@alder.example" for row in rows]
    job = run(marta, "clients", "\n".join([header, *rows]).encode(), defaults={"status": "active"})
    assert counts(job) == {"created": 1, "updated": 1, "unchanged": 1}, job.report
    places = Client.objects.get().affiliations.order_by("contact__first_name")
    assert [(str(place.contact), place.is_primary) for place in places] == [("Ada Aho", False), ("Bo Berg", True)]
    assert counts(run(marta, "clients", "\n".join([header, *rows[1:2]]).encode())) == {"unchanged": 1}
