"""ZIP archives of tables."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds, planner, readers
from crm.core.importing import services as service
from crm.core.importing.readers import unpacking
from crm.core.importing.tabular import UnreadableTable
from tools.testing.importing import counts, run
from tools.testing.workbooks import workbook


def archive(*files, **more):
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as packed:
        for name, data in (*files, *more.items()):
            packed.writestr(name, data)
    return out.getvalue()


ACCOUNTS = '"ID","NAME","ISDELETED"\n"001A","Émile","false"\n"001B","Beta","false"\n'.encode("cp1252")
CONTACTS = b'"ID","LASTNAME","ACCOUNTID"\n"003A","Lovelace","001A"\n'


def test_each_member_is_a_table():
    book = workbook(Clients=[["Name"], ["Alpha"]], People=[["Name"], ["Ada"]])
    data = archive(("Account.csv", ACCOUNTS), ("folder/Contact.csv", CONTACTS), ("book.xlsx", book), ("empty.csv", b""))
    found = readers.tables("export.zip", data)
    assert [(table.title, table.total) for table in found] == [
        ("Account.csv", 2),
        ("folder/Contact.csv", 1),
        ("book.xlsx: Clients", 1),
        ("book.xlsx: People", 1),
    ]
    assert [row.cells[1] for row in found[0].read()] == ["Émile", "Beta"]
    assert [row.cells for row in readers.table("export.zip", data, found[3].key).read()] == [["Ada"]]


@pytest.mark.django_db
def test_an_archive_comes_in_table_by_table(ines):
    data = archive(("Account.csv", ACCOUNTS), ("Contact.csv", CONTACTS))
    assert counts(run(ines, "clients", data, name="e.zip", table="Account.csv", system="")) == {"created": 2}
    assert counts(run(ines, "contacts", data, name="e.zip", table="Contact.csv", system="salesforce")) == {"created": 1}
    assert counts(run(ines, "clients", data, name="e.zip", table="Account.csv", system="")) == {"unchanged": 2}


@pytest.mark.django_db
def test_the_encoding_of_a_member_can_be_changed(ines):
    file = store_bytes(acting(ines), name="e.zip", data=archive(("Account.csv", ACCOUNTS), ("Contact.csv", CONTACTS)))
    job = service.create_import(acting(ines), kind=kinds.get("clients"), file=file, table="Account.csv")
    assert job.options["dialect"] == {"encoding": "cp1252", "delimiter": ","}
    job.options["dialect"] = {"encoding": "mac_roman", "delimiter": ","}
    assert next(planner.read_job(job)[1]).cells[1] == "…mile".replace("…", b"\xc9".decode("mac_roman"))


def test_other_files_are_left_out_and_said():
    data = archive(
        ("a.csv", b"Name\nAlpha\n"), ("photo.png", b"\x89PNG"), ("__MACOSX/._a.csv", b"x"), (".DS_Store", b"x")
    )
    (table,) = readers.tables("a.zip", data)
    assert table.remarks == ("Other files in the archive are skipped: photo.png.",)


@pytest.mark.parametrize("name", ["../../etc/a.csv", "/etc/a.csv", "..\\a.csv", "etc/\x01a.csv", "a\u202e.csv"])
def test_names_are_shown_and_never_a_path(name):
    (table,) = readers.tables("a.zip", archive((name, b"Name\nAlpha\n")))
    assert ".." not in table.title and not table.title.startswith("/") and table.title.isprintable()
    assert [row.cells for row in readers.table("a.zip", archive((name, b"Name\nAlpha\n")), table.key).read()] == [
        ["Alpha"]
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_with_one_name_are_two_tables():
    found = readers.tables("a.zip", archive(("a.csv", b"Name\nAlpha\n"), ("a.csv", b"Name\nBeta\n")))
    assert [[row.cells for row in table.read()] for table in found] == [[["Alpha"]], [["Beta"]]]


@pytest.mark.parametrize("name", ["inner.zip", "inner.csv"])
def test_an_archive_in_an_archive_is_refused(name):
    with pytest.raises(UnreadableTable, match="archive within the archive"):
        readers.tables("a.zip", archive((name, archive(("a.csv", b"Name\nAlpha\n")))))


def test_a_huge_member_is_refused(settings):
    settings.IMPORT_MAX_BYTES = 1000
    with pytest.raises(UnreadableTable, match=r"big.csv” is 97\.7\sKB when unpacked"):
        readers.tables("a.zip", archive(("big.csv", b"Name\n" + b"a" * 99_995)))


def test_too_many_members_are_refused(monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_MEMBERS", 3)
    with pytest.raises(UnreadableTable, match="Unpacked"):
        readers.tables("a.zip", archive(*((f"{n}.csv", b"Name\nA\n") for n in range(4))))


@pytest.mark.parametrize("data", [archive(), archive(("a.png", b"x")), archive(("a.csv", b""))])
def test_an_archive_without_a_table_is_refused(data):
    with pytest.raises(UnreadableTable, match="no file that can be imported"):
        readers.tables("a.zip", data)


def test_half_an_archive_is_damaged():
    data = archive(("a.csv", b"Name\n" + b"".join(b"%d\n" % n for n in range(5000))))
    with pytest.raises(UnreadableTable, match="damaged"):
        readers.tables("a.zip", data[: len(data) // 2])
    broken = bytearray(data)
    broken[60] ^= 255
    with pytest.raises(UnreadableTable, match="damaged"):
        readers.tables("a.zip", bytes(broken))
