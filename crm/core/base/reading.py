"""Parses the values that people and programs write: days, datetimes, numbers, yes and no, countries, languages,
currencies.

A text is read only if all of it has a known format; otherwise ValueError with a message for people. What one value
leaves open is decided per column (`deciding.py`). Nothing is guessed for a single cell.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.dates import is_plausible
from crm.core.base.places import country_codes, currencies_in_use
from crm.core.base.zones import zone_names

# Names of months, countries, currencies and languages are read in these languages.
LANGUAGES = ("en", "de", "es", "fi", "fr", "nl", "sv", "it")
ORDERS = {"ymd": "2026-11-27", "dmy": "27/11/2026", "mdy": "11/27/2026"}
DECIMALS = {".": "1,234.50", ",": "1.234,50"}
MOST = Decimal(10) ** 12
LONGEST = 200  # characters of a day, a datetime or a number; longer text is rejected early


@dataclass(frozen=True)
class Conventions:
    """How one column is written: its date order and decimal sign ("" if undecided), the zone of times that name none
    (default UTC), and the firm's currency, for which "$" or "kr" may stand.
    """

    date_order: str = ""
    decimal: str = ""
    zone: tzinfo | None = None
    currency: str = ""


PLAIN = Conventions()


_PUNCTUATION = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """A name without case, accents, spaces and punctuation, for comparing headers and names."""
    if text.isascii():
        return _PUNCTUATION.sub("", text.lower())
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _PUNCTUATION.sub("", "".join(c for c in plain if not unicodedata.combining(c)))


def whole_number(text: Any, *, least: int = 0, most: int = 2**63 - 1) -> int | None:
    """The number in a parameter or form field of plain digits, else None. (`isdigit()` also accepts “²”.)"""
    text = str(text)
    if not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    return int(text) if least <= int(text) <= most else None


# --- days and moments -------------------------------------------------------------------------------------------------------

_PARTS = re.compile(r"([0-9]{4}|[0-9]{1,2})([./-])[ ]?([0-9]{1,2})\2[ ]?([0-9]{4}|[0-9]{1,2})\.?")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_SERIAL = re.compile(r"([1-7][0-9]{4})(?:[.,]([0-9]+))?")  # 1927 to 2119
_WORD = r"([^\W\d_]{3,}|mi)"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"([0-9]{4}|'?[0-9]{2})"
_NAMED = (
    ("dmy", re.compile(rf"{_DAY}[ ./-]*(?:of |de |den )?{_WORD}\.?[ ,./-]*(?:del? )?{_YEAR}")),
    ("mdy", re.compile(rf"{_WORD}\.?[ -]*{_DAY},?[ -]+{_YEAR}")),
    ("ymd", re.compile(rf"([0-9]{{4}})[ ./-]*{_WORD}\.?[ ./-]*{_DAY}")),
)
_CLOCK = re.compile(
    r"(?:T|,? )(?:(?:at|um|klo|kl\.?|à|om|a las|alle) )?"
    r"(?P<hour>[0-9]{1,2})(?:[:.h](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?)?"
    r" ?(?P<half>[ap]\.?m\b\.?)?(?: ?(?:uhr|h))?"
    r" ?(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}|\[?[A-Z][A-Za-z]+/[A-Za-z_/-]+\]?|[A-Z]{3,5})?$",
    re.IGNORECASE,
)
_FIRST_SERIAL = date(1899, 12, 30)


def spaced(text: str) -> str:
    """With single plain spaces and plain minus signs."""
    return " ".join(text.replace("\u2212", "-").split())


@cache
def _calendar_words() -> tuple[dict[str, int], frozenset[str]]:
    """({name or abbreviation of a month: 1 … 12}, names of weekdays). A word for two months is left out."""
    months: dict[str, set[int]] = {"sept": {9}}
    weekdays = set()
    for language in LANGUAGES:
        locale = Locale(language)
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[context][width].items():
                    months.setdefault(fold(name), set()).add(number)
                weekdays |= {fold(name) for name in locale.days[context][width].values()}
    return {name: min(numbers) for name, numbers in months.items() if len(numbers) == 1}, frozenset(weekdays)


def _year(text: str) -> int:
    """Two digits mean 1969 to 2068."""
    year = int(text.strip("'"))
    return year if len(text.strip("'")) > 2 else year + (1900 if year > 68 else 2000)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        made = date(year, month, day)
    except ValueError:
        return None
    return made if is_plausible(made) else None


def _named(text: str) -> date | None:
    """A date with its month in words, in one of LANGUAGES."""
    months, weekdays = _calendar_words()
    bare = text.partition(" ")
    for candidate in (text, bare[2] if fold(bare[0]) in weekdays else ""):
        for order, shape in _NAMED:
            if match := shape.fullmatch(candidate.casefold()):
                parts = dict(zip(order, match.groups(), strict=True))
                month = months.get(fold(parts["m"]))
                return _date(_year(parts["y"]), month, int(parts["d"])) if month else None
    return None


def _orders(text: str) -> dict[str, date]:
    """{order: the date in that order}; a date that does not depend on the order is listed under all of them."""
    if match := _PARTS.fullmatch(text):
        first, _sign, second, third = match.groups()
        found = {}
        for order in ["ymd"] if len(first) == 4 else ["dmy", "mdy"] if len(third) == 4 else ORDERS:
            parts = dict(zip(order, (first, second, third), strict=True))
            if len(parts["y"]) > 1 and max(len(parts["d"]), len(parts["m"])) < 3:
                found[order] = _date(_year(parts["y"]), int(parts["m"]), int(parts["d"]))
        if len(first) == 4:
            found = dict.fromkeys(ORDERS, found.get("ymd"))
        return {order: day for order, day in found.items() if day}
    if match := _COMPACT.fullmatch(text):
        fixed = _date(*map(int, match.groups()))
    elif match := _SERIAL.fullmatch(text):  # the serial number of a date in a spreadsheet
        fixed = _FIRST_SERIAL + timedelta(days=int(match[1]))
    else:
        fixed = _named(text)
    return dict.fromkeys(ORDERS, fixed) if fixed else {}


@dataclass(frozen=True)
class _Clock:
    at: time
    zone: tzinfo | None = None


def _split(text: str) -> tuple[str, _Clock | None]:
    """(the text of the day, the time after it). Raises ValueError for an invalid time."""
    serial = _SERIAL.fullmatch(text)
    if serial and serial[2]:
        seconds = round(Decimal(f"0.{serial[2]}") * 86400)
        minutes, second = divmod(min(seconds, 86399), 60)
        return serial[1], _Clock(time(*divmod(minutes, 60), second))
    match = _CLOCK.search(text)
    if not match or not (match["minute"] or match["half"]):
        return text, None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    is_possible = 1 <= hour <= 12 if match["half"] else hour < 24
    if not is_possible or minute > 59 or second > 59:
        raise ValueError(_("“%(text)s” has no valid time.") % {"text": text[:40]})
    if match["half"]:
        hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
    return text[: match.start()], _Clock(time(hour, minute, second), _zone(match["zone"] or "", text))


def _zone(name: str, text: str) -> tzinfo | None:
    if not name:
        return None
    plain = name.strip("[]")
    offset = re.fullmatch(r"(?:UTC|GMT)?([+-])([0-9]{2}):?([0-9]{2})?", plain.upper())
    if offset:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if ahead <= timedelta(hours=14):
            return timezone(-ahead if offset[1] == "-" else ahead)
    elif plain.upper() in ("Z", "UTC", "GMT"):
        return UTC
    elif "/" in plain and plain in zone_names():  # “CST” and “IST” each name several zones
        return ZoneInfo(plain)
    raise ValueError(
        _("“%(text)s” has an unknown time zone. Write it as +02:00 or Europe/Helsinki.") % {"text": text[:40]}
    )


def lacks_zone(text: str) -> bool:
    """Whether a text says a time of day and no zone."""
    try:
        clock = _split(spaced(text))[1] if len(text) <= LONGEST else None
    except ValueError:
        return False
    return clock is not None and clock.zone is None


def days_of(text: str) -> dict[str, date]:
    """{order: the day} that a text may mean; {} if it is not a date."""
    if len(text) > LONGEST:
        return {}
    try:
        return _orders(_split(spaced(text))[0])
    except ValueError:
        return {}


def read_day(text: str, conventions: Conventions = PLAIN) -> date:
    """A day; a time after it is ignored. Raises ValueError with a message for people."""
    return _chosen(text, days_of(text), conventions.date_order, ORDERS, _lazy("“%(text)s” is not a date%(like)s."))


def read_moment(text: str, conventions: Conventions = PLAIN) -> datetime:
    """An aware datetime: noon if there is no time, in the column's zone if none is named. Raises ValueError."""
    _day, clock = _split(spaced(text)) if len(text) <= LONGEST else (text, None)
    day = read_day(text, conventions)
    at, zone = (clock.at, clock.zone) if clock else (time(12), None)
    return datetime.combine(day, at, zone or conventions.zone or UTC)


