"""What a rule may ask about a client: the fields of the catalogue, and facts derived from them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client, StatusPeriod, is_quiet
from clients.segments.choices import IF_EMPTY, OPERATORS, Kind, Operator
from clients.segments.custom import told_of
from crm.core.fields.catalogue import FREE_WORDS, Field
from crm.core.fields.custom.entry import CustomEntry
from crm.core.fields.forms import country_names
from crm.core.fields.types import COUNTRY, LANGUAGE, ZONE
from crm.core.users.models import User

# Whose value differs from reader to reader (a parent out of sight), so that a shared rule would not mean one thing
LEFT_OUT = {"parent"}


@dataclass(frozen=True)
class Reader:
    """For whom and when a rule is read: `me`, the principal whose gate counts, the day of the firm, and the zone in which days of moments begin."""

    me: int | None
    principal: Any
    today: date
    now: datetime
    zone: tzinfo
    firm_zone: tzinfo


@dataclass(frozen=True)
class Criterion:
    """`path`: the column from the client on. `condition(operator, values, reader)` replaces what the kind makes of the path.

    `model`: the rows that values name. `read(text)` turns a text into the value of the column, or raises ValueError. `places`: decimals
    of a number. `is_moment`: a day is asked of a moment. `may_be_empty`: some clients have no value. `is_personal`: its value depends on who
    asks (a roll-up). `problem`: why nothing can be asked of it at the moment.
    """

    key: str
    label: Any
    kind: Kind
    path: str = ""
    choices: Callable[[], list[tuple[Any, Any]]] | None = None
    model: Any = None
    many: Any = None
    read: Callable[[str], Any] | None = None
    places: int = 0
    is_moment: bool = False
    may_be_empty: bool = False
    is_long: bool = False
    condition: Callable[[Operator, list[Any], Reader], Q] | None = None
    is_personal: bool = False
    problem: str = ""

    @property
    def operators(self) -> tuple[Operator, ...]:
        found: tuple[Operator, ...] = OPERATORS[self.kind]
        if self.many is not None:
            found = (*found, Operator.HAS_ALL)
        if self.read is not None:
            found = found[:2]
        if self.is_long:
            found = found[2:4]
        return (*found, *IF_EMPTY) if self.may_be_empty else found


def catalogue_fields() -> Iterable[Field]:
    """The fields that rules may use: everything else about segments follows from it."""
    return [*CLIENT_FIELDS.values(), *CLIENT_FIELDS.custom.values()]


def criteria() -> dict[str, Criterion]:
    """Every criterion by key."""
    found = [_known(field) for field in catalogue_fields()]
    return {each.key: each for each in (*found, *DERIVED) if each is not None}


_made: dict[int, tuple[Field, Criterion | None]] = {}


def _known(field: Field) -> Criterion | None:
    """The criterion of a field; those of built-in fields are made once."""
    if isinstance(field, CustomEntry):
        told = told_of(field)
        return Criterion(**told) if told else None
    found = _made.get(id(field))
    if found is None or found[0] is not field:
        found = _made[id(field)] = (field, _of(field))
    return found[1]


def _of(field: Field) -> Criterion | None:
    """None for a field that has no column of its own."""
    if field.name in OWN:
        return OWN[field.name](field)
    if callable(field.source) or field.name in LEFT_OUT:
        return None
    path = (field.source or field.name).replace(".", "__")
    column, told = _column(path), {"key": field.name, "label": field.label, "path": path}
    is_blank = column.null or column.many_to_many or (column.blank and not isinstance(column, models.BooleanField))
    told["may_be_empty"] = is_blank
    if column.is_relation:
        kind = Kind.PERSON if column.related_model is User else Kind.ROW
        return Criterion(kind=kind, model=column.related_model, many=column if column.many_to_many else None, **told)
    if field.type is COUNTRY:
        return Criterion(kind=Kind.CHOICE, choices=lambda: [*country_names().items()], **told)
    if field.type.choices is not None:
        return Criterion(kind=Kind.CHOICE, choices=_without_empty(field.type.choices), **told)
    if isinstance(column, models.BooleanField):
        return Criterion(kind=Kind.YES_NO, **told)
    if isinstance(column, models.DateField):
        return Criterion(kind=Kind.DAY, is_moment=isinstance(column, models.DateTimeField), **told)
    if isinstance(column, models.DecimalField):
        return Criterion(kind=Kind.NUMBER, places=column.decimal_places or 0, **told)
    if isinstance(column, models.IntegerField):
        return Criterion(kind=Kind.NUMBER, **told)
    if isinstance(column, models.CharField | models.TextField):
        read = field.type.read if field.type in (LANGUAGE, ZONE) else None
        return Criterion(kind=Kind.TEXT, read=read, is_long=field.privacy == FREE_WORDS, **told)
    return None


def _without_empty(choices: Callable[[], list[tuple[Any, Any]]]) -> Callable[[], list[tuple[Any, Any]]]:
    return lambda: [pair for pair in choices() if pair[0] != ""]


def _column(path: str) -> Any:
    model: Any = Client
    *joins, name = path.split("__")
    for join in joins:
        model = model._meta.get_field(join).related_model
    return model._meta.get_field(name)


# Facts that stand in no column of their own


def _left_for(operator: Operator, values: list[Any], reader: Reader) -> Q:
    """By the reason of the client's present status."""
    present = StatusPeriod.objects.filter(client=OuterRef("pk"), start_date=OuterRef("facts__status_since"))
    named = present.exclude(reason="") if operator in IF_EMPTY else present.filter(reason__in=values)
    found = Q(Exists(named))
    return ~found if operator in (Operator.IS_NOT, Operator.EMPTY) else found


def _overdue(operator: Operator, values: list[Any], reader: Reader) -> Q:
    late = Q(facts__contact_due_at__isnull=False) & is_quiet(reader.today)
    return late if operator == Operator.YES else ~late


OWN: dict[str, Callable[[Field], Criterion]] = {
    "leaving_reason": lambda field: Criterion(
        field.name, field.label, Kind.CHOICE, choices=field.type.choices, may_be_empty=True, condition=_left_for
    ),
}
DAYS_SINCE_CONTACT = "days_since_contact"
DERIVED = (
    Criterion(
        DAYS_SINCE_CONTACT, _("Days since contact"), Kind.NUMBER, path="facts__last_contact_at", may_be_empty=True
    ),
    Criterion("is_quiet", _("Contact overdue"), Kind.YES_NO, condition=_overdue),
    Criterion("created_at", _("Added"), Kind.DAY, path="created_at", is_moment=True),
)
