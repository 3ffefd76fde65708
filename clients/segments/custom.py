"""The firm's own fields in rules: what each kind is asked, and its condition on the JSON that a client keeps."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, Value
from django.db.models.expressions import Func
from django.db.models.fields.json import DataContains
from django.db.models.functions import Lower
from django.db.models.lookups import (
    Contains,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    StartsWith,
)

from clients.segments.arrays import WORDS, AnyWord
from clients.segments.choices import IF_EMPTY, ME, NEGATIVE, Kind, Operator
from clients.segments.days import days_of
from crm.core.fields.custom.choices import Kind as CustomKind
from crm.core.fields.custom.entries import CustomEntry
from crm.core.fields.custom.sql import JSON, JsonAt, TextAt
from crm.core.fields.custom.values import options, shape_of
from crm.core.users.models import User

O = Operator  # noqa: E741

KINDS = {
    CustomKind.TEXT: Kind.TEXT,
    CustomKind.LONG_TEXT: Kind.TEXT,
    CustomKind.URL: Kind.TEXT,
    CustomKind.EMAIL: Kind.TEXT,
    CustomKind.PHONE: Kind.TEXT,
    CustomKind.NUMBER: Kind.NUMBER,
    CustomKind.MONEY: Kind.NUMBER,
    CustomKind.DATE: Kind.DAY,
    CustomKind.CHOICE: Kind.CHOICE,
    CustomKind.CHOICES: Kind.CHOICE,
    CustomKind.YES_NO: Kind.YES_NO,
    CustomKind.USER: Kind.PERSON,
}
LOOKUPS: dict[Any, Any] = {
    O.MORE: GreaterThan,
    O.AT_LEAST: GreaterThanOrEqual,
    O.LESS: LessThan,
    O.AT_MOST: LessThanOrEqual,
}
CENTS = 2


def told_of(entry: CustomEntry) -> dict[str, Any] | None:
    """What a Criterion is made of. None for a field that names clients: who sees them differs from reader to reader."""
    definition = entry.definition
    made = KINDS.get(definition.kind)
    if made is None:
        return None
    told: dict[str, Any] = {"key": entry.name, "label": entry.label, "kind": made, "may_be_empty": True}
    told["condition"] = lambda operator, values, reader: _condition(definition, made, operator, values, reader)
    if definition.kind in (CustomKind.CHOICE, CustomKind.CHOICES):
        told["choices"] = lambda: options(definition)
    if made is Kind.NUMBER:
        told["places"] = CENTS if definition.kind == CustomKind.MONEY else definition.decimals
    if made is Kind.PERSON:
        told["model"] = User
    told["is_long"] = definition.kind == CustomKind.LONG_TEXT
    return told


def _condition(definition: Any, kind: Kind, operator: Operator, values: list[Any], reader: Any) -> Q:
    """True or false of every client, never unknown, so that a group can say that none of its rules holds."""
    given = Q(IsNull(_json(definition), False))
    if operator in IF_EMPTY:
        return given if operator == O.GIVEN else ~given
    found = given & MADE[kind](definition, operator, values, reader)
    return ~found if operator in NEGATIVE else found


def _json(definition: Any) -> Func:
    return JsonAt(F("custom"), key=definition.key)


def _text(definition: Any, operator: Operator, values: list[Any], reader: Any) -> Q:
    here = TextAt(F("custom"), key=definition.key)
    if operator in (O.IS, O.IS_NOT):
        return Q(AnyWord(here, values, WORDS))
    return Q((StartsWith if operator == O.STARTS_WITH else Contains)(here, Lower(Value(values[0]))))


def _number(definition: Any, operator: Operator, values: list[Any], reader: Any) -> Q:
    kept = [_kept(definition, Decimal(value)) for value in values]
    if operator in (O.IS, O.IS_NOT):
        return Q(In(_json(definition), kept))
    if operator == O.BETWEEN:
        return _within(definition, kept[0], kept[1], LessThanOrEqual)
    return Q(LOOKUPS[operator](_json(definition), kept[0]))


def _day(definition: Any, operator: Operator, values: list[Any], reader: Any) -> Q:
    start, end = days_of(operator, values, reader.today)
    return _within(definition, _kept(definition, start), _kept(definition, end), LessThan)


def _within(definition: Any, start: Any, end: Any, up_to: Any) -> Q:
    found = Q()
    if start is not None:
        found &= Q(GreaterThanOrEqual(_json(definition), start))
    if end is not None:
        found &= Q(up_to(_json(definition), end))
    return found


def _kept(definition: Any, value: Decimal | date | None) -> Any:
    """As the JSON of a client has it, for a comparison."""
    return None if value is None else Value(shape_of(definition).keep(value), JSON)


def _choice(definition: Any, operator: Operator, values: list[Any], reader: Any) -> Q:
    if definition.kind == CustomKind.CHOICE:
        return Q(In(_json(definition), values))
    found = Q()
    for value in values:
        found |= Q(DataContains(_json(definition), [value]))
    return found


def _person(definition: Any, operator: Operator, values: list[Any], reader: Any) -> Q:
    """“me” is nobody for a reader who is no colleague."""
    ids = [pk for pk in (reader.me if value == ME else value for value in values) if pk is not None]
    return Q(In(_json(definition), ids)) if ids else Q(pk__in=[])


def _yes_no(definition: Any, operator: Operator, values: list[Any], reader: Any) -> Q:
    return Q(In(_json(definition), [operator == O.YES]))


MADE: dict[Kind, Any] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DAY: _day,
    Kind.CHOICE: _choice,
    Kind.PERSON: _person,
    Kind.YES_NO: _yes_no,
}
