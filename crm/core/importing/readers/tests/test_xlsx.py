"""Workbooks: what cells become, and every way a workbook can be wrong."""

import re
from datetime import date, datetime, time, timedelta
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from crm.core.base.deciding import decide
from crm.core.files.services import read_bytes
from crm.core.importing import kinds, readers
from crm.core.importing.readers import keeping, unpacking, xlsx
from crm.core.importing.tabular import MAX_FIELD, UnreadableTable
from tools.testing.importing import counts, run
from tools.testing.workbooks import with_part, workbook

SHEET = "xl/worksheets/sheet1.xml"


def tables(data, name="a.xlsx"):
    return readers.tables(name, data)


def cells(data):
    (table,) = tables(data)
    return [row.cells for row in table.read()]


def cell_of(value, number_format=None):
    """The text of one cell."""

    def change(book):
        if number_format:
            book["A"]["A2"].number_format = number_format

    return cells(workbook(change, A=[["Value"], [value]]))[0][0]


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (date(2024, 5, 2), None, "2024-05-02"),
        (datetime(2024, 5, 2, 15, 4), None, "2024-05-02 15:04:00"),
        (datetime(2024, 5, 2, 15, 4), "d.m.yy", "2024-05-02 15:04:00"),
        (45414, "[$-409]mmm\\-yy", "2024-05-02"),
        (time(9, 30), None, "09:30:00"),
        (timedelta(hours=26, minutes=5), "[h]:mm", "26:05:00"),
        (True, None, "true"),
        (0.25, "0%", "25%"),
        (0.285, "0.0%", "28.5%"),
        (12, None, "12"),
        (0.1 + 0.2, None, "0.3"),
        (-5, None, "-5"),
        (1.234, None, "1.2340"),
        (1e21, None, "1000000000000000000000"),
        (123456789012345678, None, "123456789012346000"),
        (12.5, "#,##0.00\\ [$€-407]", "€ 12.5"),
        (12.5, "[$$-409]#,##0.00", "USD 12.5"),
        (12.5, '"CHF" #,##0.00', "CHF 12.5"),
        (12.5, '0.0 "kg"', "12.5"),
        ("  Émile \n& Co ", None, "Émile \n& Co"),
        ("0012", None, "0012"),
    ],
)
def test_a_cell_becomes_text_that_can_be_read_in_one_way(value, code, text):
    assert cell_of(value, code) == text


@pytest.mark.parametrize("value", [1.234, 1234.5, 0.001, -2.125, 999.125])
def test_no_number_of_a_workbook_asks_a_question(value):
    assert not decide("decimal", [cell_of(value)]).must_ask


def test_days_of_an_old_mac_workbook():
    def change(book):
        book.epoch = datetime(1904, 1, 1)

    assert cells(workbook(change, A=[["Day"], [datetime(2024, 5, 2)]])) == [["2024-05-02"]]


def test_every_shown_sheet_is_a_table_and_hidden_ones_are_said():
    def hide(book):
        book["Secret"].sheet_state = "hidden"
        book["Deep"].sheet_state = "veryHidden"

    rows = [["Name"], ["Alpha"]]
    found = tables(workbook(hide, Clients=rows, Secret=rows, Deep=rows, People=[*rows, ["Beta"]], Empty=[]))
    assert [(table.key, table.total) for table in found] == [("Clients", 1), ("People", 2)]
    assert found[0].remarks == ("Hidden sheets are skipped: Secret, Deep.",)


def test_title_lines_stand_above_the_table():
    data = workbook(A=[["Our clients"], [], ["As of", "2 May"], ["Name", "City", "Mail", "Phone"], ["A", "B"], ["C"]])
    (table,) = tables(data)
    assert table.header == ["Name", "City", "Mail", "Phone"]
    assert [(row.number, row.cells) for row in table.read()] == [(5, ["A", "B", "", ""]), (6, ["C", "", "", ""])]
    assert table.remarks == ("The table starts on line 4. Lines above it are skipped.",)


def test_repeated_and_empty_headers_get_names_and_values_beside_the_table_are_said():
    (table,) = tables(workbook(A=[["Mail", None, "Mail"], ["a", "b", "c", "beside"], ["d"]]))
    assert table.header == ["Mail", "Column 2", "Mail (2)"]
    assert table.remarks == ("1 row has values in columns without a header. They are left out.",)


def test_merged_cells_give_their_value_to_each_row():
    def merge(book):
        book["A"].merge_cells("A2:A3")
        book["A"].merge_cells("B4:C4")

    data = workbook(merge, A=[["Client", "Mail", "Phone"], ["Alpha", "a", "1"], [None, "b", "2"], ["Beta", "c", None]])
    (table,) = tables(data)
    assert [row.cells for row in table.read()] == [["Alpha", "a", "1"], ["Alpha", "b", "2"], ["Beta", "c", ""]]
    assert "each row: 1." in table.remarks[0]


