"""What stands in a sheet or text: a plain table under title lines, unless a registered shape recognises its own."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.base.deciding import Option
from crm.core.base.registry import Registry
from crm.core.importing.readers import Table
from crm.core.importing.tabular import Dialect, Row, check_length, check_width, unique_headers

LOOKED_AT = 60  # rows in which a shape shows itself


@dataclass(frozen=True)
class Grid:
    """The rows of a sheet or text as they stand, without empty ones; `rows()` begins at the first each time."""

    key: str
    title: str
    rows: Callable[[], Iterator[Row]]
    is_slow: bool = False
    remarks: tuple[str, ...] = ()
    dialect: Dialect | None = None
    encodings: tuple[Option, ...] = ()

    def head(self) -> list[Row]:
        return [*islice(self.rows(), LOOKED_AT)]

    def table(
        self, header: list[str], rows: Callable[[], Iterable[Row]], *, part: str = "", title: str = "", **given
    ) -> Table:
        """A table of the grid, its rows counted. `part` names it if there are several."""
        total = 0
        for total, _row in enumerate(rows(), 1):
            check_length(total)
        given["remarks"] = (*self.remarks, *given.get("remarks", ()))
        return Table(
            key="/".join(filter(None, (self.key, part))),
            title=title or self.title,
            header=header,
            total=total,
            read=lambda: iter(rows()),
            is_slow=self.is_slow,
            dialect=self.dialect,
            encodings=self.encodings,
            **given,
        )


@dataclass(frozen=True)
class Shape:
    """`recognises(the first rows)`, and the tables of a grid that it recognised."""

    key: str
    recognises: Callable[[list[Row]], bool]
    tables: Callable[[Grid], list[Table]]
    order: int = 0


shapes: Registry[Shape] = Registry("shape of a sheet")
register = shapes.register


def shape_of(head: list[Row]) -> Shape | None:
    return next((shape for shape in shapes if shape.recognises(head)), None)


def tables_of(grid: Grid) -> list[Table]:
    """The tables of a sheet; none if it is empty. Raises UnreadableTable."""
    head = grid.head()
    if not head:
        return []
    shape = shape_of(head)
    return shape.tables(grid) if shape else [_plain(grid, head)]


def place_of(header: list[str], *names: str) -> int | None:
    """The place of the first of these names that is a header, ignoring case."""
    folded = [" ".join(name.split()).casefold() for name in header]
    return next((folded.index(name) for name in names if name in folded), None)


def filled(cells: Iterable[str]) -> int:
    return sum(1 for cell in cells if cell)


def fitted(row: Row, width: int) -> Row:
    """The row with as many cells as the header."""
    cells = (row.cells + [""] * (width - len(row.cells)))[:width]
    return Row(row.number, cells, row.problem, {place: why for place, why in row.faults.items() if place < width})


def _plain(grid: Grid, head: list[Row]) -> Table:
    first = _header_row(head)
    names = first.cells[: 1 + max(place for place, cell in enumerate(first.cells) if cell)]
    check_width(len(names))
    width, beside = len(names), 0

    def rows() -> Iterator[Row]:
        return (fitted(row, width) for row in grid.rows() if row.number > first.number)

    beside = sum(1 for row in grid.rows() if row.number > first.number and any(row.cells[width:]))
    remarks = []
    if first is not head[0]:
        remarks.append(_("The table starts on line %(n)d. Lines above it are skipped.") % {"n": first.number})
    if beside:
        text = ngettext(
            "%(n)d row has values in columns without a header. They are left out.",
            "%(n)d rows have values in columns without a header. They are left out.",
            beside,
        )
        remarks.append(text % {"n": beside})
    return grid.table(unique_headers(names), rows, remarks=tuple(remarks))


def _header_row(head: list[Row]) -> Row:
    """The first row that is as full and as wide as a header is: title lines are not."""
    most, widest = max(filled(row.cells) for row in head), max(len(row.cells) for row in head)
    fitting = (row for row in head if filled(row.cells) * 2 >= most and len(row.cells) * 2 > widest)
    return next(fitting, head[0])
