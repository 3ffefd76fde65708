"""Optimistic concurrency: one edit at a time wins, the other is told."""

from django.db.models import F, Model
from django.utils.translation import gettext as _

from crm.core.base.errors import StaleWrite


def save_version(row: Model, *, fields: list[str], seen: int | None) -> None:
    """Save `fields` of a Versioned row and count its version up; `seen` is the version the editor saw (None: the row's own).

    Lock the row first (`select_for_update`) in the caller's transaction. Raises StaleWrite when it is not the present one.
    """
    manager = type(row)._default_manager
    expected = row.version if seen is None else seen  # type: ignore[attr-defined]
    if not manager.filter(pk=row.pk, version=expected).update(version=F("version") + 1):
        raise StaleWrite(
            _("Somebody else saved this meanwhile. Look at their version, then save yours again."),
            current=manager.get(pk=row.pk),
        )
    row.version = expected + 1  # type: ignore[attr-defined]
    row.save(update_fields=[*fields, "updated_at"])