def shared(texts: bytes) -> bytes:
    """A workbook whose cells A1 and A2 are the first two of these shared texts."""
    data = workbook(A=[["Name"], ["Alpha"]])
    for place, text in enumerate((b"Name", b"Alpha")):
        old = b'inlineStr"><is><t>%s</t></is>' % text
        data = with_part(data, SHEET, lambda part, old=old, new=b's"><v>%d</v>' % place: part.replace(old, new))
    return with_part(data, "xl/sharedStrings.xml", lambda _part: b"<sst>" + texts + b"</sst>")


def test_shared_texts_may_be_rich_and_have_a_pronunciation():
    rich = b'<si><r><t>Al</t></r><r><rPr/><t>pha_x000A_&amp;</t></r><rPh sb="0"><t>no</t></rPh></si>'
    assert cells(shared(b"<si><t>Name</t></si>" + rich)) == [["Alpha\n&"]]


def test_a_text_that_is_not_there_is_damage():
    with pytest.raises(UnreadableTable, match="damaged"):
        tables(shared(b"<si><t>Name</t></si>"))


@pytest.mark.django_db
def test_signs_that_are_no_text_fail_their_row_only(ines):
    texts = (b"a_x0000_b", b"x_xD83D_y", b"_xD83D__xDE00_", b"_x0000_")
    data = workbook(A=[["Name_x0000_", "City_xD800_"], *[[f"T{n}", "Oslo"] for n in range(len(texts))]])
    for n, text in enumerate(texts):
        data = with_part(data, SHEET, lambda part, old=b"T%d<" % n, new=text + b"<": part.replace(old, new))
    (table,) = tables(data)
    assert table.header == ["Name", "City"]
    assert [(row.cells[0], bool(row.problem)) for row in table.read()] == [
        ("ab", True),
        ("xy", True),
        ("\U0001f600", False),
        ("", True),
    ]
    job = run(ines, "clients", data, name="a.xlsx", defaults={"status": "active"})
    assert counts(job) == {"created": 1, "failed": 3}
    assert "not text" in read_bytes(job.failed_rows).decode("utf-8-sig")


def formula(value: bytes) -> bytes:
    """A workbook in which B2 is a formula with this saved result."""
    data = workbook(A=[["Name", "Sum"], ["Alpha", 7], ["Beta", "Oslo"]])
    return with_part(data, SHEET, lambda part: part.replace(b' t="n"><v>7</v>', b"><f>1+1</f>" + value))


def test_a_formula_is_its_saved_result():
    assert cells(formula(b"<v>2</v>"))[0] == ["Alpha", "2"]


@pytest.mark.django_db
def test_a_formula_without_a_result_fails_its_row_if_its_column_is_imported(ines):
    data = formula(b"")
    (table,) = tables(data)
    assert "B2 has a formula without a saved result" in [*table.read()][0].faults[1]
    assert counts(run(ines, "clients", data, name="a.xlsx", defaults={"status": "active"})) == {"created": 2}
    job = run(ines, "clients", data, name="a.xlsx", mapping={"city": "Sum"}, defaults={"status": "active"})
    assert "formula without a saved result" in job.report["rows"]["failed"][0]["texts"][0]


def test_an_error_of_a_cell_is_its_fault():
    data = with_part(formula(b""), SHEET, lambda part: part.replace(b"><f>1+1</f>", b' t="e"><v>#N/A</v>'))
    assert "B2 shows the error #N/A" in [*tables(data)[0].read()][0].faults[1]


@pytest.mark.django_db
def test_a_sheet_comes_in_without_a_question_and_a_second_time_changes_nothing(ines):
    rows = [
        ["Id", "Client", "Date", "Amount"],
        [1, "Alpha", datetime(2024, 4, 3), 1234.5],
        [2, "Alpha", "2024-04-05", 7],
    ]
    run(ines, "clients", b"Name\nAlpha\n")
    data = workbook(Lines=rows)
    assert counts(run(ines, "revenue", data, name="a.xlsx")) == {"created": 2}
    assert counts(run(ines, "revenue", data, name="a.xlsx")) == {"unchanged": 2}


@pytest.mark.django_db
def test_failed_rows_of_a_sheet_come_back(ines):
    job = run(ines, "clients", workbook(A=[["Name", "Status"], ["Alpha", "asleep"]]), name="a.xlsx")
    text = read_bytes(job.failed_rows).decode("utf-8-sig")
    assert text.startswith("Name,Status,Failure reason") and "Alpha,asleep" in text


# What is wrong with a workbook


def test_too_many_rows_and_columns_are_refused(settings):
    settings.IMPORT_MAX_ROWS, settings.IMPORT_MAX_COLUMNS = 150, 20
    with pytest.raises(UnreadableTable, match="more than 150 rows"):
        tables(workbook(A=[["Name"], *[[n] for n in range(151)]]))
    assert tables(workbook(A=[["Name"], *[[n] for n in range(150)]]))[0].total == 150
    with pytest.raises(UnreadableTable, match="21 columns"):
        tables(workbook(A=[[f"c{n}" for n in range(21)], [1]]))


def test_a_sheet_of_sixteen_thousand_columns_is_refused_in_its_first_row():
    with pytest.raises(UnreadableTable, match="16384 columns"):
        tables(workbook(A=[[f"c{n}" for n in range(16_384)], [1]]))


