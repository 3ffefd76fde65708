"""What a type of field does wherever the field appears: reads the cell of an imported file, gives its value to a file,
says it on a page and in the history."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from operator import attrgetter
from typing import Any

from babel import Locale
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.places import country_name
from crm.core.base.zones import validate_zone
from crm.core.firm.languages import known_language, language_name
from crm.core.firm.queries import firm_zone
from crm.core.importing import tabular
from crm.core.users.models import User

Context = dict[str, Any]
NOTHING = "—"
LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?")
ANSWERS = dict.fromkeys(("1", "true", "yes", "y", "ja", "oui", "si", "x"), True)
ANSWERS |= dict.fromkeys(("0", "false", "no", "n", "nein", "non"), False)
# What other systems write and the language tables do not have.
OTHER_COUNTRY_NAMES = {
    "usa": "US",
    "unitedstatesofamerica": "US",
    "america": "US",
    "uk": "GB",
    "greatbritain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northernireland": "GB",
    "czechrepublic": "CZ",
    "republicofireland": "IE",
    "eire": "IE",
    "holland": "NL",
    "thenetherlands": "NL",
    "russianfederation": "RU",
    "korea": "KR",
    "republicofkorea": "KR",
    "uae": "AE",
    "turkey": "TR",
    "macedonia": "MK",
    "swaziland": "SZ",
    "ivorycoast": "CI",
    "burma": "MM",
    "vietnam": "VN",
    "hongkong": "HK",
    "macau": "MO",
    "taiwan": "TW",
    "moldova": "MD",
    "iran": "IR",
    "syria": "SY",
    "tanzania": "TZ",
    "bolivia": "BO",
    "venezuela": "VE",
}


@dataclass(frozen=True)
class Type:
    """Text of any length, unless told otherwise. `read(text, context)` gives the value of an import cell that is not empty, or
    raises ValueError with a sentence; `plain(value)` is what a file's cell holds: text, number, day or moment; `say(value)` is
    the value in words. `choices()` are what may be chosen, `rows()` the rows that may be linked."""

    read: Callable[[str, Context], Any] = lambda text, context: text
    plain: Callable[[Any], Any] = lambda value: value
    say: Callable[[Any], str] | None = None
    choices: Callable[[], list[tuple[Any, Any]]] | None = None
    rows: Callable[[], models.QuerySet] | None = None

    def words(self, value: Any) -> str:
        return NOTHING if value is None or value == "" else str((self.say or self.plain)(value)) or NOTHING


def limited(length: int | None) -> Type:
    """Text of at most `length` characters."""

    def read(text: str, context: Context) -> str:
        if length and len(text) > length:
            raise ValueError(_("is longer than %(n)d characters.") % {"n": length})
        return text

    return Type(read)


def choice(options: Any) -> Type:
    """One of a TextChoices or of a column's choices; a cell names it by value or label in any writing."""
    known = list(getattr(options, "choices", options))

    def read(text: str, context: Context) -> Any:
        for value, label in known:
            if tabular.fold(text) in (tabular.fold(str(value)), tabular.fold(str(label))):
                return value
        allowed = ", ".join(str(label) for _value, label in known)
        raise ValueError(_("“%(text)s” is none of: %(allowed)s.") % {"text": text[:40], "allowed": allowed})

    return Type(read, lambda value: str(dict(known).get(value, value)), choices=lambda: known)


def checked(parse: Callable[[str], Any], message: Any) -> Callable[[str, Context], Any]:
    """A reader of cells that says `message` (with %(text)s) where `parse` gives None."""

    def read(text: str, context: Context) -> Any:
        value = parse(text)
        if value is None:
            raise ValueError(message % {"text": text[:40]})
        return value

    return read


def whole(text: str, most: float = math.inf) -> int | None:
    number = tabular.parse_amount(text)
    return int(number) if number == int(number) and 0 <= number <= most else None


def valid(text: str, check: Callable[[str], None]) -> str:
    """The text, if a validator of Django's passes it. Raises ValueError."""
    try:
        check(text)
    except ValidationError as error:
        raise ValueError(error.messages[0][:200]) from error
    return text


@cache
def _countries() -> dict[str, str]:
    names = dict(OTHER_COUNTRY_NAMES)
    for language in ("en", "de", "fr", "es", "it", "nl", "sv", "fi"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                names.setdefault(tabular.fold(name), code)
                names[code.lower()] = code
    return names


TEXT = Type()
DAY = Type(
    lambda text, context: tabular.parse_date(text, context["date_order"]), say=lambda value: date_format(value, "j M Y")
)
MOMENT = Type(
    lambda text, context: tabular.parse_moment(text, context["date_order"], firm_zone()),
    say=lambda value: date_format(timezone.localtime(value), "j M Y, H:i"),
)
AMOUNT = Type(lambda text, context: tabular.parse_amount(text))
WHOLE = Type(checked(whole, _lazy("“%(text)s” is not a whole number.")))
YES_NO = Type(
    checked(lambda text: ANSWERS.get(tabular.fold(text)), _lazy("“%(text)s” is neither yes nor no.")),
    lambda value: _("yes") if value else _("no"),
)
IS_EMAIL = EmailValidator(_lazy("“%(value)s” is not an e-mail address."))
EMAIL = Type(lambda text, context: valid(text.removeprefix("mailto:").strip(), IS_EMAIL))
ZONE = Type(lambda text, context: valid(text, validate_zone))
LANGUAGE = Type(  # a code as it is, the name of a language that emails are written in as its code, else short text
    lambda text, context: (
        (not LANGUAGE_CODE.fullmatch(text) and known_language(text)) or limited(10).read(text, context)
    ),
    say=language_name,
)
IS_CURRENCY = RegexValidator(r"^[^\W\d_]{3}$", _lazy("“%(value)s” is not a currency such as EUR."))
CURRENCY = Type(lambda text, context: valid(text.upper(), IS_CURRENCY))
COUNTRY = Type(  # two letters, or the name in one of several languages
    checked(
        lambda text: _countries().get(tabular.fold(text)),
        _lazy("“%(text)s” is not a country we know. Write its name in English or its two letters."),
    ),
    say=country_name,
)


def link(rows: Callable[[], models.QuerySet] | None = None, named: str = "name") -> Type:
    """Another row, or several, that a file calls by an attribute. The import finds it itself, as it knows who sees what."""

    def listed(call: Callable[[Any], str], value: Any) -> str:
        if isinstance(value, models.Manager):
            return "; ".join(map(call, value.all()))
        return "" if value is None else f"#{value}" if isinstance(value, int) else call(value)

    return Type(plain=partial(listed, attrgetter(named)), say=partial(listed, str), rows=rows)


def several(text: str) -> list[str]:
    """What a cell lists with ; or ,"""
    return [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]


COLLEAGUE = replace(
    link(User.objects.active, named="email"),
    choices=lambda: [(user.email, user.name) for user in User.objects.active()],
)

_OF_COLUMN: tuple[tuple[type[models.Field], Type], ...] = (
    (models.EmailField, EMAIL),
    (models.DateTimeField, MOMENT),
    (models.DateField, DAY),
    (models.BooleanField, YES_NO),
    (models.DecimalField, AMOUNT),
    (models.IntegerField, WHOLE),
    (models.ForeignKey, link()),
    (ArrayField, Type(say=lambda value: ", ".join(map(str, value)))),
)


def type_of(column: Any) -> Type:
    """The type that a column of the database has by itself."""
    if column.choices:
        return choice(column.flatchoices)
    known = (made for kind, made in _OF_COLUMN if isinstance(column, kind))
    return next(known, None) or limited(column.max_length)
