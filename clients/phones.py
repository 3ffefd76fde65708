"""Phone numbers as typed, and as normalised digits."""

from functools import lru_cache

import phonenumbers

from crm.core.firm.queries import get_firm

MAX_DIGITS = 20


@lru_cache(maxsize=4096)
def digits_of(number: str, country: str = "") -> str:
    """E.164 without the + if the number can be parsed (`country`, two letters, is a hint), else the bare digits."""
    number = (number or "").strip()
    parsed = _read(number, country)
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        return bare_digits(number)
    return _e164(parsed).lstrip("+")[:MAX_DIGITS]


def tel_href(number: str, country: str = "") -> str:
    """The link that calls a number: in E.164, parsed with `country`, else the firm's. A number invalid there (emergency
    or service number, typo) is dialled as typed.
    """
    return _tel_href(number, country or get_firm().holiday_country)


@lru_cache(maxsize=4096)
def _tel_href(number: str, country: str) -> str:
    parsed = _read(number, country)
    is_sure = parsed is not None and phonenumbers.is_valid_number(parsed)
    return f"tel:{_e164(parsed) if is_sure else number.replace(' ', '')}"


def _read(number: str, country: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def bare_digits(number: str) -> str:
    """Only the digits, at most as many as are stored."""
    return "".join(c for c in number if c.isdecimal() and c.isascii())[:MAX_DIGITS]