def test_a_far_cell_makes_no_long_row():
    far = workbook(A=[["Name"], ["Alpha"]])
    for place, why in (
        ("XFD2", "16384 columns"),
        ("XFE2", "damaged"),
        ("ZZZZZZZ2", "damaged"),
        ("b2", "damaged"),
        ("2", "damaged"),
    ):
        data = with_part(far, SHEET, lambda part, ref=place: part.replace(b'r="A2"', b'r="%s"' % ref.encode()))
        with pytest.raises(UnreadableTable, match=why):
            tables(data)
    wide = with_part(far, SHEET, lambda part: part.replace(b"</row>", b"<c><v>1</v></c>" * 20_000 + b"</row>", 1))
    with pytest.raises(UnreadableTable, match="damaged"):
        tables(wide)


def test_a_cell_with_very_much_text_is_cut_and_is_a_fault():
    data = with_part(workbook(A=[["Name"], ["Alpha"]]), SHEET, lambda part: part.replace(b"Alpha", b"a\n" * 300_000))
    (row,) = tables(data)[0].read()
    assert len(row.cells[0]) <= MAX_FIELD and "too much text" in row.faults[0]


def test_a_part_that_many_sheets_name_is_read_once():
    data = workbook(A=[["Name"], ["Alpha"]])
    book = lambda part: re.sub(rb"(<sheet [^>]*/>)", rb"\1" * 50, part)  # noqa: E731
    assert [table.key for table in tables(with_part(data, "xl/workbook.xml", book))] == ["A"]


def test_rows_that_would_fill_the_disk_are_refused(monkeypatch):
    monkeypatch.setattr(keeping, "MAX_ROWS_BYTES", 100_000)
    book = workbook(A=[["Name"], *[["x" * 1000]] * 60], B=[["Name"], *[["x" * 1000]] * 20])
    assert len(tables(book)) == 2
    with pytest.raises(UnreadableTable, match="too much text"):
        tables(workbook(A=[["Name"], *[["x" * 1000]] * 60], B=[["Name"], *[["x" * 1000]] * 60]))
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("a.xlsx", book)
        archive.writestr("b.xlsx", book)
    with pytest.raises(UnreadableTable, match="too much text"):
        tables(packed.getvalue(), "a.zip")


def test_too_many_sheets_are_refused(monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_SHEETS", 2)
    with pytest.raises(UnreadableTable, match="more than 2 sheets"):
        tables(workbook(A=[["Name"]], B=[["Name"]], C=[["Name"]]))


def test_empty_cells_far_away_are_nothing():
    def colour(book):
        book["A"]["XFD1048576"].number_format = "0.00"
        book["A"]["XFD1"].number_format = "0.00"

    (table,) = tables(workbook(colour, A=[["Name"], ["Alpha"]]))
    assert (table.header, table.total) == (["Name"], 1)


def test_what_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_UNPACKED", 0)
    data = workbook(A=[["Name"], ["x" * 30_000]])
    big = with_part(data, "xl/media/image1.png", lambda _part: b"\0" * 2_000_000)
    assert len(big) < 100_000
    monkeypatch.setattr(xlsx, "opened", lambda data: unpacking.opened(data, most=1_000_000))
    with pytest.raises(UnreadableTable, match="Unpacked"):
        tables(big)


def test_texts_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_STRINGS", 100)
    with pytest.raises(UnreadableTable, match="too much text"):
        tables(shared(b"<si><t>Name</t></si>" + b"<si><t>x</t></si>" * 20))


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_a_document_type_is_refused(part):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    data = with_part(
        workbook(A=[["Name"], ["x"]]), part, lambda xml: bomb + xml[xml.find(b"<", 1) if xml[:5] == b"<?xml" else 0 :]
    )
    with pytest.raises(UnreadableTable, match="damaged"):
        tables(data)


def test_half_a_workbook_is_damaged():
    data = workbook(A=[["Name"], *[[f"Client {n}"] for n in range(500)]])
    for cut in (len(data) // 2, len(data) - 10):
        with pytest.raises(UnreadableTable):
            tables(data[:cut])
    broken = with_part(data, SHEET, lambda xml: xml[: len(xml) // 2])
    with pytest.raises(UnreadableTable, match="damaged"):
        tables(broken)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (xlsx.OLE + b"\0" * 600, "old Excel file"),
        (xlsx.OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "has a password"),
    ],
)
def test_other_excel_files_are_refused_with_what_to_do(data, why):
    with pytest.raises(UnreadableTable, match=why):
        tables(data, "a.xls")


@pytest.mark.parametrize(("member", "why"), [("mimetype", "OpenDocument"), ("xl/workbook.bin", "binary Excel")])
def test_other_spreadsheets_are_refused_with_what_to_do(member, why):
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr(member, "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(UnreadableTable, match=why):
        tables(out.getvalue(), "a.ods")


def test_the_name_of_a_file_decides_nothing():
    assert tables(workbook(A=[["Name"], ["Alpha"]]), "clients.csv")[0].header == ["Name"]
    assert readers.tables("clients.xlsx", b"Name\nAlpha\n")[0].header == ["Name"]
    assert kinds.kinds()
