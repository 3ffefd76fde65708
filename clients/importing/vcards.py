"""Address books: vCard 2.1, 3.0 and 4.0, a row for each card (docs/decisions/0031 says why with no library)."""

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from crm.core.base.deciding import Decision
from crm.core.importing import tabular
from crm.core.importing.readers import Reader, Table, register
from crm.core.importing.tabular import Dialect, Row, check_length

_BEGIN = re.compile(rb"\s*BEGIN:VCARD\b", re.IGNORECASE)
_HEAD = re.compile(rb"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)((?:;(?:\"[^\"]*\"|[^\":])*)?):", re.DOTALL)
_PARAMETER = re.compile(r"(?:[^;\"]|\"[^\"]*\")+")
_CHARSET = re.compile(
    r"(utf-?(8|16)|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis|gb\w+|big5|euc-\w+)", re.I
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMPACT_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:T.*)?")
_LEFT_OUT = {"PHOTO", "LOGO", "SOUND", "KEY"}
_SEVERAL = {"NOTE", "URL", "CATEGORIES"}
_LABELS = {"WORK": "work", "HOME": "home", "CELL": "mobile", "MOBILE": "mobile"}
# {column: the field of a contact that it fills}; the others wait for a field of the firm's own
COLUMNS = {
    "UID": "external_id",
    "First name": "first_name",
    "Last name": "last_name",
    "Prefix": "salutation",
    "Suffix": "",
    "Nickname": "",
    "Company": "client_name",
    "Department": "",
    "Title": "title",
    **{f"Email, {label}": f"email_{label}" for label in ("work", "home", "other", "mobile")},
    "Main email": "main_email",
    "Unusable email": "",
    **{f"Phone, {label}": f"phone_{label}" for label in ("work", "mobile", "home", "other")},
    "Main phone": "main_phone",
    "Fax": "",
    "Pager": "",
    **{f"Address, {label}": "" for label in ("work", "home", "other")},
    "Birthday": "",
    "Website": "",
    "Categories": "",
    "Notes": "notes",
}


@dataclass
class Card:
    number: int
    cells: dict[str, list[str]] = field(default_factory=dict)
    main: dict[str, str] = field(default_factory=dict)
    name: tuple[str, str] = ("", "")
    shown_name: str = ""
    is_complete: bool = False

    def add(self, column: str, text: str) -> None:
        here = self.cells.setdefault(column, [])
        if text and text not in here:
            here.append(text)

    def row(self) -> Row:
        first, last = self.name if any(self.name) else _parted(self.shown_name)
        if not first and not last:
            named = ("Nickname", "Company", *(name for name in COLUMNS if name.startswith(("Email", "Phone"))))
            last = next((self.cells[name][0] for name in named if self.cells.get(name)), "")
        self.cells |= {"First name": [first], "Last name": [last]}
        self.cells |= {f"Main {name}": [text] for name, text in self.main.items()}
        cells = [("\n\n" if name == "Notes" else "; ").join(self.cells.get(name, [])) for name in COLUMNS]
        problem = "" if self.is_complete else _("The card is cut off: the file ends before it does.")
        return tabular.only_text(Row(self.number, cells, problem))


def _parted(name: str) -> tuple[str, str]:
    first, _space, last = name.strip().rpartition(" ")
    return first, last


# Lines


@dataclass(frozen=True)
class Line:
    number: int
    name: str
    parameters: dict[str, str]
    types: frozenset[str]
    value: str

    def parts(self) -> list[str]:
        """The parts of a name or address, which semicolons separate."""
        return [_plain(part) for part in re.split(r"(?<!\\)(?:\\\\)*;", self.value)]

    @property
    def label(self) -> str:
        return next((label for word, label in _LABELS.items() if word in self.types), "")


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text).strip()


