"""Several values in a statement as one array."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, QuerySet

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
