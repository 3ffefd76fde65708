"""Statements prepared on their connection, so that PostgreSQL parses and plans them once instead of for every call.

Planning takes PostgreSQL five times as long as running the statements of a page. After five calls it keeps a plan without
values if that is expected to cost no more than the plans made for values (`plan_cache_mode`).
"""

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection, transaction
from django.db.utils import DatabaseError
from psycopg2 import Error
from psycopg2.errorcodes import DUPLICATE_PREPARED_STATEMENT, INVALID_SQL_STATEMENT_NAME
from psycopg2.extensions import AsIs

AT_MOST = 300  # per connection, whose server process holds them
log = logging.getLogger(__name__)
_names: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Switch:
    """Off in a process whose connections do not keep what is prepared: a pooler hands them on between transactions."""

    is_off = False


@dataclass(frozen=True)
class Prepared:
    """`sql` with `values`, of which those in `places` ({position: name}) differ in each call."""

    label: str
    sql: str
    values: tuple[Any, ...]
    places: dict[int, str]
    made: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict, compare=False)  # by types: name and text

    def plain(self, given: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """The statement with its parameters, for PostgreSQL to plan now."""
        values = (_sent(given[self.places[n]]) if n in self.places else v for n, v in enumerate(self.values))
        return self.sql, tuple(values)

    def call(self, given: dict[str, Any]) -> tuple[str, tuple[Any, ...]] | None:
        """The statement that runs it, with its parameters; None if it cannot be prepared."""
        if Switch.is_off or connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            return None
        if any(isinstance(value, int) and abs(value) >= 2**63 for value in given.values()):
            return None  # an id out of an address; the column is compared with any number
        names = list(dict.fromkeys(self.places.values()))
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        known = _known()
        name, text = self._made(names, tuple(_type(given[each]) for each in names))
        if name not in known:
            with connection.connection.cursor() as cursor:
                if len(known) >= AT_MOST:
                    cursor.execute("DEALLOCATE ALL")
                    known.clear()
                _prepare(cursor, name, text)
                known.add(name)
        arguments = f"({', '.join(['%s'] * len(names))})" if names else ""
        return f"EXECUTE {name}{arguments}", tuple(_sent(given[name]) for name in names)

    def _made(self, names: list[str], types: tuple[str, ...]) -> tuple[str, str]:
        """Its name, and its text with $1, $2 … for what is filled in."""
        if types not in self.made:
            marks = {name: AsIs(f"${n}::{kind}") for n, (name, kind) in enumerate(zip(names, types, strict=True), 1)}
            values = [marks[self.places[n]] if n in self.places else value for n, value in enumerate(self.values)]
            with connection.connection.cursor() as cursor:
                text = cursor.mogrify(self.sql, values).decode()
            self.made[types] = f"{self.label}_{hashlib.sha256(text.encode()).hexdigest()[:16]}", text
        return self.made[types]


def _sent(value: Any) -> Any:
    """Several ids go as an array."""
    return list(value) if isinstance(value, tuple) else value


def _type(value: Any) -> str:
    if isinstance(value, tuple):
        return "bigint[]"
    if isinstance(value, str):
        return "text"
    return "timestamptz" if isinstance(value, datetime) else "bigint"


def _known() -> set[str]:
    """The names prepared on this connection."""
    return _names.setdefault(connection.connection, set())


def _prepare(cursor: Any, name: str, text: str) -> None:
    """The name is made of the text, so one that is there already is the same statement."""
    is_inside = connection.in_atomic_block
    try:
        if is_inside:
            cursor.execute("SAVEPOINT preparing")
        with connection.wrap_database_errors:
            cursor.execute(f"PREPARE {name} AS {text}")
    except DatabaseError as error:
        if not _is(error, DUPLICATE_PREPARED_STATEMENT):
            raise
        if is_inside:
            cursor.execute("ROLLBACK TO SAVEPOINT preparing")
    if is_inside:
        cursor.execute("RELEASE SAVEPOINT preparing")


def is_lost(error: DatabaseError) -> bool:
    """Whether the statement was not on the connection although it had been prepared there. From then on this process
    prepares none.
    """
    if not _is(error, INVALID_SQL_STATEMENT_NAME):
        return False
    Switch.is_off = True
    log.warning("prepared statements are off: the database's connections do not keep them (a pooler)")
    return not transaction.get_connection().in_atomic_block


def _is(error: DatabaseError, code: str) -> bool:
    cause = error.__cause__
    return isinstance(cause, Error) and cause.pgcode == code
