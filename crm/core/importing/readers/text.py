"""CSV and its like: one table, in the dialect that was detected or chosen, unless a shape recognises more in it."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from crm.core.importing import tabular
from crm.core.importing.readers import Reader, Table, register
from crm.core.importing.readers.shapes import Grid, shape_of
from crm.core.importing.tabular import Dialect, Row, UnreadableTable

ITS_OWN = "table"  # the key of a shape's only table


def _tables(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    encoding = tabular.decide_encoding(data)
    dialect = dialect or tabular.detect(data, tabular.likeliest(encoding))
    grid = Grid("", name, lambda: _raw_rows(data, dialect), dialect=dialect, encodings=encoding.options)
    try:
        shape = shape_of(grid.head())
    except UnreadableTable:  # a cell that is too long, which is the problem of its row
        shape = None
    if shape:  # "" is the key of a text that is read as it stands
        return [replace(table, key=table.key or ITS_OWN) for table in shape.tables(grid)]
    header, rows = tabular.read(data, dialect)
    return [
        Table(
            key="",
            title=name,
            header=header,
            total=sum(1 for _row in rows),
            read=lambda: tabular.read(data, dialect)[1],
            dialect=dialect,
            encodings=encoding.options,
        )
    ]


def _raw_rows(data: bytes, dialect: Dialect) -> Iterator[Row]:
    """All lines that are not empty, title lines and header among them."""
    reader = csv.reader(tabular.lines_of(data, dialect), delimiter=dialect.delimiter)
    for number in count(1):
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableTable(tabular.unreadable(number)) from error
        if any(cells):
            yield tabular.only_text(Row(reader.line_num, cells))


register(Reader("text", "CSV", (".csv", ".tsv", ".txt"), lambda data: True, _tables, order=100))
