"""Many new rows of one model by COPY, with the history that the trigger of each row would write.

PostgreSQL reads rows from a COPY faster than from the values of an INSERT, and Python makes them faster. The trigger that keeps the
history of new rows is told to stay out of it, and one statement writes the same events; a test compares the two ways over every tracked
model.
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pghistory.trigger
import pgtrigger
from django.db import connection, models

NULL = "\\N"
KEYS = """
    SELECT nextval(s.name::regclass) FROM (SELECT pg_get_serial_sequence(%s, %s) AS name OFFSET 0) s, generate_series(1, %s)"""
IGNORED = "SELECT set_config('pgtrigger.ignore', %s, true)"  # until the transaction, or its savepoint, is rolled back
_ESCAPED = {ord("\\"): "\\\\", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
_SPECIAL = re.compile(r"[\\\n\r\t]")
_PLAIN = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BooleanField,
    models.DateField,
    models.DecimalField,
    models.ForeignKey,
    models.UUIDField,
    models.JSONField,
)


@dataclass(frozen=True)
class _Column:
    field: Any
    encode: Callable[[Any], str]


@dataclass(frozen=True)
class _Table:
    """`has_sequence`: the database gives the keys, else the rows bring them. `trigger` keeps the history of new rows, `events` is the
    statement that writes it for several; "" if there is none."""

    name: str
    key: str
    columns: tuple[_Column, ...]
    dated: tuple[Any, ...]
    links: tuple[Any, ...]
    has_sequence: bool
    trigger: str
    events: str

    def into(self) -> str:
        names = ", ".join(f'"{name}"' for name in [self.key, *(column.field.column for column in self.columns)])
        return f'COPY "{self.name}" ({names}) FROM STDIN'


def can_copy(model: type[models.Model]) -> bool:
    return _table(model) is not None


def copy_rows(rows: Sequence[Any]) -> None:
    """Insert unsaved rows of a model that `can_copy`, in the caller's transaction. Their values are plain, no expressions."""
    model: Any = type(rows[0])
    table: Any = _table(model)
    for row in rows:
        _settle(table, row)
    with connection.cursor() as cursor:
        keys = _keys(cursor, table, rows)
        lines = io.StringIO("".join(_lines(table, keys, rows)))
        if table.trigger:
            cursor.execute(IGNORED, [f"{{{table.trigger}}}"])
        with connection.wrap_database_errors:
            cursor.copy_expert(table.into(), lines)
        if table.trigger:
            cursor.execute(table.events, [keys])
    for key, row in zip(keys, rows, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, connection.alias


def _keys(cursor: Any, table: _Table, rows: Sequence[Any]) -> list[Any]:
    if not table.has_sequence:
        return [row.pk for row in rows]
    cursor.execute(KEYS, [table.name, table.key, len(rows)])
    return [key for (key,) in cursor.fetchall()]


def _lines(table: _Table, keys: Sequence[Any], rows: Sequence[Any]) -> Iterator[str]:
    columns = [(column.field.attname, column.encode) for column in table.columns]
    for key, row in zip(keys, rows, strict=True):
        own = vars(row)
        cells = [NULL if (value := own[name]) is None else encode(value) for name, encode in columns]
        yield "\t".join([str(key), *cells]) + "\n"


def _settle(table: _Table, row: Any) -> None:
    """As a save does: its moments, and the keys that linked rows may have got since they were set."""
    for field in table.dated:
        field.pre_save(row, True)
    for field in table.links:
        if getattr(row, field.attname) is None and field.is_cached(row):
            found = getattr(row, field.name)
            if found is not None:
                setattr(row, field.attname, found.pk)


@cache
def _table(model: type[models.Model]) -> _Table | None:
    """None for a model with columns whose texts are not known here."""
    options = model._meta
    key: Any = options.pk
    fields = [field for field in options.concrete_fields if field is not key and not field.generated]
    if not all(isinstance(field, _PLAIN) and (not field.has_db_default() or field.has_default()) for field in fields):
        return None
    trigger, events = _history(model)
    return _Table(
        name=options.db_table,
        key=key.column,
        columns=tuple(_Column(field, _encoder(field)) for field in fields),
        dated=tuple(field for field in fields if _is_dated(field)),
        links=tuple(field for field in fields if isinstance(field, models.ForeignKey)),
        has_sequence=isinstance(key, models.AutoField),
        trigger=trigger,
        events=events,
    )


def _is_dated(field: Any) -> bool:
    """Whether a save sets it to the moment."""
    return getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)


def _encoder(field: Any) -> Callable[[Any], str]:
    if isinstance(field, models.JSONField):
        return lambda value: _escaped(json.dumps(value, cls=field.encoder))
    if isinstance(field, models.CharField | models.TextField):
        return _escaped
    if isinstance(field, models.BooleanField):
        return lambda value: "t" if value else "f"
    if isinstance(field, models.DateField):  # moments as well
        return lambda value: field.get_prep_value(value).isoformat()
    return str


def _escaped(value: Any) -> str:
    text = value if type(value) is str else str(value)
    return text.translate(_ESCAPED) if _SPECIAL.search(text) else text


def _history(model: type[models.Model]) -> tuple[str, str]:
    """(the trigger that keeps new rows, the statement that writes the same events)"""
    registered: Any = pgtrigger.registered()
    for tracked, trigger in registered:
        is_of_table = tracked._meta.db_table == model._meta.db_table
        if is_of_table and isinstance(trigger, pghistory.trigger.Event) and trigger.operation == pgtrigger.Insert:
            return trigger.get_pgid(tracked), _events(tracked, trigger)
    return "", ""


def _events(tracked: Any, trigger: Any) -> str:
    """As `pghistory.trigger.Event.get_func` has it for a row."""
    names = {field.name for field in tracked._meta.fields}
    kept = [f for f in trigger.event_model._meta.fields if f.name in names and not f.generated]
    values = {f'"{field.column}"': f't."{field.column}"' for field in kept}
    key = tracked._meta.pk.column
    values |= {
        "pgh_created_at": "now()",
        "pgh_label": f"'{trigger.label}'",
        "pgh_obj_id": f't."{key}"',
        "pgh_context_id": "c.id",
    }
    return f"""
        WITH c AS MATERIALIZED (SELECT _pgh_attach_context() AS id)
        INSERT INTO "{trigger.event_model._meta.db_table}" ({", ".join(values)})
        SELECT {", ".join(values.values())} FROM "{tracked._meta.db_table}" t CROSS JOIN c
        WHERE t."{key}" = ANY(%s) ORDER BY t."{key}";
        SELECT set_config('pgtrigger.ignore', '{{}}', true)
    """
