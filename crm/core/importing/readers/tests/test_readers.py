"""The way from a file to one of its tables, whatever its format."""

from dataclasses import dataclass

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds, readers, tabular
from crm.core.importing import services as service
from crm.core.importing.planner import read_job
from crm.core.work.models import Job

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Two:
    """A reader of files that hold two tables."""

    def tables(self, name, data, dialect):
        return [self._table("a", "Clients", "Name", ["Alpha", "Beta"]), self._table("b", "Notes", "Text", ["x"])]

    def _table(self, key, title, head, cells):
        rows = [tabular.Row(number, [cell]) for number, cell in enumerate(cells, 5)]
        return readers.Table(key, title, [head], len(rows), lambda: iter(rows), is_slow=key == "a", remarks=("Said.",))


@pytest.fixture
def two(monkeypatch):
    reader = readers.Reader("two", "Two", (".two",), lambda data: data == b"two", Two().tables)
    monkeypatch.setitem(readers.readers._items, "two", reader)


def create(actor, data=b"two", name="a.two", table=""):
    file = store_bytes(acting(actor), name=name, data=data)
    return service.create_import(acting(actor), kind=kinds.get("clients"), file=file, table=table)


def test_a_text_is_one_table(ines):
    (table,) = readers.tables("a.csv", b"Name;City\nAlpha;Oslo\n")
    assert (table.key, table.header, table.total) == ("", ["Name", "City"], 1)
    assert [row.cells for row in table.read()] == [["Alpha", "Oslo"]]
    job = create(ines, b"Name;City\nAlpha;Oslo\n", "a.csv")
    assert job.options["table"] == ""
    assert job.options["dialect"] == {"encoding": "utf-8", "delimiter": ";"}


def test_a_cell_that_is_too_long_is_the_problem_of_its_row():
    (table,) = readers.tables("a.csv", b"Name,Note\nAlpha," + b"x" * 140_000 + b"\nBeta,ok\n")
    assert [bool(row.problem) for row in table.read()] == [True, False]


def test_of_several_tables_one_is_chosen_in_a_step_of_its_own(ines, client, two):
    client.force_login(ines)
    job = create(ines)
    assert job.options["table"] is None
    columns, table = (reverse(f"core:import_{step}", args=[job.pk]) for step in ("columns", "table"))
    assert client.get(columns).url == table
    page = client.get(table).text
    assert "Clients · 2 rows" in page and "Notes · 1 row" in page
    assert client.post(table, {}).status_code == 422
    assert client.post(table, {"table": "c"}).status_code == 422
    assert client.post(table, {"table": "a", "kind": "weather"}).status_code == 422
    assert client.post(table, {"table": "a", "kind": "clients"}).url == columns
    page = client.get(columns).text
    assert "Alpha" in page and "Said." in page and table in page
    assert "Encoding" not in page
    job = Job.objects.get(pk=job.pk)
    assert job.options["mapping"] == {"name": "Name"}
    assert [row.number for row in read_job(job)[1]] == [5, 6]  # kept as it was read
    told = {"default_status": "active", "default_owner": ines.email, "default_status_date": "unknown"}
    assert client.post(columns, {"map_name": "Name"} | told).url == reverse("core:import_preview", args=[job.pk])


def test_another_table_of_the_file_is_another_import(ines, client, two):
    client.force_login(ines)
    job = create(ines, table="a")
    Job.objects.filter(pk=job.pk).update(state="done")
    again = reverse("core:import_again", args=[job.pk])
    assert again in client.get(reverse("core:import_page", args=[job.pk])).text
    step = client.post(again).url
    assert client.post(step, {"table": "b", "kind": "interactions"}).status_code == 302
    new = Job.objects.latest("pk")
    assert (new.kind, new.options["table"], new.file) == ("import:interactions", "b", job.file)
    only = create(ines, b"Name\nAlpha\n", "a.csv")
    Job.objects.filter(pk=only.pk).update(state="done")
    page = client.post(reverse("core:import_again", args=[only.pk]), follow=True)
    assert "no other table" in page.text


def test_a_job_without_a_table_does_not_run(ines, two):
    job = create(ines)
    with pytest.raises(ServiceError, match="several tables"):
        service.start_import(acting(ines), job=job, now=None)


def test_a_table_is_named_by_key_or_title(ines, two):
    assert create(ines, table="a").options["table"] == "a"
    assert create(ines, table="notes").options["table"] == "b"
    with pytest.raises(ServiceError, match=r"no table “c”. It has: Clients, Notes"):
        create(ines, table="c")


def test_the_command_takes_the_name_of_a_table(ines, two, tmp_path, capsys):
    path = tmp_path / "a.two"
    path.write_bytes(b"two")
    with pytest.raises(CommandError, match="--table: Clients, Notes"):
        call_command("import_csv", "clients", str(path), owner=ines.email)
    call_command("import_csv", "clients", str(path), owner=ines.email, table="Clients", set=["status=active"])
    assert "2 created" in capsys.readouterr().out
