"""Optimistic concurrency: edits of different fields merge, the second editor decides on edits of the same field."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, Model
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import StaleWrite
from crm.core.base.models import CUSTOM, key_in


def save_version(
    row: Model,
    *,
    fields: Iterable[str],
    seen: int | None,
    merges: bool = True,
    derive: Callable[[], Iterable[str]] | None = None,
) -> None:
    """Save `fields` of a Versioned row and count its version up, in one UPDATE. `seen` is the version the editor saw (None: the
    row's own).

    Lock and load the row first (`select_for_update`) in the caller's transaction, then set its fields. If someone saved
    another version since `seen`, the editor's actual changes are applied to it: fields that both changed to different
    values, or a version that the history does not hold, raise StaleWrite. A decision about everything that was seen (a
    transition, a publication) passes `merges=False`: any other version is stale. `derive()` then sets the columns
    computed from the merged row and returns their names; they never conflict.
    """
    present: int = row.version  # type: ignore[attr-defined]
    names = list(fields)
    if seen is not None and seen != present:
        if not merges:
            raise _stale(row, names)
        names = _merge(row, names, seen)
    if derive is not None:
        names = [*names, *derive()]
    columns = {row._meta.get_field(name).attname: getattr(row, row._meta.get_field(name).attname) for name in names}  # type: ignore[union-attr]
    saved_at = timezone.now()
    manager: Any = type(row)._default_manager
    changed = manager.filter(pk=row.pk, version=present).update(
        version=F("version") + 1, updated_at=saved_at, **columns
    )
    if not changed:
        raise _stale(row, names)
    row.version, row.updated_at = present + 1, saved_at  # type: ignore[attr-defined]


def check_version(row: Any, seen: int | None) -> None:
    """For a decision about a locked row that writes other rows: it is about the version that was seen (None: the row's own). Raises
    StaleWrite."""
    if seen not in (None, row.version):
        raise _stale(row, [])


def _merge(row: Model, names: list[str], seen: int) -> list[str]:
    """Set the row to the current values plus the editor's changes since `seen`. Returns the names of the changed
    fields.
    """
    base = _as_of(row, seen)
    current = type(row)._default_manager.get(pk=row.pk)
    if base is None:
        raise _stale(row, names, current)
    mine, both = [], []
    for name in names:
        column = row._meta.get_field(name).attname  # type: ignore[union-attr]
        wanted, before, stands = getattr(row, column), getattr(base, column, None), getattr(current, column)
        if name == "custom" and isinstance(before, dict):
            clashes = _merge_custom(row, wanted, before, stands)
            both += clashes
            mine += [name] if not clashes and row.custom != stands else []  # type: ignore[attr-defined]
            continue
        if wanted == before:
            setattr(row, column, stands)
        elif stands not in (before, wanted):
            both.append(name)
        else:
            mine.append(name)
    if both:
        raise _stale(row, both, current)
    return mine


def _merge_custom(row: Any, wanted: dict, before: dict, stands: dict) -> list[str]:
    """Set the row's custom fields to the current ones plus the editor's changes, each field by itself. Returns the names of
    those that both changed."""
    merged, both = dict(stands), []
    for key in wanted.keys() | before.keys():
        mine, then, now = wanted.get(key), before.get(key), stands.get(key)
        if mine == then:
            continue
        if now not in (then, mine):
            both.append(f"{CUSTOM}{key_in(key)}")
        elif mine is None:
            merged.pop(key, None)
        else:
            merged[key] = mine
    row.custom = merged
    return sorted(both)


def _as_of(row: Model, version: int) -> Any:
    """The row's event at a version, or None if the history lacks it."""
    events = getattr(type(row), "pgh_event_models", {})
    if "update" not in events:
        return None
    return events["update"].objects.filter(pgh_obj_id=row.pk, version=version).order_by("-pgh_id").first()


def _stale(row: Model, names: list[str], current: Model | None = None) -> StaleWrite:
    current = current or type(row)._default_manager.get(pk=row.pk)
    return StaleWrite(
        _("Someone changed this while you were editing. Your changes are not saved yet."),
        current=current,
        who=who_saved(current),
        fields=names,
    )


def who_saved(row: Any) -> str:
    """The name of the colleague who saved the row last; "" for the system or a row without history."""
    events = getattr(type(row), "pgh_event_models", {})
    if "update" not in events:
        return ""
    event = events["update"].objects.filter(pgh_obj_id=row.pk).order_by("-pgh_id").select_related("pgh_context").first()
    user_id = (event.pgh_context.metadata or {}).get("user") if event is not None and event.pgh_context else None
    found = get_user_model().objects.filter(pk=user_id).values_list("name", flat=True).first() if user_id else None
    return found or ""
