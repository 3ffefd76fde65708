"""Reports of QuickBooks Online: title lines, then rows under indented groups, with sums between and below them."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from clients.importing.finance import books
from clients.importing.finance.books import Entry, amount, said
from crm.core.base.reading import days_of
from crm.core.importing.readers import Table
from crm.core.importing.readers.shapes import Grid, Shape, filled, place_of, register
from crm.core.importing.tabular import Row

COLUMNS = {
    "date": ("date", "transaction date", "invoice date"),
    "number": ("num", "no.", "number"),
    "type": ("transaction type", "type"),
    "client": ("customer", "name", "customer full name", "client"),
    "memo": ("memo/description", "memo", "description", "product/service description"),
    "due": ("due date",),
    "product": ("product/service", "product/service full name", "item"),
    "amount": ("amount", "total"),
    "open": ("open balance",),
    "currency": ("currency",),
}
TITLES = 8  # lines that may stand above the header
SALES = ("", "invoice", "sales receipt")
BACK = ("credit memo", "refund", "refund receipt", "credit note")


def _header(head: list[Row]) -> Row | None:
    """Below at least two lines of titles with one cell each."""
    for place, row in enumerate(head[:TITLES]):
        here = _places(row)
        if (
            "date" in here
            and "number" in here
            and here.keys() & {"amount", "open"}
            and here.keys() & {"client", "type"}
        ):
            return row if place >= 2 and all(filled(title.cells) == 1 for title in head[:place]) else None
    return None


def _places(row: Row) -> dict[str, int]:
    found = {name: place_of(row.cells, *words) for name, words in COLUMNS.items()}
    return {name: place for name, place in found.items() if place is not None}


def _rows(grid: Grid) -> Iterator[tuple[Row, dict[str, str]]]:
    """The rows that are transactions, each with the name of its group."""
    header = _header(grid.head())
    places = _places(header) if header else {}
    group = ""
    for row in grid.rows():
        if header is None or row.number <= header.number:
            continue
        cells = {name: row.cells[place] if place < len(row.cells) else "" for name, place in places.items()}
        first = next(cell for cell in row.cells if cell) if filled(row.cells) else ""
        if days_of(cells["date"]):
            yield row, cells | {"group": group}
        elif filled(row.cells) == 1 and not first.casefold().startswith("total"):
            group = first


def _is_sale(cells: dict[str, str]) -> bool:
    return cells.get("type", "").casefold() in (*SALES, *BACK)


def _tables(grid: Grid) -> list[Table]:
    others = unnumbered = 0
    for _row, cells in _rows(grid):
        others += not _is_sale(cells)
        unnumbered += _is_sale(cells) and not cells["number"]
    remarks = []
    if others:
        remarks.append(_("Lines skipped because they are not sales, such as payments: %(n)d.") % {"n": others})
    if unnumbered:
        remarks.append(_("Sales without a number, imported as revenue without an invoice: %(n)d.") % {"n": unnumbered})
    header = _header(grid.head())
    is_of_lines = "product" in _places(header) if header else False
    if not is_of_lines:
        remarks.append(_("This report does not show tax, so amounts are imported as net."))

    def entries() -> Iterator[Entry]:
        return (_entry(row, cells, is_of_lines) for row, cells in _rows(grid) if _is_sale(cells))

    found = books.tables_of(grid, entries, system="quickbooks", remarks=tuple(remarks))
    return found if is_of_lines else found[:1]


def _entry(row: Row, cells: dict[str, str], is_of_lines: bool) -> Entry:
    problem = row.problem or next(iter(row.faults.values()), "")
    total: Decimal | None = None
    still_open: Decimal | None = None
    try:
        still_open = amount(cells.get("open", ""))
        total = amount(cells.get("amount", ""))
    except ValueError as error:
        problem = problem or str(error)
    total = still_open if total is None else total
    if cells.get("type", "").casefold() in BACK:
        total = None if total is None else -abs(total)
        still_open = None if still_open is None else -abs(still_open)
    client = cells.get("client") or cells["group"]
    head = {
        "Number": cells["number"],
        "Client": client.rpartition(":")[2].strip() if client.count(":") else client,
        "Invoice date": cells["date"],
        "Due date": cells.get("due", ""),
        "Currency": cells.get("currency", ""),
    }
    if not is_of_lines:
        paid = total - still_open if total is not None and still_open is not None and "amount" in cells else None
        head |= {"Net": said(total), "Paid": said(paid), "Note": cells.get("memo", "")}
        return Entry(row.number, head, problem=problem)
    product = cells.get("product", "")
    line = {"Amount": said(total), "Service": product.rpartition(":")[2].strip(), "Note": cells.get("memo", "")}
    is_revenue = bool(total) and not books.is_tax(product)
    return Entry(row.number, head, line if is_revenue else {}, problem=problem)


register(Shape("quickbooks report", lambda head: _header(head) is not None, _tables, order=30))
