"""The value of a custom field in SQL: what filters, sorts and indexes of it have in common."""

from typing import Any

from django.db import connection, models
from django.db.models import F, Func

from crm.core.fields.custom.choices import INDEXED, WRITTEN, Kind
from crm.core.fields.custom.models import CustomField

JSON: Any = models.JSONField()


class JsonAt(Func):
    """The value as JSON. Its order is that of numbers, of days written as 2026-01-31, and of yes and no."""

    template = "(%(expressions)s -> '%(key)s')"
    output_field = JSON


def at(slot: str) -> JsonAt:
    """The value that stands there."""
    return JsonAt(F("custom"), key=slot)


class TextAt(Func):
    """The text in lower case."""

    template = "lower((%(expressions)s ->> '%(key)s'))"
    output_field = models.TextField()


def value_of(field: CustomField) -> Func:
    return (TextAt if field.kind in WRITTEN else JsonAt)(F("custom"), key=field.held_at)


def set_indexes(field: CustomField, model: type[models.Model]) -> None:
    """Make the index that the field needs and drop the others. An index holds only rows with a value; that of a unique field
    refuses a second one. The application's role owns no table, so a function of the database does it. Raises IntegrityError if
    values of a unique field repeat, OperationalError if others have locked the table for too long."""
    unique = field.is_unique
    is_wanted = field.archived_at is None and (unique or field.is_filtered) and field.kind in INDEXED
    held = "list" if field.kind == Kind.CHOICES else "text" if field.kind in WRITTEN else "value"
    with connection.cursor() as cursor:
        told: list[Any] = [model._meta.db_table, field.pk, field.held_at, held if is_wanted else "", unique]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index waits for no check of rows written before
        cursor.execute("SELECT core_custom_index(%s, %s, %s, %s, %s)", told)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def index_facts(field: CustomField) -> tuple[Any, ...]:
    """What the field's indexes depend on."""
    return (field.kind, field.is_unique, field.is_filtered, field.archived_at is None)
