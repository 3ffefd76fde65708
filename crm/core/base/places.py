"""Currencies, countries and regions to choose from."""

import re
from datetime import date
from functools import cache

import holidays
from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies
from django.utils.translation import get_language, to_locale


def _locale() -> Locale:
    return Locale.parse(to_locale(get_language() or "en"))


@cache
def currencies_in_use() -> frozenset[str]:
    """Codes that are legal tender somewhere today."""
    return frozenset(
        code
        for rows in get_global("territory_currencies").values()
        for code, _start, end, is_tender in rows
        if end is None and is_tender
    )


@cache
def country_codes() -> frozenset[str]:
    """Two-letter codes of countries and territories, without unions and test codes."""
    others = {"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"}
    return frozenset(
        code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code) and code not in others
    )


def currency_choices() -> list[tuple[str, str]]:
    names = _locale().currencies
    return sorted(
        ((code, f"{code} · {names.get(code, code)}") for code in currencies_in_use()), key=lambda pair: pair[0]
    )


def presets_of(accept_language: str, today: date) -> dict[str, str]:
    """{"currency", "holiday_country"} of the first region that a browser's Accept-Language names; {} without one."""
    found = re.search(r"\b[a-z]{2,3}[-_]([A-Z]{2})\b", accept_language)
    if not found:
        return {}
    money = get_territory_currencies(found[1], today, today, tender=True)
    known = {"currency": money[0] if money else "", "holiday_country": found[1] if found[1] in _regions() else ""}
    return {name: value for name, value in known.items() if value}


@cache
def _regions() -> dict[str, list[str]]:
    return holidays.list_supported_countries()


def country_choices(blank: str) -> list[tuple[str, str]]:
    """Countries with known public holidays."""
    names = _locale().territories
    known = sorted(((code, names.get(code, code)) for code in _regions() if len(code) == 2), key=lambda pair: pair[1])
    return [("", blank), *known]


def country_name(code: str) -> str:
    """“Norway” for NO, in the user's language. A value that is not a code is returned unchanged."""
    return _locale().territories.get(str(code).upper(), str(code))


def regions_of(country: str) -> list[str]:
    """Codes of the regions that have their own holidays."""
    return list(_regions().get(country, []))


def region_choices(country: str, blank: str) -> list[tuple[str, str]]:
    """The regions by name, each with its code: “Bavaria · BY”."""
    codes = regions_of(country)
    aliases = getattr(holidays.country_holidays(country), "subdivisions_aliases", {}) if codes else {}
    names = {code: name for name, code in reversed(aliases.items())}  # the first name of a code is the usual one
    known = sorted(
        ((code, f"{names[code]} · {code}" if code in names else code) for code in codes), key=lambda pair: pair[1]
    )
    return [("", blank), *known]
