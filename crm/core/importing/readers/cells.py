"""The text of a spreadsheet's cell, which can be read in one way only."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel
from openpyxl.utils.escape import unescape

from crm.core.base.reading import currencies_of
from crm.core.listing.files import safe_cell

OWN_FORMATS = 164  # the first id of a workbook's own; what the others show follows the language of who looks
_NO_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.')
_SIGN = re.compile(r'\[\$([^\]-]+)(?:-([0-9A-Fa-f]+))?\]|"([^"]{1,4})"|([€£$¥])')
_US = "409"
_WHOLE = re.compile("[0-9]{1,15}")
NUMBER, PERCENT, DAY, MOMENT, CLOCK, SPAN = range(6)


class Styles:
    """What the number formats of a workbook make of its numbers: `formats` by the place of the style."""

    def __init__(self, formats: list[tuple[int, str]], *, is_1904: bool):
        self.epoch = CALENDAR_MAC_1904 if is_1904 else CALENDAR_WINDOWS_1900
        self._ways = [_way(number, code) for number, code in formats]

    def number(self, text: str, style: int) -> str:
        """The number as text, or the day, time or percentage that it shows."""
        way, sign = self._ways[style] if style < len(self._ways) else (NUMBER, "")
        if way in (DAY, MOMENT, CLOCK, SPAN):
            return self._moment(text, way)
        if way == PERCENT:
            return f"{decimal(text, times=100)}%"
        plain = decimal(text)
        return f"{sign} {plain}" if sign else plain

    def _moment(self, text: str, way: int) -> str:
        try:
            value: Any = from_excel(float(text), self.epoch, timedelta=way == SPAN)
        except (ValueError, OverflowError, TypeError):
            return decimal(text)
        return moment(value)


def moment(value: Any) -> str:
    """Days, times and lengths of time as text."""
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime):
        value = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def decimal(text: str, times: int = 1) -> str:
    """A number with at most 15 digits, as spreadsheets show it; 1.234 gets one more decimal, so that it is no thousand."""
    if times == 1 and _WHOLE.fullmatch(text):
        return text
    try:
        value = Decimal(format(float(text) * times, ".15g"))
    except (ValueError, InvalidOperation):
        return text
    if not value.is_finite():
        return text
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    whole, dot, part = plain.lstrip("-").partition(".")
    return plain + "0" if dot and len(part) == 3 and len(whole) < 4 else plain


@cache
def _way(number: int, code: str) -> tuple[int, str]:
    """(what a number format shows, the currency that it names)"""
    code = code or BUILTIN_FORMATS.get(number, "General")
    if is_timedelta_format(code):
        return SPAN, ""
    if is_date_format(code):
        bare = _NO_FORMAT.sub("", code).lower()
        has_day, has_time = bool(set("dy") & set(bare)), bool(set("hs") & set(bare))
        return (MOMENT if has_time else DAY) if has_day or not has_time else CLOCK, ""
    if "%" in _NO_FORMAT.sub("", code):
        return PERCENT, ""
    return NUMBER, _currency(code) if number >= OWN_FORMATS else ""


def _currency(code: str) -> str:
    for named, place, quoted, sign in _SIGN.findall(code.partition(";")[0]):
        text = (named or quoted or sign).strip()
        if text == "$" and place.upper().endswith(_US):
            return "USD"
        if currencies_of(text):
            return text
    return ""


def words(text: str) -> str:
    """Text as it stands; what looks like an escaped formula is escaped once more, because imports take that away."""
    if "_x" in text:
        text = unescape(text).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # pairs are one sign
    text = text.strip()
    return safe_cell(text) if "'" in text else text