def beyond_doubt(meaning: Any) -> str:
    """A day or a number beyond doubt."""
    if isinstance(meaning, date):
        return date_format(meaning, "j F Y")
    return number_format(meaning.normalize() + 0, use_l10n=False, force_grouping=False) if meaning else "0"


def _chosen(text: str, found: Mapping[str, Any], wanted: str, examples: Mapping[str, str], wrong: Any) -> Any:
    """The reading that the column decided on, or the only one."""
    if wanted in found:
        return found[wanted]
    if not found or wanted:
        like = _(", such as %(example)s") % {"example": examples[wanted]} if wanted else ""
        raise ValueError(wrong % {"text": text[:40], "like": like})
    meanings = list(dict.fromkeys(found.values()))
    if len(meanings) > 1:
        say = _(" or ").join(beyond_doubt(meaning) for meaning in meanings)
        raise ValueError(_("“%(text)s” could be %(meanings)s.") % {"text": text[:40], "meanings": say})
    return meanings[0]


# --- numbers and money ------------------------------------------------------------------------------------------------------

_AMOUNT = re.compile(
    r"(?P<sign>[+-]?) ?(?P<before>[^0-9+-]*?) ?(?P<sign_2>[+-]?) ?"
    r"(?P<number>(?:[0-9][0-9., '’]*)?[0-9](?:[eE][+-]?[0-9]{1,3})?|[.,][0-9]+)(?:[.,][-–—]+)?"
    r" ?(?P<sign_3>-?) ?(?P<after>[^0-9+-]*)"
)
_NUMBERS = {
    sign: re.compile(
        rf"(?:[0-9]+|[1-9][0-9]{{0,2}}(?P<group>[{other} '’])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*|[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}})?"
        rf"(?:[{sign}][0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?"
    )
    for sign, other in ((".", ","), (",", "."))
}
_SIGNS = {
    "EUR": "€ euros",
    "GBP": "£",
    "USD": "us$",
    "AUD": "a$ au$",
    "CAD": "c$ ca$",
    "NZD": "nz$",
    "HKD": "hk$",
    "SGD": "s$",
    "TWD": "nt$",
    "MXN": "mx$",
    "BRL": "r$",
    "PLN": "zł",
    "CZK": "kč",
    "HUF": "ft",
    "INR": "₹",
    "RUB": "₽",
    "KRW": "₩",
    "TRY": "₺",
    "ILS": "₪",
    "UAH": "₴",
    "VND": "₫",
    "THB": "฿",
    "PHP": "₱",
    "NGN": "₦",
    "KZT": "₸",
    "RON": "lei",
    "CHF": "fr. sfr. sfr",
    "CNY": "cn¥ 元",
    "JPY": "jp¥ 円",
}
SIGNS = {sign: code for code, signs in _SIGNS.items() for sign in signs.split()}
_DOLLARS = "USD AUD CAD NZD HKD SGD MXN CLP COP ARS TWD JMD BBD TTD NAD FJD"
_SHARED = {"$": _DOLLARS, "kr": "SEK NOK DKK ISK", "kr.": "SEK NOK DKK ISK", "¥": "JPY CNY", "￥": "JPY CNY"}
SHARED_SIGNS = {sign: tuple(codes.split()) for sign, codes in _SHARED.items()}


