"""Field types. A type reads the cell of an imported file, writes the value to a file, and shows it on a page and in the
history.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base import reading
from crm.core.base.places import country_name
from crm.core.base.reading import PLAIN, Conventions, fold
from crm.core.base.zones import validate_zone
from crm.core.firm.languages import known_language, language_name
from crm.core.importing.kinds import PEOPLE
from crm.core.users.models import User

Context = dict[str, Any]
NOTHING = "—"


@dataclass(frozen=True)
class Reader:
    """Reads a text. `asks` is what must be decided once per column before its cells can be read (a subject of
    `deciding.decide`: "date_order" or "decimal"), "" if nothing must be.
    """

    read: Callable[[str, Conventions], Any]
    asks: str = ""

    def __call__(self, text: str, conventions: Conventions = PLAIN) -> Any:
        return self.read(text, conventions)


@dataclass(frozen=True)
class Type:
    """Text of any length, unless told otherwise. `read(text, conventions)` gives the value of an import cell that is not empty, or
    raises ValueError with a sentence (a `Reader` says as well what its column has to decide); `plain(value)` is what a file's cell
    holds: text, number, day or moment; `say(value)` is the value in words. `choices()` are what may be chosen, `rows()` the rows that may be linked,
    `shows` the column of a linked row that its words are made of. `words_key`: the linked rows are a vocabulary of the firm, the same
    under this name wherever files speak of it."""

    read: Callable[..., Any] = lambda text, conventions=PLAIN: text
    plain: Callable[[Any], Any] = lambda value: value
    say: Callable[[Any], str] | None = None
    choices: Callable[[], list[tuple[Any, Any]]] | None = None
    rows: Callable[[], models.QuerySet] | None = None
    shows: str = ""
    words_key: str = ""

    def words(self, value: Any) -> str:
        return NOTHING if value is None or value == "" else str((self.say or self.plain)(value)) or NOTHING


def limited(length: int | None) -> Type:
    """Text of at most `length` characters."""

    def read(text: str, conventions: Conventions = PLAIN) -> str:
        if length and len(text) > length:
            raise ValueError(_("is longer than %(n)d characters.") % {"n": length})
        return text

    return Type(read)


def choice(options: Any, words: Mapping[str, Any] | None = None) -> Type:
    """One of a TextChoices or of a column's choices. A cell names it by value or label, ignoring case and accents, or
    by one of the `words` ({word: value}) that other systems use.
    """
    known = list(getattr(options, "choices", options))
    other = {fold(word): value for word, value in (words or {}).items()}

    def read(text: str, conventions: Conventions = PLAIN) -> Any:
        if (found := named(known, text)) is not None:
            return found
        if fold(text) in other:
            return other[fold(text)]
        allowed = ", ".join(str(label) for _value, label in known)
        raise ValueError(_("“%(text)s” is not one of: %(allowed)s.") % {"text": text[:40], "allowed": allowed})

    return Type(read, lambda value: "" if value is None else str(dict(known).get(value, value)), choices=lambda: known)


def named(pairs: Iterable[tuple[Any, Any]], text: str) -> Any:
    """The value that a text names, ignoring case and accents; None for none. All labels come before the values: a value may be the
    former label of a choice that is called otherwise today, and the label of another."""
    known, folded = [(value, str(value), str(label)) for value, label in pairs], fold(text)
    matches = (
        lambda value, label: label == text,
        lambda value, label: folded and fold(label) == folded,
        lambda value, label: value == text,
        lambda value, label: folded and fold(value) == folded,
    )
    return next((found for match in matches for found, value, label in known if match(value, label)), None)


def whole(least: int, most: int, message: Any) -> Reader:
    """A reader of whole numbers within limits; its error is `message` (with %(text)s)."""

    def read(text: str, conventions: Conventions = PLAIN) -> int:
        try:
            number = reading.read_whole(text, conventions)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            raise ValueError(message % {"text": text[:40]})
        return number

    return Reader(read)


def valid(text: str, check: Callable[[str], None]) -> str:
    """The text, if a Django validator accepts it. Raises ValueError."""
    try:
        check(text)
    except ValidationError as error:
        raise ValueError(error.messages[0][:200]) from error
    return text


def _language(text: str, conventions: Conventions = PLAIN) -> str:
    """A code is kept. For a name: the code that emails use for the language, else its own."""
    code = reading.read_language(text)
    return code if fold(code) == fold(text) else known_language(text) or code


TEXT = Type()
DAY = Type(Reader(reading.read_day, asks="date_order"), say=lambda value: date_format(value, "j M Y"))
MOMENT = Type(
    Reader(reading.read_moment, asks="date_order"),
    say=lambda value: date_format(timezone.localtime(value), "j M Y, H:i"),
)
AMOUNT = Type(Reader(reading.read_amount, asks="decimal"))
WHOLE = Type(Reader(reading.read_whole, asks="decimal"))
YES_NO = Type(Reader(lambda text, conventions: reading.read_yes_no(text)), lambda value: _("yes") if value else _("no"))
IS_EMAIL = EmailValidator(_lazy("“%(value)s” is not an email address."))
EMAIL = Type(Reader(lambda text, conventions: valid(text.removeprefix("mailto:").strip(), IS_EMAIL)))
ZONE = Type(Reader(lambda text, conventions: valid(text, validate_zone)))
LANGUAGE = Type(_language, say=language_name)
CURRENCY = Type(Reader(reading.read_currency))
COUNTRY = Type(Reader(lambda text, conventions: reading.read_country(text)), say=country_name)


def link(rows: Callable[[], models.QuerySet] | None = None, named: str = "name", shows: str = "name") -> Type:
    """Another row, or several, that a file calls by an attribute, and a page by what `shows`. The import finds it itself, as it
    knows who sees what."""

    def listed(call: Callable[[Any], str], value: Any) -> str:
        if isinstance(value, models.Manager):
            names = "; ".join(map(call, value.all()))
            return f"{names};" if "," in names else names  # so that `several` keeps commas
        return "" if value is None else f"#{value}" if isinstance(value, int) else call(value)

    return Type(plain=partial(listed, attrgetter(named)), say=partial(listed, str), rows=rows, shows=shows)


def several(text: str) -> list[str]:
    """The items of a cell, split at ; or, if there is none, at ,"""
    return [part.strip() for part in text.split(";" if ";" in text else ",") if part.strip()]


COLLEAGUE = replace(
    link(User.objects.active, named="email"),
    words_key=PEOPLE,
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
    """The default type of a database column."""
    if column.choices:
        return choice(column.flatchoices)
    known = (made for kind, made in _OF_COLUMN if isinstance(column, kind))
    return next(known, None) or limited(column.max_length)
