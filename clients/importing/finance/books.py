"""What the readers of finance files share: a file of lines becomes two tables, its invoices and their revenue lines."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from crm.core.base.reading import numbers_of
from crm.core.importing.readers import Table
from crm.core.importing.readers.shapes import Grid
from crm.core.importing.tabular import Row

CENT = Decimal("0.01")
INVOICES = {
    "ID": "external_id",
    "Client ID": "client_external_id",
    "Client": "client_name",
    "Number": "number",
    "Invoice date": "invoice_date",
    "Due date": "due_date",
    "Net": "net",
    "Tax": "tax",
    "Gross": "gross",
    "Paid": "paid",
    "Currency": "currency",
    "Matter": "engagement",
    "Status": "status",
    "Note": "note",
}
LINES = {
    "ID": "external_id",
    "Client ID": "client_external_id",
    "Client": "client_name",
    "Invoice": "invoice",
    "Date": "date",
    "Amount": "amount",
    "Currency": "currency",
    "Kind": "kind",
    "Service": "service",
    "Matter": "engagement",
    "Note": "note",
}


@dataclass(frozen=True)
class Entry:
    """A line of the file. `head` {column of INVOICES: text} is the same in each line of an invoice; `line` {column of
    LINES: text} is empty where it is no revenue, such as a tax. `position` is its number in the invoice, if the file says.
    """

    number: int
    head: dict[str, str]
    line: dict[str, str] = field(default_factory=dict)
    position: str = ""
    problem: str = ""


def amount(text: str) -> Decimal | None:
    """None for an empty cell. Raises ValueError for what is no number, or two."""
    if not text.strip():
        return None
    found = {*numbers_of(text).values()}
    if len(found) != 1:
        raise ValueError(_("“%(text)s” is not a clear amount.") % {"text": text[:40]})
    return Decimal(found.pop()).quantize(CENT, ROUND_HALF_UP)


def said(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")


def is_tax(text: str) -> bool:
    """Whether a line's product or account is a tax, which is no revenue."""
    words = text.casefold().replace(":", " ").split()
    return bool(words) and (words[0] in ("tax", "vat", "gst") or words[:2] == ["sales", "tax"])


def tables_of(grid: Grid, entries: Callable[[], Iterator[Entry]], *, system: str, **given) -> list[Table]:
    """The invoices and the lines; a file without one of them has only the other. The currency is asked if a line names
    none: nothing is taken one to one. `given` goes into both tables.
    """
    must_ask = () if all(entry.head.get("Currency") for entry in entries()) else ("currency",)

    def table(key: str, title: str, kind: str, columns: dict[str, str], rows: Callable[[], Iterator[Row]]) -> Table:
        used = _used(columns, rows())
        names = [[*columns][place] for place in used]
        return grid.table(
            names,
            lambda: (replace(row, cells=[row.cells[place] for place in used]) for row in rows()),
            part=key,
            title=title,
            kind=kind,
            system=system,
            mapping={columns[name]: name for name in names},
            must_ask=must_ask,
            **given,
        )

    found = [
        table("invoices", _("Invoices"), "invoices", INVOICES, lambda: _invoices(entries)),
        table("lines", _("Revenue lines"), "revenue", LINES, lambda: _lines(entries)),
    ]
    return [each for each in found if each.total] or found


def _used(columns: dict[str, str], rows: Iterable[Row]) -> list[int]:
    """The places of the columns with something in them, and of a client's name, if the file names no client."""
    filled: set[int] = set()
    for row in rows:
        filled |= {place for place, cell in enumerate(row.cells) if cell}
    names = [*columns]
    if not filled & {names.index("Client"), names.index("Client ID")}:
        filled.add(names.index("Client"))
    return sorted(filled)


def _invoices(entries: Callable[[], Iterator[Entry]]) -> Iterator[Row]:
    """The invoices in order. The net is the sum of the lines if the file does not say it."""
    heads: dict[str, Row] = {}
    sums: dict[str, Decimal] = {}
    for entry in entries():
        number = entry.head.get("Number", "")
        if not number:
            continue
        cells = [entry.head.get(column, "") for column in INVOICES]
        cells[0] = cells[0] or number
        row = heads.setdefault(number, Row(entry.number, cells))
        problem = entry.problem and _("Line %(n)d of this invoice: %(why)s") % {"n": entry.number, "why": entry.problem}
        if not problem and row.cells != cells:
            problem = _("Line %(n)d contradicts the other lines of this invoice.") % {"n": entry.number}
        if problem and not row.problem:
            heads[number] = Row(row.number, row.cells, problem)
        sums[number] = sums.get(number, Decimal(0)) + Decimal(entry.line.get("Amount") or 0)
    net, gross = [*INVOICES].index("Net"), [*INVOICES].index("Gross")
    for number, row in heads.items():
        if not row.cells[net] and not row.cells[gross]:
            row.cells[net] = said(sums[number])
        yield row


def _lines(entries: Callable[[], Iterator[Entry]]) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for entry in entries():
        if not entry.line and not entry.problem:
            continue
        number = entry.head.get("Number", "")
        seen[number] = seen.get(number, 0) + 1
        about = {"Invoice": number, "Date": entry.head.get("Invoice date", "")}
        about |= {name: entry.head.get(name, "") for name in ("Client ID", "Client", "Currency", "Matter")}
        about["ID"] = f"{number}/{entry.position or seen[number]}" if number else ""
        about |= entry.line
        yield Row(entry.number, [about.get(column, "") for column in LINES], entry.problem)
