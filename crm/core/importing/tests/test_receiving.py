"""Large uploads are read by a worker; the page says so, and goes on where a small one would have."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from crm.core.base.principals import acting
from crm.core.importing import receiving
from crm.core.importing import services as service
from crm.core.importing.models import ImportMove
from crm.core.work import leases
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW, make_user

pytestmark = pytest.mark.django_db
CSV = b"Id,Company,City\n1,Alder,Oslo\n2,Birch,Bergen\n"


@pytest.fixture
def ines():
    return make_user(name="Ines Berg", roles=("manager",))


@pytest.fixture
def browser(client, ines):
    client.force_login(ines)
    return client


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    monkeypatch.setattr(receiving, "LARGE", 0)


def workbook(*sheets):
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def upload(browser, data=CSV, *, name="clients.csv", kind="clients", **more):
    files = [SimpleUploadedFile(name, data), *more.pop("others", ())]
    answer = browser.post(reverse("core:import_new"), {"file": files, "kind": kind})
    assert answer.status_code == 302, answer.content
    return answer, Job.objects.filter(kind=receiving.KIND).order_by("-pk").first()


def read(job):
    leases.run_job(job_id=job.pk)
    job.refresh_from_db()
    return job


def test_a_large_file_is_read_by_a_worker(browser):
    answer, job = upload(browser)
    page = reverse("core:import_reading", args=[job.pk])
    assert answer.url == page
    assert not Job.objects.filter(kind__startswith="import:").exists()
    waiting = browser.get(page)
    assert b"Waiting for a free worker" in waiting.content and b"every 1s" in waiting.content
    assert read(job).state == JobState.DONE
    made = Job.objects.get(kind="import:clients")
    assert made.total == 2 and made.options["mapping"]["name"] == "Company"
    assert browser.get(page).url == reverse("core:import_columns", args=[made.pk])
    swapped = browser.get(page, headers={"HX-Request": "true"})
    assert swapped.headers["HX-Redirect"] == reverse("core:import_columns", args=[made.pk])


DATED = b"Id,Company,Status since\n1,Alder,03/04/2025\n2,Birch,05/06/2025\n"


def test_how_columns_are_read_is_found_out_by_the_worker(browser, monkeypatch):
    _answer, job = upload(browser, DATED)
    made = Job.objects.select_related("file").get(pk=read(job).report["pk"])
    dialect, mapping = made.options["dialect"], made.options["mapping"]
    kept = service.decisions_of(made, dialect, mapping)
    assert kept["status_date"].must_ask and len(kept["status_date"].options) == 2
    made.options["decided"] = {}
    assert service.decisions_of(made, dialect, mapping) == kept
    made.refresh_from_db()
    monkeypatch.setattr(service, "decide_columns", lambda *args: pytest.fail("the file is read again"))
    page = browser.get(reverse("core:import_columns", args=[made.pk])).content.decode()
    assert "03/04/2025" in page
    monkeypatch.undo()
    other = service.decisions_of(made, dialect, {**mapping, "status_date": "Company"})
    assert not other["status_date"].must_ask


def test_a_workbook_of_two_sheets_asks_for_one_and_reads_it_later(browser):
    rows = [["Company", "City"], ["Alder", "Oslo"]]
    data = workbook(("One", rows), ("Two", [*rows, ["Birch", "Bergen"]]))
    _answer, job = upload(browser, data, name="both.xlsx")
    made = Job.objects.get(pk=read(job).report["pk"])
    assert job.report["page"] == "import_table"
    tables = made.options["tables"]
    chosen = browser.post(reverse("core:import_table", args=[made.pk]), {"table": tables[1][0], "kind": "clients"})
    reading = Job.objects.filter(kind=receiving.KIND).order_by("-pk").first()
    assert chosen.url == reverse("core:import_reading", args=[reading.pk])
    assert read(reading).report == {"page": "import_columns", "pk": made.pk}
    made.refresh_from_db()
    assert made.total == 2 and made.options["rows"]


def test_several_files_become_a_move(browser):
    more = SimpleUploadedFile("contacts.csv", b"First name,Last name,Email\nAda,Nr 1,a@a.example\n")
    _answer, job = upload(browser, kind="", others=[more])
    assert read(job).report["page"] == "import_move"
    assert ImportMove.objects.get(pk=job.report["pk"]).files.count() == 2


def test_files_are_added_to_a_move(browser, ines):
    _answer, job = upload(browser, kind="", others=[SimpleUploadedFile("b.csv", CSV)])
    move = ImportMove.objects.get(pk=read(job).report["pk"])
    more = SimpleUploadedFile("c.csv", CSV)
    answer = browser.post(reverse("core:import_move_add", args=[move.pk]), {"file": more})
    reading = Job.objects.filter(kind=receiving.KIND).order_by("-pk").first()
    assert answer.url == reverse("core:import_reading", args=[reading.pk])
    read(reading)
    assert move.files.count() == 3


def test_a_file_that_nobody_knows_is_read_again_as_what_it_is(browser):
    _answer, job = upload(browser, b"Foo,Bar\n1,2\n", kind="")
    assert read(job).state == JobState.FAILED
    page = browser.get(reverse("core:import_reading", args=[job.pk]))
    assert "does not know this kind of file" in page.content.decode()
    answer = browser.post(reverse("core:import_read_again", args=[job.pk]), {"kind": "clients"})
    again = Job.objects.filter(kind=receiving.KIND).order_by("-pk").first()
    assert again.pk != job.pk and answer.url == reverse("core:import_reading", args=[again.pk])
    assert read(again).state == JobState.DONE


def test_what_is_no_table_is_told_of(browser):
    _answer, job = upload(browser, b"%PDF-1.7 nothing", name="a.csv")
    assert read(job).state == JobState.FAILED
    assert "not a CSV file" in job.error or "cannot be imported" in job.error


def test_stopped_reading_leaves_nothing(browser, monkeypatch):
    _answer, job = upload(browser)
    read_files = receiving._read

    def stopped_on_the_way(*args):
        found = read_files(*args)
        Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, lease_token=None)
        return found

    browser.post(reverse("core:import_reading_stop", args=[job.pk]))
    assert read(job).state == JobState.CANCELLED
    again = receiving.read_later(acting(job.user), files=[job.file], kind="clients", now=NOW)
    job = again
    monkeypatch.setattr(receiving, "_read", stopped_on_the_way)
    leases.run_job(job_id=again.pk)
    assert not Job.objects.filter(kind="import:clients").exists()


def test_nobody_else_sees_it(browser, client):
    _answer, job = upload(browser)
    client.force_login(make_user(name="Otto", roles=("manager",)))
    assert client.get(reverse("core:import_reading", args=[job.pk])).status_code == 404
    assert client.post(reverse("core:import_read_again", args=[job.pk]), {"kind": "clients"}).status_code == 404
    assert client.post(reverse("core:import_reading_stop", args=[job.pk])).status_code == 404


def test_a_small_file_is_read_at_once(browser, monkeypatch):
    monkeypatch.setattr(receiving, "LARGE", 10_000)
    answer, job = upload(browser)
    assert job is None and "/columns/" in answer.url


def test_a_small_file_that_nobody_knows_is_kept_and_asked_about(browser, monkeypatch):
    monkeypatch.setattr(receiving, "LARGE", 10_000)
    answer = browser.post(reverse("core:import_new"), {"file": SimpleUploadedFile("a.csv", b"Foo,Bar\n1,2\n")})
    move = ImportMove.objects.get()
    assert answer.url == reverse("core:import_move", args=[move.pk])
    assert "Choose what it contains." in browser.get(answer.url).content.decode()
    assert move.files.get().job.file.name == "a.csv"
