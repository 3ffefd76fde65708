"""Reads about the firm's own fields."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.db.models.lookups import IsNull
from django.urls import get_resolver, reverse
from django.utils.translation import gettext_lazy as _

from crm.core.base.registry import Registry
from crm.core.fields.custom.choices import COMPUTED
from crm.core.fields.custom.entries import Record
from crm.core.fields.custom.models import CustomField, FieldChange, FieldSection
from crm.core.fields.custom.sql import at
from crm.core.listing.models import SavedView
from crm.core.listing.pages import list_pages


@dataclass(frozen=True)
class Usage:
    """How many of the `total` rows have a value."""

    filled: int
    total: int

    @property
    def share(self) -> int:
        """Per cent, rounded down, but 1 for a single value among thousands."""
        return max(1, self.filled * 100 // self.total) if self.filled else 0


def usage_of(principal: Any, record: Record, fields: list[CustomField]) -> dict[int, Usage]:
    """By field, of the rows that the principal sees and that are not archived; one statement for all fields. Formulas and roll-ups have
    no usage: nobody fills them in."""
    fields = [field for field in fields if field.kind not in COMPUTED]
    rows: Any = record.model._default_manager
    rows = rows.visible_to(principal)
    rows = rows.kept() if hasattr(rows, "kept") else rows
    counts = {f"n_{f.pk}": Count("pk", filter=Q(IsNull(at(f.held_at), False))) for f in fields}
    found = rows.aggregate(total=Count("pk"), **counts)
    return {field.pk: Usage(found[f"n_{field.pk}"], found["total"]) for field in fields}


@dataclass
class SectionRows:
    """A section and its fields, for the page of admins; None for fields without a section."""

    section: FieldSection | None
    fields: list[CustomField]


def sections_of(record: Record) -> list[SectionRows]:
    fields = list(CustomField.objects.kept().filter(record=record.key).select_related("section"))
    sections = FieldSection.objects.filter(record=record.key)
    bare = [field for field in fields if field.section_id is None]
    found = [SectionRows(None, bare)] if bare else []
    return found + [SectionRows(row, [field for field in fields if field.section_id == row.pk]) for row in sections]


LAST_EDITS = 20_000  # of a kind of record, among which the last change of a field is looked for
CHANGED = """
    WITH recent AS (
        SELECT at.pgh_created_at, at.custom AS now, before.custom AS before
        FROM (SELECT * FROM {events} ORDER BY pgh_id DESC LIMIT %s) at
        LEFT JOIN LATERAL (
            SELECT custom FROM {events} earlier WHERE earlier.pgh_obj_id = at.pgh_obj_id AND earlier.pgh_id < at.pgh_id
            ORDER BY earlier.pgh_id DESC LIMIT 1
        ) before ON true
        WHERE at.custom IS DISTINCT FROM before.custom
    )
    SELECT key, max(pgh_created_at) FROM recent, unnest(%s::text[]) key
    WHERE now -> key IS DISTINCT FROM before -> key GROUP BY key
"""


def last_changed(record: Record, fields: list[CustomField]) -> dict[int, datetime]:
    """By field, when one of its values was last entered, changed or removed, in the history of all records. Those that were not among the
    last 20,000 edits have no entry."""
    keys = {field.held_at: field.pk for field in fields if field.kind not in COMPUTED}
    events = connection.ops.quote_name(record.model.pgh_event_model._meta.db_table)  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(CHANGED.format(events=events), [LAST_EDITS, list(keys)])
        return {keys[key]: at for key, at in cursor.fetchall()}


def undoable(field: CustomField) -> FieldChange | None:
    """The change of type that may be undone."""
    over = field.changes.filter(applied_at__isnull=False, undone_at__isnull=True).select_related("user").first()
    return over if over is not None and over.to_kind == field.kind and field.pending_id is None else None


def kept_aside() -> QuerySet:
    """The fields that are made for values without an equivalent, of changes that are not over."""
    return FieldChange.objects.filter(applied_at__isnull=True, aside__isnull=False).values("aside")


# What names a field


@dataclass(frozen=True)
class Use:
    """Something that names a field: a formula, a view, a segment. Without a name it is somebody's own, which others do not see."""

    what: Any
    name: str = ""
    url: str = ""


@dataclass(frozen=True)
class Finder:
    """Finds what names a field of a record: `find(principal, record, name)`."""

    key: str
    find: Callable[[Any, Record, str], Iterable[Use]]
    order: int = 0


finders: Registry[Finder] = Registry("finder of uses of a field")


def uses_of(principal: Any, record: Record, name: str) -> list[Use]:
    return [use for finder in finders for use in finder.find(principal, record, name)]


def formulas_with(principal: Any, record: Record, name: str) -> list[Use]:
    found = [entry for entry in record.catalogue.custom.values() if entry.is_computed and name in entry.uses]
    return [Use(_("Formula"), entry.label, reverse("core:field", args=[entry.definition.pk])) for entry in found]


def lists_of(record: Record) -> dict[str, Any]:
    """The lists of the record, by the key that views keep. They register themselves with their addresses, which a worker has not read yet."""
    get_resolver().url_patterns  # noqa: B018  read once
    return {page.key: page for page in list_pages if page.fields is record.catalogue}


def views_naming(record: Record, name: str) -> QuerySet:
    """Everybody's saved views of the record's lists that show, sort, group or filter by the field."""
    names = [name, f"{name}__from", f"{name}__to"]
    named = Q(query__has_any_keys=names) | Q(sort__in=[name, f"-{name}"]) | Q(group=name) | Q(board=name)
    named |= Q(columns__contains=[[name]])
    return SavedView.objects.kept().filter(named, list_key__in=lists_of(record))


def views_with(principal: Any, record: Record, name: str) -> list[Use]:
    lists = lists_of(record)
    found: Any = views_naming(record, name)
    seen = set(found.visible_to(principal).values_list("pk", flat=True))
    made = []
    for view in found.order_by("name"):
        is_seen = view.pk in seen
        url = f"{reverse(lists[view.list_key].url_name)}?view={view.pk}" if is_seen else ""
        made.append(Use(_("View"), view.name if is_seen else "", url))
    return made


finders.register(Finder("formulas", formulas_with))
finders.register(Finder("views", views_with, 10))
