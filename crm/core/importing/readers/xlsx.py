"""Excel workbooks. Each sheet is read once, in pieces, into rows of text that can be read in one way only.

openpyxl says what number formats mean; the cells are read by expat itself, because openpyxl takes several times as long
(docs/decisions/0031). Nothing in a workbook may declare a document type, so no entity is ever expanded.
"""

import posixpath
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.importing.readers import Reader, Table, register
from crm.core.importing.readers.cells import Styles
from crm.core.importing.readers.keeping import bounded, read, write
from crm.core.importing.readers.shapes import Grid, tables_of
from crm.core.importing.readers.sheets import Sheet, Strings, merged_down
from crm.core.importing.readers.unpacking import ARCHIVE, names_in, opened
from crm.core.importing.tabular import Dialect, UnreadableTable

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BOOK = "xl/workbook.xml"
MAX_STRINGS = 256 * 1024**2
MAX_PART = 32 * 1024**2  # of the parts that are read whole
MAX_SHEETS = 200


def is_workbook(data: bytes) -> bool:
    return data.startswith(ARCHIVE) and "[Content_Types].xml" in (names := names_in(data)) and BOOK in names


def tables(name: str, data: bytes, dialect: Dialect | None = None, *, folder: str = "") -> list[Table]:
    """The tables of all sheets that are shown; `folder` stands before their keys. Raises UnreadableTable."""
    with opened(data) as archive, bounded():
        sheets, hidden = _sheets(archive)
        if len(sheets) > MAX_SHEETS:
            raise UnreadableTable(_("The workbook has more than %(max)d sheets. Split it.") % {"max": MAX_SHEETS})
        strings = _strings(archive)
        styles = _styles(archive)
        remarks = [_("Hidden sheets are skipped: %(names)s.") % {"names": ", ".join(hidden)[:300]}] if hidden else []
        grids = [_grid(archive, path, folder + title, title, strings, styles, tuple(remarks)) for title, path in sheets]
    found = [table for grid in grids for table in tables_of(grid)]
    if not found:
        raise UnreadableTable(_("The file is empty. It needs a header line and at least one row."))
    return found


def _grid(archive: ZipFile, path: str, key: str, title: str, strings, styles, remarks: tuple[str, ...]) -> Grid:
    """A sheet, kept in a temporary file."""
    with archive.open(path) as file:
        merged = merged_down(file)
    sheet, kept = Sheet(strings, styles, merged), TemporaryFile()  # noqa: SIM115  closed when the grid is gone
    with archive.open(path) as file:
        write(kept, sheet.read(file))
    if sheet.filled:
        remarks += (_("Merged cells whose value is copied to each row: %(n)d.") % {"n": sheet.filled},)
    return Grid(key, title, partial(read, kept), is_slow=True, remarks=remarks)


def _part(archive: ZipFile, path: str) -> Any:
    if archive.getinfo(path).file_size > MAX_PART:
        raise ValueError(path)
    return fromstring(archive.read(path), forbid_dtd=True)


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2]


def _all(root: Any, name: str) -> Iterator[Any]:
    return (element for element in root.iter() if _local(element) == name)


def _sheets(archive: ZipFile) -> tuple[list[tuple[str, str]], list[str]]:
    """([(title, path)] of the sheets that are shown, each part once; the titles of hidden ones)"""
    links = {
        link.get("Id"): posixpath.normpath(posixpath.join("xl", link.get("Target", ""))).lstrip("/")
        for link in _all(_part(archive, "xl/_rels/workbook.xml.rels"), "Relationship")
        if link.get("Type", "").endswith("/worksheet")
    }
    shown: dict[str, str] = {}
    hidden = []
    for sheet in _all(_part(archive, BOOK), "sheet"):
        ref = next((value for name, value in sheet.items() if name.endswith("}id")), "")
        title = sheet.get("name") or ref
        if ref in links and sheet.get("state", "visible") == "visible":
            shown.setdefault(links[ref], title)
        elif ref in links:
            hidden.append(title)
    return [(title, path) for path, title in shown.items()], hidden


def _strings(archive: ZipFile) -> list[str]:
    path = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), "")
    if not path:
        return []
    if archive.getinfo(path).file_size > MAX_STRINGS:
        raise UnreadableTable(_("The workbook holds too much text. Split it and import the parts."))
    with archive.open(path) as file:
        return Strings(file).texts


def _styles(archive: ZipFile) -> Styles:
    book = _part(archive, BOOK)
    is_1904 = any(each.get("date1904") in ("1", "true") for each in _all(book, "workbookPr"))
    if "xl/styles.xml" not in archive.namelist():
        return Styles([], is_1904=is_1904)
    root = _part(archive, "xl/styles.xml")
    codes = {int(each.get("numFmtId", 0)): each.get("formatCode", "") for each in _all(root, "numFmt")}
    numbers = [int(cell.get("numFmtId") or 0) for group in _all(root, "cellXfs") for cell in group]
    return Styles([(number, codes.get(number, "")) for number in numbers], is_1904=is_1904)


def _refuse_others(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    """Spreadsheets that are none of ours, each with what to do."""
    names = names_in(data)
    locked = "EncryptedPackage".encode("utf-16-le") in data
    if data.startswith(OLE) and locked:
        raise UnreadableTable(_("The workbook has a password. Open it, save it without one, then import that file."))
    if data.startswith(OLE):
        raise UnreadableTable(
            _("This is an old Excel file. Open it, save it as an Excel workbook (.xlsx), then import that.")
        )
    if "xl/workbook.bin" in names:
        raise UnreadableTable(_("This is a binary Excel file. Save it as an Excel workbook (.xlsx), then import that."))
    raise UnreadableTable(_("This is an OpenDocument or Numbers file. Save it as CSV or as an Excel workbook (.xlsx)."))


def _is_other(data: bytes) -> bool:
    if data.startswith(OLE):
        return True
    names = names_in(data)
    return "mimetype" in names or "xl/workbook.bin" in names or "Index/Document.iwa" in names


register(Reader("xlsx", gettext_lazy("Excel (XLSX)"), (".xlsx", ".xlsm"), is_workbook, tables, order=20))
register(Reader("other sheets", "", (), _is_other, _refuse_others, order=30))
