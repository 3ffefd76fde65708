"""Imports: real files where they are, and every way a file can be wrong."""

import dataclasses
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.catalogue.services import create_service
from clients.contacts.models import Affiliation, Contact
from clients.contacts.services import archive_contact
from clients.records.models import Client, StatusPeriod
from clients.records.services.clients import archive_client, restrict_client
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.principals import acting
from crm.core.files.services import read_bytes, store_bytes
from crm.core.importing import kinds, planner, running, tabular
from crm.core.importing import services as service
from crm.core.work import leases
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW, make_client, make_user
from tools.testing.importing import counts, prepare, remarks, run

SAMPLES = Path(os.environ.get("RAPPORT_SAMPLE_DATA", Path(__file__).parents[4] / "shared" / "data"))
sample_data = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"sample files are not at {SAMPLES} (RAPPORT_SAMPLE_DATA)"
)
pytestmark = pytest.mark.django_db


def test_clients_come_in_and_the_same_file_changes_nothing(ines):
    data = "Id,Name,City,Country,Website\n1,Émile & Co,Paris,France,emile.example\n2,Beta,Oslo,NO,\n".encode()
    assert counts(run(ines, "clients", data, defaults={"status": "active"})) == {"created": 2}
    emile = Client.objects.get(name="Émile & Co")
    assert (emile.city, emile.country, emile.owner) == ("Paris", "FR", ines)
    assert StatusPeriod.objects.get(client=emile).status == "active"
    before = list(Client.objects.order_by("pk").values_list("pk", "version", "updated_at"))
    assert counts(run(ines, "clients", data, defaults={"status": "active"})) == {"unchanged": 2}
    assert list(Client.objects.order_by("pk").values_list("pk", "version", "updated_at")) == before


def test_a_changed_cell_updates_and_an_empty_one_leaves_alone(ines):
    run(ines, "clients", b"Id,Name,City\n1,Beta,Oslo\n")
    assert counts(run(ines, "clients", b"Id,Name,City\n1,Beta Ltd,\n")) == {"updated": 1}
    assert Client.objects.values_list("name", "city").get() == ("Beta Ltd", "Oslo")


@pytest.mark.parametrize(
    ("written", "code"),
    [("Czech Republic", "CZ"), ("The Netherlands", "NL"), ("Deutschland", "DE"), ("se", "SE"), ("Turkey", "TR")],
)
def test_countries_are_known_as_people_write_them(ines, written, code):
    run(ines, "clients", f"Id,Name,Country\n1,Alpha,{written}\n".encode())
    assert Client.objects.get().country == code


@pytest.mark.parametrize(
    ("written", "code"), [("German", "de"), ("Deutsch", "de"), ("de-AT", "de-AT"), ("pt", "pt"), ("Latin", "la")]
)
def test_a_language_is_known_by_its_name_and_a_code_stays(ines, written, code):
    run(ines, "clients", f"Id,Name,Language\n1,Alpha,{written}\n".encode())
    assert Client.objects.get().language == code


def test_the_page_calls_the_country_by_its_name(ines, client):
    run(ines, "clients", b"Id,Name,City,Country\n1,Alpha,Bangalore,IN\n")
    client.force_login(ines)
    assert "<br>India" in client.get(Client.objects.get().get_absolute_url()).text


def test_a_failed_row_has_its_reason_in_its_own_column(ines):
    job = run(ines, "clients", b'Id,Name,Status\n3,Gamma\n4,Delta,active,x,y\n"5,Eta,active\n6,Zeta,active\n')
    assert counts(job) == {"created": 2, "failed": 2}
    header, rows = tabular.read(read_bytes(job.failed_rows), tabular.Dialect())
    assert header[-1] == "Failure reason"
    again = list(rows)
    assert "5 values" in again[0].cells[3]
    assert "without a closing one" in again[1].cells[3]


def test_every_failed_row_comes_back_with_the_reasons_of_the_first(ines, monkeypatch):
    monkeypatch.setattr(running, "MAX_REASONS", 2)
    job = run(ines, "clients", b"Id,Name,Status\n" + b"".join(b"%d,Client %d,asleep\n" % (n, n) for n in range(4)))
    assert counts(job) == {"failed": 4}
    rows = read_bytes(job.failed_rows).decode("utf-8-sig").splitlines()[1:]
    assert ["asleep” is not one of" in row for row in rows] == [True, True, False, False]
    assert "first 2 rows" in rows[3]


