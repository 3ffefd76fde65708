"""Reading tables that people bring: which encoding, which delimiter, which date order; and writing tables that are safe
to open in a spreadsheet."""

import codecs
import csv
import io
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.utils.translation import gettext as _

from crm.core.listing.files import safe_cell

ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Western European (Windows-1252, Latin-1)"),
    ("cp1250", "Central European (Windows-1250)"),
    ("cp1251", "Cyrillic (Windows-1251)"),
    ("cp932", "Japanese (Shift JIS)"),
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
DATE_ORDERS = [("ymd", "2026-11-27"), ("dmy", "27/11/2026"), ("mdy", "11/27/2026")]
MAX_FIELD = 131_072
MAX_REREAD = 100  # of a file's quotes that are never closed; each means reading up to MAX_FIELD twice


class UnreadableTable(ValueError):
    """The file is no table we can read; the message says why and what to do."""


@dataclass(frozen=True)
class Dialect:
    encoding: str = "utf-8"
    delimiter: str = ","
    date_order: str = "ymd"


@dataclass(frozen=True)
class Row:
    """`number` is the line people see in a spreadsheet (the header is 1). `problem` says why a row cannot be read."""

    number: int
    cells: list[str]
    problem: str = ""


def detect(data: bytes) -> Dialect:
    """Encoding and delimiter of a file's beginning (some 100 kB are enough). Raises UnreadableTable."""
    if not data.strip(b"\x00\r\n\t ,;" + codecs.BOM_UTF8):
        raise UnreadableTable(_("The file is empty. Export it again with a header line and at least one row."))
    encoding = _encoding_of(data)
    text = decode(data, encoding, partial=True)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max((d for d, _label in DELIMITERS), key=lambda d: _columns(first, d))
    return Dialect(encoding, delimiter if _columns(first, delimiter) > 1 else ",")


def _columns(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter), []))


def _encoding_of(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\x00" in data or data.startswith((b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\xd0\xcf\x11\xe0")):
        raise UnreadableTable(
            _("This is not a CSV file. In your spreadsheet choose “Save as”, CSV, and bring that file.")
        )
    try:
        decode(data, "utf-8", partial=True)
    except UnreadableTable:
        return "cp1252"
    return "utf-8"


def decode(data: bytes, encoding: str, *, partial: bool = False) -> str:
    """Text of the bytes; `partial` forgives a character cut at the end. Raises UnreadableTable."""
    if encoding not in dict(ENCODINGS):  # Python knows “encodings” that unpack archives
        raise UnreadableTable(_("Unknown encoding."))
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        return codecs.getincrementaldecoder(name)().decode(data, final=not partial)
    except UnicodeDecodeError as error:
        if encoding == "cp1252":
            return data.decode("latin-1")
        raise UnreadableTable(
            _("The file is not in the encoding %(encoding)s (byte %(position)d). Choose another encoding.")
            % {"encoding": encoding, "position": error.start}
        ) from error
    except LookupError as error:
        raise UnreadableTable(_("Unknown encoding.")) from error


def read(data: bytes, dialect: Dialect) -> tuple[list[str], Iterator[Row]]:
    """(header, rows). Rows of the wrong width carry a problem instead of stopping the rest. Raises UnreadableTable."""
    lines = _lines(data, dialect)
    try:
        reader = csv.reader(lines, delimiter=dialect.delimiter)
        header = next((cells for cells in reader if any(cell.strip() for cell in cells)), None)
    except csv.Error as error:
        raise UnreadableTable(_("The first line cannot be read: %(why)s") % {"why": error}) from error
    if header is None:
        raise UnreadableTable(_("The file is empty. Export it again with a header line and at least one row."))
    if len(header) > settings.IMPORT_MAX_COLUMNS:
        raise UnreadableTable(
            _("The file has %(n)d columns; at most %(max)d can be imported.")
            % {"n": len(header), "max": settings.IMPORT_MAX_COLUMNS}
        )
    return unique_headers(header), _rows(lines, dialect.delimiter, len(header))


def _lines(data: bytes, dialect: Dialect) -> "_Lines":
    if dialect.delimiter not in dict(DELIMITERS):
        raise UnreadableTable(_("Unknown delimiter."))
    csv.field_size_limit(MAX_FIELD)
    return _Lines(decode(data, dialect.encoding))


class _Lines:
    """The lines of a text, counted. Those a row took after its first can be given back, to be read as rows of their own."""

    def __init__(self, text: str):
        self._source = io.StringIO(text, newline="")
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
    """A quote that is never closed takes all that follows into one cell: its row is the only one that fails for it."""
    reader = csv.reader(lines, delimiter=delimiter)
    read_rows = rereads = 0
    while True:
        lines.start_row()
        problem = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], _("The row cannot be read: %(why)s") % {"why": error}
        if lines.has_ended or (len(lines.taken) > 1 and (problem or not _is_strict(lines.taken, delimiter))):
            problem = _("A quote is opened in this row and never closed.")
        if problem:
            if len(lines.taken) > 1 and rereads < MAX_REREAD:
                rereads += 1
                lines.give_back()
            cells = _cells_of(lines.taken[0], delimiter)
        elif not any(cell.strip() for cell in cells):
            continue
        read_rows += 1
        if read_rows > settings.IMPORT_MAX_ROWS:
            raise UnreadableTable(
                _("The file has more than %(max)d rows. Split it and import the parts.")
                % {"max": settings.IMPORT_MAX_ROWS}
            )
        yield Row(lines.number, _padded(cells, width), problem) if problem else _checked(lines.number, cells, width)


