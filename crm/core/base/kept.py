"""Statements that every page asks: built and compiled once for a person, then only executed.

Building and compiling a queryset costs ten times what PostgreSQL needs to answer it.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import QuerySet
from django.utils import timezone

from crm.core.base.principals import Principal

QUARTER = 900  # every time zone is a multiple of 15 minutes from UTC, so no local day begins within a quarter
MOMENT = timedelta(microseconds=1)
Built = tuple[str, tuple[Any, ...], tuple[int, ...]]


class Kept:
    """The rows of `build(principal, now)`, a QuerySet of `values_list`, from a statement that is kept.

    A statement is kept for one row of the person and `shape`, whatever else it is built from (such as the firm's settings, as a
    row), and for one quarter of an hour: days and hours in it stay true. `now` itself is filled in anew each time. A statement
    that contains another moment that moves with `now`, or whose building asks the database, is built each time instead. What the
    statement reads (who is named, who is in which team) is asked of the database as ever.
    """

    def __init__(self, build: Callable[[Principal, datetime], QuerySet], *, size: int = 500):
        self.build, self.size = build, size
        self._built: OrderedDict[tuple[Any, ...], Built] = OrderedDict()

    def rows(self, principal: Principal, now: datetime, *, shape: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        shapes = [written(part) if isinstance(part, models.Model) else part for part in shape]
        key: tuple[Any, ...] = (str(principal.kind), written(principal.user), written(principal.acting_for))
        key += (timezone.get_current_timezone_name(), int(now.timestamp()) // QUARTER, *shapes)
        found = self._built.get(key)
        if found is None:
            found = self._compile(principal, now)
            if found is None:
                return list(self.build(principal, now))
            self._built[key] = found
            while len(self._built) > self.size:
                self._built.popitem(last=False)
        sql, values, moments = found
        parameters = list(values)
        for place in moments:
            parameters[place] = now
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def _compile(self, principal: Principal, now: datetime) -> Built | None:
        asked: list[str] = []

        def noted(execute, sql, parameters, many, context):
            asked.append(sql)
            return execute(sql, parameters, many, context)

        with connection.execute_wrapper(noted):
            sql, values = self.build(principal, now).query.sql_with_params()
            _again, moved = self.build(principal, now + MOMENT).query.sql_with_params()
        moments = tuple(n for n, pair in enumerate(zip(values, moved, strict=True)) if pair[0] != pair[1])
        is_keepable = not asked and all(values[n] == now for n in moments)
        return (sql, values, moments) if is_keepable else None


def written(row: models.Model | None) -> str:
    """Everything the row says, so that a changed row is another."""
    return "" if row is None else repr([getattr(row, field.attname) for field in row._meta.concrete_fields])
