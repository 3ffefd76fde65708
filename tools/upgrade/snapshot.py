"""A snapshot of the tables: the number of rows and a checksum, and the first rows of each table in full."""

from dataclasses import dataclass

from psycopg2 import sql

SAMPLE = 200
SHOWN = 3
TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
COLUMNS = """
    SELECT attname, COALESCE(attnum = ANY(indkey), false) FROM pg_attribute
    LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
    WHERE attrelid = quote_ident(%s)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Table:
    """`sample`: the first rows by primary key, as {key: values of `columns`}. A table without a key has whole rows as keys."""

    columns: tuple[str, ...]
    count: int
    checksum: str
    sample: dict[Row, Row]


Snapshot = dict[str, Table]


@dataclass(frozen=True)
class Allowed:
    """The differences that are expected, each with its reason (see `expected`)."""

    grows: dict[str, str]
    changes: dict[tuple[str, str], str]
    goes: dict[str, str]


def take(connection, allowed: Allowed, like: Snapshot | None = None) -> Snapshot:
    """Read every table. With `like`, only its tables and columns, as far as they are still there."""
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(TABLES)
        names = [name for (name,) in cursor.fetchall() if like is None or name in like]
        return {name: _read(cursor, name, allowed, like[name].columns if like else None) for name in names}


def _read(cursor, name: str, allowed: Allowed, wanted: tuple[str, ...] | None) -> Table:
    cursor.execute(COLUMNS, [name])
    found = dict(cursor.fetchall())
    columns = tuple(column for column in wanted or found if column in found and (name, column) not in allowed.changes)
    key = [column for column, is_key in found.items() if is_key] or list(columns)
    table = sql.Identifier(name)
    values = sql.SQL(", ").join(map(sql.Identifier, columns))
    cursor.execute(
        sql.SQL("SELECT count(*), COALESCE(sum(hashtextextended(ROW({})::text, 0)), 0)::text FROM {}").format(
            values, table
        )
    )
    count, checksum = cursor.fetchone()
    texts = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in (*key, *columns)]
    order = sql.SQL(", ").join(map(sql.Identifier, key))
    cursor.execute(
        sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT {}").format(
            sql.SQL(", ").join(texts), table, order, sql.Literal(SAMPLE)
        )
    )
    sample = {row[: len(key)]: row[len(key) :] for row in cursor.fetchall()}
    return Table(columns, count, checksum, sample)


def differences(before: Snapshot, after: Snapshot, allowed: Allowed) -> list[str]:
    """A line for everything that is not as it was."""
    lines = []
    for name, table in before.items():
        if name in after:
            lines += [f"{name}: {line}" for line in _compare(table, after[name], may_grow=name in allowed.grows)]
        elif name not in allowed.goes:
            lines.append(f"{name}: the table is gone, it had {table.count} rows")
    return lines


def _compare(before: Table, after: Table, *, may_grow: bool) -> list[str]:
    lines = [f"the column {column} is gone" for column in before.columns if column not in after.columns]
    if after.count < before.count or (after.count > before.count and not may_grow):
        lines.append(f"{before.count} rows before, {after.count} after")
    rows = _changed_rows(before, after)
    lines += rows[:SHOWN]
    if len(rows) > SHOWN:
        lines.append(f"{len(rows) - SHOWN} more rows of the first {SAMPLE} differ")
    if not lines and not may_grow and before.checksum != after.checksum:
        lines.append(f"the first {SAMPLE} rows are equal, rows after them differ")
    return lines


def _changed_rows(before: Table, after: Table) -> list[str]:
    lines = []
    for key, values in before.sample.items():
        label = "row " + ", ".join(_short(part) for part in key)
        if key not in after.sample:
            lines.append(f"{label} is gone")
            continue
        now = dict(zip(after.columns, after.sample[key], strict=True))
        changes = [
            f"{column} was {_short(value)}, is {_short(now[column])}"
            for column, value in zip(before.columns, values, strict=True)
            if column in now and now[column] != value
        ]
        if changes:
            lines.append(f"{label}: {'; '.join(changes)}")
    return lines


def _short(text: str | None) -> str:
    if text is None:
        return "NULL"
    return text if len(text) <= 60 else text[:57] + "…"
