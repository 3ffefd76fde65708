"""Reading uploaded tables (encoding, delimiter), and writing tables that are safe to open in a spreadsheet.
`crm.core.base.reading` parses the cells.
"""

import codecs
import csv
import io
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import IO

from charset_normalizer import from_bytes
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from crm.core.base.deciding import SAMPLES, Decision, Option
from crm.core.listing.files import safe_cell

ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Western European (Windows-1252, Latin-1)"),
    ("cp1250", "Central European (Windows-1250)"),
    ("cp1251", "Cyrillic (Windows-1251)"),
    ("mac_roman", "Western European (Mac Roman)"),
    ("cp932", "Japanese (Shift JIS)"),
    ("gb18030", "Chinese (GBK, GB 18030)"),
    ("big5", "Chinese, traditional (Big5)"),
    ("cp949", "Korean (CP949)"),
]
DELIMITERS = [
    (",", "Comma ,"),
    (";", "Semicolon ;"),
    ("\t", "Tab"),
    ("|", "Bar |"),
    ("!", "!"),
    (":", "Colon :"),
    ("^", "^"),
    ("~", "~"),
]
CODECS = {"utf-8": "utf-8-sig"}  # those of another name
PIECE = 1 << 20  # bytes that are decoded at once
MAX_FIELD = 131_072
TELLING_LINES = 300  # with letters beyond ASCII, which tell encodings apart
AROUND = 20  # characters shown before a difference in a line, and three times as many after it
NOISE = 0.1  # how much worse an encoding may score and still be offered
NOT_TEXT = (b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\xd0\xcf\x11\xe0", b"{\\rtf")
NO_TABLE = re.compile(
    rb"\s*(?:<(?:!doctype|html|table|\?xml)\b|\[?\s*\{\s*[\"}])", re.IGNORECASE
)  # a web page, XML or JSON
CARDS = re.compile(rb"\s*BEGIN:V(?:CARD|CALENDAR)\b", re.IGNORECASE)
NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # the database refuses them
SEPARATOR = re.compile("\ufeff?sep=(.)\r?\n", re.IGNORECASE)  # a first line that tells spreadsheets the delimiter
MAX_REREAD = 100  # unclosed quotes of a file; each means reading up to MAX_FIELD twice


class UnreadableTable(ValueError):
    """The file is not a readable table; the message says why and what to do."""


@dataclass(frozen=True)
class Dialect:
    encoding: str = "utf-8"
    delimiter: str = ","


@dataclass(frozen=True)
class Row:
    """`number` is the line number in a spreadsheet (the header is 1). `problem` says why the row cannot be read, `faults`
    {place: why} which of its cells cannot.
    """

    number: int
    cells: list[str]
    problem: str = ""
    faults: dict[int, str] = field(default_factory=dict)


def detect(data: bytes, encoding: str = "") -> Dialect:
    """Encoding (the likeliest, unless given) and delimiter of a file. Raises UnreadableTable."""
    if not data.strip(b"\x00\r\n\t ,;" + codecs.BOM_UTF8):
        raise UnreadableTable(_("The file is empty. It needs a header line and at least one row."))
    encoding = encoding or likeliest(decide_encoding(data))
    text = decode(data[:200_000], encoding, partial=True)
    if (told := SEPARATOR.match(text)) and told[1] in dict(DELIMITERS):
        return Dialect(encoding, told[1])
    width = {delimiter: _columns(text, delimiter) for delimiter, _label in DELIMITERS}
    delimiter = max(width, key=lambda d: width[d])
    return Dialect(encoding, delimiter if width[delimiter] > 1 else ",")


def _columns(text: str, delimiter: str) -> int:
    """The width of the header. It may take several lines if its quotes close; otherwise it is the first line."""
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    try:
        head = _header(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        head = _header(csv.reader([first], delimiter=delimiter))
    return len(head or [])


def _header(rows: Iterable[list[str]]) -> list[str] | None:
    return next((cells for cells in rows if any(cell.strip() for cell in cells)), None)


def decide_encoding(data: bytes) -> Decision:
    """The Decision about a file's encoding (subject "encoding"). If several encodings fit and read it differently,
    there is no value; each option shows sample lines, the likeliest first. Raises UnreadableTable if it is not text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Decision("encoding", "utf-16")
    start = data[:1000].removeprefix(codecs.BOM_UTF8)
    if CARDS.match(start):
        raise UnreadableTable(
            _(
                "This is an address book or calendar file, not a table. Export the contacts as CSV, then import that file."
            )
        )
    if NO_TABLE.match(start) or (start == data[:1000] and (b"\x00" in data or data.startswith(NOT_TEXT))):
        raise UnreadableTable(
            _("This is not a CSV file. In your spreadsheet, choose “Save as” and CSV, then import that file.")
        )
    try:
        decode(data, "utf-8", partial=True)
    except UnreadableTable:
        return decide_among_others(data)
    return Decision("encoding", "utf-8")


def likeliest(decision: Decision) -> str:
    return decision.value or decision.options[0].value


def decide_among_others(data: bytes) -> Decision:
    """Decide by the lines that are not plain ASCII: the encodings that fit, the least noisy first."""
    lines = itertools.islice(dict.fromkeys(line for line in data.splitlines() if not line.isascii()), TELLING_LINES)
    telling = b"\n".join(lines)
    names = [name for name, _label in ENCODINGS if not name.startswith("utf")]
    found = [
        (round(match.chaos, 1), min(map(names.index, match.could_be_from_charset)))
        for match in from_bytes(telling, cp_isolation=names, threshold=1)
    ]
    found.sort()
    likely = [names[place] for chaos, place in found if chaos <= found[0][0] + NOISE] or ["cp1252"]
    readings = {name: decode(telling, name, partial=True) for name in likely if _fits(telling, name)}
    different = {text: name for name, text in reversed(readings.items())}
    kept = [name for name in readings if name in different.values()] or ["cp1252"]
    if len(kept) == 1:
        return Decision("encoding", kept[0])
    return Decision("encoding", options=tuple(Option(name, _lines_of(name, kept, readings)) for name in kept))


def _fits(data: bytes, encoding: str) -> bool:
    try:
        decode(data, encoding, partial=True)
    except UnreadableTable:
        return False
    return True


def _lines_of(name: str, names: list[str], readings: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Some lines that the encodings read differently, those with the most readings first."""
    rows = [row for row in zip(*(readings[other].split("\n") for other in names), strict=False) if len(set(row)) > 1]
    rows.sort(key=lambda row: -len(set(row)))
    return tuple(("", _around(len(commonprefix(row)), row[names.index(name)])) for row in rows[:SAMPLES])


def _around(place: int, line: str) -> str:
    """The part of a long line that is read differently, with a word or two on either side."""
    start = max(0, place - AROUND) if len(line.strip()) > 4 * AROUND else 0
    part = line[start : start + 4 * AROUND].strip()
    return f"…{part}" if start else part


def decode(data: bytes, encoding: str, *, partial: bool = False) -> str:
    """Decoded text; `partial` allows a character cut off at the end. Raises UnreadableTable."""
    decoder = _decoder(encoding)
    try:
        return decoder.decode(data, final=not partial)
    except UnicodeError as error:
        if encoding == "cp1252":
            return data.decode("latin-1")
        raise _undecodable(encoding, getattr(error, "start", 0)) from error


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    """Raises UnreadableTable."""
    if encoding not in dict(ENCODINGS):  # some of Python's codecs decompress data
        raise UnreadableTable(_("Unknown encoding."))
    try:
        return codecs.getincrementaldecoder(CODECS.get(encoding, encoding))()
    except LookupError as error:
        raise UnreadableTable(_("Unknown encoding.")) from error


def _undecodable(encoding: str, position: int) -> UnreadableTable:
    text = _(
        "The file cannot be read as %(encoding)s (from byte %(position)d). Choose another encoding, or save it as UTF-8."
    )
    return UnreadableTable(text % {"encoding": dict(ENCODINGS)[encoding], "position": position})


def read(data: bytes, dialect: Dialect) -> tuple[list[str], Iterator[Row]]:
    """(header, rows). A row of the wrong width gets a problem and does not stop the rest. Raises UnreadableTable."""
    return _read(lines_of(data, dialect), dialect)


def read_stream(opened: Callable[[], IO[bytes]], dialect: Dialect) -> tuple[list[str], Iterator[Row]]:
    """As `read`, of a file that is never whole in memory."""
    return _read(_Lines(_streamed(opened, dialect)), dialect)


def _read(lines: "_Lines", dialect: Dialect) -> tuple[list[str], Iterator[Row]]:
    try:
        reader = csv.reader(lines, delimiter=dialect.delimiter)
        header = _header(reader)
    except csv.Error as error:
        raise UnreadableTable(_("The first line is unreadable: %(why)s") % {"why": _too_long()}) from error
    if header is None:
        raise UnreadableTable(_("The file is empty. It needs a header line and at least one row."))
    check_width(len(header))
    return unique_headers(header), _rows(lines, dialect.delimiter, len(header))


def check_width(columns: int) -> None:
    """Raises UnreadableTable if an import may not have so many columns."""
    if columns > settings.IMPORT_MAX_COLUMNS:
        raise UnreadableTable(
            _("The file has %(n)d columns. You can import up to %(max)d.")
            % {"n": columns, "max": settings.IMPORT_MAX_COLUMNS}
        )


def check_length(rows: int) -> None:
    """Raises UnreadableTable if an import may not have so many rows."""
    if rows > settings.IMPORT_MAX_ROWS:
        raise UnreadableTable(
            _("The file has more than %(max)d rows. Split it and import the parts.") % {"max": settings.IMPORT_MAX_ROWS}
        )


def lines_of(data: bytes, dialect: Dialect) -> "_Lines":
    if dialect.delimiter not in dict(DELIMITERS):
        raise UnreadableTable(_("Unknown delimiter."))
    csv.field_size_limit(MAX_FIELD)
    text = decode(data, dialect.encoding)
    text = SEPARATOR.sub("", text, count=1) if SEPARATOR.match(text) else text
    return _Lines(io.StringIO(text, newline=""))


def _streamed(opened: Callable[[], IO[bytes]], dialect: Dialect) -> Iterator[str]:
    """The lines of a file. It is decoded to its end before the first line is given: a text that cannot be read has no rows."""
    if dialect.delimiter not in dict(DELIMITERS):
        raise UnreadableTable(_("Unknown delimiter."))
    csv.field_size_limit(MAX_FIELD)
    with opened() as file:
        name = _codec_that_fits(file, dialect.encoding)

    def lines() -> Iterator[str]:
        with opened() as file, io.TextIOWrapper(file, encoding=name, newline="") as text:
            for number, line in enumerate(text):
                if number or not SEPARATOR.fullmatch(line):
                    yield line

    return lines()


def _codec_that_fits(file: IO[bytes], encoding: str) -> str:
    """Raises UnreadableTable."""
    decoder, at, left = _decoder(encoding), 0, 0
    try:
        for piece in itertools.chain(iter(lambda: file.read(PIECE), b""), [b""]):
            left = len(decoder.getstate()[0])
            decoder.decode(piece, final=not piece)
            at += len(piece)
    except UnicodeError as error:  # UTF-16 without its mark has no place
        if encoding == "cp1252":
            return "latin-1"
        raise _undecodable(encoding, at - left + getattr(error, "start", 0)) from error
    return CODECS.get(encoding, encoding)


class _Lines:
    """The lines of a text, counted. The lines after a row's first can be given back, to be read as separate rows."""

    def __init__(self, text: Iterator[str]):
        self._source = text
        self._back: deque[str] = deque()
        self.number = 0
        self.start_row()

    def start_row(self) -> None:
        self.taken: list[str] = []
        self.has_ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._back.popleft() if self._back else next(self._source)
        except StopIteration:
            self.has_ended = True
            raise
        self.taken.append(line)
        self.number += 1
        return line

    def give_back(self) -> None:
        self._back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1


def _rows(lines: _Lines, delimiter: str, width: int) -> Iterator[Row]:
    """An unclosed quote swallows all that follows into one cell; only its own row fails."""
    reader = csv.reader(lines, delimiter=delimiter)
    read_rows = rereads = 0
    while True:
        lines.start_row()
        problem = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells, problem = [], unreadable()
        if lines.has_ended or (len(lines.taken) > 1 and (problem or not _is_strict(lines.taken, delimiter))):
            problem = _("This row has an opening quote without a closing one.")
        if problem:
            if len(lines.taken) > 1 and rereads < MAX_REREAD:
                rereads += 1
                lines.give_back()
            cells = _cells_of(lines.taken[0], delimiter)
        elif not any(cell.strip() for cell in cells):
            continue
        read_rows += 1
        check_length(read_rows)
        yield Row(lines.number, _padded(cells, width), problem) if problem else _checked(lines.number, cells, width)


def unreadable(line: int = 0) -> str:
    text = _("Line %(n)d is unreadable: %(why)s") if line else _("The row is unreadable: %(why)s")
    return text % {"n": line, "why": _too_long()}


def _too_long() -> str:
    """The only error of the csv reader, which is lenient about quotes."""
    return _("a cell has more than %(max)s characters.") % {"max": number_format(MAX_FIELD, force_grouping=True)}


def _is_strict(lines: list[str], delimiter: str) -> bool:
    """Whether a row over several lines is quoted correctly; if not, it has swallowed its neighbours."""
    try:
        return len(list(csv.reader(lines, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _cells_of(line: str, delimiter: str) -> list[str]:
    """The best guess at the cells of an unreadable row, for the file of failed rows."""
    line = line[:MAX_FIELD]
    return [NO_TEXT.sub("", cell.strip()) for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _checked(number: int, cells: list[str], width: int) -> Row:
    cells = [cell.strip() for cell in cells]
    row = only_text(Row(number, cells))
    if row.problem:
        return row
    if len(cells) > width and any(cells[width:]):
        problem = _("The row has %(n)d values for %(width)d columns. A quote or delimiter is probably missing.")
        return Row(number, cells, problem % {"n": len(cells), "width": width})
    return Row(number, _padded(cells, width)[:width])


def only_text(row: Row) -> Row:
    """The row, with a problem if its cells hold what is no text."""
    if not NO_TEXT.search("".join(row.cells)):
        return row
    cells = [NO_TEXT.sub("", cell) for cell in row.cells]
    return Row(row.number, cells, _("The row contains characters that are not text."), row.faults)


def unique_headers(header: list[str]) -> list[str]:
    """Header names on one line each, so that a form can send them back. An empty one gets its position as name, a
    repeated one a number.
    """
    names: list[str] = []
    for place, name in enumerate(header, 1):
        name = " ".join(NO_TEXT.sub("", name).split()) or _("Column %(n)d") % {"n": place}
        base, count = name, 2
        while name in names:
            name, count = f"{base} ({count})", count + 1
        names.append(name)
    return names


def write_csv(header: list[str], rows: Iterable[Iterable]) -> bytes:
    """UTF-8 with a byte-order mark, so that spreadsheets read it right."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()
