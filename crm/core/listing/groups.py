"""A list in groups: by a field with few values, each group with its number of rows, in the list's own order within.

A page walks through the groups one after the other, so that each stretch of it is a range of the same index as without groups.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from crm.core.listing.counting import LARGE_CAP, column_of, count_capped, counted, is_large, present
from crm.core.listing.paging import BadCursor, Page, Sort, count_page, is_backwards, paginate, tail

END, BETWEEN = "end", "~"


@dataclass(frozen=True)
class Part:
    """A group that a condition makes. `is_offered`: rows can be moved to it on a board."""

    key: str
    label: Any
    condition: Q
    is_offered: bool = True


@dataclass(frozen=True)
class Group:
    """What a list may be grouped by. `path` is the column, `choices()` its values in their order with their names; `names`: the path
    of the name, where it links to other rows, which then stand by name; `links()`: [(id, name)] of those a row may be given to.
    `filter`: the list's filter that shows one group alone. `expression`: what the list computes as `path`, if it is no column.
    `say(value)`: the name of a value that is no choice. `parts(now)`: the groups, where conditions make them; `at(now)` has them."""

    key: str
    label: Any
    path: str
    choices: Callable[[], list[tuple[Any, Any]]] | None = None
    names: str = ""
    filter: str = ""
    links: Callable[[], list[tuple[Any, Any]]] | None = None
    expression: Any = None
    say: Callable[[Any], str] | None = None
    parts: Callable[[datetime], Sequence[Part]] | None = None
    known: tuple[Part, ...] = ()

    def at(self, now: datetime) -> "Group":
        """The group for a request."""
        if self.parts is None:
            return self
        known = tuple(self.parts(now))
        made: Any = Case(*(When(part.condition, then=Value(part.key)) for part in known), output_field=CharField())
        return replace(self, known=known, expression=made, choices=lambda: [(part.key, part.label) for part in known])

    def is_many(self, model: Any) -> bool:
        """A row may be in several of its groups, as it may have several tags."""
        column = None if self.expression is not None or self.parts else column_of(model, self.path)
        return column is not None and bool(column.many_to_many)

    def targets(self) -> list[tuple[Any, Any]]:
        """[(value, name)] of the groups that a row can be moved to."""
        if self.known:
            return [(part.key, part.label) for part in self.known if part.is_offered]
        return self.choices() if self.choices else self.links() if self.links else []


@dataclass
class Section:
    """One group of a list: its value and name, how many rows it has (None: not counted yet; `is_capped`: there are more)."""

    value: Any
    label: str
    n: int | None = None
    is_capped: bool = False

    @property
    def key(self) -> str:
        return "" if self.value is None else str(self.value)


def annotated(rows: QuerySet, group: Group) -> QuerySet:
    return rows if group.expression is None else rows.annotate(**{group.path: group.expression})


def sections_of(rows: QuerySet, group: Group, *, all_of_them: bool = False) -> list[Section]:
    """The groups that have rows, in their order; those without a value last. Those of a large table are not counted yet (`count`), and
    may have no rows, if `all_of_them` are wanted."""
    if group.expression is None and is_large(rows.model) and (known := _known(rows.model, group)):
        found = set(known) if all_of_them else present(rows, group.path, [*known])
        if _may_be_none(rows.model, group) and (all_of_them or rows_of(rows, group, Section(None, "")).exists()):
            found.add(None)
        return _named([(value, known.get(value), None) for value in found], group)
    if group.known:
        numbers = {f"part_{part.key}": Count("pk", filter=part.condition) for part in group.known}
        n = rows.order_by().aggregate(**numbers)
        return [Section(p.key, str(p.label), n[f"part_{p.key}"]) for p in group.known if n[f"part_{p.key}"]]
    paths = (group.path, group.names) if group.names else (group.path,)
    read = annotated(rows, group).order_by().values_list(*paths).annotate(n=Count("pk"))
    return _named([(value, name[0] if name else None, n) for value, *name, n in read], group)


def _known(model: Any, group: Group) -> dict[Any, Any]:
    """{value: name} of all groups there can be; {} where only the rows say it."""
    if group.names:
        path, _between, shown = group.names.rpartition("__")
        return dict(column_of(model, path).related_model._default_manager.values_list("pk", shown))
    if not group.choices or column_of(model, group.path) is None:
        return {}
    values = dict(group.choices())
    return values | {"": None} if isinstance(column_of(model, group.path), CharField) else values


def _may_be_none(model: Any, group: Group) -> bool:
    column = column_of(model, group.path)
    return column.null or column.many_to_many


def _named(found: list[tuple[Any, Any, int | None]], group: Group) -> list[Section]:
    """[(value, name of a linked row, rows)] as sections in their order."""
    if group.names:
        made = [Section(value, str(name or _("None")), n) for value, name, n in found]
        return sorted(made, key=lambda section: (section.value is None, section.label.casefold(), section.key))
    labels = dict(group.choices()) if group.choices else {}
    order = {value: place for place, value in enumerate(labels) if value not in (None, "")}
    say = group.say or str
    made = [
        Section(value, str(labels.get(value) or (say(value) if value not in (None, "") else _("None"))), n)
        for value, _name, n in found
    ]
    return sorted(
        made, key=lambda section: (order.get(section.value, len(order)), section.value in (None, ""), section.key)
    )


def count(rows: QuerySet, group: Group, sections: Iterable[Section]) -> None:
    """Count those of the sections that are not counted yet. At most two statements."""
    left = [section for section in sections if section.n is None]
    values = [section.value for section in left if section.value is not None]
    found = counted(rows, group.path, values, LARGE_CAP) if values else {}
    for section in left:
        n = found.get(section.value, 0)
        if section.value is None:
            n = sum(count_capped(rows_of(rows, group, section), LARGE_CAP))
        section.n, section.is_capped = min(n, LARGE_CAP), n > LARGE_CAP


def rows_of(rows: QuerySet, group: Group, section: Section) -> QuerySet:
    for part in group.known:
        if part.key == section.value:
            return rows.filter(part.condition)
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
    page = _joined(sections, found)
    count(rows, group, [*(section for section, _page in found), *page.heads_below])
    if all(section.n is not None and not section.is_capped for section in sections) and not group.is_many(rows.model):
        page.total = sum(section.n or 0 for section in sections)
    else:
        count_page(page, rows)
    return page


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
    page = Page([row for _section, part in found for row in part.rows], None, None)
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
