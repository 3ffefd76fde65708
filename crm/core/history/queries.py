"""Who changed what: the history that database triggers record, as an admin and, for one client, its readers may read it.

The gate applies: only events of objects the viewer may see, and in them only names of rows the viewer may see. A model
outside the kernel without `visible_to` is left out. A model names in `unsaid` the columns that the product keeps for
itself, such as when a reminder is due. If versions were visible to different people, `history_visible_to`
selects those the viewer may read.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import JSONField, Model, OuterRef, Q, QuerySet, Subquery
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.registry import Registry
from crm.core.fields.catalogue import custom_of, type_in
from crm.core.users.models import User

SETUP_PATH = "/setup/"
QUIET = {
    "version",
    "updated_at",
    "created_at",
    "name_key",
    "search_key",
    "phone_digits",
    "last_used_at",
    "salt",
    "sent_html",
    "slot",
}
IN_WORDS = {
    "password": _lazy("password changed"),
    "token_hash": _lazy("new link"),
    "last_login": _lazy("signed in"),
    "pending": _lazy("change of type begun or ended"),
}


@dataclass
class Change:
    field: Any  # its name, or the whole change as text if there is nothing to compare
    before: str
    after: str


@dataclass
class Entry:
    at: datetime
    key: tuple[str, int]
    context: Any
    kind: str
    thing: str
    title: str
    object_id: int
    user_id: int | None
    where: str
    who: str = ""
    for_whom: str = ""  # in whose place, in words
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Remark:
    """What an app knows about who acted: `say(pairs)` gets [(event, Entry)] of a page and sets `for_whom`, in at most two
    queries.
    """

    key: str
    say: Callable[[list[tuple[Any, Entry]]], None]


remarks: Registry[Remark] = Registry("remark of the history")


@dataclass
class HistoryPage:
    entries: list[Entry]
    marks: dict[str, int] | None

    @property
    def next_mark(self) -> str:
        """Where the next page goes on, for its address; "" on the last one."""
        return urlsafe_b64encode(json.dumps(self.marks).encode()).decode().rstrip("=") if self.marks else ""


def marks_of(text: str) -> dict[str, int]:
    """label → id already shown; anything that is no mark means the first page."""
    try:
        marks = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}
        return {str(label): int(pk) for label, pk in marks.items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):
        return {}


def tracked_models() -> dict[str, type[Model]]:
    """label → model with a history, in display order."""
    found = {}
    for event in apps.get_models():
        tracked = getattr(event, "pgh_tracked_model", None)
        if tracked is None or getattr(tracked, "is_told_with_record", False):
            continue
        if tracked._meta.app_label == "core" or hasattr(tracked._default_manager, "visible_to"):
            found[tracked._meta.label_lower] = event
    return dict(sorted(found.items(), key=lambda pair: str(pair[1].pgh_tracked_model._meta.verbose_name)))  # type: ignore[attr-defined]


Within = Callable[[Any], Q | None]


def read(
    principal,
    *,
    label: str = "",
    user_id: int | None = None,
    marks: dict[str, int] | None = None,
    size: int = 30,
    within: Within = lambda event: Q(),
) -> HistoryPage:
    """The newest edits before `marks` (label → id already shown), one entry per person, row and moment; rows saved
    unchanged are left out. `within(event)` narrows a model's history, or leaves it out by None. At most six queries per
    model and batch.
    """
    entries: list[Entry] = []
    narrowed = {name: within(event) for name, event in tracked_models().items() if not label or name == label}
    wanted = {name: q for name, q in narrowed.items() if q is not None}
    while True:
        page = _stretch(principal, wanted, user_id, marks, size)
        for entry in page.entries:
            _join(entries, entry)
        marks = page.marks
        if marks is None or len(entries) >= size:
            return HistoryPage(entries, marks)


def _join(entries: list[Entry], entry: Entry) -> None:
    """Add an older entry, or merge it into the newer one of the same edit (same row, request and moment)."""
    if entry.kind == "update" and not entry.changes:
        return
    for newer in entries:
        same = newer.context is not None and newer.context == entry.context and newer.key[0] == entry.key[0]
        if same and newer.object_id == entry.object_id and newer.kind == "update":
            newer.kind = entry.kind
            known = {str(change.field): change for change in newer.changes}
            for change in entry.changes:
                if str(change.field) in known:
                    known[str(change.field)].before = change.before
                else:
                    newer.changes.append(change)
            return
    entries.append(entry)


def _stretch(
    principal, wanted: dict[str, Q], user_id: int | None, marks: dict[str, int] | None, size: int
) -> HistoryPage:
    models = {name: event for name, event in tracked_models().items() if name in wanted}
    rows = [
        (name, row)
        for name, event in models.items()
        for row in _rows(principal, event, (marks or {}).get(name), user_id).filter(wanted[name])[: size + 1]
    ]
    rows.sort(key=lambda pair: (pair[1].pgh_created_at, pair[1].pgh_id), reverse=True)
    shown, more = rows[:size], len(rows) > size
    entries = [_entry(name, row) for name, row in shown]
    _add_titles(principal, models, shown, entries)
    _add_changes(principal, models, shown, entries)
    users = User.objects.filter(pk__in={entry.user_id for entry in entries if entry.user_id})
    names: dict[Any, str] = dict(users.values_list("pk", "name"))
    for entry in entries:
        entry.who = names.get(entry.user_id, "") or _who_else(entry)
    for remark in remarks:
        remark.say([(row, entry) for (_name, row), entry in zip(shown, entries, strict=True)])
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
        context=row.pgh_context_id,
        kind=row.pgh_label,
        thing=str(row.pgh_tracked_model._meta.verbose_name),
        title=_title(row),
        object_id=row.pgh_obj_id,
        user_id=metadata.get("user"),
        where=metadata.get("url", "") or metadata.get("command", ""),
    )


def _title(row) -> str:
    names = (getattr(row, name, "") for name in ("name", "title", "subject", "email"))
    return next((Truncator(name).chars(80) for name in names if name), "")


def _who_else(entry: Entry) -> str:
    """Who acted when no colleague was signed in: the set-up of the firm, a command, or the system ("")."""
    if [change.field for change in entry.changes] == [IN_WORDS["last_login"]]:
        return entry.title
    if entry.where.startswith(SETUP_PATH):
        return str(_lazy("Firm settings"))
    return entry.where if entry.where and not entry.where.startswith("/") else ""


def _add_titles(principal, models, shown, entries) -> None:
    """Set titles of rows that have no name of their own, as they are today; a deleted row keeps its number."""
    for name, event in models.items():
        pairs = list(zip(shown, entries, strict=True))
        nameless = [entry for (label, _row), entry in pairs if label == name and not entry.title]
        if nameless:
            model = event.pgh_tracked_model
            related = [c.name for c in model._meta.concrete_fields if c.many_to_one and c.related_model is not User]
            rows = model._default_manager.select_related(*related).in_bulk({entry.object_id for entry in nameless})
            for entry in nameless:
                row = rows.get(entry.object_id)
                entry.title = Truncator(_called(row)).chars(80) if row is not None else f"#{entry.object_id}"


def _called(row: Model) -> str:
    """Its own text; else the name of what it belongs to."""
    if type(row).__str__ is not Model.__str__:
        return str(row)
    return str(getattr(row, "client", None) or f"#{row.pk}")


def _add_changes(principal, models, shown, entries) -> None:
    """What an update changed, against the row's event before it."""
    links: list[tuple[type[Model], Change, Any, Any]] = []
    for name, event in models.items():
        wanted = {
            row.earlier_id for label, row in shown if label == name and row.pgh_label == "update" and row.earlier_id
        }
        earlier = event.objects.in_bulk(wanted, field_name="pgh_id") if wanted else {}
        for (label, row), entry in zip(shown, entries, strict=True):
            if label == name and row.earlier_id in earlier:
                entry.changes = _changes(event, earlier[row.earlier_id], row, links)
    hidden = _name_links(principal, links)
    for entry in entries:
        entry.changes = [change for change in entry.changes if id(change) not in hidden]


