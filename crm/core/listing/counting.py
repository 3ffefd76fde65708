"""How many rows a list and each of its groups have.

Small tables are counted exactly. In large ones a count reads no more than it shows: so many rows and one, in each group that has a head on the page.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

COUNT_CAP = 10_000
LARGE = 20_000  # rows of a table
LARGE_CAP = 1_000  # of which this many are counted
FEW = 12  # values that a statement names one by one, when it only asks whether there are rows
KNOWN_FOR = 600  # seconds that a table's size is remembered
_sizes: dict[str, float] = {}
_until = [0.0]


def is_large(model: Any) -> bool:
    """By the planner's own estimates, which the process remembers for ten minutes."""
    now = time.monotonic()
    if _until[0] <= now:
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid)")
            _sizes.update(cursor.fetchall())
        _until[0] = now + KNOWN_FOR
    return _sizes.get(model._meta.db_table, 0) > LARGE


def count_capped(queryset: QuerySet, cap: int = COUNT_CAP) -> tuple[int, bool]:
    """(rows, False), or (cap, True) when there are more."""
    n = queryset.order_by()[: cap + 1].values("pk").count()
    return min(n, cap), n > cap


def column_of(model: Any, path: str) -> Any:
    """The model's field at the end of a path; None for what a list computes."""
    try:
        for name in path.split("__"):
            field = model._meta.get_field(name)
            model = field.related_model
    except FieldDoesNotExist:
        return None
    return field


def _of_one(rows: QuerySet, path: str, value: RawSQL) -> tuple[str, tuple[Any, ...]]:
    return rows.order_by().filter(**{path: value}).values("pk").query.sql_with_params()


def _of_each(rows: QuerySet, path: str, values: Sequence[Any], select: str) -> list[tuple[Any, Any]]:
    """[(value, what `select` says of its rows)] in one statement, compiled once. Each value stands in it by itself: then PostgreSQL
    reads a rare one along its index, and stops early at a frequent one."""
    mark = object()
    try:
        sql, params = _of_one(rows, path, RawSQL("%s", (mark,)))
    except EmptyResultSet:  # a filter that nothing can match
        return []
    query = " UNION ALL ".join([f"SELECT {n}, ({select.format(sql)})" for n in range(len(values))])
    with connection.cursor() as cursor:
        cursor.execute(query, [value if each is mark else each for value in values for each in params])
        return [(values[n], found) for n, found in cursor.fetchall()]


def present(rows: QuerySet, path: str, values: Sequence[Any]) -> set[Any]:
    """Those of the values that rows have at `path`. One statement."""
    if not values:
        return set()
    if len(values) <= FEW:
        return {value for value, found in _of_each(rows, path, values, "{} LIMIT 1") if found is not None}
    field = column_of(rows.model, path)
    kind = (field.related_model._meta.pk if field.is_relation else field).db_type(connection)
    try:
        sql, params = _of_one(rows, path, RawSQL('"given"."value"', ()))
    except EmptyResultSet:
        return set()
    # a scalar subquery: of EXISTS PostgreSQL would make a join with all rows
    query = f'SELECT "value" FROM unnest(%s::{kind}[]) "given"("value") WHERE ({sql} LIMIT 1) IS NOT NULL'
    with connection.cursor() as cursor:
        cursor.execute(query, [list(values), *params])
        return {value for (value,) in cursor.fetchall()}


def counted(rows: QuerySet, path: str, values: Sequence[Any], cap: int) -> dict[Any, int]:
    """{value: rows that have it at `path`}, at most one more than `cap`. One statement."""
    return dict(_of_each(rows, path, values, f'SELECT count(*) FROM ({{}} LIMIT {cap + 1}) "counted"'))
