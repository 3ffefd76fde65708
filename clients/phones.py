"""Phone numbers as people type them, and as digits that two spellings of one number share."""

import phonenumbers

MAX_DIGITS = 20


def digits_of(number: str, country: str = "") -> str:
    """E.164 without the + where the number can be read (with `country`, two letters, as the hint), else its bare digits."""
    number = (number or "").strip()
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number, country.upper() or None)
    except phonenumbers.NumberParseException:
        return bare_digits(number)
    if not phonenumbers.is_possible_number(parsed):
        return bare_digits(number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).lstrip("+")[:MAX_DIGITS]


def bare_digits(number: str) -> str:
    """The digits alone, at most as many as are kept."""
    return "".join(c for c in number if c.isdecimal() and c.isascii())[:MAX_DIGITS]
