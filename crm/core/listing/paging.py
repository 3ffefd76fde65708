"""Paging with the same cost at any depth: a cursor instead of an offset, and a capped count.

A list is sorted by one column and the primary key. Rows without a value in that column come last, as a second section,
so that each section is one range of one index.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Func, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan

from crm.core.listing.counting import COUNT_CAP, LARGE_CAP, count_capped, is_large

MAX_PK = 2**63 - 1


class _Row(Func):
    function = "ROW"

    def __init__(self, *expressions, output_field):
        super().__init__(*expressions, output_field=output_field)


@dataclass(frozen=True)
class Sort:
    """`field` may cross relations (facts__next_step_at) or be an annotation; `nullable` puts empty values in a section
    of their own at the end. `pk` names the tie-breaker next to the field, so that one index serves both (facts__client
    for facts__…). `expression`: what the list computes as `field`, if it is no column, or a function of who asks and when.
    """

    field: str
    descending: bool = False
    nullable: bool = False
    pk: str = "pk"
    expression: Any = None

    def computed(self, principal: Any, now: datetime) -> Any:
        """The expression for somebody at a moment."""
        return self.expression(principal, now) if callable(self.expression) else self.expression

    def turned(self) -> "Sort":
        return replace(self, descending=not self.descending)


@dataclass
class Page:
    rows: list[Any]
    next_cursor: str | None
    previous_cursor: str | None
    total: int | None = None
    is_capped: bool = False
    cap: int = COUNT_CAP
    heads_below: list[Any] = field(default_factory=list)  # of collapsed groups after the last row

    @property
    def is_shown(self) -> bool:
        return bool(self.rows or self.heads_below)

    @property
    def total_text(self) -> str:
        return "" if self.total is None else (f"{self.cap:,}+" if self.is_capped else f"{self.total:,}")


class BadCursor(ValueError):
    """The cursor in the address is invalid."""


def count_page(page: Page, queryset: QuerySet) -> None:
    """Set how many rows all pages have, as far as they are counted."""
    page.cap = LARGE_CAP if is_large(queryset.model) else COUNT_CAP
    page.total, page.is_capped = count_capped(queryset, page.cap)


def paginate(queryset: QuerySet, *, sort: Sort, cursor: str = "", size: int = 25, counted: bool = True) -> Page:
    """One page of `queryset`. Raises BadCursor. At most two row queries and one capped count."""
    backwards, after, pk = _decode(cursor)
    if cursor:
        after = _value(queryset, sort, after)
    rows = _fetch(queryset, sort, size + 1, backwards, after, pk, has_cursor=bool(cursor))
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    first = _encode("b", queryset, rows[0], sort) if rows else None
    last = _encode("f", queryset, rows[-1], sort) if rows else None
    page = Page(
        rows=rows,
        next_cursor=last if (more if not backwards else bool(cursor)) else None,
        previous_cursor=first if (more if backwards else bool(cursor)) else None,
    )
    if counted:
        count_page(page, queryset)
    return page


def tail(queryset: QuerySet, *, sort: Sort, size: int) -> Page:
    """The last rows of `queryset`."""
    rows = _fetch(queryset, sort, size + 1, True, None, None, has_cursor=False)
    more, rows = len(rows) > size, rows[:size][::-1]
    return Page(rows, None, _encode("b", queryset, rows[0], sort) if more else None)


def is_backwards(cursor: str) -> bool:
    """Raises BadCursor."""
    return _decode(cursor)[0]


def _fetch(queryset, sort, limit, backwards, after, pk, *, has_cursor):
    """Rows in the given direction: forwards values then empties, backwards the reverse."""
    descending = sort.descending != backwards
    with_value = queryset.filter(**{f"{sort.field}__isnull": False}) if sort.nullable else queryset
    ordered = with_value.order_by(*_order(sort.field, sort.pk, descending))
    empties = (
        queryset.filter(**{f"{sort.field}__isnull": True}).order_by(("-" if descending else "") + sort.pk)
        if sort.nullable
        else None
    )
    if has_cursor and after is None and empties is not None:
        empties = empties.filter(**{f"{sort.pk}__{'lt' if descending else 'gt'}": pk})
    elif has_cursor:
        ordered = ordered.filter(_beyond(queryset, sort, after, pk, descending))
    stretches = [ordered, empties] if not backwards else [empties, ordered]
    if has_cursor:
        in_empties = after is None
        if backwards and not in_empties:
            stretches = [ordered]
        if not backwards and in_empties:
            stretches = [empties]
    rows: list[Any] = []
    for stretch in stretches:
        if stretch is not None and len(rows) < limit:
            rows += list(stretch[: limit - len(rows)])
    return rows


def ordered(queryset: QuerySet, sort: Sort) -> QuerySet:
    """All rows in the order of the pages."""
    field, pk = F(sort.field), F(sort.pk)
    if sort.descending:
        return queryset.order_by(field.desc(nulls_last=sort.nullable or None), pk.desc())
    return queryset.order_by(field.asc(nulls_last=sort.nullable or None), pk.asc())


def _order(field, pk, descending):
    return (F(field).desc(), F(pk).desc()) if descending else (F(field).asc(), F(pk).asc())


def _beyond(queryset, sort, after, pk, descending):
    field = _field(queryset, sort.field)
    here = _Row(F(sort.field), F(sort.pk), output_field=field)
    there = _Row(Value(after, output_field=field), Value(pk), output_field=field)
    return (LessThan if descending else GreaterThan)(here, there)


def _field(queryset, path):
    """The column that a list is sorted by: a model's, or one that the list computes."""
    if path in queryset.query.annotations:
        return queryset.query.annotations[path].output_field
    model = queryset.model
    *relations, name = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    field = model._meta.get_field(name)
    return getattr(field, "output_field", field)


def _value(queryset, sort, value):
    """The cursor's value in the type of the sorted column. Raises BadCursor: a URL can be edited, or come from another
    sort.
    """
    field = _field(queryset, sort.field)
    if value is None or isinstance(value, list | dict) or "\0" in str(value):
        if value is None and sort.nullable:
            return None
        raise BadCursor(value)
    try:
        str(value).encode()
        value = field.to_python(value)
        field.run_validators(value)
        return field.get_prep_value(value)
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise BadCursor(value) from error


def _encode(direction, queryset, row, sort):
    value = row
    for name in sort.field.split("__"):
        value = getattr(value, name)
    pk = row.pk
    raw = json.dumps(
        [direction, value, pk], default=str
    )  # Django's encoder would cut datetimes to milliseconds and repeat rows
    return urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _decode(cursor):
    if not cursor:
        return False, None, None
    try:
        direction, value, pk = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not 0 <= int(pk) <= MAX_PK:
            raise BadCursor(cursor)
        return {"f": False, "b": True}[direction], value, int(pk)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise BadCursor(cursor) from error