class Amount(Decimal):
    """A number with the currencies that the sign beside it may mean; empty without a sign."""

    currencies: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Decimal, currencies: tuple[str, ...]) -> "Amount":
        made = cls(value)
        made.currencies = currencies
        return made


@cache
def _currency_names() -> dict[str, str]:
    """{code or folded name: code} of the currencies in use today."""
    current = currencies_in_use()
    names = {code.lower(): code for code in current}
    return (
        _unmistakable(
            (fold(name), code) for locale in _locales() for code, name in locale.currencies.items() if code in current
        )
        | names
    )


def _locales() -> list[Locale]:
    return [Locale(language) for language in LANGUAGES]


def _unmistakable(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """{name: code} of the names that mean the same in all our languages."""
    found: dict[str, set[str]] = {}
    for name, code in pairs:
        found.setdefault(name, set()).add(code)
    return {name: min(codes) for name, codes in found.items() if len(codes) == 1}


def currencies_of(text: str) -> tuple[str, ...]:
    """The codes that a currency's code, sign or name may mean; () if it is not a currency."""
    plain = text.strip().casefold()
    if plain in SHARED_SIGNS:
        return SHARED_SIGNS[plain]
    code = SIGNS.get(plain) or _currency_names().get(plain) or _currency_names().get(fold(plain))
    return (code,) if code else ()


def read_currency(text: str, conventions: Conventions = PLAIN) -> str:
    """The code of a currency. A sign that several share, such as $, means the firm's currency if that is one of them.
    Raises ValueError.
    """
    found = currencies_of(text)
    if not found:
        raise ValueError(_("“%(text)s” is not a currency, such as EUR.") % {"text": text[:40]})
    return _one_of(text, found, conventions.currency)


def _one_of(text: str, found: tuple[str, ...], own: str) -> str:
    if len(found) == 1 or own in found:
        return found[0] if len(found) == 1 else own
    message = _("“%(text)s” could be several currencies. Use the three-letter code, such as %(example)s.")
    raise ValueError(message % {"text": text[:40], "example": found[0]})


def currency_beside(amount: Decimal, named: str, own: str) -> str:
    """The currency of an amount: the one `named` in its row, else the sign beside the number, else "". Raises
    ValueError if they contradict each other, or if the sign means several currencies and none is the firm's `own`.
    """
    signs: tuple[str, ...] = getattr(amount, "currencies", ())
    if not named:
        if len(signs) > 1 and own not in signs:
            message = _(
                "The sign beside the amount is used for several currencies. Write the code, such as %(example)s."
            )
            raise ValueError(message % {"example": signs[0]})
        return _one_of("", signs, own) if signs else ""
    if signs and named not in signs:
        raise ValueError(_("The amount is in %(one)s, but the row says %(other)s.") % {"one": signs[0], "other": named})
    return named


def numbers_of(text: str) -> dict[str, Amount]:
    """{decimal sign: the number} that a text may mean; {} if it is not an amount."""
    if len(text) > LONGEST:
        return {}
    plain = spaced(text)
    is_negative = plain.startswith("(") and plain.endswith(")")
    match = _AMOUNT.fullmatch(plain[1:-1].strip() if is_negative else plain)
    if not match:
        return {}
    signs = [sign for sign in (match["sign"], match["sign_2"], match["sign_3"]) if sign]
    beside = [word for word in (match["before"].strip(), match["after"].strip()) if word]
    if len(signs) + is_negative > 1 or len(beside) > 1:
        return {}
    currencies = currencies_of(beside[0]) if beside else ()
    if beside and not currencies:
        return {}
    is_negative = is_negative or signs == ["-"]
    found = {}
    for sign, shape in _NUMBERS.items():
        if shape.fullmatch(match["number"]):
            kept = re.sub(rf"[^0-9eE+\-{sign}]", "", match["number"]).replace(",", ".")
            try:
                value = Decimal(kept)
            except InvalidOperation:
                continue
            found[sign] = Amount.of(-value if is_negative else value, currencies)
    return found


def read_amount(text: str, conventions: Conventions = PLAIN) -> Amount:
    """A number as people and programs write it: 1,234.50, 1.234,50 €, 1 234,50, 1'234.50, (12.00), EUR 12, 6.0E7.
    Raises ValueError with a sentence."""
    if "%" in text:
        raise ValueError(_("“%(text)s” is a percentage, not an amount.") % {"text": text[:40]})
    wrong = _lazy("“%(text)s” is not a number%(like)s.")
    amount = _chosen(text, numbers_of(text), conventions.decimal, DECIMALS, wrong)
    if abs(amount) >= MOST:
        raise ValueError(_("“%(text)s” is too large.") % {"text": text[:40]})
    return amount


def read_whole(text: str, conventions: Conventions = PLAIN) -> int:
    """A whole number from 0. Raises ValueError."""
    amount = read_amount(text, conventions)
    if amount != int(amount) or amount < 0 or amount.currencies:
        raise ValueError(_("“%(text)s” is not a whole number.") % {"text": text[:40]})
    return int(amount)


# --- words ------------------------------------------------------------------------------------------------------------------

_YES = "1 true yes y on x ✓ ja j kyllä k tosi oui vrai sí si verdadero waar sant wahr vero"
_NO = "0 false no n off nein nej ei epätosi non faux falso onwaar nee falskt falsch"
_ANSWERS = {fold(word) or word: True for word in _YES.split()} | {fold(word): False for word in _NO.split()}


def read_yes_no(text: str) -> bool:
    """Raises ValueError if it is neither."""
    answer = _ANSWERS.get(fold(text) or text.strip())
    if answer is None:
        raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})
    return answer


