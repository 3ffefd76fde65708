"""Formats times and numbers in the active language. Pure functions; the tags of the same names only call them."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext, pgettext, to_locale
from django.utils.translation import gettext as _

MINUTE, HOUR = 60, 3600


def written(value: date, style: str) -> str:
    """A date or datetime in a Django date format; cached, because a page repeats a few."""
    return _written(value.replace(tzinfo=None) if isinstance(value, datetime) else value, style, get_language())


@lru_cache(4096)
def _written(value: date, style: str, language: str | None) -> str:
    return date_format(value, style)


def exact(moment):
    return written(moment, pgettext("date format", "l j F Y, H:i")) + f" ({moment.tzname()})"


def short_day(day, today=None):
    """“14 Nov”, of another year “14 Nov 2025”; "" for no day."""
    if not day:
        return ""
    is_near = day.year == (today or timezone.localdate()).year
    return written(day, pgettext("date format", "j M") if is_near else pgettext("date format", "j M Y"))


def day_words(day, today):
    """“Today”, “Tomorrow”, “Yesterday”, the weekday within a week, else None."""
    days = (day - today).days
    if days in (0, 1, -1):
        return {0: _("Today"), 1: _("Tomorrow"), -1: _("Yesterday")}[days]
    return written(day, "D") if -7 < days < 7 else None


def moment_words(moment, now):
    seconds = (now - moment).total_seconds()
    minutes, hours = round(abs(seconds) / MINUTE), round(abs(seconds) / HOUR)
    if abs(seconds) < 45:
        return _("just now")
    if abs(seconds) < 55 * MINUTE:
        return _("%(n)d min ago") % {"n": minutes} if seconds > 0 else _("in %(n)d min") % {"n": minutes}
    if abs(seconds) < 6 * HOUR:
        return _("%(n)d h ago") % {"n": hours} if seconds > 0 else _("in %(n)d h") % {"n": hours}
    words = day_words(moment.date(), now.date())
    return f"{words} {written(moment, 'H:i')}" if words else short_day(moment, now)


def snoozed_words(until):
    """“Snoozed until Mon 09:00”, for a datetime in the reader's zone."""
    local = timezone.localtime(until)
    words = day_words(local.date(), timezone.localdate()) or short_day(local, timezone.localtime())
    return _("Snoozed until %(when)s") % {"when": f"{words} {written(local, 'H:i')}"}


def due_state(value, today, snoozed_until=None):
    """(tone, words) of a due date: late red, today green, later and snoozed without colour, none amber. No zone shifts
    a date without a time.
    """
    if not value:
        return "amber", _("No next step")
    if snoozed_until and snoozed_until > timezone.now():
        return "", snoozed_words(snoozed_until)
    day = timezone.localtime(value).date() if isinstance(value, datetime) else value
    days = (day - today).days
    if days < 0:
        return "red", ngettext("%(n)d day late", "%(n)d days late", -days) % {"n": -days}
    words = day_words(day, today) or short_day(day, today)
    if isinstance(value, datetime) and days < 7:
        words = f"{words} {written(timezone.localtime(value), 'H:i')}"
    return ("green" if days == 0 else ""), words


def is_late(value, today=None):
    day = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return isinstance(day, date) and day < (today or timezone.localdate())


# Numbers


def _locale() -> Locale:
    return _locale_of(get_language() or "en")


@lru_cache
def _locale_of(language: str) -> Locale:
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _decimal(value):
    try:
        return Decimal(str(value))
    except (InvalidOperation, TypeError):
        return None


def money(value, currency="EUR"):
    """€48,200; with decimals only if there are any. An empty value is a dash."""
    amount = _decimal(value)
    return "—" if amount is None or not amount.is_finite() else _money(amount, str(currency or "EUR"), _locale())


@lru_cache(maxsize=20_000)  # lists show the same amounts again and again
def _money(amount: Decimal, currency: str, locale: Locale) -> str:
    whole = amount == amount.to_integral_value()
    shape = locale.currency_formats["standard"].pattern.replace(".00", "") if whole else None
    text = format_currency(amount, currency, locale=locale, currency_digits=not whole, format=shape)
    return text.replace("-", "−")


def money_round(value, currency="EUR"):
    """€48,200 without cents, for lists and cards."""
    amount = _decimal(value)
    return money(round(amount) if amount is not None and amount.is_finite() else value, currency)


def money_exact(value, currency="EUR"):
    """€48,200.00: always with cents, for a column of booked amounts."""
    amount = _decimal(value)
    if amount is None or not amount.is_finite():
        return "—"
    return format_currency(amount, str(currency or "EUR"), locale=_locale()).replace("-", "−")


def number(value, digits=0):
    """12,345 or, with digits, 12,345.6, in the user's language. An empty value is a dash."""
    amount = _decimal(value)
    if amount is None or not amount.is_finite():
        return "—"
    pattern = "#,##0" + ("." + "0" * int(digits) if int(digits) else "")
    return format_decimal(amount, format=pattern, locale=_locale()).replace("-", "−")


def percent(value, digits=1):
    """91.4 % for 91.4 (not for 0.914), with a narrow no-break space."""
    text = number(value, digits)
    return text if text == "—" else f"{text}\u202f%"


def signed(value, digits=1):
    """+1.6, −2.1 or 0: a change."""
    amount = _decimal(value)
    text = number(value, digits)
    return f"+{text}" if amount is not None and amount.is_finite() and amount > 0 else text


def capped(value, cap=10000):
    """A capped count, such as “10,000+”."""
    amount = _decimal(value)
    return f"{number(cap)}+" if amount is not None and amount > int(cap) else number(value)


def in_sentence(label: str) -> str:
    """A label in mid-sentence: “Last contact” as “last contact”; “NPS” is kept."""
    return label if label[:2].isalpha() and label[:2].isupper() else label[:1].lower() + label[1:]


def one_line(text: Any) -> str:
    """Text on one line, for subjects, greetings and names in mail headers: imported names may have line breaks."""
    return " ".join(str(text).replace("\0", " ").split())
