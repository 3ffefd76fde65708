"""Compiles a rule to one condition on clients."""

import hashlib
import json
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Value
from django.utils import timezone

from clients.records.models import Client
from clients.segments.arrays import WORDS, AnyWord
from clients.segments.choices import IF_EMPTY, ME, NEGATIVE, Kind, Match, Operator
from clients.segments.criteria import DAYS_SINCE_CONTACT, Criterion, Reader
from clients.segments.days import FIRST, LAST, days_of
from clients.segments.rules import Group, Parsed, Rule
from crm.core.base.arrays import IDS, AnyOf
from crm.core.base.models import Folded
from crm.core.base.principals import Principal
from crm.core.firm.queries import firm_today, firm_zone

O = Operator  # noqa: E741
NOTHING = Q(pk__in=[])


def reader_of(principal: Principal, now: datetime, *, me: int | None = None) -> Reader:
    """`me`: who is meant where the system reads a rule of somebody."""
    me = principal.viewer.pk if principal.viewer is not None else me
    zone = timezone.get_current_timezone() if principal.user is not None else firm_zone()
    return Reader(me, principal, firm_today(now), now, zone, firm_zone())


def narrow(clients: QuerySet, parsed: Parsed, reader: Reader) -> QuerySet:
    """The clients that the rule describes; none while something is wrong with it."""
    return clients.filter(condition(parsed, reader))


def condition(parsed: Parsed, reader: Reader) -> Q:
    return _group(parsed.root, reader) if parsed.is_sound else NOTHING


def _group(group: Group, reader: Reader) -> Q:
    parts = [_group(each, reader) if isinstance(each, Group) else _rule(each, reader) for each in group.rules]
    found = parts[0]
    for part in parts[1:]:
        found = found & part if group.match == Match.ALL else found | part
    return ~found if group.match == Match.NONE else found


def _rule(rule: Rule, reader: Reader) -> Q:
    criterion, operator = rule.criterion, rule.operator
    if criterion.condition is not None:
        return criterion.condition(operator, rule.values, reader)
    found = MADE[criterion.kind](criterion, operator, rule.values, reader)
    if criterion.may_be_empty and _is_null(criterion):
        found = Q(**{f"{criterion.path}__isnull": False}) & found  # true or false, so that it can be negated
    return ~found if operator in NEGATIVE else found


def _is_null(criterion: Criterion) -> bool:
    return criterion.many is None and criterion.kind not in (Kind.TEXT, Kind.CHOICE)


def _text(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    path = criterion.path
    if operator in IF_EMPTY:
        return ~Q(**{path: ""})
    if operator in (O.IS, O.IS_NOT):
        return Q(AnyWord(path, values, WORDS))
    if path == "name" and operator in (O.CONTAINS, O.CONTAINS_NOT):
        return Q(name_key__contains=Folded(Value(values[0])))  # as the search does, by its index
    lookup = "istartswith" if operator == O.STARTS_WITH else "icontains"
    return Q(**{f"{path}__{lookup}": values[0]})


def _choice(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    if operator in IF_EMPTY:
        return ~Q(**{criterion.path: ""})
    return Q(**{f"{criterion.path}__in": values})


def _row(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    """“me” is nobody for a reader who is no colleague."""
    ids = [reader.me if value == ME else value for value in values]
    ids = [pk for pk in ids if pk is not None]
    if criterion.many is not None:
        return Q(pk__in=_linked(criterion.many, operator, ids))
    return Q() if operator in IF_EMPTY else Q(AnyOf(f"{criterion.path}_id", ids, IDS))


def _linked(column: Any, operator: Operator, ids: list[int]) -> QuerySet:
    through = column.remote_field.through.objects
    here, there = f"{column.m2m_field_name()}_id", f"{column.m2m_reverse_field_name()}_id"
    if operator in IF_EMPTY:
        return through.values(here)
    found = through.filter(AnyOf(there, ids, IDS)).values(here)
    return found.annotate(n=Count("pk")).filter(n=len(ids)).values(here) if operator == O.HAS_ALL else found


def _number(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    if criterion.key == DAYS_SINCE_CONTACT:
        return _days_ago(criterion, operator, values, reader)
    path = criterion.path
    if operator in IF_EMPTY:
        return Q()
    if operator in (O.IS, O.IS_NOT):
        return Q(**{f"{path}__in": values})
    if operator == O.BETWEEN:
        return Q(**{f"{path}__gte": values[0], f"{path}__lte": values[1]})
    return Q(**{f"{path}__{LOOKUPS[operator]}": values[0]})


LOOKUPS = {O.MORE: "gt", O.AT_LEAST: "gte", O.LESS: "lt", O.AT_MOST: "lte"}


def _days_ago(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    """Days since a moment, counted in the firm's calendar as `ClientFacts.days_since_contact` does."""
    if operator in IF_EMPTY:
        return Q()

    def back(days: Any) -> date:
        return reader.today - timedelta(days=max(-MOST_BACK, min(MOST_BACK, int(days))))

    spans = {
        O.MORE: lambda n: (None, back(n)),
        O.AT_LEAST: lambda n: (None, back(n - 1)),
        O.LESS: lambda n: (back(n - 1), None),
        O.AT_MOST: lambda n: (back(n), None),
    }
    if operator in spans:
        return _span(criterion, *spans[operator](values[0]), reader.firm_zone)
    if operator == O.BETWEEN:
        return _span(criterion, back(values[1]), back(values[0] - 1), reader.firm_zone)
    found = NOTHING
    for days in values:
        found |= _span(criterion, back(days), back(days - 1), reader.firm_zone)
    return found


MOST_BACK = 200_000


def _day(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    if operator in IF_EMPTY:
        return Q()
    zone = reader.zone if criterion.is_moment else None
    today = reader.now.astimezone(zone).date() if zone else reader.today
    return _span(criterion, *days_of(operator, values, today), zone)


def _span(criterion: Criterion, start: date | None, end: date | None, zone: Any) -> Q:
    """From a day up to, not including, another: of moments the midnights of the zone."""
    found = {}
    for lookup, day in (("gte", start), ("lt", end)):
        if day is not None:
            day = min(max(day, FIRST), LAST)
            found[f"{criterion.path}__{lookup}"] = datetime.combine(day, time(), zone) if zone else day
    return Q(**found)


def _yes_no(criterion: Criterion, operator: Operator, values: list[Any], reader: Reader) -> Q:
    return Q(**{criterion.path: operator == O.YES})


MADE: dict[str, Any] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.ROW: _row,
    Kind.PERSON: _row,
    Kind.NUMBER: _number,
    Kind.DAY: _day,
    Kind.YES_NO: _yes_no,
}


def mark_of(rule: Any) -> str:
    """The same for the same rule."""
    return hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).hexdigest()


def clients_of(parsed: Parsed, principal: Principal, now: datetime) -> QuerySet:
    """The clients of a rule that the principal sees, outside the archive."""
    return narrow(Client.objects.visible_to(principal).kept(), parsed, reader_of(principal, now))