def _unfolded(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number of its first line, line). A line goes on in the next one that begins with a space, and one in
    quoted-printable after a = at its end.
    """
    held: list[bytes] = []
    number, is_quoted = 0, False
    for at, line in enumerate(re.split(rb"\r\n|\n|\r", data), 1):
        is_folded = line[:1] in (b" ", b"\t")
        if is_quoted and held[-1].endswith(b"="):
            held[-1] = held[-1][:-1]
            held.append(line.lstrip(b" \t"))
        elif held and is_folded:
            held.append(line[1:])
        else:
            if held:
                yield number, b"".join(held)
            held, number = [line], at
            is_quoted = b"QUOTED-PRINTABLE" in line.partition(b":")[0].upper()
    yield number, b"".join(held)


def _lines(data: bytes, encoding: str) -> Iterator[Line]:
    for number, raw in _unfolded(data):
        match = _HEAD.match(raw)
        if not match:
            continue
        name, head = match[1].decode("ascii").upper(), match[2].decode("ascii", "replace")
        parameters, types = _parameters(head)
        value = b"" if name in _LEFT_OUT else raw[match.end() :]
        yield Line(number, name, parameters, types, _decoded(value, parameters, types, encoding))


def _parameters(head: str) -> tuple[dict[str, str], frozenset[str]]:
    """({name: value}, all types); in 2.1 a type stands there without its name."""
    parameters: dict[str, str] = {}
    types: set[str] = set()
    for text in _PARAMETER.findall(head):
        name, sign, value = text.partition("=")
        value = value.strip('"').upper() if sign else name.upper()
        if not sign or name.upper() == "TYPE":
            types |= {word.strip() for word in value.split(",")}
        else:
            parameters[name.upper()] = value
    return parameters, frozenset(types)


def _decoded(value: bytes, parameters: dict[str, str], types: frozenset[str], encoding: str) -> str:
    way = parameters.get("ENCODING", "")
    if way == "QUOTED-PRINTABLE" or "QUOTED-PRINTABLE" in types:
        value = quopri.decodestring(value)
    elif way in ("B", "BASE64") or "BASE64" in types:
        try:
            value = binascii.a2b_base64(value)
        except binascii.Error:
            value = b""
    named = parameters.get("CHARSET", "")
    for name in (named if _CHARSET.fullmatch(named) else "utf-8", encoding):
        try:
            return value.decode(name).replace("\r\n", "\n")
        except (UnicodeDecodeError, LookupError):
            continue
    return value.decode("latin-1")


# Cards


def _cards(data: bytes, encoding: str) -> Iterator[tuple[Card, int]]:
    """(card, how many pictures and the like it has). A card within a card (an agent) is left out."""
    card, depth, pictures = None, 0, 0
    for line in _lines(data, encoding):
        word = line.value.strip().upper()
        if line.name == "BEGIN" and word == "VCARD":
            depth += 1
            card = card or Card(line.number)
        elif line.name == "END" and word == "VCARD" and card is not None:
            depth -= 1
            if depth == 0:
                card.is_complete = True
                yield card, pictures
                card, pictures = None, 0
        elif card is not None and depth == 1:
            pictures += line.name in _LEFT_OUT
            _take(card, line)
    if card is not None:
        yield card, pictures


def _take(card: Card, line: Line) -> None:
    if line.name == "N":
        last, first, more, prefix, suffix, *_rest = [*line.parts(), "", "", "", "", ""]
        more = " ".join(" ".join(part.split()) for part in more.split(",") if part.strip())
        card.name = (f"{first} {more}".strip(), last)
        card.add("Prefix", prefix)
        card.add("Suffix", suffix)
    elif line.name == "FN":
        card.shown_name = card.shown_name or _plain(line.value)
    elif line.name == "ORG":
        company, department, *_rest = [*line.parts(), ""]
        if not card.cells.get("Company"):
            card.add("Company", company)
            card.add("Department", department)
    elif line.name == "EMAIL":
        _take_email(card, line)
    elif line.name == "TEL":
        _take_phone(card, line)
    elif line.name == "ADR":
        text = ", ".join(filter(None, (" ".join(part.split()) for part in line.parts())))
        card.add(f"Address, {line.label if line.label in ('work', 'home') else 'other'}", text)
    elif line.name == "BDAY":
        match = _COMPACT_DAY.fullmatch(line.value.strip())
        card.add("Birthday", "-".join(match.groups()) if match else _plain(line.value))
    elif column := _SIMPLE.get(line.name):
        if column in card.cells and line.name not in _SEVERAL:
            return
        card.add(column, _plain(line.value.removeprefix("urn:uuid:") if line.name == "UID" else line.value))


_SIMPLE = {
    "UID": "UID",
    "TITLE": "Title",
    "NICKNAME": "Nickname",
    "URL": "Website",
    "CATEGORIES": "Categories",
    "NOTE": "Notes",
}


def _is_main(line: Line) -> bool:
    return "PREF" in line.types or line.parameters.get("PREF") == "1"


def _take_email(card: Card, line: Line) -> None:
    address = _plain(line.value).removeprefix("mailto:")
    try:
        validate_email(address)
    except ValidationError:
        card.add("Unusable email", address)
        return
    card.add(f"Email, {line.label or 'work'}", address)
    if _is_main(line):
        card.main.setdefault("email", address)


def _take_phone(card: Card, line: Line) -> None:
    number = _plain(line.value).removeprefix("tel:").replace(";ext=", " ext. ").replace(";", " ")
    if aside := next((word for word in ("FAX", "PAGER") if word in line.types), ""):
        card.add(aside.capitalize(), number)
        return
    card.add(f"Phone, {line.label or 'other'}", number)
    if _is_main(line):
        card.main.setdefault("phone", number)


# The table


def _is_its_own(data: bytes) -> bool:
    return bool(_BEGIN.match(_as_utf8(data[:1000]).removeprefix(codecs.BOM_UTF8)))


def _as_utf8(data: bytes) -> bytes:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "ignore").encode()
    return data


def _encoding(data: bytes) -> Decision:
    try:
        data.decode()
    except UnicodeDecodeError:
        return tabular.decide_among_others(data)
    return Decision("encoding", "utf-8")


def _tables(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    data = _as_utf8(data).removeprefix(codecs.BOM_UTF8)
    decided = _encoding(data)
    encoding = dialect.encoding if dialect else tabular.likeliest(decided)
    total, pictures, has_company = 0, 0, False
    for total, (card, more) in enumerate(_cards(data, encoding), 1):
        check_length(total)
        pictures += more
        has_company = has_company or bool(card.cells.get("Company"))
    remarks = []
    if pictures:
        remarks.append(_("Photos, logos and sounds are skipped (%(n)d).") % {"n": pictures})
    if has_company:
        text = _("A card’s company must match the exact name of a client. Otherwise its row fails.")
        remarks.append(
            text + " " + _("To import the people without clients, choose “not in the file” for the client’s name.")
        )
    return [
        Table(
            key="cards",
            title=name,
            header=[*COLUMNS],
            total=total,
            read=lambda: (card.row() for card, _pictures in _cards(data, encoding)),
            kind="contacts",
            system="vcard",
            mapping={filled: column for column, filled in COLUMNS.items() if filled},
            remarks=tuple(remarks),
            dialect=None if decided.value == "utf-8" else Dialect(encoding, ""),
            encodings=decided.options,
        )
    ]


register(Reader("vcard", "vCard", (".vcf",), _is_its_own, _tables, order=10))