def test_too_many_rows_are_said_before_anything_runs(ines, client, settings):
    settings.IMPORT_MAX_ROWS = 3
    file = store_bytes(acting(ines), name="a.csv", data=b"Name\n" + b"".join(b"Client %d\n" % n for n in range(3)))
    job = service.create_import(acting(ines), kind=kinds.get("clients"), file=file)
    settings.IMPORT_MAX_ROWS = 2
    client.force_login(ines)
    for part in ("import_preview", "import_columns"):
        assert client.get(reverse(f"core:{part}", args=[job.pk])).status_code < 400
    answer = client.post(reverse("core:import_start", args=[job.pk]), follow=True)
    assert answer.status_code == 200
    assert "more than 2 rows" in answer.text
    job.refresh_from_db()
    assert job.state == JobState.READY


def test_an_import_outlives_a_database_that_goes_away(ines, monkeypatch):
    """The row is not called wrong: the run stops and is taken up again when its lease has ended."""
    job = prepare(ines, "clients", b"Name\nAlpha\n")
    service.start_import(acting(ines), job=job, now=NOW)
    kind = kinds.get("clients")

    def gone(actor, values, context):
        raise OperationalError("terminating connection due to administrator command")

    away = dataclasses.replace(kind, plan=gone)
    monkeypatch.setattr(planner, "kind_of", lambda job: away)
    with pytest.raises(OperationalError):
        running.run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.RUNNING, "")
    monkeypatch.undo()
    Job.objects.filter(pk=job.pk).update(lease_until=NOW)
    assert running.run_job(job_id=job.pk) == JobState.DONE
    assert Client.objects.get().name == "Alpha"


def test_good_rows_are_taken_and_failed_ones_come_back_with_reasons(ines):
    data = b"Id,Name,Status\n1,Alpha,active\n2,,active\n3,Gamma,sleeping\n4,Delta,former,x,y\n"
    job = run(ines, "clients", data)
    assert (job.state, counts(job)) == (JobState.DONE, {"created": 1, "failed": 3})
    text = read_bytes(job.failed_rows).decode("utf-8-sig")
    assert "Failure reason" in text.splitlines()[0]
    assert "Name is empty" in text
    assert "sleeping" in text
    assert list(Client.objects.values_list("name", flat=True)) == ["Alpha"]


def test_failed_rows_can_be_mended_and_imported_again(ines):
    job = run(ines, "clients", b"Id,Name,Status\n3,Gamma,sleeping\n")
    mended = read_bytes(job.failed_rows).replace(b"sleeping", b"active", 1)
    assert counts(run(ines, "clients", mended)) == {"created": 1}


def test_an_unreadable_mail_is_left_out_and_kept_as_a_remark(ines):
    job = run(ines, "clients", "Id,Name,Email\n1,Alpha,stanisław@\n".encode())
    assert counts(job) == {"created": 1}
    client = Client.objects.get()
    assert client.email == ""
    assert "stanisław@" in client.notes


def test_a_person_without_company_is_an_individual(ines):
    run(ines, "clients", b"CustomerId,Company,FirstName,LastName,Email\n2,,Leonie,Kohler,leonie@example.com\n")
    client = Client.objects.get()
    assert (client.name, client.kind) == ("Leonie Kohler", "individual")
    assert Affiliation.objects.get(client=client, is_primary=True).contact.emails.get().address == "leonie@example.com"


def test_a_column_of_doubtful_dates_is_asked_about_before_anything_is_written(ines):
    rows = b"".join(b"%d,Client %d,%02d/%02d/2025\n" % (n, n, n % 12 + 1, n % 11 + 1) for n in range(11, 250))
    with pytest.raises(service.ServiceError, match="several ways") as caught:
        run(ines, "clients", b"Id,Name,Status since\n" + rows)
    assert caught.value.field == "map_status_date"
    assert "02/02/2025" not in str(caught.value), "reads the same either way"
    assert "03/03/2025" not in str(caught.value)
    assert "12/01/2025 → 12 January 2025" in str(caught.value)
    assert "12/01/2025 → 1 December 2025" in str(caught.value)
    assert not Client.objects.exists()


