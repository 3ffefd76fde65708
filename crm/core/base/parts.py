"""Related rows read in the same statement as another row, as JSON of a subquery, and turned back into model instances.

A page of many small pieces asks the database once for them: `rows_along` in an annotation, `rows_from` where they are shown.
"""

from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, QuerySet
from django.db.models.functions import JSONObject

M = TypeVar("M", bound=Model)


def rows_along(queryset: QuerySet, *fields: str, limit: int) -> ArraySubquery:
    """For annotate(): these columns of the queryset's first rows. It refers to the other row by an OuterRef and has an order."""
    return ArraySubquery(queryset.values_list(JSONObject(**{name: name for name in fields}))[:limit])


def rows_from(model: type[M], found: list[dict[str, Any]] | None) -> list[M]:
    """The rows of such an annotation; a column that was not read along is read when it is used."""
    rows = []
    for row in found or []:
        given = [field for field in model._meta.concrete_fields if field.attname in row]
        names = [field.attname for field in given]
        rows.append(model.from_db("default", names, [field.to_python(row[field.attname]) for field in given]))
    return rows
