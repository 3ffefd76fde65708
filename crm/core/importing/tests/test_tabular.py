import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.importing import tabular
from crm.core.listing.files import safe_cell, unsafe_cell


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        ("name;city\nÉmile;Zürich\n".encode(), "utf-8", ";"),
        ("name,city\nÉmile,Zürich\n".encode("latin-1"), "cp1252", ","),
        ("name\tcity\na\tb\n".encode("utf-16"), "utf-16", "\t"),
        (b"\xef\xbb\xbfname|city\na|b\n", "utf-8", "|"),
        (b"one\na\n", "utf-8", ","),
        (b"column1,column2!some,column3\na,b!c,d\n", "utf-8", ","),
        (b'"Company\nname";"City, region";Note\r\na;b;c\r\n', "utf-8", ";"),
        (b'Name";City;Note,x\na;b;c\n', "utf-8", ";"),
    ],
)
def test_encoding_and_delimiter_are_recognised(data, encoding, delimiter):
    dialect = tabular.detect(data)
    assert (dialect.encoding, dialect.delimiter) == (encoding, delimiter)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"PK\x03\x04rest", b"%PDF-1.7", b"\x89PNG\r\n", b"a\x00b,c\n"])
def test_what_is_no_table_is_refused_with_a_sentence(data):
    with pytest.raises(tabular.UnreadableTable, match="empty|not a CSV"):
        tabular.detect(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\n", "address book"),
        (b"\xef\xbb\xbfBEGIN:VCALENDAR\nVERSION:2.0\n", "address book"),
        (b"<!DOCTYPE html><p>Sign in</p>\n<p>x</p>", "not a CSV"),
        (b"<table><tr><td>a</td></tr>\n</table>", "not a CSV"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<a/>", "not a CSV"),
        (b'[{"name": "A"},\n{"name": "B"}]', "not a CSV"),
        (b'{\n"name": "A"}', "not a CSV"),
        (b"{\\rtf1\\ansi\nx}", "not a CSV"),
    ],
)
def test_text_that_is_no_table_is_refused_with_a_sentence(data, why):
    with pytest.raises(tabular.UnreadableTable, match=why):
        tabular.detect(data)


def test_a_header_may_begin_like_something_else():
    for head in ("<name>", "begin", "{name}", "[name]"):
        assert tabular.read(f"{head},city\na,b\n".encode(), tabular.Dialect())[0] == [head, "city"]
        assert tabular.detect(f"{head};city\na;b\n".encode()).delimiter == ";"


def test_a_broken_row_does_not_stop_the_others():
    header, rows = tabular.read(b"a,b\n1,2\n1,2,3\n4\n\n5,6\n", tabular.Dialect())
    rows = list(rows)
    assert header == ["a", "b"]
    assert [(row.number, row.cells) for row in rows if not row.problem] == [
        (2, ["1", "2"]),
        (4, ["4", ""]),
        (6, ["5", "6"]),
    ]
    assert ["3 values" in row.problem for row in rows if row.problem] == [True]


def test_a_field_without_end_is_a_problem_of_its_row():
    _header, rows = tabular.read(b'a,b\n1,"' + b"x" * 200_000 + b"\n", tabular.Dialect())
    assert ["unreadable" in row.problem for row in rows] == [True]


def test_a_cell_that_is_too_long_is_said_in_words_and_the_row_can_be_told_by_the_others():
    _header, rows = tabular.read(b'a,b\n1,"' + b"x" * 200_000 + b'"\n2,3\n', tabular.Dialect())
    long, after = list(rows)
    assert long.problem == "The row is unreadable: a cell has more than 131,072 characters."
    assert (long.cells[0], after.cells) == ("1", ["2", "3"])


def test_an_encoding_that_does_not_fit_is_called_as_the_form_calls_it():
    with pytest.raises(tabular.UnreadableTable, match=r"read as UTF-16 \(from byte 22\)"):
        tabular.detect("\ufeffName,City\n".encode("utf-16-le") + b"\x00\xd8" + "a\n".encode("utf-16-le"))


def test_a_quote_that_is_never_closed_swallows_no_other_row():
    data = b'a,b\n1,2\n"3,4\n5,6\n7,"8\n9"\n'
    _header, rows = tabular.read(data, tabular.Dialect())
    found = [(row.number, row.cells, "without a closing one" in row.problem) for row in rows]
    assert found == [(2, ["1", "2"], False), (3, ["3,4", ""], True), (4, ["5", "6"], False), (6, ["7", "8\n9"], False)]


def test_nor_does_one_in_a_long_file():
    data = b'a,b\n"1,2\n' + b"3,4\n" * 50_000
    _header, rows = tabular.read(data, tabular.Dialect())
    rows = list(rows)
    assert [row.number for row in rows if row.problem] == [2]
    assert len(rows) == 50_001