def test_the_last_row_may_decide_how_all_dates_are_read(ines):
    rows = b"".join(b"%d,Client %d,%02d/%02d/2025\n" % (n, n, n % 12 + 1, n % 11 + 1) for n in range(11, 250))
    run(ines, "clients", b"Id,Name,Status since\n" + rows + b"250,Client 250,12/31/2025\n")
    since = dict(StatusPeriod.objects.values_list("client__name", "start_date"))
    assert (since["Client 11"], since["Client 12"]) == (date(2025, 12, 1), date(2025, 1, 2))
    assert (since["Client 15"], since["Client 250"]) == (date(2025, 4, 5), date(2025, 12, 31))


def test_one_column_may_feed_two_fields(ines):
    assert counts(run(ines, "clients", b"Name,City\nA,B\n", mapping={"industry": "City"})) == {"created": 1}
    assert Client.objects.values_list("city", "industry").get() == ("B", "B")


def test_a_worker_that_died_is_replaced_and_nothing_is_doubled(ines):
    rows = b"".join(b"%d,Client %d\n" % (n, n) for n in range(250))
    job = prepare(ines, "clients", b"Id,Name\n" + rows)
    service.start_import(acting(ines), job=job, now=NOW)
    job = leases.take(job.pk, "11111111-1111-1111-1111-111111111111")
    assert running.run_job(job_id=job.pk) == JobState.RUNNING, "a live lease is not taken over"
    Job.objects.filter(pk=job.pk).update(lease_until=NOW)
    assert running.run_job(job_id=job.pk) == JobState.DONE
    assert Client.objects.count() == 250
    assert running.run_job(job_id=job.pk) == JobState.DONE
    assert Client.objects.count() == 250


def test_revenue_finds_its_client_by_id_and_counts_refunds(ines):
    run(ines, "clients", b"Id,Name\nA1,Alpha\n", system="books")
    data = b"Invoice Id,Customer Id,Invoice Date,Total\n1,A1,2026-10-01,100.50\n2,A1,2026-10-02,-20\n3,ZZ,2026-10-02,5\n4,A1,soon,5\n"
    job = run(ines, "revenue", data, system="books")
    assert counts(job) == {"created": 2, "failed": 2}
    assert RevenueLine.objects.aggregate(total=Sum("amount_firm"))["total"] == Decimal("80.50")
    assert RevenueLine.objects.get(amount__lt=0).kind == "refund"
    assert counts(run(ines, "revenue", data, system="books")) == {"unchanged": 2, "failed": 2}


def revenue_file(*rows):
    return b"Id,Client,Date,Amount\n" + "".join(f"{row}\n" for row in rows).encode()


def test_the_new_lines_of_a_batch_are_one_statement(ines):
    make_client(owner=ines, name="Alpha")
    data = revenue_file(*(f"{n},Alpha,2026-01-05,{n}" for n in range(1, 41)))
    with CaptureQueriesContext(connection) as asked:
        assert counts(run(ines, "revenue", data)) == {"created": 40}
    for table in ("clients_revenueline", "clients_externalid"):
        assert sum(f'INSERT INTO "{table}"' in query["sql"] for query in asked) == 1
    assert RevenueLine.objects.aggregate(total=Sum("amount"))["total"] == 820
    events = RevenueLine.pgh_event_models["insert"].objects.select_related("pgh_context")
    assert {event.pgh_context.metadata["user"] for event in events} == {ines.pk} and len(events) == 40


def test_one_bad_line_fails_alone_and_a_repeated_id_is_one_line(ines, monkeypatch):
    make_client(owner=ines, name="Alpha")
    data = revenue_file("1,Alpha,2026-01-05,5", "2,Alpha,2026-01-05,6", "1,Alpha,2026-01-05,7", "3,Nobody,2026-01-05,8")
    monkeypatch.setattr("clients.revenue.services.lines.check_currency", refuse_six)
    job = run(ines, "revenue", data)
    assert counts(job) == {"created": 1, "updated": 1, "failed": 2}
    assert [str(line.amount) for line in RevenueLine.objects.all()] == ["7.00"]


def refuse_six(line, day):
    """Put a rate there that only the table refuses."""
    line.currency, line.rate = "EUR", 0 if line.amount == 6 else 1


def test_contacts_come_with_mails_and_phones_and_their_client(ines):
    run(ines, "clients", b"Id,Name\nA1,Alpha\n")
    data = b"id,first_name,last_name,company_id,email_work,phone_work,title\n5,Ann,Lee,A1,ann@example.com,+358 40 1234567,CFO\n"
    assert counts(run(ines, "contacts", data)) == {"created": 1}
    contact = Contact.objects.get()
    assert contact.affiliations.get().title == "CFO"
    assert contact.phones.get().digits == "358401234567"
    assert counts(run(ines, "contacts", data)) == {"unchanged": 1}


