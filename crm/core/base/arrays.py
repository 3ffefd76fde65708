"""Several values in a statement as one array."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

IDS = ArrayField(models.BigIntegerField())


class AnyOf(models.Func):
    """The column is one of the values, sent as one array: ten thousand of them are one parameter."""

    template, arg_joiner = "(%(expressions)s))", " = ANY("
    output_field = models.BooleanField()

    def __init__(self, column: Any, values: list[Any], kind: Any):
        from_values = models.Value(list(values), output_field=kind)
        super().__init__(F(column) if isinstance(column, str) else column, from_values)


class Within(models.Func):
    """The column is one of the few ids of these rows, which are read once for the statement and looked up by index: for IN, or for
    several of them joined by OR, PostgreSQL reads every row instead. Of many ids it would try one after the other for each row.
    """

    output_field = models.BooleanField()

    def __init__(self, column: Any, *rows: QuerySet | ArraySubquery):
        ids = (each if isinstance(each, ArraySubquery) else ArraySubquery(each) for each in rows)
        super().__init__(F(column) if isinstance(column, str) else column, *ids)

    def as_sql(self, compiler, connection, *args, **extra):  # type: ignore[override]
        column, *arrays = self.source_expressions
        left, values = compiler.compile(column)
        parts = [compiler.compile(array) for array in arrays]
        joined = " || ".join(sql for sql, _given in parts)
        return f"{left} = ANY ({joined})", (*values, *(value for _sql, given in parts for value in given))


def looked_up(rows: QuerySet, by: Any, texts: Iterable[str], column: str = "pk") -> set[int]:
    """The ids (or another `column`) of the rows whose expression is one of the texts, each looked up by its index. Of many values of an
    expression PostgreSQL without statistics of it expects half a percent of the rows each, and reads the whole table. `rows` has the
    condition of the index, and no gate.
    """
    wanted = [*texts]
    if not wanted:
        return set()
    one = RawSQL("wanted.text", [], output_field=models.TextField())
    inner, values = rows.order_by().alias(looked_up=by).filter(looked_up=one).values(column).query.sql_with_params()
    sql = f"SELECT found.* FROM unnest(%s::text[]) AS wanted(text) CROSS JOIN LATERAL ({inner} OFFSET 0) AS found"  # nosec B608
    with connection.cursor() as cursor:
        cursor.execute(sql, [wanted, *values])
        return {found for (found,) in cursor.fetchall()}
