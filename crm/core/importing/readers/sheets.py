"""The rows of a sheet, read piece by piece."""

import re
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from crm.core.importing.readers.cells import Styles, words
from crm.core.importing.tabular import MAX_FIELD, Row, UnreadableTable, check_length, check_width, only_text

PIECE = 256 * 1024
MAX_MERGED = 50_000
MAX_PLACES = 16_384  # in a row of a workbook
_LETTERS = re.compile("[A-Z]{1,3}")
_MERGED = re.compile(rb"mergeCell\s[^>]*?ref=\"([A-Z]{1,3})([0-9]+):([A-Z]{1,3})([0-9]+)\"")


def parser_of(start: Callable, end: Callable, text: Callable) -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_declared: Any) -> None:
    raise ValueError("a workbook has no document type")


class Strings:
    """The texts that cells name by their number."""

    def __init__(self, file: IO[bytes]):
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._is_text = False
        self._aside = 0  # within the pronunciation of a text
        self._names: tuple[str, ...] = ()
        parser_of(self._start, self._end, self._text).ParseFile(file)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._is_text = name == "t" and not self._aside
        self._aside += name == "rPh"

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        self._is_text = False
        self._aside -= name == "rPh"
        if name == "si":
            self.texts.append(words("".join(self._parts)))
            self._parts.clear()

    def _text(self, text: str) -> None:
        if self._is_text:
            self._parts.append(text)


def place_of(letters: str) -> int:
    if not _LETTERS.fullmatch(letters):
        raise ValueError("a cell has no such place")
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


class Sheet:
    """Rows with something in them. `merged` {(row, place): the row whose cell it shows}."""

    def __init__(self, strings: list[str], styles: Styles, merged: dict[tuple[int, int], int]):
        self.strings, self.styles, self.merged = strings, styles, merged
        self.ready: list[Row] = []
        self.filled = 0  # cells that took the value of the cell they are merged with
        self._places: dict[str, int] = {}
        self._above: dict[tuple[int, int], str] = {}
        self._number = self._place = 0
        self._cells: dict[int, str] = {}
        self._faults: dict[int, str] = {}
        self._parts: list[str] = []
        self._cell: dict[str, str] = {}
        self._is_text = self._is_formula = False
        self._aside = self._read = self._room = 0
        self._first_of = {(row, place) for (_row, place), row in merged.items()}
        self._rows_of: dict[int, list[int]] = {}
        for row, place in merged:
            self._rows_of.setdefault(row, []).append(place)

    def read(self, file: IO[bytes]) -> Iterator[Row]:
        parser = parser_of(self._start, self._end, self._text)
        while piece := file.read(PIECE):
            parser.Parse(piece, False)
            yield from self.ready
            self.ready.clear()
        parser.Parse(b"", True)
        yield from self.ready

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2] if ":" in name else name
        if name == "c":
            self._cell, self._is_formula, self._room = attributes, False, MAX_FIELD + 1
            self._parts.clear()
            if ref := attributes.get("r"):
                letters = ref.rstrip("0123456789")
                if (place := self._places.get(letters)) is None:
                    place = self._places[letters] = place_of(letters)
                self._place = place
        elif name in ("v", "t"):
            self._is_text = not self._aside
        elif name == "f":
            self._is_formula = True
        elif name == "row":
            self._number = int(attributes.get("r") or self._number + 1)
            self._place = 0
        elif name == "rPh":
            self._aside += 1

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2] if ":" in name else name
        if name in ("v", "t"):
            self._is_text = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._aside -= 1

    def _text(self, text: str) -> None:
        if self._is_text and self._room > 0:
            self._parts.append(text)
            self._room -= len(text)

    def _end_cell(self) -> None:
        if self._place >= MAX_PLACES:
            raise ValueError("a row has no such place")
        text, kind = "".join(self._parts), self._cell.get("t", "n")
        if text:
            if kind == "s":
                text = self.strings[int(text)]
            elif kind == "n":
                text = self.styles.number(text, int(self._cell.get("s", 0)))
            elif kind == "b":
                text = "true" if text == "1" else "false"
            elif kind == "e":
                self._fault(_("Cell %(cell)s shows the error %(error)s.") % {"cell": self._ref(), "error": text[:20]})
            elif kind == "d":
                text = text.removesuffix("T00:00:00").replace("T", " ")
            else:
                text = words(text)
        elif self._is_formula and kind != "str":
            text = _(
                "The cell %(cell)s has a formula without a saved result. Open the file in Excel, save it and import it again."
            )
            self._fault(text % {"cell": self._ref()})
            text = ""
        if len(text) > MAX_FIELD:
            self._fault(_("Cell %(cell)s has too much text.") % {"cell": self._ref()})
            text = text[:MAX_FIELD]
        if text:
            self._cells[self._place] = text
        self._place += 1

    def _ref(self) -> str:
        return self._cell.get("r") or str(self._number)

    def _fault(self, why: str) -> None:
        self._faults[self._place] = why

    def _end_row(self) -> None:
        for place in self._rows_of.get(self._number, ()):
            text = self._above.get((self.merged[self._number, place], place))
            if text and place not in self._cells:
                self._cells[place] = text
                self.filled += 1
        if self._first_of:
            self._above |= {
                (self._number, place): text
                for place, text in self._cells.items()
                if (self._number, place) in self._first_of
            }
        if self._cells or self._faults:
            width = max(*self._cells, *self._faults, 0) + 1
            check_width(width)  # of each row: one cell far away would make a long row
            self._read += 1
            check_length(self._read - 100)  # title lines are no rows
            cells = [""] * width
            for place, text in self._cells.items():
                cells[place] = text
            self.ready.append(only_text(Row(self._number, cells, "", self._faults)))
            self._cells, self._faults = {}, {}


def merged_down(file: IO[bytes]) -> dict[tuple[int, int], int]:
    """{(row, place): the row with the value} of cells that are merged over several rows. Raises UnreadableTable."""
    found: dict[tuple[int, int], int] = {}
    rest, is_after = b"", False
    while piece := file.read(PIECE):
        rest += piece
        if not is_after and (at := rest.rfind(b"sheetData>")) >= 0:
            rest, is_after = rest[at:], True
        if is_after:
            for letters, top, _letters, bottom in _MERGED.findall(rest):
                first, last, place = int(top), int(bottom), place_of(letters.decode())
                if last > first:
                    if len(found) + last - first > MAX_MERGED:
                        raise UnreadableTable(
                            _("The sheet has too many merged cells. Unmerge them and save the file again.")
                        )
                    found |= {(row, place): first for row in range(first + 1, last + 1)}
        rest = rest[-200:]
    return found
