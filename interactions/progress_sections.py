"""What goes into a progress email: sections, each filled by sources that apps register in their `hooks.py`.

A source says what really happened (or is coming) for a client, as short lines a client may read; only what was shared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

Items = Callable[[Any, datetime, datetime], list[str]]


@dataclass(frozen=True)
class Section:
    """`is_news`: a line in it means that something happened in the time covered."""

    key: str
    title: Any
    is_news: bool = False


SECTIONS = (
    Section("done", _("Done this week"), is_news=True),
    Section("agreed", _("Agreed"), is_news=True),
    Section("next", _("Coming next")),
    Section("needed", _("What we need from you")),
    Section("milestones", _("Milestones")),
    Section("questions", _("Open questions")),
)
_sources: dict[tuple[str, str], tuple[int, Items]] = {}


def register(section: str, key: str, items: Items, *, order: int = 50) -> None:
    """`items(client, start, end)` gives lines for a section (its key in SECTIONS): what happened in [start, end), or what is
    coming as seen at `end`. At most two indexed queries. Raises KeyError for an unknown section."""
    if section not in {known.key for known in SECTIONS}:
        raise KeyError(section)
    _sources[section, key] = (order, items)


def build(client, start: datetime, end: datetime) -> tuple[list[dict[str, Any]], bool]:
    """(sections with their lines, whether there is news). Every section is there, so that each can be written into."""
    sections = []
    is_news = False
    for section in SECTIONS:
        lines = [line for items in _of(section.key) for line in items(client, start, end)]
        is_news |= section.is_news and bool(lines)
        sections.append({"key": section.key, "title": str(section.title), "items": lines})
    return sections, is_news


def _of(section: str) -> Iterator[Items]:
    found = [(order, key[1], items) for key, (order, items) in _sources.items() if key[0] == section]
    yield from (items for _order, _key, items in sorted(found, key=lambda entry: entry[:2]))
