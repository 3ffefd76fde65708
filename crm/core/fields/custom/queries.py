"""Reads about the firm's own fields."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.lookups import IsNull

from crm.core.fields.custom.entries import Record
from crm.core.fields.custom.models import CustomField, FieldSection
from crm.core.fields.custom.sql import JsonAt


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
    """By field, of the rows that the principal sees and that are not archived; one statement for all fields."""
    rows: Any = record.model._default_manager
    rows = rows.visible_to(principal)
    rows = rows.kept() if hasattr(rows, "kept") else rows
    counts = {f"n_{f.pk}": Count("pk", filter=Q(IsNull(JsonAt(F("custom"), key=f.key), False))) for f in fields}
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
