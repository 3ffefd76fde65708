"""LEDES 1998B: fields between bars, and [] at the end of each line."""

import re
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from clients.importing.finance import books
from clients.importing.finance.books import Entry, amount, said
from crm.core.importing import tabular
from crm.core.importing.readers import Reader, Table, register
from crm.core.importing.readers.shapes import Grid
from crm.core.importing.tabular import Dialect, UnreadableTable

_FIRST = re.compile(rb"(?:\xef\xbb\xbf)?\s*LEDES1998B(I?)\b", re.IGNORECASE)
_END = re.compile(r"\[\][ \t]*(?=[\r\n]|\Z)")
KINDS = {"F": "fee", "IF": "fee", "E": "expense", "IE": "expense"}


def _tables(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    match = _FIRST.match(data)
    if match and match[1]:
        raise UnreadableTable(_("This is LEDES 1998BI. Export it as LEDES 1998B, then import that file."))
    encoding = tabular.decide_encoding(data)
    dialect = dialect or Dialect(tabular.likeliest(encoding), "")
    text = tabular.decode(data, dialect.encoding)
    is_utf8 = encoding.value.startswith("utf")
    grid = Grid("", name, lambda: iter(()), dialect=None if is_utf8 else dialect, encodings=encoding.options)
    header = next((parts for _number, parts, _whole in _records(text) if len(parts) > 1), None)
    if header is None or "INVOICE_NUMBER" not in header:
        raise UnreadableTable(
            _("The file names no columns: its second line must begin with INVOICE_DATE|INVOICE_NUMBER.")
        )
    remarks = (_("LEDES names no currency. Choose it for all rows."),)
    return books.tables_of(grid, lambda: _entries(text, header), system="ledes", remarks=remarks)


def _records(text: str) -> Iterator[tuple[int, list[str], bool]]:
    """(number of the line, its fields, whether it is whole). Without any [] each line is a record."""
    has_ends = bool(_END.search(text))
    pieces = _END.split(text) if has_ends else text.splitlines()
    number = 1
    for place, piece in enumerate(pieces):
        bare = piece.strip("\r\n")
        number_here = number + (len(piece) - len(piece.lstrip("\r\n")) > 0 if has_ends else 0)
        number += piece.count("\n") or piece.count("\r") if has_ends else 1
        if bare.strip():
            yield number_here, [part.strip() for part in bare.split("|")], not has_ends or place < len(pieces) - 1


def _entries(text: str, header: list[str]) -> Iterator[Entry]:
    for number, parts, is_whole in _records(text):
        if len(parts) == 1 and is_whole or parts == header:
            continue
        problem = ""
        if not is_whole:
            problem = _("The line is cut off: the file ends before it does.")
        elif any("\x00" in part for part in parts):
            parts = [part.replace("\x00", "") for part in parts]
            problem = _("The line contains characters that are not text.")
        elif len(parts) != len(header):
            words = {"n": len(parts), "width": len(header)}
            problem = _("The line has %(n)d fields instead of %(width)d.") % words
        cells = dict(zip(header, parts, strict=False))
        yield _entry(number, {name: cells.get(name, "") for name in header}, problem)


def _entry(number: int, cells: dict[str, str], problem: str) -> Entry:
    total: Decimal | None = None
    line_total: Decimal | None = None
    try:
        total, line_total = amount(cells.get("INVOICE_TOTAL", "")), amount(cells.get("LINE_ITEM_TOTAL", ""))
    except ValueError as error:
        problem = problem or str(error)
    head = {
        "Number": cells["INVOICE_NUMBER"],
        "Client ID": cells.get("CLIENT_ID", ""),
        "Invoice date": cells.get("INVOICE_DATE", ""),
        "Net": said(total),
        "Matter": cells.get("LAW_FIRM_MATTER_ID", ""),
        "Note": cells.get("INVOICE_DESCRIPTION", ""),
    }
    who, codes = cells.get("TIMEKEEPER_NAME", ""), cells.get("LINE_ITEM_TASK_CODE", "")
    note = " · ".join(filter(None, (cells.get("LINE_ITEM_DESCRIPTION", ""), who, codes)))
    kind = KINDS.get(cells.get("EXP/FEE/INV_ADJ_TYPE", "").upper(), "")
    kind = "refund" if kind == "fee" and line_total is not None and line_total < 0 else kind
    line = {"Amount": said(line_total), "Kind": kind, "Note": note}
    return Entry(number, head, line if line_total is not None else {}, cells.get("LINE_ITEM_NUMBER", ""), problem)


register(Reader("ledes", "LEDES", (".ledes",), lambda data: bool(_FIRST.match(data)), _tables, order=15))
