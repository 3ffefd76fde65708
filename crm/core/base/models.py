from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cache
from typing import Any, TypeVar

import pghistory
from django.contrib.postgres.fields import DateRangeField
from django.db import models, transaction
from django.db.models.base import ModelState
from django.utils.translation import gettext_lazy as _

from crm.core.base.copying import can_copy, copy_rows

M = TypeVar("M", bound=models.Model)


def tracked(model: type[models.Model], **told: Any) -> type[models.Model]:
    """Keep every insert, update and delete of the model's rows, bulk and raw SQL included, in `<table>event`."""
    return pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), **told)(model)


def tracked_aside(model: type[models.Model], *, indexes: Sequence[models.Index] = ()) -> type[models.Model]:
    """As `tracked`, for rows that belong to a record and are told with it: the undo of an import reads their history, no page
    lists it. `indexes` are of the history.
    """
    model.is_told_with_record = True  # type: ignore[attr-defined]
    return tracked(model, meta={"indexes": [*indexes]})


@cache
def _blank(model: type[models.Model]) -> dict[str, Any] | None:
    """The attributes of a row without values; None for a model whose defaults have to be asked each time."""
    known = (models.NOT_PROVIDED, dict, list)
    if any(callable(field.default) and field.default not in known for field in model._meta.concrete_fields):
        return None
    return {name: value for name, value in vars(model()).items() if name != "_state"}


def fresh(model: type[M], **values: Any) -> M:
    """`model(**values)`, made several times faster by copying the defaults of a row that was made before: for thousands of rows."""
    blank = _blank(model)
    if blank is None:
        return model(**values)
    row = model.__new__(model)
    row._state = ModelState()
    own = vars(row)
    for name, value in blank.items():
        own[name] = copy(value) if isinstance(value, dict | list) else value
    for name, value in values.items():
        setattr(row, name, value)
    return row


MANY = 50  # rows from which copying is quicker


def insert(rows: Sequence[M], *, has_keys: bool = False) -> list[M]:
    """Insert unsaved rows of one model in one statement. Rows of a rolled-back attempt may be passed again. `has_keys`: the rows bring
    their primary keys.
    """
    if not rows:
        return []
    for row in () if has_keys else rows:
        row.pk = None
    if len(rows) < MANY or not can_copy(type(rows[0])):
        return type(rows[0])._default_manager.bulk_create(rows)
    with transaction.atomic(savepoint=False):
        copy_rows(rows)
    return [*rows]


class Folded(models.Func):
    """Text folded for search and sorting: lower case, without accents (`core_fold`, an immutable SQL function)."""

    function = "core_fold"
    output_field = models.TextField()


class DateRange(models.Func):
    """The half-open range of two dates, for exclusion constraints."""

    function = "daterange"
    output_field = DateRangeField()


class Versioned(models.Model):
    """A row people edit. `version` grows by one at every edit; a write with a stale version is refused (409)."""

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        abstract = True


CUSTOM = "cf_"  # before the key of a custom field: its name never meets that of a column
SLOT = "__"  # in the column `custom`, between the key of a field and the number of the change that gave it its type


def key_in(slot: str) -> str:
    """The key of the field whose values stand in this slot, or what stands for one that is too long (`CustomField.stem`)."""
    return slot.rpartition(SLOT)[0] or slot


def number_of(slot: str) -> int:
    """That of the change; 0 of the key alone."""
    number = slot.rpartition(SLOT)[2]
    return int(number) if number.isdecimal() else 0


class Customised(models.Model):
    """A row with values of the firm's own fields, {key or slot: value as JSON}. `row.cf_region` is the value of the field
    `region`, None where there is none; the record's catalogue says which fields there are.
    """

    custom = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    custom_fields: Callable[[], Mapping[str, Any]] = dict

    class Meta:
        abstract = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith(CUSTOM) and (field := type(self).custom_fields().get(name)):
            return field.raw(self)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
