"""Long lists of values in a statement."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F

IDS, WORDS = ArrayField(models.BigIntegerField()), ArrayField(models.TextField())


class AnyOf(models.Func):
    """The column is one of the values, sent as one array: ten thousand of them are one parameter."""

    template, arg_joiner = "(%(expressions)s))", " = ANY("
    output_field = models.BooleanField()

    def __init__(self, column: Any, values: list[Any], kind: Any):
        from_values = models.Value(list(values), output_field=kind)
        super().__init__(F(column) if isinstance(column, str) else column, from_values)


class AnyWord(AnyOf):
    """The same, ignoring case."""

    template = "(LOWER(%(expressions)s) AS one(word)))"
    arg_joiner = ") = ANY(SELECT LOWER(word) FROM UNNEST("
