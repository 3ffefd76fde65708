"""Archiving: an archived row is hidden from lists and reports until it is restored. Rows are archived, not deleted."""

from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from crm.core.base.versions import save_version


class ArchivableQuerySet(models.QuerySet):
    def kept(self):
        return self.filter(archived_at__isnull=True)

    def archived(self):
        return self.filter(archived_at__isnull=False)


class Archivable(models.Model):
    """A row that is archived instead of deleted. Its QuerySet has `kept()` and `archived()`."""

    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


A = TypeVar("A", bound=Archivable)


def set_archived(row: A, *, at: datetime | None, is_edit: bool = True, **also: Any) -> tuple[A, bool]:
    """Archive the row at a moment, or restore it (None). Returns (the fresh row, whether it changed). `also` sets more
    columns, such as the actor. `is_edit=False` keeps the version, which counts corrections only. Call it in a service.
    """
    fresh: Any = type(row)._default_manager.select_for_update(of=("self",)).get(pk=row.pk)
    if (fresh.archived_at is None) == (at is None):
        return fresh, False
    values = {"archived_at": at} | also
    for name, value in values.items():
        setattr(fresh, name, value)
    if is_edit and hasattr(fresh, "version"):
        save_version(fresh, fields=[*values], seen=None)
    else:
        fresh.save(update_fields=[*values])
    return fresh, True
