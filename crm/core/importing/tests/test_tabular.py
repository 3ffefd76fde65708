from datetime import date
from decimal import Decimal

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
    ],
)
def test_encoding_and_delimiter_are_recognised(data, encoding, delimiter):
    dialect = tabular.detect(data)
    assert (dialect.encoding, dialect.delimiter) == (encoding, delimiter)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"PK\x03\x04rest", b"%PDF-1.7", b"\x89PNG\r\n", b"a\x00b,c\n"])
def test_what_is_no_table_is_refused_with_a_sentence(data):
    with pytest.raises(tabular.UnreadableTable, match="empty|not a CSV"):
        tabular.detect(data)


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
    assert ["cannot be read" in row.problem for row in rows] == [True]


def test_a_quote_that_is_never_closed_swallows_no_other_row():
    data = b'a,b\n1,2\n"3,4\n5,6\n7,"8\n9"\n'
    _header, rows = tabular.read(data, tabular.Dialect())
    found = [(row.number, row.cells, "never closed" in row.problem) for row in rows]
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
    with pytest.raises(tabular.UnreadableTable, match="at most 3"):
        tabular.read(b"a,b,c,d\n", tabular.Dialect())
    _header, rows = tabular.read(b"a\n1\n2\n3\n", tabular.Dialect())
    with pytest.raises(tabular.UnreadableTable, match="more than 2 rows"):
        list(rows)


def test_repeated_and_empty_headers_get_names():
    assert tabular.unique_headers(["Name", "", "Name"]) == ["Name", "Column 2", "Name (2)"]


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2021-01-02T00:00:00", "dmy", date(2021, 1, 2)),
        ("2.3.2024", "dmy", date(2024, 3, 2)),
        ("2/3/24", "mdy", date(2024, 2, 3)),
        ("2024/03/02", "ymd", date(2024, 3, 2)),
    ],
)
def test_dates_are_read_in_their_order(text, order, expected):
    assert tabular.parse_date(text, order) == expected


@pytest.mark.parametrize("text", ["31.02.2024", "yesterday", "2024-13-01", "1/2"])
def test_what_is_no_date_says_so(text):
    with pytest.raises(ValueError, match="not a date"):
        tabular.parse_date(text, "dmy")


def test_the_date_order_is_the_one_all_samples_fit():
    assert tabular.detect_date_order(["01/02/2024", "25/02/2024"]) == "dmy"
    assert tabular.detect_date_order(["01/02/2024", "02/25/2024"]) == "mdy"
    assert tabular.detect_date_order(["2024-02-25"]) == "ymd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,5", "1234.5"),
        ("€ 12", "12"),
        ("(12.00)", "-12.00"),
        ("−3", "-3"),
        ("6.0E7", "6.0E7"),
        ("1,234", "1234"),
    ],
)
def test_amounts_as_people_write_them(text, expected):
    assert tabular.parse_amount(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["abc", "", "1e99", "--", "NaN"])
def test_what_is_no_amount_says_so(text):
    with pytest.raises(ValueError, match="not a number|too large"):
        tabular.parse_amount(text)


@given(st.text(max_size=30))
def test_no_exported_cell_is_a_formula_and_all_come_back(text):
    cell = safe_cell(text)
    if not cell.lstrip("+-").replace(".", "", 1).isdigit():
        assert not cell.lstrip(" \t\r\n\u00a0\u3000").startswith(("=", "+", "-", "@"))
    assert unsafe_cell(cell) == text or text.startswith("'")
