"""Sales invoices of Xero: a row for each line, with its invoice repeated."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from clients.importing.finance import books
from clients.importing.finance.books import Entry, amount, said
from crm.core.importing.readers import Table
from crm.core.importing.readers.shapes import Grid, Shape, register
from crm.core.importing.tabular import Row

TELLING = {"contactname", "invoicenumber", "invoicedate", "lineamount"}
NO_INVOICE = ("draft", "submitted", "awaiting approval")
VOID = ("voided", "deleted")


def _folded(cells: list[str]) -> list[str]:
    return [cell.lstrip("*").replace(" ", "").casefold() for cell in cells]


def _header(head: list[Row]) -> Row | None:
    return next((row for row in head[:10] if {*_folded(row.cells)} >= TELLING), None)


def _cells(grid: Grid) -> Iterator[tuple[Row, dict[str, str]]]:
    header = _header(grid.head())
    names = _folded(header.cells) if header else []
    for row in grid.rows():
        if header and row.number > header.number:
            yield row, dict(zip(names, row.cells + [""] * (len(names) - len(row.cells)), strict=False))


def _is_draft(cells: dict[str, str]) -> bool:
    return cells.get("status", "").casefold() in NO_INVOICE


def _tables(grid: Grid) -> list[Table]:
    sums: dict[str, Decimal] = {}
    drafts = 0
    for _row, cells in _cells(grid):
        drafts += _is_draft(cells)
        try:
            number = cells["invoicenumber"]
            sums[number] = sums.get(number, Decimal(0)) + (amount(cells["lineamount"]) or 0)
        except ValueError:
            continue

    def entries() -> Iterator[Entry]:
        return (_entry(row, cells, sums) for row, cells in _cells(grid) if not _is_draft(cells))

    remarks = (_("Lines skipped because they are drafts: %(n)d.") % {"n": drafts},) if drafts else ()
    return books.tables_of(grid, entries, system="xero", remarks=remarks)


def _entry(row: Row, cells: dict[str, str], sums: dict[str, Decimal]) -> Entry:
    problem = row.problem or next(iter(row.faults.values()), "")
    names = ("total", "taxtotal", "invoiceamountpaid", "lineamount", "taxamount")
    money: dict[str, Decimal | None] = dict.fromkeys(names)
    try:
        money = {name: amount(cells.get(name, "")) for name in names}
    except ValueError as error:
        problem = problem or str(error)
    sign = -1 if "credit" in cells.get("type", "").casefold() else 1
    if sign < 0:
        money = {name: None if value is None else -abs(value) for name, value in money.items()}
    total, tax = money["total"], money["taxtotal"] or Decimal(0)
    number = cells["invoicenumber"]
    line = money["lineamount"]
    if line is not None and total is not None and _is_with_tax(abs(sums.get(number, line)), abs(total), abs(tax)):
        line -= money["taxamount"] or 0
    is_void = cells.get("status", "").casefold() in VOID
    head = {
        "Number": number,
        "Client": cells["contactname"],
        "Invoice date": cells["invoicedate"],
        "Due date": cells.get("duedate", ""),
        "Net": said(None if total is None else total - tax),
        "Tax": said(tax),
        "Paid": said(None if is_void else money["invoiceamountpaid"]),
        "Currency": cells.get("currency", ""),
        "Status": "void" if is_void else "",
        "Note": cells.get("reference", ""),
    }
    about = {"Amount": said(line), "Service": cells.get("inventoryitemcode", ""), "Note": cells.get("description", "")}
    is_revenue = bool(line) and not is_void and not books.is_tax(cells.get("description", ""))
    return Entry(row.number, head, about if is_revenue else {}, problem=problem)


def _is_with_tax(lines: Decimal, total: Decimal, tax: Decimal) -> bool:
    """Whether the lines of an invoice hold the tax: then they make its total."""
    return bool(tax) and abs(lines - total) < abs(lines - (total - tax))


register(Shape("xero invoices", lambda head: _header(head) is not None, _tables, order=20))