def test_what_one_may_not_see_is_not_matched(ines):
    oskar = make_user(name="Oskar Lind")
    secret = make_client(owner=oskar, name="Ridgeway")
    restrict_client(acting(oskar), client=secret)
    job = run(ines, "revenue", b"Client,Date,Amount\nRidgeway,2026-10-01,5\n")
    assert counts(job) == {"failed": 1}
    assert not secret.revenue_lines.exists()


def test_wizard_end_to_end_without_javascript(client, ines):
    client.force_login(ines)
    assert client.get(reverse("core:imports")).status_code == 200
    upload = {"kind": "clients", "file": _file(b"Id,Name,City\n1,Alpha,Oslo\n")}
    response = client.post(reverse("core:import_new"), upload)
    job = Job.objects.get()
    assert response.url == reverse("core:import_columns", args=[job.pk])
    page = client.get(response.url)
    assert b"Alpha" in page.content
    fields = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}
    unsaid = client.post(response.url, fields)
    assert unsaid.status_code == 422
    assert {"default_status", "default_status_date", "system"} == {*unsaid.context["form"].errors}
    told = {"default_status": "active", "default_status_date": "unknown", "system": "books"}
    response = client.post(response.url, fields | told)
    assert response.url == reverse("core:import_preview", args=[job.pk])
    assert "being checked" in client.get(response.url).text
    assert running.run_job(job_id=job.pk) == JobState.READY
    preview = client.get(response.url)
    assert preview.context["job"].report["counts"]["created"] == 1
    assert [row["target"] for row in preview.context["rows"]] == ["Alpha"]
    assert not Client.objects.exists(), "a preview writes nothing"
    response = client.post(reverse("core:import_start", args=[job.pk]))
    running.run_job(job_id=job.pk)
    assert b"All imports" in client.get(response.url).content
    assert Client.objects.get().name == "Alpha"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04zip", b"Name\n"])
def test_a_bad_upload_says_so_beside_the_field(client, ines, data):
    client.force_login(ines)
    response = client.post(reverse("core:import_new"), {"kind": "clients", "file": _file(data)})
    assert response.status_code == 422
    assert response.context["form"].errors["file"]
    assert not Job.objects.exists()


def test_too_large_a_file_is_refused(client, ines, settings):
    settings.IMPORT_MAX_BYTES = 10
    client.force_login(ines)
    response = client.post(reverse("core:import_new"), {"kind": "clients", "file": _file(b"Name\n" + b"x" * 50)})
    assert response.status_code == 422
    assert "up to 10" in str(response.context["form"].errors["file"])


def test_somebody_elses_import_is_not_there(client, ines):
    job = run(ines, "clients", b"Id,Name\n1,Alpha\n")
    client.force_login(make_user(name="Jonas Berg"))
    assert client.get(reverse("core:import_page", args=[job.pk])).status_code == 404


def test_command_says_what_is_wrong(ines, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"Id,Name\n1,Alpha\n")
    with pytest.raises(CommandError, match="Unknown kind"):
        call_command("import_csv", "clients2", str(path), "--owner", ines.email)
    with pytest.raises(CommandError, match="no column 'Town'"):
        call_command("import_csv", "clients", str(path), "--owner", ines.email, "--map", "Town=city")
    with pytest.raises(CommandError, match="No active user"):
        call_command("import_csv", "clients", str(path), "--owner", "nobody@example.com")


