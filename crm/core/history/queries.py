"""Who changed what: the history that the database's triggers keep, as an admin may read it.

Rows of a model come through the gate: only of objects the viewer sees. A model outside the kernel whose rows have no
`visible_to` is left out. Where versions were open to different people, `history_visible_to` gives those the viewer might read.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _lazy

from crm.core.fields.catalogue import type_in
from crm.core.users.models import User

QUIET = {"version", "updated_at", "created_at", "name_key", "search_key", "phone_digits", "last_used_at", "salt"}
IN_WORDS = {"password": _lazy("password changed"), "token_hash": _lazy("new link"), "last_login": _lazy("signed in")}


@dataclass
class Change:
    field: Any  # its name, or the whole change in words when there is nothing to compare
    before: str
    after: str


@dataclass
class Entry:
    at: datetime
    key: tuple[str, int]
    kind: str
    thing: str
    title: str
    object_id: int
    user_id: int | None
    where: str
    who: str = ""
    changes: list[Change] = field(default_factory=list)


@dataclass
class HistoryPage:
    entries: list[Entry]
    marks: dict[str, int] | None


def tracked_models() -> dict[str, type[Model]]:
    """label → model with a history, in the order people read them."""
    found = {}
    for event in apps.get_models():
        tracked = getattr(event, "pgh_tracked_model", None)
        if tracked is not None and (
            tracked._meta.app_label == "core" or hasattr(tracked._default_manager, "visible_to")
        ):
            found[tracked._meta.label_lower] = event
    return dict(sorted(found.items(), key=lambda pair: str(pair[1].pgh_tracked_model._meta.verbose_name)))  # type: ignore[attr-defined]


def read(
    principal, *, label: str = "", user_id: int | None = None, marks: dict[str, int] | None = None, size: int = 30
) -> HistoryPage:
    """The newest entries before `marks` (label → id already shown). At most four queries a model."""
    models = {name: event for name, event in tracked_models().items() if not label or name == label}
    rows = [
        (name, row)
        for name, event in models.items()
        for row in _rows(principal, event, (marks or {}).get(name), user_id)[: size + 1]
    ]
    rows.sort(key=lambda pair: (pair[1].pgh_created_at, pair[1].pgh_id), reverse=True)
    shown, more = rows[:size], len(rows) > size
    entries = [_entry(name, row) for name, row in shown]
    _add_changes(models, shown, entries)
    users = User.objects.filter(pk__in={entry.user_id for entry in entries if entry.user_id})
    names: dict[Any, str] = dict(users.values_list("pk", "name"))
    for entry in entries:
        entry.who = names.get(entry.user_id, "")
    following = dict(marks or {}) | {name: row.pgh_id for name, row in shown}
    return HistoryPage(entries, following if more else None)


def _rows(principal, event, before: int | None, user_id: int | None) -> QuerySet:
    manager = event.pgh_tracked_model._default_manager
    versions = event.objects.all()
    if hasattr(manager, "history_visible_to"):
        versions = manager.history_visible_to(principal)
    rows = versions.select_related("pgh_context").order_by("-pgh_id")
    if hasattr(manager, "visible_to"):
        rows = rows.filter(pgh_obj_id__in=manager.visible_to(principal).values("pk"))
    if before is not None:
        rows = rows.filter(pgh_id__lt=before)
    if user_id is not None:
        rows = rows.filter(pgh_context__metadata__user=user_id)
    earlier = versions.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__lt=OuterRef("pgh_id")).order_by("-pgh_id")
    return rows.annotate(earlier_id=Subquery(earlier.values("pgh_id")[:1]))


def _entry(name: str, row) -> Entry:
    metadata = row.pgh_context.metadata if row.pgh_context else {}
    return Entry(
        at=row.pgh_created_at,
        key=(name, row.pgh_id),
        kind=row.pgh_label,
        thing=str(row.pgh_tracked_model._meta.verbose_name),
        title=_title(row),
        object_id=row.pgh_obj_id,
        user_id=metadata.get("user"),
        where=metadata.get("url", "") or metadata.get("command", ""),
    )


def _title(row) -> str:
    names = (getattr(row, name, "") for name in ("name", "title", "subject", "email"))
    return next((str(name)[:80] for name in names if name), f"#{row.pgh_obj_id}")


def _add_changes(models, shown, entries) -> None:
    """What an update changed, against the row's event before it."""
    for name, event in models.items():
        wanted = {
            row.earlier_id for label, row in shown if label == name and row.pgh_label == "update" and row.earlier_id
        }
        earlier = event.objects.in_bulk(wanted, field_name="pgh_id") if wanted else {}
        for (label, row), entry in zip(shown, entries, strict=True):
            if label == name and row.earlier_id in earlier:
                entry.changes = _changes(event, earlier[row.earlier_id], row)


def _changes(event, before, after) -> list[Change]:
    found = []
    for column in event.pgh_tracked_model._meta.concrete_fields:
        if column.name in QUIET or not hasattr(after, column.attname):
            continue
        old, new = getattr(before, column.attname), getattr(after, column.attname)
        if old != new:
            words = IN_WORDS.get(column.name)
            say = type_in(event.pgh_tracked_model, column).words
            found.append(
                Change(words, "", "") if words else Change(column.verbose_name, say(old)[:120], say(new)[:120])
            )
    return found
