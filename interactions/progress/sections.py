"""What goes into a progress email: sections, each filled by sources that apps register in their `hooks.py`.

A source lists what happened for a client, or is planned, in short lines; only what was shared with the client.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from crm.core.base.registry import Registry


class Said(str):
    """A line and the row that it tells of, as `said` makes it."""

    row: tuple[str, int] | None = None


def said(row: Any, text: str) -> Said:
    """The line of a source about a row that may name an engagement, or the title of what was won in one, so that a draft with it is found
    when that is restricted."""
    line = Said(text)
    line.row = label_of(row), row.pk
    return line


def label_of(row: Any) -> str:
    return row._meta.label_lower


Items = Callable[[Any, datetime, datetime], Sequence[str]]


@dataclass(frozen=True)
class Section:
    key: str
    title: Any


SECTIONS = (
    Section("done", _("Done this week")),
    Section("agreed", _("Decisions and agreements")),
    Section("next", _("Coming next")),
    Section("needed", _("What we need from you")),
    Section("milestones", _("Milestones")),
    Section("questions", _("Open questions")),
)
NEWS = ("done", "agreed")


@dataclass(frozen=True)
class Source:
    """`name` distinguishes it from the others of its section. `is_news`: a line of it means that something happened in
    the period.
    """

    section: str
    name: str
    order: int
    items: Items
    is_news: bool

    @property
    def key(self) -> str:
        return f"{self.section}, {self.name}"


sources: Registry[Source] = Registry("source of progress emails")


class SourceFailed(Exception):
    """A source raised; `part` is the title of its section, for people."""

    def __init__(self, source: Source, error: Exception):
        super().__init__(f"{source.key}: {type(error).__name__}: {error}")
        self.part = next(section.title for section in SECTIONS if section.key == source.section)


def register(section: str, key: str, items: Items, *, order: int = 50, is_news: bool | None = None) -> None:
    """`items(client, start, end)` returns lines for a section (a key of SECTIONS): what happened in [start, end), or what is
    planned as of `end`. A line is made by `said` if its row may name an engagement. At most two indexed queries. `is_news` is by default
    whether the section is one of NEWS. Raises KeyError for an unknown section."""
    if section not in {known.key for known in SECTIONS}:
        raise KeyError(section)
    sources.register(Source(section, key, order, items, section in NEWS if is_news is None else is_news))


@dataclass(frozen=True)
class Built:
    """All sections with their lines, whether there is news, and the rows that the lines tell of."""

    sections: list[dict[str, Any]]
    is_news: bool
    rows: list[tuple[str, int]]


def build(client, start: datetime, end: datetime) -> Built:
    """Raises SourceFailed."""
    sections = []
    rows: set[tuple[str, int]] = set()
    is_news = False
    for section in SECTIONS:
        lines: list[str] = []
        for source in _of(section.key):
            found = _lines(source, client, start, end)
            is_news |= source.is_news and bool(found)
            rows.update(line.row for line in found if isinstance(line, Said) and line.row)
            lines += [" ".join(str(line).split()) for line in found]
        sections.append({"key": section.key, "title": str(section.title), "items": lines})
    return Built(sections, is_news, sorted(rows))


def _lines(source: Source, client, start: datetime, end: datetime) -> Sequence[str]:
    try:
        return list(source.items(client, start, end))
    except (OperationalError, InterfaceError):
        raise  # the database is away or busy: nothing is wrong with this email
    except Exception as error:
        raise SourceFailed(source, error) from error


def _of(section: str) -> list[Source]:
    return sorted((s for s in sources if s.section == section), key=lambda source: (source.order, source.name))


def with_line(content: dict[str, Any], key: str, line: str) -> dict[str, Any]:
    """The content with one more line in a section, which is added where it is missing."""
    known = {section["key"] for section in content["sections"]}
    new = [{"key": one.key, "title": str(one.title), "items": []} for one in SECTIONS if one.key == key not in known]
    sections = [
        section | {"items": [*section["items"], " ".join(line.split())]} if section["key"] == key else section
        for section in [*content["sections"], *new]
    ]
    return content | {"sections": sections}
