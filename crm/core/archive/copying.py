"""PostgreSQL's COPY, by which tables leave and enter an archive, and a table to look at before they enter."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from django.db import connection

from crm.core.archive.format import CSV
from crm.core.archive.queries import Rows
from crm.core.archive.tables import Table

STAGE = "core_archive_stage"
quoted = connection.ops.quote_name


def ask(sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def names_of(table: Table) -> str:
    return ", ".join(quoted(name) for name in table.columns)


def query_of(table: Table, rows: Rows) -> str:
    """The rows as a statement whose columns have the names of the table's."""
    sql, parameters = rows.values(table).query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        return f"SELECT * FROM ({cursor.mogrify(sql, parameters).decode()}) AS t ({names_of(table)})"


def copy_out(table: Table, rows: Rows, file: Any) -> int:
    """Write the rows to a file, sorted by their key. Returns how many."""
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({query_of(table, rows)}) TO STDOUT WITH ({CSV})", file)
        return cursor.rowcount


def copy_in(table: Table, file: IO[bytes]) -> int:
    """Insert the rows of a file. Columns that the archive leaves out get their value in another firm (`Table.fill`)."""
    if not table.fill:
        return _copy_into(quoted(table.name), table, file)
    with staged(table, file) as count:
        filled = ", ".join(quoted(name) for name in table.fill)
        values = ", ".join(table.fill.values())
        rows = f"SELECT {names_of(table)}, {values} FROM {STAGE} s"
        ask(f"INSERT INTO {quoted(table.name)} ({names_of(table)}, {filled}) {rows}")
        return count


@contextmanager
def staged(table: Table, file: IO[bytes]) -> Iterator[int]:
    """The rows of a file in a temporary table. Gives how many."""
    ask(f"CREATE TEMPORARY TABLE {STAGE} ON COMMIT DROP AS SELECT {names_of(table)} FROM {quoted(table.name)} WITH NO DATA")
    yield _copy_into(STAGE, table, file)
    ask(f"DROP TABLE {STAGE}")


def _copy_into(name: str, table: Table, file: IO[bytes]) -> int:
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {name} ({names_of(table)}) FROM STDIN WITH ({CSV})", file)
        return cursor.rowcount