def _name_links(principal, links) -> set[int]:
    """Replace the ids in changes by names: “Marta Kesti” instead of a number. A row that the principal does not see is as if there
    were none. Returns the (id) of changes that name nothing else, of which nothing is told.
    """
    hidden = set()
    for model in {model for model, *_rest in links}:
        ids = {pk for other, _change, *pks in links if other is model for pk in pks if pk is not None}
        rows = model._default_manager.all()
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(principal)
        names = {pk: str(row) for pk, row in rows.in_bulk(ids).items()}
        for other, change, old, new in links:
            if other is model:
                change.before, change.after = names.get(old, "—")[:120], names.get(new, "—")[:120]
                if old not in names and new not in names:
                    hidden.add(id(change))
    return hidden


def _changes(event, before, after, links) -> list[Change]:
    found = []
    unsaid = getattr(event.pgh_tracked_model, "unsaid", ())
    for column in event.pgh_tracked_model._meta.concrete_fields:
        # a value that the database computes repeats the change of what it is made of
        if column.name in QUIET or column.name in unsaid or column.generated or not hasattr(after, column.attname):
            continue
        old, new = getattr(before, column.attname), getattr(after, column.attname)
        if old != new:
            if column.name == "custom" and (fields := custom_of(event.pgh_tracked_model)):
                found += [Change(*told) for told in fields.changes(old or {}, new or {})]
                continue
            words: Any = IN_WORDS.get(column.name)
            say = type_in(event.pgh_tracked_model, column).words
            if isinstance(column, JSONField):  # not readable
                words = column.verbose_name
            change = Change(words, "", "") if words else Change(column.verbose_name, say(old)[:120], say(new)[:120])
            found.append(change)
            if column.many_to_one:
                links.append((column.related_model, change, old, new))
    return found