def test_dry_run_writes_nothing(ines, tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_bytes(b"Id,Name\n1,Alpha\n")
    call_command("import_csv", "clients", str(path), "--owner", ines.email, "--system", "books", "--dry-run")
    assert not Client.objects.exists()
    call_command(
        "import_csv", "clients", str(path), "--owner", ines.email, "--system", "books", "--set", "status=active"
    )
    assert Client.objects.get().name == "Alpha"


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_the_command_says_what_is_wrong_with_the_file(ines, tmp_path, settings, more):
    settings.IMPORT_MAX_ROWS = 200
    path = tmp_path / "a.csv"
    path.write_bytes(b"Name\n" + b"".join(b"Client %d\n" % n for n in range(201)))
    with pytest.raises(CommandError, match=r"a\.csv: The file has more than 200 rows"):
        call_command("import_csv", "clients", str(path), "--owner", ines.email, *more)
    assert not Client.objects.exists()


@sample_data
def test_the_salesforce_file(ines):
    data = (SAMPLES / "salesforce" / "accountData.csv").read_bytes()
    job = run(ines, "clients", data, system="salesforce", defaults={"status": "active"})
    assert job.options["dialect"]["encoding"] == "cp1252"
    assert counts(job) == {"created": 423}
    assert Client.objects.filter(name__contains="Crédito").exists()
    assert counts(run(ines, "clients", data, system="salesforce", defaults={"status": "active"})) == {"unchanged": 423}


@sample_data
def test_the_chinook_files(ines):
    customers = (SAMPLES / "chinook" / "customers.csv").read_bytes()
    invoices = (SAMPLES / "chinook" / "invoices.csv").read_bytes()
    assert counts(run(ines, "clients", customers, system="chinook", defaults={"status": "active"})) == {"created": 59}
    assert counts(run(ines, "revenue", invoices, system="chinook")) == {"created": 412}
    assert RevenueLine.objects.aggregate(total=Sum("amount_firm"))["total"] == Decimal("2328.60")


def _file(data, name="clients.csv"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, data, content_type="text/csv")


def test_an_import_hands_no_client_on_that_its_page_would_not(ines):
    marta, otto = make_user(name="Marta Kallio"), make_user(name="Otto Berg")
    run(ines, "clients", b"Id,Name,Account owner\n1,Alpha,Otto Berg\n")
    job = run(marta, "clients", b"Id,Name,Account owner,City\n1,Alpha,Marta Kallio,Oslo\n")
    alpha = Client.objects.get()
    assert (alpha.owner, alpha.city) == (otto, "Oslo")
    assert "can reassign a client" in remarks(job)[0][1][0]
    run(ines, "clients", b"Id,Name,Account owner\n1,Alpha,Marta Kallio\n")
    alpha.refresh_from_db()
    assert alpha.owner == marta


def test_a_client_in_the_trash_is_not_changed_by_an_import(ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n")
    archive_client(acting(ines), client=Client.objects.get(), now=NOW)
    assert counts(run(ines, "clients", b"Id,Name,City\n1,Alpha,Oslo\n")) == {"failed": 1}
    assert Client.objects.get().city == ""


def test_a_contract_replaces_one_that_two_rows_of_the_file_describe(ines):
    make_client(owner=ines, name="Alder")
    create_service(acting(ines), name="Audit")
    head = b"Id,Client,Service,Value,From,Replaces (id),Reason for the change\n"
    rows = b"C-1,Alder,Audit,1200,2026-01-01,,\nC-1,Alder,Audit,1300,2026-01-01,,\nC-2,Alder,Audit,1500,2026-03-01,C-1,More work\n"
    assert counts(run(ines, "contracts", head + rows, system="books")) == {"created": 2, "updated": 1}
    second = Contract.objects.get(value=1500)
    assert (second.replaces.value, second.change_reason) == (1300, "More work")


def test_no_contract_loses_the_one_it_replaces_in_silence(ines):
    for name in ("Alder", "Birch"):
        make_client(owner=ines, name=name)
    create_service(acting(ines), name="Audit")
    head = b"Id,Client,Service,Value,From,Replaces (id)\n"
    first = b"1,Alder,Audit,5,2026-01-01,\n2,Alder,Audit,6,2026-02-01,1\n"
    run(ines, "contracts", head + first, system="books")
    job = run(
        ines,
        "contracts",
        head + first + b"3,Alder,Audit,7,2026-03-01,1\n"  # 2 replaces it already
        b"4,Birch,Audit,7,2026-03-01,2\n"
        b"5,Alder,Audit,7,2026-03-01,6\n6,Alder,Audit,7,2026-04-01,5\n"
        b"7,Alder,Audit,7,2026-03-01,7\n"
        b"8,Alder,Audit,7,2026-03-01,9\n9,Alder,Audit,7,2026-02-01,\n"
        b"10,Alder,Audit,7,2026-03-01,99\n"
        b"2,Alder,Audit,6,2026-02-01,9\n",
        system="books",
    )
    why = {row["number"]: row["texts"][0] for row in job.report["rows"]["failed"]}
    assert counts(job) == {"created": 2, "unchanged": 3, "failed": 6}
    assert "replaces “1” already" in why[4] and "another client" in why[5]
    assert all("cannot replace itself" in why[line] for line in (6, 7, 8))
    assert "has to come first" in why[9]
    assert [(line, "99" in texts[0] or "does not change" in texts[0]) for line, texts in remarks(job)] == [
        (11, True),
        (12, True),
    ]
    assert Contract.objects.get(replaces__isnull=False).value == 6


def test_contracts_come_in_once(ines):
    make_client(owner=ines, name="Alder")
    create_service(acting(ines), name="Audit")
    data = b"Id,Client,Service,Value,From\nC-1,Alder,Audit,1200,2026-01-01\n"
    assert counts(run(ines, "contracts", data)) == {"created": 1}
    assert counts(run(ines, "contracts", data)) == {"unchanged": 1}
    assert Contract.objects.values_list("value", "client__name").get() == (Decimal(1200), "Alder")


def test_an_archived_contact_fails_its_row_alone(ines):
    run(ines, "contacts", b"Id,First name\nP-1,Elina\nP-2,Kai\n")
    archive_contact(acting(ines), contact=Contact.objects.get(first_name="Elina"), now=NOW)
    job = run(ines, "contacts", b"Id,First name,Last name\nP-1,Elina,Aho\nP-2,Kai,Berg\n")
    assert counts(job) == {"failed": 1, "updated": 1}
    assert "is archived" in str(job.report)


def test_what_the_forms_hold_comes_from_files_too(marta):
    data = (
        b"Name,Expectations,Preferred channel,Salutation,Contact last name\n"
        b"Alpha,Calm,E-mail,Dear Dr. Lumi,Lumi\nBeta,,Pigeon,,\n"
    )
    assert counts(run(marta, "clients", data)) == {"created": 1, "failed": 1}
    client = Client.objects.get()
    assert (client.expectations, client.preferred_channel, client.salutation) == ("Calm", "email", "Dear Dr. Lumi")
    people = b"Last name,Client,Primary,Billing contact,Left\nAalto,Alpha,yes,no,\nBerg,Alpha,yes,yes,2026-01-31\n"
    assert counts(run(marta, "contacts", people)) == {"created": 2}
    places = client.affiliations.order_by("contact__last_name")
    assert [(p.contact.last_name, p.is_primary, p.is_billing, p.left_date) for p in places] == [
        ("Aalto", True, False, None),
        ("Berg", False, True, date(2026, 1, 31)),
        ("Lumi", False, False, None),
    ]
    line = b"Id,Client,Date,Amount,Note\n1,Alpha,2026-01-31,10,Agreed by phone\n"
    assert counts(run(marta, "revenue", line)) == {"created": 1}
    assert counts(run(marta, "revenue", line)) == {"unchanged": 1}
    assert counts(run(marta, "revenue", line.replace(b"phone", b"mail"))) == {"updated": 1}
    assert client.revenue_lines.get().note == "Agreed by mail"


def test_a_file_may_have_a_long_name(client, ines):
    client.force_login(ines)
    file = _file(b"Id,Name\n1,Alpha\n", name="n" * 200 + ".csv")
    assert client.post("/imports/new/", {"kind": "clients", "file": file}).status_code == 302


def test_encodings_are_offered_with_the_likeliest_first(client, ines):
    data = "Name\nJosé\n".encode("mac_roman")
    likely = [option.value for option in tabular.decide_encoding(data).options]
    assert len(likely) > 1 and likely != sorted(likely, key=lambda name: (len(name), name)), "the database sorts keys"
    client.force_login(ines)
    page = client.get(reverse("core:import_columns", args=[prepare(ines, "clients", data).pk]))
    assert [code for code, _lines in page.context["form"].fields["encoding"].choices] == likely
    assert page.context["form"]["encoding"].value() == likely[0]


def test_a_header_over_several_lines_can_be_chosen(client, ines):
    job = prepare(ines, "clients", b'"Company\r\nname";"City, region"\r\nAlder;"Espoo\nFinland"\r\n')
    assert job.options["mapping"]["name"] == "Company name"
    client.force_login(ines)
    page = client.get(reverse("core:import_columns", args=[job.pk]))
    assert "Espoo" in page.text and ("Company name", "Company name") in page.context["form"].fields["map_name"].choices
