"""A list in groups: by a field with few values, each group with its number of rows, in the list's own order within.

A page walks through the groups one after the other, so that each stretch of it is a range of the same index as without groups.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from crm.core.listing.paging import BadCursor, Page, Sort, is_backwards, paginate, tail

END, BETWEEN = "end", "~"


@dataclass(frozen=True)
class Group:
    """What a list may be grouped by. `path` is the column, `choices()` its values in their order with their names; `names`: the path
    of the name, where it links to other rows, which then stand by name; `links()`: [(id, name)] of those a row may be given to.
    `filter`: the list's filter that shows one group alone. `expression`: what the list computes as `path`, if it is no column.
    `say(value)`: the name of a value that is no choice."""

    key: str
    label: Any
    path: str
    choices: Callable[[], list[tuple[Any, Any]]] | None = None
    names: str = ""
    filter: str = ""
    links: Callable[[], list[tuple[Any, Any]]] | None = None
    expression: Any = None
    say: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Section:
    """One group of a list: its value and name, how many rows it has."""

    value: Any
    label: str
    n: int

    @property
    def key(self) -> str:
        return "" if self.value is None else str(self.value)


def annotated(rows: QuerySet, group: Group) -> QuerySet:
    return rows if group.expression is None else rows.annotate(**{group.path: group.expression})


def sections_of(rows: QuerySet, group: Group) -> list[Section]:
    """The groups that have rows, in their order; those without a value last. One statement."""
    paths = (group.path, group.names) if group.names else (group.path,)
    found = list(annotated(rows, group).order_by().values_list(*paths).annotate(n=Count("pk")))
    if group.names:
        made = [Section(value, str(name or _("None")), n) for value, name, n in found]
        return sorted(made, key=lambda section: (section.value is None, section.label.casefold(), section.key))
    labels = dict(group.choices()) if group.choices else {}
    order = {value: place for place, value in enumerate(labels) if value not in (None, "")}
    say = group.say or str
    made = [
        Section(value, str(labels.get(value) or (say(value) if value not in (None, "") else _("None"))), n)
        for value, n in found
    ]
    return sorted(
        made, key=lambda section: (order.get(section.value, len(order)), section.value in (None, ""), section.key)
    )


def rows_of(rows: QuerySet, group: Group, section: Section) -> QuerySet:
    rows = annotated(rows, group)
    if section.value is None:
        return rows.filter(**{f"{group.path}__isnull": True})
    return rows.filter(**{group.path: section.value})


def paginate_groups(
    rows: QuerySet,
    group: Group,
    sections: list[Section],
    *,
    sort: Sort,
    cursor: str = "",
    size: int = 25,
    closed: Container[str] = (),
) -> Page:
    """One page through all groups, without the rows of `closed` ones. The first row of a group, or of a page, has the groups that
    begin before it as `group_heads`. Raises BadCursor."""
    at, inner, backwards = _start(sections, cursor)
    found: list[tuple[Section, Page]] = []
    left = size
    for section in sections[at:] if not backwards else sections[at::-1]:
        if section.key in closed:
            found.append((section, Page([], None, None)))
            inner = ""
            continue
        if left <= 0:
            break
        own = rows_of(rows, group, section)
        is_tail = backwards and inner in ("", END)
        page = (
            tail(own, sort=sort, size=left)
            if is_tail
            else paginate(own, sort=sort, cursor=inner, size=left, counted=False)
        )
        inner = ""
        if page.rows:
            found.append((section, page))
        left -= len(page.rows)
        if page.previous_cursor if backwards else page.next_cursor:
            break
    if backwards:
        found.reverse()
    return _joined(sections, found)


def _start(sections: list[Section], cursor: str) -> tuple[int, str, bool]:
    """Where a page begins: the place of its group, the cursor within, and whether it goes back from there."""
    if not cursor:
        return 0, "", False
    key, _between, inner = cursor.rpartition(BETWEEN)
    places = [place for place, section in enumerate(sections) if section.key == key]
    if not places or not _between:
        raise BadCursor(cursor)
    return places[0], inner, inner == END or is_backwards(inner)


def _joined(sections: list[Section], found: list[tuple[Section, Page]]) -> Page:
    page = Page([row for _section, part in found for row in part.rows], None, None, total=sum(s.n for s in sections))
    if not found:
        return page
    heads: list[Section] = []
    for section, part in found:
        heads.append(section)
        if part.rows:
            part.rows[0].group_heads, heads = heads, []
    page.heads_below = heads
    (first, head), (last, foot) = found[0], found[-1]
    before, after = sections.index(first) - 1, sections.index(last) + 1
    if head.previous_cursor:
        page.previous_cursor = f"{first.key}{BETWEEN}{head.previous_cursor}"
    elif before >= 0:
        page.previous_cursor = f"{sections[before].key}{BETWEEN}{END}"
    if foot.next_cursor:
        page.next_cursor = f"{last.key}{BETWEEN}{foot.next_cursor}"
    elif after < len(sections):
        page.next_cursor = f"{sections[after].key}{BETWEEN}"
    return page


def in_groups(
    rows: QuerySet, group: Group, sections: list[Section], order: Callable[[QuerySet], Iterator[Any]]
) -> Iterator[Any]:
    """The rows of all groups in their order, for a file; each has the name of its group as `group_label`."""
    for section in sections:
        for row in order(rows_of(rows, group, section)):
            row.group_label = section.label
            yield row
