"""PostgreSQL's COPY, by which tables leave and enter an archive. The application's role may make no temporary tables."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import IO, Any

from django.db import DatabaseError, connection

from crm.core.archive.format import CSV, PIECE, nothing
from crm.core.archive.queries import Rows
from crm.core.archive.tables import Table

quoted = connection.ops.quote_name
CELL = re.compile(
    r'(?:"([^"]*(?:""[^"]*)*)"|([^,"\r\n]*))(,|\r?\n?\Z)'
)  # as COPY writes it; the csv module refuses long ones


def ask(sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def copy_out(table: Table, rows: Rows, file: Any) -> int:
    """Write the rows to a file in the order of their keys. Returns the number of rows."""
    sql, parameters = rows.values(table).query.get_compiler(connection=connection).as_sql()
    names = ", ".join(quoted(name) for name in table.columns)
    with connection.cursor() as cursor:
        query = cursor.mogrify(sql, parameters).decode()
        with connection.wrap_database_errors:
            cursor.copy_expert(f"COPY (SELECT * FROM ({query}) AS t ({names})) TO STDOUT WITH ({CSV})", file)
        return cursor.rowcount


def copy_in(table: Table, file: IO[bytes], tick: Callable[[], None] = nothing) -> int:
    """Insert the rows of a file. Columns that the archive leaves out get their value in another firm (`Table.fill`). Calls `tick` with
    each piece."""
    pieces = _filled(table, file) if table.fill else iter(partial(file.read, PIECE), b"")
    source = _Stream(pieces, tick)
    names = ", ".join(quoted(name) for name in (*table.columns, *table.fill))
    with connection.cursor() as cursor:
        try:
            with connection.wrap_database_errors:
                cursor.copy_expert(f"COPY {quoted(table.name)} ({names}) FROM STDIN WITH ({CSV})", source)
        except DatabaseError:
            if source.error is not None:  # the driver says only that the reading failed
                raise source.error from None
            raise
        return cursor.rowcount


def records(file: Iterable[bytes]) -> Iterator[bytes]:
    """The records of a CSV as they are written, the head first. A line that ends within quotes goes on in the next one."""
    held, is_within = b"", False
    for line in file:
        held += line
        if line.count(b'"') % 2:
            is_within = not is_within
        if not is_within:
            yield held
            held = b""
    if held:
        yield held


def cells(record: bytes) -> list[str]:
    """The values of a record; of NULL "". Raises ValueError for what COPY does not write."""
    text, found, at, more = record.decode("utf-8", "replace"), [], 0, ","
    while more == ",":
        if (cell := CELL.match(text, at)) is None:
            raise ValueError(text[at : at + 40])
        in_quotes, plain, more = cell.groups()
        found.append(plain if in_quotes is None else in_quotes.replace('""', '"'))
        at = cell.end()
    return found


def _filled(table: Table, file: IO[bytes]) -> Iterator[bytes]:
    each = records(file)
    yield next(each, b"").rstrip(b"\n") + b"".join(b"," + name.encode() for name in table.fill) + b"\n"
    for record in each:
        row = dict(zip(table.columns, cells(record), strict=False))
        values = (fill(row).replace('"', '""') for fill in table.fill.values())
        yield record.rstrip(b"\n") + "".join(f',"{value}"' for value in values).encode() + b"\n"


class _Stream:
    """What COPY reads from: pieces of what an iterator gives."""

    def __init__(self, pieces: Iterator[bytes], tick: Callable[[], None]):
        self._pieces, self._tick, self._held = pieces, tick, b""
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b"" at the end. What is raised is kept in `error`."""
        try:
            self._tick()
            if not self._held:
                self._held = b"".join(islice(self._pieces, 1))
        except Exception as error:
            self.error = error
            raise
        piece, self._held = self._held[:size], self._held[size:]
        return piece
