from collections.abc import Sequence
from typing import TypeVar

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

M = TypeVar("M", bound=models.Model)


def tracked(model: type[models.Model]) -> type[models.Model]:
    """Keep every insert, update and delete of the model's rows, bulk and raw SQL included, in `<table>event`."""
    return pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())(model)


def insert(rows: Sequence[M]) -> list[M]:
    """Insert unsaved rows of one model in one statement. Rows of a rolled-back attempt may be passed again."""
    for row in rows:
        row.pk = None
    return type(rows[0])._default_manager.bulk_create(rows) if rows else []


class Folded(models.Func):
    """Text folded for search and sorting: lower case, without accents (`core_fold`, an immutable SQL function)."""

    function = "core_fold"
    output_field = models.TextField()


class Versioned(models.Model):
    """A row people edit. `version` grows by one at every edit; a write with a stale version is refused (409)."""

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        abstract = True