def _is_strict(lines: list[str], delimiter: str) -> bool:
    """Whether a row over several lines is quoted as it should be: one that is not has taken its neighbours in."""
    try:
        return len(list(csv.reader(lines, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _cells_of(line: str, delimiter: str) -> list[str]:
    """What can be told of a row that cannot be read, for the file of failed rows."""
    try:
        return [cell.strip().replace("\x00", "") for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _checked(number: int, cells: list[str], width: int) -> Row:
    cells = [cell.strip() for cell in cells]
    if any("\x00" in cell for cell in cells):
        return Row(
            number, [cell.replace("\x00", "") for cell in cells], _("The row holds characters that are not text.")
        )
    if len(cells) > width and any(cells[width:]):
        problem = _("The row has %(n)d values for %(width)d columns; a quote or delimiter is probably missing.")
        return Row(number, cells, problem % {"n": len(cells), "width": width})
    return Row(number, _padded(cells, width)[:width])


def unique_headers(header: list[str]) -> list[str]:
    """Header names, stripped; an empty one is called by its place, a repeated one numbered."""
    names: list[str] = []
    for place, name in enumerate(header, 1):
        name = name.strip().replace("\x00", "") or _("Column %(n)d") % {"n": place}
        base, count = name, 2
        while name in names:
            name, count = f"{base} ({count})", count + 1
        names.append(name)
    return names


def fold(text: str) -> str:
    """A name without case, accents, spaces and punctuation, for comparing headers and names."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^\w]|_", "", "".join(c for c in plain if not unicodedata.combining(c)))


_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$")
_PARTS = re.compile(r"^(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[T ,].*)?$")


def parse_date(text: str, order: str = "ymd") -> date:
    """A date in ISO form, or with its parts in `order`. Raises ValueError with a sentence."""
    wrong = ValueError(
        _("“%(text)s” is not a date. Expected one such as %(example)s.")
        % {"text": text[:40], "example": dict(DATE_ORDERS)[order]}
    )
    match = _ISO.match(text) or _PARTS.match(text)
    if not match:
        raise wrong
    parts = [int(part) for part in match.groups()]
    if _ISO.match(text):
        year, month, day = parts
    else:
        by_letter = dict(zip(order, parts, strict=True))
        year, month, day = by_letter["y"], by_letter["m"], by_letter["d"]
        year += 2000 if year < 100 else 0
    try:
        return date(year, month, day)
    except ValueError as error:
        raise wrong from error


def detect_date_order(samples: Iterable[str]) -> str:
    """The order in which all samples are dates; ymd first, then dmy, then mdy; ymd when none fits."""
    samples = [s for s in samples if s]
    for order in ("ymd", "dmy", "mdy"):
        try:
            for sample in samples:
                parse_date(sample, order)
        except ValueError:
            continue
        return order
    return "ymd"


def parse_moment(text: str, order: str, zone) -> datetime:
    """An aware datetime: ISO with or without offset, or a date with an optional time in `zone`. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        day = parse_date(text, order)
        clock = re.search(r"(\d{1,2}):(\d{2})", text)
        hour, minute = (int(clock[1]), int(clock[2])) if clock else (12, 0)
        if hour > 23 or minute > 59:
            raise ValueError(_("“%(text)s” has no valid time.") % {"text": text[:40]}) from None
        moment = datetime.combine(day, time(hour, minute))
    else:
        if len(text) <= 10:
            moment = moment.replace(hour=12)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def parse_amount(text: str) -> Decimal:
    """A number as people and programs write it: 1,234.50, 1 234,50, (12.00), €12, 6.0E7. Raises ValueError with a sentence."""
    cleaned = re.sub(r"[^\d.,()+\-eE]", "", text.replace("\u2212", "-"))
    is_negative = cleaned.startswith("(") and cleaned.endswith(")")
    cleaned = cleaned.strip("()")
    comma, dot = cleaned.rfind(","), cleaned.rfind(".")
    is_comma_decimal = comma > dot and (dot >= 0 or len(cleaned) - comma != 4)
    cleaned = cleaned.replace(".", "").replace(",", ".") if is_comma_decimal else cleaned.replace(",", "")
    try:
        amount = Decimal(cleaned)
    except InvalidOperation as error:
        raise ValueError(_("“%(text)s” is not a number.") % {"text": text[:40]}) from error
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12:
        raise ValueError(_("“%(text)s” is too large.") % {"text": text[:40]})
    return -amount if is_negative else amount


def write_csv(header: list[str], rows: Iterable[Iterable]) -> bytes:
    """UTF-8 with a byte-order mark, so that spreadsheets read it right."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()