# What other systems write and the language tables lack.
_OTHER_COUNTRIES = {
    "US": "usa unitedstatesofamerica america",
    "GB": "uk greatbritain england scotland wales northernireland",
    "CZ": "czechrepublic",
    "IE": "republicofireland eire",
    "NL": "holland thenetherlands",
    "RU": "russianfederation",
    "KR": "korea republicofkorea",
    "AE": "uae",
    "TR": "turkey",
    "MK": "macedonia",
    "SZ": "swaziland",
    "CI": "ivorycoast",
    "MM": "burma",
    "VN": "vietnam",
    "HK": "hongkong",
    "MO": "macau",
    "TW": "taiwan",
    "MD": "moldova",
    "IR": "iran",
    "SY": "syria",
    "TZ": "tanzania",
    "BO": "bolivia",
    "VE": "venezuela",
}


@cache
def _country_names() -> dict[str, str]:
    """{folded name, two or three letters: code}."""
    codes = country_codes()
    names = _unmistakable(
        (fold(name), code) for locale in _locales() for code, name in locale.territories.items() if code in codes
    )
    names |= {name: code for code, others in _OTHER_COUNTRIES.items() for name in others.split()}
    long: Any = get_global("territory_aliases")
    names |= {three.lower(): to[0] for three, to in long.items() if re.fullmatch("[A-Z]{3}", three) and len(to) == 1}
    return names | {code.lower(): code for code in codes}


