"""Boards of monday.com, by their structure."""

from datetime import datetime
from io import BytesIO
from zipfile import ZipFile

import pytest

from crm.core.importing import kinds, readers
from crm.core.importing.planner import read_job
from crm.core.importing.recognising import guess_mapping
from tools.testing.importing import as_csv, counts, run
from tools.testing.workbooks import workbook

ID = "Item ID (auto generated)"
HEAD = ["Name", "Subitems", "Owner", "Site", "Signed", "Contract - Start", "Contract - End", "Value", "Value", ID]
SUB = ["Subitems", "Name", "Status", ID]
BOARD = [
    ["Accounts"],
    ["Managed by the sales team"],
    ["Active"],
    HEAD,
    [
        "Alpha",
        "Call, Visit",
        "Ines Vaara",
        "Alpha - https://alpha.example/a-b",
        "v",
        datetime(2024, 5, 2),
        None,
        10,
        1,
        7001,
    ],
    SUB,
    [None, "Call", "Done", 8001],
    [None, "Visit", "Stuck", 8002],
    ["Beta", None, "Otto Berg", "Beta - https://beta.example", None, None, None, 20, 2, 7002],
    [None, None, None, None, None, None, None, 30, 3],
    ["Lost"],
    HEAD,
    ["Gamma", None, None, None, "v", "May 2, 2024 3:04 PM", None, 5, 4, 7003],
    [None, None, None, None, None, None, None, 5, 4],
]
UPDATES = [
    ["Accounts updates"],
    ["Item ID", "Item Name", "Post ID", "Parent Post ID", "User", "Created At", "Update Content", "Likes Count"]
    + ["Content Type", "Content Type", "Asset IDs"],
    [
        7001,
        "Alpha",
        9001,
        None,
        "Ines Vaara",
        "02/May/2024  03:04:05 PM",
        "We met.\nAll well.",
        1,
        "update",
        "text",
        None,
    ],
]


def tables(**sheets):
    return {table.key: table for table in readers.tables("Accounts.xlsx", workbook(**sheets))}


def said(table):
    return [dict(zip(table.header, row.cells, strict=True)) for row in table.read()]


def test_a_board_is_its_items_with_their_group():
    found = tables(accounts=BOARD, updates=UPDATES)
    assert [*found] == ["accounts", "accounts/subitems", "updates"]
    board = found["accounts"]
    assert board.header == [*HEAD[:8], "Value (2)", ID, "Site - Link", "Group"]
    assert board.total == 3
    assert (board.system, board.mapping, board.kind) == ("monday", {"external_id": ID}, "")
    assert board.remarks == ("Group totals skipped: 2.",)
    rows = said(board)
    assert [(row["Name"], row["Group"], row[ID]) for row in rows] == [
        ("Alpha", "Active", "7001"),
        ("Beta", "Active", "7002"),
        ("Gamma", "Lost", "7003"),
    ]
    assert [row["Signed"] for row in rows] == ["yes", "no", "yes"]
    assert (rows[0]["Site"], rows[0]["Site - Link"]) == ("Alpha", "https://alpha.example/a-b")
    assert (rows[0]["Contract - Start"], rows[0]["Value"], rows[0]["Value (2)"]) == ("2024-05-02", "10", "1")
    assert [row.number for row in board.read()] == [5, 9, 13]


def test_subitems_are_a_table_of_their_own():
    table = tables(accounts=BOARD)["accounts/subitems"]
    assert table.title == "accounts: subitems"
    assert said(table) == [
        {"Name": "Call", "Status": "Done", ID: "8001", "Parent item": "Alpha", "Parent item ID": "7001"},
        {"Name": "Visit", "Status": "Stuck", ID: "8002", "Parent item": "Alpha", "Parent item ID": "7001"},
    ]


def test_updates_are_a_table_of_their_own():
    table = tables(updates=UPDATES)["updates"]
    (row,) = said(table)
    assert (row["Item ID"], row["Post ID"], row["Update Content"]) == ("7001", "9001", "We met.\nAll well.")
    assert row["Content Type"], row["Content Type (2)"] == ("update", "text")
    assert table.mapping["external_id"] == "Post ID" and table.mapping["client_external_id"] == "Item ID"


def test_columns_in_another_order_in_a_later_group_find_their_place():
    later = [row[:] for row in BOARD]
    for row in (later[11], later[12]):
        row[2], row[7] = row[7], row[2]
    assert said(tables(accounts=later)["accounts"])[2]["Value"] == "5"


def test_a_table_with_a_name_and_an_id_is_no_board():
    (table,) = readers.tables("a.xlsx", workbook(A=[["Name", "Item ID"], ["Alpha", 1]]))
    assert table.header == ["Name", "Item ID"]


@pytest.mark.django_db
def test_items_come_in_as_clients():
    mapping = guess_mapping(kinds.get("clients"), tables(accounts=BOARD)["accounts"].header)
    assert mapping["name"] == "Name"


@pytest.mark.django_db
def test_a_board_saved_as_csv_is_imported_as_its_items(ines):
    data = as_csv(BOARD).encode()
    found = readers.tables("Accounts.csv", data)
    assert [table.key for table in found] == ["table", "subitems"]
    defaults = {"status": "active", "owner": ines.email}
    job = run(ines, "clients", data, name="Accounts.csv", table="table", system="", defaults=defaults)
    assert counts(job) == {"created": 3}
    assert [row.cells[0] for row in read_job(job)[1]] == ["Alpha", "Beta", "Gamma"]


def test_a_board_in_an_archive_is_found_by_the_key_of_before():
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("Accounts.csv", as_csv(BOARD))
    for key in ("Accounts.csv|table", "Accounts.csv|"):
        assert readers.table("a.zip", packed.getvalue(), key).total == 3
