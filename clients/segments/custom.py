"""The firm's own fields in rules: what each kind is asked, and its condition on what a client keeps or the database computes."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Value
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
from crm.core.fields.custom.entry import CustomEntry
from crm.core.fields.custom.values import options
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


def told_of(entry: CustomEntry) -> dict[str, Any] | None:
    """What a Criterion is made of. None for a field that names clients: who sees them differs from reader to reader."""
    made = KINDS.get(entry.like)
    if made is None:
        return None
    told: dict[str, Any] = {"key": entry.name, "label": entry.label, "kind": made, "may_be_empty": True}
    told["condition"] = lambda operator, values, reader: _condition(entry, made, operator, values, reader)
    if entry.like in (CustomKind.CHOICE, CustomKind.CHOICES):
        told["choices"] = lambda: options(entry.definition)
    if made is Kind.NUMBER:
        told["places"] = entry.places
    if made is Kind.PERSON:
        told["model"] = User
    told["is_long"] = entry.like == CustomKind.LONG_TEXT
    told["is_personal"], told["problem"] = entry.is_personal, entry.problem
    return told


def _condition(entry: CustomEntry, kind: Kind, operator: Operator, values: list[Any], reader: Any) -> Q:
    """True or false of every client, never unknown, so that a group can say that none of its rules holds."""
    here = _here(entry, reader)
    given = Q(IsNull(here, False))
    if operator in IF_EMPTY:
        return given if operator == O.GIVEN else ~given
    found = given & MADE[kind](entry, operator, values, reader)
    return ~found if operator in NEGATIVE else found


def _here(entry: CustomEntry, reader: Any) -> Any:
    return entry.side.here(reader.principal, reader.now)


def _text(entry: CustomEntry, operator: Operator, values: list[Any], reader: Any) -> Q:
    here = entry.side.text(reader.principal, reader.now)
    if operator in (O.IS, O.IS_NOT):
        return Q(AnyWord(here, values, WORDS))
    return Q((StartsWith if operator == O.STARTS_WITH else Contains)(here, Lower(Value(values[0]))))


def _number(entry: CustomEntry, operator: Operator, values: list[Any], reader: Any) -> Q:
    here, kept = _here(entry, reader), [entry.side.kept(Decimal(value)) for value in values]
    if operator in (O.IS, O.IS_NOT):
        return Q(In(here, kept))
    if operator == O.BETWEEN:
        return _within(here, kept[0], kept[1], LessThanOrEqual)
    return Q(LOOKUPS[operator](here, kept[0]))


def _day(entry: CustomEntry, operator: Operator, values: list[Any], reader: Any) -> Q:
    start, end = (_kept(entry, day) for day in days_of(operator, values, reader.today))
    return _within(_here(entry, reader), start, end, LessThan)


def _within(here: Any, start: Any, end: Any, up_to: Any) -> Q:
    found = Q()
    if start is not None:
        found &= Q(GreaterThanOrEqual(here, start))
    if end is not None:
        found &= Q(up_to(here, end))
    return found


def _kept(entry: CustomEntry, value: date | None) -> Any:
    return None if value is None else entry.side.kept(value)


def _choice(entry: CustomEntry, operator: Operator, values: list[Any], reader: Any) -> Q:
    here = _here(entry, reader)
    if entry.like == CustomKind.CHOICE:
        return Q(In(here, values))
    found = Q()
    for value in values:
        found |= Q(DataContains(here, [value]))
    return found


def _person(entry: CustomEntry, operator: Operator, values: list[Any], reader: Any) -> Q:
    """“me” is nobody for a reader who is no colleague."""
    ids = [pk for pk in (reader.me if value == ME else value for value in values) if pk is not None]
    return Q(In(_here(entry, reader), ids)) if ids else Q(pk__in=[])


def _yes_no(entry: CustomEntry, operator: Operator, values: list[Any], reader: Any) -> Q:
    return Q(In(_here(entry, reader), [operator == O.YES]))


MADE: dict[Kind, Any] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DAY: _day,
    Kind.CHOICE: _choice,
    Kind.PERSON: _person,
    Kind.YES_NO: _yes_no,
}
