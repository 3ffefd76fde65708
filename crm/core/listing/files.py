"""A list as a file: all its rows, in its order, with its columns."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

LINES_AT_ONCE = 500
# Where a spreadsheet may see the start of a cell: at its start, or after ; tab or | within its text. Apostrophes
# already there get one more, so that `unsafe_cell` restores the exact text.
_BEGINS = r"(\A[\s\u00a0\u3000\"]*|[;|\t\r\n\v\f\x85\u2028\u2029][\s\u00a0\u3000\"]*)"
_FORMULA = r"(?='*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])"
_DANGEROUS, _HARMLESS = re.compile(_BEGINS + _FORMULA), re.compile(_BEGINS + "'" + _FORMULA)
UNPRINTABLE = {code: None for code in range(32) if chr(code) not in "\t\n\r"}


class _Line:
    """A file that returns each written line instead of storing it."""

    def write(self, text: str) -> str:
        return text


def table_file(rows: Iterable[list[Any]], *, name: str, kind: str = "csv") -> HttpResponseBase:
    """`rows`, the head first, as `name`-2026-01-31.csv or .xlsx."""
    filename = f"{name}-{timezone.localdate():%Y-%m-%d}.{kind}"
    if kind == "xlsx":
        return FileResponse(_workbook(rows), as_attachment=True, filename=filename)
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def csv_lines(rows: Iterable[list[Any]]) -> Iterator[str]:
    """UTF-8 with a byte-order mark; cells that a spreadsheet would read as a formula are escaped."""
    writer = csv.writer(_Line())
    lines = (writer.writerow([safe_cell(_plain(value)) for value in row]) for row in rows)
    yield "\ufeff"
    while block := "".join(islice(lines, LINES_AT_ONCE)):
        yield block


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    return timezone.localtime(value).isoformat(timespec="minutes") if isinstance(value, datetime) else value


def _workbook(rows: Iterable[list[Any]]):
    """A temporary file. Text stays text, numbers and dates are cells of their type, datetimes are in the reader's
    zone.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    rows = iter(rows)
    sheet.append([_bold(sheet, label) for label in next(rows)])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    book.save(file)
    file.seek(0)
    return file


def _bold(sheet, label):
    cell = WriteOnlyCell(sheet, str(label))
    cell.font = Font(bold=True)
    return cell


def _cell(sheet, value):
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None)
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value.translate(UNPRINTABLE))
    cell.data_type = "s"  # “=1+1” stays text
    return cell


def safe_cell(value) -> str:
    """A cell that no spreadsheet reads as a formula, whatever the separator: = + - @ and the like get an apostrophe.
    Plain numbers are kept.
    """
    text = "" if value is None else str(value)
    if isinstance(value, int | float | Decimal) or re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        return text
    return _DANGEROUS.sub(r"\1'", text)


def unsafe_cell(text: str) -> str:
    """Undo `safe_cell`: our own exports import back unchanged."""
    return _HARMLESS.sub(r"\1", text) if "'" in text else text
