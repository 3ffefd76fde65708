"""Several values in a statement as one parameter."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F

IDS = ArrayField(models.BigIntegerField())


class AnyOf(models.Func):
    """The column is one of the values, sent as one array: ten thousand of them are one parameter."""

    template, arg_joiner = "(%(expressions)s))", " = ANY("
    output_field = models.BooleanField()

    def __init__(self, column: Any, values: list[Any], kind: Any):
        from_values = models.Value(list(values), output_field=kind)
        super().__init__(F(column) if isinstance(column, str) else column, from_values)
