"""The preview shows what the run writes, over every way a file can be wrong; and what a row becomes."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clients.catalogue.services import create_service
from clients.contacts.models import Contact
from clients.importing.clients import matching, planning, writing
from clients.importing.tests.test_imports import SAMPLES, sample_data
from clients.records.models import Client, Domain, StatusPeriod
from clients.records.queries import domain_of
from clients.records.services.clients import archive_client, restrict_client
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.principals import acting
from crm.core.importing import planner, running
from crm.core.importing import services as service
from crm.core.importing.forms import name_of_word
from crm.core.notifications.models import Notification
from crm.core.work import stopping
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW, make_client, make_contact, make_line, make_team, make_user
from tools.testing.importing import counts, prepare, remarks, run

pytestmark = pytest.mark.django_db
NASTY = {
    "empty cells": ("clients", b"Id,Name,City\n1,,\n2,Beta,\n,,Oslo\n3,  ,x\n"),
    "an id twice": (
        "clients",
        b"Id,Name,City\n1,Alpha,Oslo\n1,Alpha Ltd,\n1,Alpha Ltd,Bergen\n2,Beta,\n1,Alpha Ltd,Bergen\n",
    ),
    "known ids": ("clients", b"Id,Name,City,Status\nA1,Alder,Oslo,active\nA2,Birch renamed,,paused\nA3,Cedar,,\n"),
    "one domain": (
        "clients",
        b"Name,Website\nHalden Berlin,https://halden.example\nHalden,www.halden.example/x\nAlder,alder.example\n",
    ),
    "one mail": (
        "clients",
        b"Name,Email\n"
        b"Koski,INFO@koski.example\n"
        b"Koski 2,info@koski.example\n"
        b"X,office@alder.example\n"
        b"Y,office@alder.example\n",
    ),
    "domain of another id": (
        "clients",
        b"Id,Name,Website\nN1,Alder Oslo,alder.example\nN2,Alder Bergen,alder.example\n",
    ),
    "one name": ("clients", b"Name\nAlder\nAlder\nALDER\n\xc3\x81lder\n"),
    "equal rows": ("clients", b"Name,City\nGamma,Oslo\nGamma,Oslo\nGamma,Oslo\n"),
    "parents below": (
        "clients",
        b"Id,Name,Parent id\n"
        b"1,Daughter,2\n"
        b"2,Mother,3\n"
        b"3,Grandmother,\n"
        b"4,Lost,99\n"
        b"5,Self,5\n"
        b"6,Loop,7\n"
        b"7,Loop 2,6\n"
        b"8,Known,A1\n",
    ),
    "people": (
        "clients",
        b"Id,Company,First name,Last name,Email\n"
        b"1,,Ada,Lee,ada@lee.example\n"
        b"2,Alder,Bo,Berg,office@alder.example\n"
        b"3,,,,\n",
    ),
    "bad values": (
        "clients",
        b"Id,Name,Status,Country,Email,Tier,Status since\n"
        b"1,A,asleep,FI,a@a.example,A,\n"
        b"2,B,active,Atlantis,b@,A,\n"
        b"3,C,active,FI,,Z,\n"
        b"4,D,former,FI,,,2020-02-31\n"
        b"5,E,former,FI,,,1500-01-01\n",
    ),
    "tags and people": (
        "clients",
        b"Id,Name,Tags,Team,Account owner\nA1,Alder,Key;New,Nordics,Otto Berg\n2,Beta,key,Nowhere,Ghost\n",
    ),
    "long and odd": (
        "clients",
        b"Id,Name,Background\n1,"
        + b"x" * 201
        + b',\n2,=1+1,\'=already\n3,\xe2\x80\xae,"two\nlines"\n'
        + b"9" * 300
        + b",Long id,\n",
    ),
    "wrong width": ("clients", b'Id,Name,City\n1,Alpha\n2,Beta,Oslo,x,y\n"3,Gamma,Oslo\n4,Delta,Oslo\n'),
    "trash": ("clients", b"Id,Name\nT1,Trashed\nT1,Trashed again\n"),
    "status history": (
        "clients",
        b"Id,Name,Status history\n"
        b"1,A,2020-01-01 prospect; 2021-01-01 active\n"
        b"2,B,2021-01-01 active; 2020-01-01 former\n"
        b"3,C,soon\n"
        b"A1,Alder,2019-01-01? active\n",
    ),
    "contacts": (
        "contacts",
        b"Id,First name,Last name,Client,Email,Primary\n"
        b"1,Ada,Lee,Alder,ada@alder.example,yes\n"
        b"1,Ada,Lee,Birch,,\n"
        b"2,,,Alder,,\n"
        b"3,Bo,Berg,Nobody,,\n"
        b"4,Eva,Huber,Alder,office@x.example,\n"
        b"5,Jan,Wolf,Alder,office@x.example,\n"
        b",Elina,Saari,Alder,,yes\n"
        b",Elina,Saari,Alder,,\n",
    ),
    "revenue": (
        "revenue",
        b"Id,Client,Date,Amount,Currency,Rate,Type\n"
        b"1,Alder,2026-01-05,5,,,\n"
        b"1,Alder,2026-01-05,7,,,\n"
        b"2,Alder,2026-01-05,-5,,,\n"
        b"3,Alder,2026-01-05,5,,,refund\n"
        b"4,Alder,2026-01-05,5,USD,,\n"
        b"5,Alder,2026-01-05,5,USD,0,\n"
        b"6,Alder,2026-01-05,5,USD,0.9,\n"
        b"1,Birch,2026-01-05,7,,,\n"
        b"7,Alder,1026-01-05,5,,,\n"
        b"8,Twice,2026-01-05,5,,,\n",
    ),
    "equal fees": (
        "revenue",
        b"Client,Date,Amount\nAlder,2026-01-05,99\nAlder,2026-01-05,99\nAlder,2026-01-05,99\nBirch,2026-01-05,99\n",
    ),
    "ids of others": (
        "revenue",
        b"Id,Client id,Client,Date,Amount\n"
        b"1,A1,Alder,2026-01-05,5\n"
        b"2,A1,Birch,2026-01-05,5\n"
        b"3,ZZ,,2026-01-05,5\n"
        b"4,ZZ,Birch,2026-01-05,5\n"
        b"5,R1,,2026-01-05,5\n",
    ),
    "contracts": (
        "contracts",
        b"Id,Client,Service,Value,From,Until\n"
        b"1,Alder,Audit,5,2026-01-01,\n"
        b"1,Alder,Audit,7,2026-01-01,\n"
        b"2,Alder,Nothing,5,2026-01-01,\n"
        b"3,Alder,Audit,-5,2026-01-01,\n"
        b"4,Alder,Audit,5,2026-01-01,2025-01-01\n"
        b"5,,Audit,5,2026-01-01,\n",
    ),
    "chains of contracts": (
        "contracts",
        b"Id,Client,Service,Value,From,Replaces (id)\n"
        b"1,Alder,Audit,5,2026-01-01,\n"
        b"2,Alder,Audit,6,2026-02-01,1\n"
        b"2,Alder,Audit,7,2026-02-01,1\n"
        b"3,Alder,Audit,8,2026-03-01,1\n"
        b"4,Birch,Audit,5,2026-03-01,2\n"
        b"5,Alder,Audit,5,2026-01-01,6\n"
        b"6,Alder,Audit,5,2026-02-01,5\n"
        b"7,Alder,Audit,5,2026-01-01,7\n"
        b"10,Alder,Audit,5,2026-01-01,99\n",
    ),
}


@pytest.fixture
def world(ines):
    """What the nasty files meet."""
    otto = make_user(name="Otto Berg")
    make_team(name="Nordics")
    run(
        ines,
        "clients",
        b"Id,Name,Website,Email\nA1,Alder,alder.example,office@alder.example\nA2,Birch,,\nT1,Trashed,,\nR1,Ridge,,\n",
    )
    for _n in range(2):
        make_client(owner=ines, name="Twice")
    alder, trashed, ridge = (Client.objects.get(name=name) for name in ("Alder", "Trashed", "Ridge"))
    make_contact(actor=ines, client=alder)
    archive_client(acting(ines), client=trashed, now=NOW)
    Client.objects.filter(pk=ridge.pk).update(owner=otto)
    ridge.refresh_from_db()
    restrict_client(acting(otto), client=ridge)
    create_service(acting(ines), name="Audit")
    return ines


def told(report):
    """What a report says of every row."""
    return sorted(
        [
            (row["number"], row["outcome"], row["target"], row["changes"], row["texts"])
            for group in report["rows"].values()
            for row in group
        ],
        key=str,
    )


@pytest.mark.parametrize(
    ("chunk", "answer"), [(500, service.CONFIRMED), (2, service.CONFIRMED), (500, service.LEFT_OUT)]
)
@pytest.mark.parametrize("name", NASTY)
def test_the_run_writes_what_the_preview_shows(world, monkeypatch, name, chunk, answer):
    monkeypatch.setattr(planner, "CHUNK", chunk)
    kind, data = NASTY[name]
    job = prepare(world, kind, data, defaults={"status": "active"} if kind == "clients" else {})
    preview = running.preview(job)
    assert "Reference" not in str(preview), "an unexpected error"
    ran = run(world, kind, data, defaults={"status": "active"} if kind == "clients" else {}, questions=answer)
    assert ran.state == JobState.DONE, ran.error
    if answer == service.LEFT_OUT and preview["questions"]:
        left = sum(1 for row in ran.report["rows"]["failed"] if row["number"] in asked(preview))
        assert left == preview["questions"]
        return
    assert ran.report["counts"] == preview["counts"], (told(preview), told(ran.report))
    assert told(ran.report) == told(preview)
    settled = run(world, kind, data, defaults={"status": "active"} if kind == "clients" else {})
    assert settled.report["counts"]["created"] == 0, told(settled.report)


def asked(report):
    return {row["number"] for row in report["rows"]["questions"]}


@sample_data
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("clients", "salesforce/accountData.csv"),
        ("clients", "chinook/customers.csv"),
        ("contacts", "atomic_crm/contacts.csv"),
        ("clients", "duplicates/febrl1.csv"),
        ("clients", "csv_edge_cases/csvEscapedQuotes.csv"),
    ],
)
def test_the_run_writes_what_the_preview_shows_of_real_files(ines, kind, path):
    data = (SAMPLES / path).read_bytes()
    mapping = {"clients/febrl1": {}}.get(path, {})
    if "febrl" in path or "Escaped" in path:
        header = re.split(rb"[;,]\s*", data.splitlines()[0])
        mapping = {"name": header[1].decode().strip('"')}
    job = prepare(ines, kind, data, mapping=mapping, defaults={"status": "active"} if kind == "clients" else {})
    preview = running.preview(job)
    ran = run(ines, kind, data, mapping=mapping, defaults={"status": "active"} if kind == "clients" else {})
    assert ran.report["counts"] == preview["counts"]
    assert told(ran.report) == told(preview)


def test_a_preview_reads_and_locks_nothing(world):
    kind, data = NASTY["known ids"]
    job = prepare(world, kind, data)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        assert running.preview(job)["counts"]["updated"] == 2


def test_a_contract_comes_in_by_the_command_as_its_dry_run_says(world, tmp_path, capsys):
    path = tmp_path / "contracts.csv"
    path.write_bytes(b"Client,Service,Value,From\nAlder,Audit,1200,2026-01-01\nNobody,Audit,1,2026-01-01\n")
    call_command("import_csv", "contracts", str(path), "--owner", world.email, "--dry-run")
    planned = capsys.readouterr().out
    assert not Contract.objects.exists()
    call_command("import_csv", "contracts", str(path), "--owner", world.email)
    assert capsys.readouterr().out == planned
    assert "1 created, 0 updated, 0 unchanged, 1 failed" in planned
    assert Contract.objects.get().value == 1200


def test_three_equal_fees_are_three_and_a_fourth_is_one_more(world):
    kind, data = NASTY["equal fees"]
    assert counts(run(world, kind, data)) == {"created": 4}
    assert counts(run(world, kind, data)) == {"unchanged": 4}
    assert counts(run(world, kind, data + b"Alder,2026-01-05,99\n")) == {"created": 1, "unchanged": 4}
    assert RevenueLine.objects.filter(client__name="Alder").count() == 4


def test_every_mapped_column_is_compared(world):
    otto = make_user(name="Olga Lind")
    make_team(name="South")
    head = (
        b"Id,Name,Status,Status since,Reason for leaving,Tags,Team,First name,Last name,Contact email,Account owner\n"
    )
    first = b"9,Nine,former,2025-01-01,price,Key,Nordics,Ada,Lee,ada@nine.example,Otto Berg\n"
    then = b"9,Nine,former,2024-02-01,quality,Old;Gold,South,Bo,Berg,bo@nine.example,Olga Lind\n"
    assert counts(run(world, "clients", head + first)) == {"created": 1}
    job = run(world, "clients", head + then)
    assert counts(job) == {"updated": 1}
    labels = [label for label, _before, _after in job.report["rows"]["updated"][0]["changes"]]
    assert labels == ["Account manager", "Team", "Tags", "Status since", "Reason for leaving", "Main contact"]
    nine = Client.objects.get(name="Nine")
    assert ({tag.name for tag in nine.tags.all()}, nine.team.name, nine.owner) == ({"Old", "Gold"}, "South", otto)
    period = StatusPeriod.objects.get(client=nine)
    assert (period.start_date, period.reason) == (date(2024, 2, 1), "quality")
    assert nine.affiliations.get(is_primary=True).contact.name == "Bo Berg"
    job = run(world, "clients", head + then)
    assert counts(job) == {"unchanged": 1}, str(job.report["rows"]["updated"])
    later = then.replace(b"2024-02-01", b"2024-08-01")
    assert counts(run(world, "clients", head + later)) == {"updated": 1}
    assert StatusPeriod.objects.get(client=nine).start_date == date(2024, 8, 1)


def test_rate_and_service_are_compared_too(world):
    create_service(acting(world), name="Tax")
    head = b"Id,Client,Date,Amount,Currency,Rate,Service\n"
    assert counts(run(world, "revenue", head + b"1,Alder,2026-01-05,5,USD,0.9,Audit\n")) == {"created": 1}
    assert counts(run(world, "revenue", head + b"1,Alder,2026-01-05,5,USD,0.95,Tax\n")) == {"updated": 1}
    line = RevenueLine.objects.get()
    assert (line.rate, line.service.name) == (Decimal("0.95"), "Tax")
    head = b"Id,Client,Service,Value,From,Currency,Rate\n"
    assert counts(run(world, "contracts", head + b"1,Alder,Audit,5,2026-01-01,USD,0.9\n")) == {"created": 1}
    assert counts(run(world, "contracts", head + b"1,Alder,Tax,5,2026-01-01,USD,0.8\n")) == {"updated": 1}
    assert (Contract.objects.get().service.name, Contract.objects.get().rate) == ("Tax", Decimal("0.8"))


@pytest.mark.parametrize(("room", "where"), [(matching, "own_domain"), (planning, "new_client")])
def test_an_error_of_ours_fails_one_row_and_can_be_found_in_the_log(ines, monkeypatch, caplog, room, where):
    real = getattr(room, where)

    def broken(*args, **kwargs):
        name = kwargs.get("name") or (args and args[0].get("name"))
        if name == "Beta":
            raise ZeroDivisionError("Beta")
        return real(*args, **kwargs)

    monkeypatch.setattr(room, where, broken)
    job = run(ines, "clients", b"Id,Name\n1,Alpha\n2,Beta\n3,Gamma\n", mapping={"external_id": ""})
    assert (job.state, counts(job)["failed"]) == (JobState.DONE, 1)
    text = job.report["rows"]["failed"][0]["texts"][0]
    assert f"{job.pk}-3" in text and "Beta" not in text
    assert f"import row {job.pk}-3 failed" in caplog.text


def test_an_error_while_writing_fails_one_row(ines, monkeypatch):
    real = writing.create_clients

    def broken(principal, *, rows, today):
        if any(row.client.name == "Beta" for row in rows):
            raise ZeroDivisionError
        return real(principal, rows=rows, today=today)

    monkeypatch.setattr(writing, "create_clients", broken)
    job = run(ines, "clients", b"Id,Name\n1,Alpha\n2,Beta\n2,Beta 2\n3,Gamma\n")
    assert counts(job) == {"created": 2, "failed": 2}
    assert set(Client.objects.values_list("name", flat=True)) == {"Alpha", "Gamma"}


def test_a_chunk_is_looked_up_and_written_together(ines):
    def statements(n):
        rows = b"".join(
            b"%d,Client %d of %d,c%d-%d.example,a%d@c%d.example,Key;Tag %d\n" % (k, k, n, k, n, k, n, k % 3)
            for k in range(n)
        )
        with CaptureQueriesContext(connection) as asked:
            job = run(ines, "clients", b"Id,Name,Website,Email,Tags\n" + rows, system=f"s{n}")
        assert counts(job) == {"created": n}, job.report["rows"]
        return len(asked)

    statements(3)
    assert statements(200) <= statements(60) + 2


def test_addresses_and_domains_are_found_by_their_indexes(ines):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    mails = Client.objects.alias(folded=Lower("email")).filter(folded__in=["a@b.example"]).exclude(email="")
    sites = Client.objects.alias(domain=Domain(F("website"))).filter(domain__in=["b.example"]).exclude(website="")
    assert "client_email" in mails.explain()
    assert "client_domain" in sites.explain()


@pytest.mark.parametrize(
    "website",
    [
        "https://www.Acme.example/a?b",
        "acme.example",
        "HTTP://acme.example:80",
        " www.acme.example ",
        "no site",
        "",
        "//a.b/c",
    ],
)
def test_the_database_reads_a_domain_as_we_do(ines, website):
    make_client(owner=ines, website=website)
    found = Client.objects.annotate(domain=Domain(F("website"))).values_list("domain", "website").get()
    assert (found[0] or "") == domain_of(found[1])


def test_a_parent_further_down_is_linked_in_one_go(ines):
    kind, data = NASTY["parents below"]
    run(ines, kind, data)
    parents = {row.name: row.parent and row.parent.name for row in Client.objects.all()}
    assert (parents["Daughter"], parents["Mother"], parents["Lost"], parents["Self"]) == (
        "Mother",
        "Grandmother",
        None,
        None,
    )


# Who may, and what happens on the way


def test_an_import_is_its_owners_alone(client, ines):
    boss = make_user(name="Ada Admin", roles=["admin"])
    job = prepare(ines, "clients", b"Id,Name\n1,Alpha\n")
    client.force_login(boss)
    for name in ("columns", "preview", "page", "failed_rows"):
        assert client.get(reverse(f"core:import_{name}", args=[job.pk])).status_code == 404
    for name in ("start", "cancel", "values", "kind", "resume", "discard"):
        assert client.post(reverse(f"core:import_{name}", args=[job.pk])).status_code == 404
    assert f"/imports/{job.pk}/" not in client.get(reverse("core:imports")).text


def test_an_id_of_a_client_one_may_not_see_says_nothing(world):
    job = run(world, "clients", b"Id,Name\nR1,Mine\nX1,Other\n")
    assert counts(job) == {"created": 2}
    rows = {row["target"]: (row["changes"][1:], row["texts"]) for row in job.report["rows"]["created"]}
    assert rows["Mine"] == rows["Other"]
    assert counts(run(world, "clients", b"Id,Name\nR1,Mine\nX1,Other\n")) == {"unchanged": 2}
    assert Client.objects.get(name="Ridge").owner.name == "Otto Berg"


def test_names_the_firm_does_not_know_are_asked_for(client, ines):
    otto = make_user(name="Otto Berg")
    data = b"Id,Name,Account owner\n1,Alpha,O. Berg\n2,Beta,O. Berg\n3,Gamma,Otto Berg\n"
    job = prepare(ines, "clients", data)
    service.check_import(acting(ines), job=job, now=NOW)
    running.run_job(job_id=job.pk)
    client.force_login(ines)
    page = client.get(reverse("core:import_preview", args=[job.pk]))
    assert "O. Berg (in 2 rows)" in page.text
    client.post(reverse("core:import_values", args=[job.pk]), {name_of_word("people", "O. Berg"): otto.email})
    assert running.run_job(job_id=job.pk) == JobState.READY
    assert "O. Berg (in" not in client.get(reverse("core:import_preview", args=[job.pk])).text
    client.post(reverse("core:import_start", args=[job.pk]))
    running.run_job(job_id=job.pk)
    assert set(Client.objects.values_list("owner", flat=True)) == {otto.pk}


def test_rows_in_question_are_asked_about_before_the_start(client, ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n", system="crm")
    job = prepare(ines, "clients", b"Id,Name\n1,Omega\n2,Beta\n", system="crm")
    service.check_import(acting(ines), job=job, now=NOW)
    running.run_job(job_id=job.pk)
    client.force_login(ines)
    url = reverse("core:import_start", args=[job.pk])
    unsaid = client.post(url)
    assert unsaid.status_code == 422 and "renamed to “Omega”" in unsaid.text
    assert client.post(url, {"questions": "left_out"}).status_code == 302
    running.run_job(job_id=job.pk)
    assert set(Client.objects.values_list("name", flat=True)) == {"Alpha", "Beta"}


def test_a_second_click_is_told_that_the_import_runs_already(client, ines):
    client.force_login(ines)
    job = prepare(ines, "clients", b"Name,Account owner\nAlpha,Ghost\n")
    service.check_import(acting(ines), job=job, now=NOW)
    checking = client.post(
        reverse("core:import_values", args=[job.pk]), {name_of_word("people", "Ghost"): ""}, follow=True
    )
    assert "has already started" in checking.text and "is being checked" in checking.text
    running.run_job(job_id=job.pk)
    for _click in range(2):
        page = client.post(reverse("core:import_start", args=[job.pk]), follow=True)
        assert page.redirect_chain[-1] == (reverse("core:import_page", args=[job.pk]), 302)
    assert "has already started" in page.text
    running.run_job(job_id=job.pk)
    assert Client.objects.count() == 1


def test_ids_of_an_unnamed_system_are_asked_for(ines):
    with pytest.raises(service.ServiceError, match="which system"):
        prepare(ines, "clients", b"Id,Name\n1,Alpha\n", system="")
    assert counts(run(ines, "clients", b"Name\nAlpha\n", system="")) == {"created": 1}


def test_a_stopped_worker_gives_the_import_back_and_another_goes_on(client, ines, monkeypatch):
    monkeypatch.setattr(planner, "CHUNK", 10)
    job = prepare(ines, "clients", b"Id,Name\n" + b"".join(b"%d,Client %d\n" % (n, n) for n in range(30)))
    service.start_import(acting(ines), job=job, now=NOW)
    real = running._apply

    def apply_and_stop(*args):
        real(*args)
        stopping.stop()

    monkeypatch.setattr(running, "_apply", apply_and_stop)
    try:
        assert running.run_job(job_id=job.pk) == JobState.QUEUED
    finally:
        stopping.go_on()
    job.refresh_from_db()
    assert (job.done, job.lease_token) == (10, None) and job.lease_until <= timezone.now()
    client.force_login(ines)
    assert "Waiting to continue" in client.get(reverse("core:import_page", args=[job.pk])).text
    monkeypatch.setattr(running, "_apply", real)
    assert running.run_job(job_id=job.pk) == JobState.DONE
    assert Client.objects.count() == 30
    assert counts(Job.objects.get(pk=job.pk)) == {"created": 30}


def test_an_import_that_was_stopped_goes_on_and_its_end_is_told(client, ines, monkeypatch):
    monkeypatch.setattr(planner, "CHUNK", 10)
    job = prepare(ines, "clients", b"Id,Name\n" + b"".join(b"%d,Client %d\n" % (n, n) for n in range(30)))
    service.start_import(acting(ines), job=job, now=NOW)

    def cancel_after_the_first_chunk():
        if Job.objects.get(pk=job.pk).done == 10:
            service.cancel_import(acting(ines), job=job, now=NOW)
        return False

    with monkeypatch.context() as patch:
        patch.setattr(running, "is_stopping", cancel_after_the_first_chunk)
        assert running.run_job(job_id=job.pk) == JobState.CANCELLED
    client.force_login(ines)
    url = reverse("core:import_page", args=[job.pk])
    assert "Continue after row 10 of 30" in client.get(url).text
    client.post(reverse("core:import_resume", args=[job.pk]))
    assert running.run_job(job_id=job.pk) == JobState.DONE
    assert Client.objects.count() == 30
    notice = Notification.objects.get(user=ines)
    assert ("30 created" in notice.text, notice.url) == (True, url)


def test_a_draft_is_discarded_by_hand_or_after_a_week(client, ines):
    client.force_login(ines)
    job = prepare(ines, "clients", b"Name\nAlpha\n")
    assert "Discard" in client.get(reverse("core:imports")).text
    client.post(reverse("core:import_discard", args=[job.pk]))
    assert not Job.objects.exists()
    prepare(ines, "clients", b"Name\nAlpha\n")
    running.resume_jobs(timezone.now() + timedelta(days=6))
    assert Job.objects.count() == 1
    running.resume_jobs(timezone.now() + timedelta(days=8))
    assert not Job.objects.exists()


def test_clients_of_unknown_start_are_marked_and_a_day_in_a_later_file_settles_it(ines):
    told = {"status": "active", "status_date": "unknown"}
    run(ines, "clients", b"Id,Name\n1,Alpha\n", defaults=told)
    assert StatusPeriod.objects.get().is_start_unknown
    run(ines, "clients", b"Id,Name,Status since\n1,Alpha,2020-05-01\n", defaults={"status": "active"})
    period = StatusPeriod.objects.get()
    assert (period.start_date, period.is_start_unknown) == (date(2020, 5, 1), False)
    run(ines, "clients", b"Id,Name\n2,Beta\n", defaults={"status": "active", "status_date": "today"})
    assert not StatusPeriod.objects.get(client__name="Beta").is_start_unknown


def test_somebody_known_at_the_client_by_name_is_no_second_person(world):
    assert counts(
        run(world, "contacts", b"First name,Last name,Client,Email\nElina,Saari,Alder,e@alder.example\n")
    ) == {"updated": 1}
    assert Contact.objects.get(last_name="Saari").emails.get().address == "e@alder.example"


def test_a_preview_names_the_client_each_line_lands_on(world):
    make_line(actor=world, client=Client.objects.get(name="Birch"))
    kind, data = NASTY["ids of others"]
    report = running.preview(prepare(world, kind, data))
    assert [(row["number"], row["target"]) for row in report["rows"]["created"]] == [
        (2, "Alder"),
        (3, "Alder"),
        (5, "Birch"),
    ]
    assert asked(report) == {3}
    assert all("No client has the ID" in row["texts"][0] for row in report["rows"]["failed"])
    assert not remarks(Job(report=report))


def test_an_import_that_was_stopped_at_its_very_end_links_nothing_more(ines, monkeypatch):
    job = prepare(ines, "clients", b"Id,Name,Part of (id)\n1,Alpha,2\n2,Beta,\n")
    service.start_import(acting(ines), job=job, now=NOW)
    chunks = planner.Planner.chunks

    def chunks_and_cancel(self, **given):
        yield from chunks(self, **given)
        service.cancel_import(acting(ines), job=job, now=NOW)

    monkeypatch.setattr(planner.Planner, "chunks", chunks_and_cancel)
    assert running.run_job(job_id=job.pk) == JobState.CANCELLED
    assert {*Client.objects.values_list("name", "parent")} == {("Alpha", None), ("Beta", None)}
