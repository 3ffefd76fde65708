"""Boards of monday.com: a sheet with title lines, groups with a header each, blocks of subitems and sums between them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from crm.core.importing.readers import Table
from crm.core.importing.readers.shapes import Grid, Shape, filled, place_of, register
from crm.core.importing.tabular import Row, check_width, unique_headers

SYSTEM = "monday"
ITEM_ID = "item id (auto generated)"
GROUP, PARENT, PARENT_ID = "Group", "Parent item", "Parent item ID"
CHECK = "v"
_LINK = re.compile(r"(?:(.*) - )?(https?://\S+)", re.DOTALL)
_UPDATES = {"item id", "post id", "created at"}


@dataclass
class _Part:
    """The items of a board, or its subitems: the first header that was met, and what its columns hold."""

    header: list[str] = field(default_factory=list)
    more: tuple[str, ...] = ()
    links: set[int] = field(default_factory=set)
    checks: set[int] = field(default_factory=set)

    def names(self) -> list[str]:
        links = (f"{self.header[place]} - Link" for place in sorted(self.links))
        return unique_headers([*self.header, *links, *self.more])

    def row(self, row: Row, more: tuple[str, ...]) -> Row:
        cells = (row.cells + [""] * (len(self.header) - len(row.cells)))[: len(self.header)]
        found = {place: _LINK.fullmatch(cells[place]) for place in sorted(self.links)}
        links = [match[2] if match else "" for match in found.values()]
        for place, match in found.items():
            cells[place] = (match[1] or match[2]) if match else cells[place]
        for place in self.checks:
            cells[place] = "yes" if cells[place] else "no"
        faults = {place: why for place, why in row.faults.items() if place < len(cells)}
        return Row(row.number, [*cells, *links, *more], row.problem, faults)


def _is_header(cells: list[str], first: str) -> bool:
    return bool(cells) and cells[0].casefold() == first and place_of(cells, ITEM_ID) is not None


def _is_board(head: list[Row]) -> bool:
    return any(_is_header(row.cells, "name") for row in head)


def _walk(grid: Grid) -> Iterator[tuple[str, list[str], Row, tuple[str, ...]]]:
    """("item" or "subitem", its header, row, (group) or (parent, its id)) of each; ("rest", …) of what is none."""
    header: list[str] = []
    below: list[str] = []
    group = alone = ""
    parent = ("", "")
    for row in grid.rows():
        cells = row.cells
        if _is_header(cells, "name"):
            header, below, group = cells, [], alone or group
        elif _is_header(cells, "subitems"):
            below = cells[1:]
        elif below and not cells[0] and _has_id(below, cells[1:]):
            faults = {place - 1: why for place, why in row.faults.items() if place}
            yield "subitem", below, Row(row.number, cells[1:], row.problem, faults), parent
        elif header and cells[0] and _has_id(header, cells):
            parent = (cells[0], cells[place_of(header, ITEM_ID)])  # type: ignore[index]
            below = []
            yield "item", header, row, (group,)
        else:
            yield "rest", header, row, (group,)
        alone = cells[0] if filled(cells) == 1 and cells[0] else alone if not header else ""


def _has_id(header: list[str], cells: list[str]) -> bool:
    place = place_of(header, ITEM_ID)
    return place is not None and place < len(cells) and bool(cells[place])


def _tables(grid: Grid) -> list[Table]:
    parts = {"item": _Part(more=(GROUP,)), "subitem": _Part(more=(PARENT, PARENT_ID))}
    linked: dict[tuple[str, int], bool] = {}
    checked: dict[tuple[str, int], bool] = {}
    sums = 0
    for what, header, row, _more in _walk(grid):
        if what == "rest":
            sums += bool(header) and filled(row.cells) > 0 and not row.cells[0]
            continue
        if not parts[what].header:
            check_width(len(header))
            parts[what].header = header
        for place, cell in enumerate(row.cells):
            if cell:
                linked[what, place] = linked.get((what, place), True) and bool(_LINK.fullmatch(cell))
                checked[what, place] = checked.get((what, place), True) and cell == CHECK
    for (what, place), is_link in linked.items():
        if place < len(parts[what].header) and is_link:
            parts[what].links.add(place)
        if place < len(parts[what].header) and checked[what, place]:
            parts[what].checks.add(place)
    remarks = [_("Group totals skipped: %(n)d.") % {"n": sums}] if sums else []
    found = [_table(grid, "item", parts["item"], "", grid.title, remarks)]
    if parts["subitem"].header:
        title = _("%(board)s: subitems") % {"board": grid.title}
        found.append(_table(grid, "subitem", parts["subitem"], "subitems", title, remarks))
    return found


def _table(grid: Grid, what: str, part: _Part, key: str, title: str, remarks: list[str]) -> Table:
    def rows() -> Iterator[Row]:
        for kind, header, row, more in _walk(grid):
            if kind == what:
                yield part.row(_in_order(row, header, part.header), more)

    names = part.names()
    mapping = {"external_id": names[place_of(part.header, ITEM_ID) or 0]}
    return grid.table(names, rows, part=key, title=title, system=SYSTEM, mapping=mapping, remarks=tuple(remarks))


def _in_order(row: Row, header: list[str], wanted: list[str]) -> Row:
    """The cells under the first header, if a later block has its columns in another order."""
    if header == wanted:
        return row
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        places.setdefault(name, []).append(place)
    here = [places[name].pop(0) if places.get(name) else None for name in wanted]
    cells = [row.cells[place] if place is not None and place < len(row.cells) else "" for place in here]
    return Row(
        row.number, cells, row.problem, {here.index(place): why for place, why in row.faults.items() if place in here}
    )


# The sheet of updates


def _is_updates(head: list[Row]) -> bool:
    return any({name.casefold() for name in row.cells} >= _UPDATES for row in head[:5])


def _updates(grid: Grid) -> list[Table]:
    first = next(row for row in grid.head() if {name.casefold() for name in row.cells} >= _UPDATES)
    header = unique_headers(first.cells)
    width = len(header)

    def rows() -> Iterator[Row]:
        for row in grid.rows():
            if row.number > first.number:
                yield Row(row.number, (row.cells + [""] * (width - len(row.cells)))[:width], row.problem, row.faults)

    named = {"external_id": "post id", "client_external_id": "item id", "client_name": "item name"}
    named |= {"occurred_at": "created at", "author": "user", "body": "update content"}
    places = {field: place_of(header, name) for field, name in named.items()}
    mapping = {field: header[place] for field, place in places.items() if place is not None}
    return [grid.table(header, rows, system=SYSTEM, mapping=mapping)]


register(Shape("monday board", _is_board, _tables, order=10))
register(Shape("monday updates", _is_updates, _updates, order=11))