def test_a_file_full_of_open_quotes_is_given_up_soon():
    data = b"a,b\n" + b'x"y,"z\n' * 200_000
    _header, rows = tabular.read(data, tabular.Dialect())
    assert sum(1 for row in rows if row.problem) <= tabular.MAX_REREAD + 100


def test_too_many_columns_and_rows_are_refused(settings):
    settings.IMPORT_MAX_COLUMNS, settings.IMPORT_MAX_ROWS = 3, 2
    with pytest.raises(tabular.UnreadableTable, match="up to 3"):
        tabular.read(b"a,b,c,d\n", tabular.Dialect())
    _header, rows = tabular.read(b"a\n1\n2\n3\n", tabular.Dialect())
    with pytest.raises(tabular.UnreadableTable, match="more than 2 rows"):
        list(rows)


def test_repeated_and_empty_headers_get_names():
    assert tabular.unique_headers(["Name", "", "Name"]) == ["Name", "Column 2", "Name (2)"]
    assert tabular.unique_headers(["Company\r\nname", "Company\nname"]) == ["Company name", "Company name (2)"]


def said(texts, encoding):
    return tabular.decide_encoding("\n".join(texts).encode(encoding))


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1250", ["Jméno;Město", "Řehoř Dvořák;České Budějovice", "Żółć Łukasz;Łódź"]),
        ("cp1251", ["Имя;Город", "Иван Петров;Москва", "ООО Ромашка;Тверь"]),
        ("cp932", ["会社;都市", "株式会社山田;東京", "トヨタ自動車;豊田市"]),
        ("gb18030", ["公司;城市", "北京科技有限公司;北京", "上海贸易;上海"]),
        ("mac_roman", ["Name;Ort", "Müller & Söhne;Zürich", "Émile Frères;Genève"]),
        ("cp1252", ["Name;Ort", "Müller & Söhne;Zürich", "Émile Frères;Genève"]),
    ],
)
@pytest.mark.parametrize("plain_lines", [0, 5000])
def test_an_encoding_is_recognised_or_asked_with_lines_of_the_file(encoding, names, plain_lines):
    decision = said([names[0], *["plain;plain"] * plain_lines, *names[1:]], encoding)
    if decision.must_ask:
        shown = next(option.samples for option in decision.options if option.value == encoding)
        assert {line for _nothing, line in shown} <= {*names}
        assert len({option.samples for option in decision.options}) == len(decision.options)
    else:
        assert decision.value == encoding


def test_a_long_line_is_shown_where_it_is_read_differently():
    decision = said(["Id;Name", f"{'0;' * 90}Hotel Café Münch;{'1;' * 90}"], "cp1252")
    lines = {option.value: option.samples[0][1] for option in decision.options}
    assert all(line.startswith("…") and len(line) < 90 for line in lines.values())
    assert "Hotel Café" in lines["cp1252"]


def test_what_every_encoding_reads_alike_is_not_asked():
    assert said(["Name;City", "Müller;Köln"], "utf-8").value == "utf-8"
    assert said(["Name;City", "Muller;Koln"], "ascii").value == "utf-8"
    assert said(["Имя;Город", "Иван Петров;Москва"], "cp1251").value == "cp1251"


@pytest.mark.parametrize("start", ["sep=;\r\n", "\ufeffSEP=;\n"])
def test_a_first_line_may_name_the_delimiter(start):
    data = f"{start}name;city, country\nAnna;Kyiv, UA\n".encode()
    dialect = tabular.detect(data)
    header, rows = tabular.read(data, dialect)
    assert (dialect.delimiter, header) == (";", ["name", "city, country"])
    assert [(row.number, row.cells) for row in rows] == [(2, ["Anna", "Kyiv, UA"])]


@given(st.text(max_size=30))
def test_no_exported_cell_is_a_formula_and_all_come_back(text):
    cell = safe_cell(text)
    if not cell.lstrip("+-").replace(".", "", 1).isdigit():
        assert not cell.lstrip(" \t\r\n\u00a0\u3000").startswith(("=", "+", "-", "@"))
    assert unsafe_cell(cell) == text


@given(st.text("Da;|\t\n\r \"'=+-@1", max_size=12))
def test_no_part_of_an_exported_cell_is_a_formula_where_something_else_separates(text):
    cell = safe_cell(text)
    assert unsafe_cell(cell) == text
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        assert not [
            part for part in re.split(r"[;|\t\r\n]", cell) if part.lstrip(' "').startswith(("=", "+", "-", "@"))
        ]


def test_an_answer_of_a_survey_is_no_formula_where_a_semicolon_separates():
    assert safe_cell("Danke;=cmd|' /C calc'!A0") == "Danke;'=cmd|' /C calc'!A0"
    assert unsafe_cell(safe_cell("'=already")) == "'=already"
