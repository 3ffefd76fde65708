"""Long lists of values in a statement."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm.core.base.arrays import AnyOf

WORDS = ArrayField(models.TextField())


class AnyWord(AnyOf):
    """The same, ignoring case."""

    template = "(LOWER(%(expressions)s) AS one(word)))"
    arg_joiner = ") = ANY(SELECT LOWER(word) FROM UNNEST("