def read_country(text: str) -> str:
    """The two-letter code of a country, given as a code or as a name in one of our languages. Raises ValueError."""
    code = _country_names().get(fold(text))
    if code is None:
        message = _("“%(text)s” is not a known country. Use its English name or two-letter code.")
        raise ValueError(message % {"text": text[:40]})
    return code


@cache
def _language_names() -> dict[str, str]:
    names = _unmistakable(
        (fold(name), code)
        for locale in _locales()
        for code, name in locale.languages.items()
        if re.fullmatch("[a-z]{2,3}", code)
    )
    own = {}
    for code in names.values():
        try:
            own[fold(Locale(code).get_language_name(code) or code)] = code
        except UnknownLocaleError:
            continue
    return own | names


def read_language(text: str) -> str:
    """The code of a language, such as de or pt-BR, given as a code or as a name in one of our languages or in itself. Raises ValueError."""
    plain = text.strip().replace("_", "-")
    code, _sign, place = plain.partition("-")
    if code.lower() in Locale("en").languages and (
        not place or re.fullmatch("[A-Za-z]{2}|[A-Z][a-z]{3}|[0-9]{3}", place)
    ):
        return plain
    found = _language_names().get(fold(text))
    if found is None:
        raise ValueError(_("“%(text)s” is not a known language.") % {"text": text[:40]})
    return found
