"""What an import wrote, read from the history that triggers keep, and how it is taken back.

The contexts of an import's run are kept with its job; each row it wrote has events with them. The first one tells whether
the row is new, the event before it how the row was, the last one how the import left it
(docs/decisions/0033-undo-of-imports.md).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.services import refusal_of
from crm.core.importing.parts import Model, Part, charges, mentions, parts, parts_in
from crm.core.users.models import User

OWN = ("version", "updated_at")  # they go on counting
Key = tuple[Model, int]


@dataclass(frozen=True)
class Row:
    """A row that the import wrote. `first`, `last`: its events; `before`: the event before them, None for a new row or if none
    is kept. `is_mixed`: somebody else wrote it in between. `owner` is the record it belongs to.
    """

    model: Model
    pk: int
    owner: Key
    first: int
    last: int
    before: int | None
    is_new: bool
    is_gone: bool
    is_mixed: bool

    @property
    def is_passing(self) -> bool:
        """Made and removed by the import."""
        return self.is_new and self.is_gone


def event_of(model: Model) -> Any:
    return model.pgh_event_model  # type: ignore[attr-defined]


def tracked() -> list[Model]:
    """Models with a history."""
    found = (getattr(event, "pgh_tracked_model", None) for event in apps.get_models())
    return [model for model in found if model is not None]


def records() -> list[Model]:
    """Models of records, those first that name others."""
    kinds = [model for model in tracked() if not parts_in(model)]
    named = {
        model: {f.related_model for f in model._meta.concrete_fields if f.related_model in kinds} - {model}
        for model in kinds
    }
    done: list[Model] = []
    while len(done) < len(kinds):
        left = [model for model in kinds if model not in done]
        free = [m for m in left if not any(m in named[other] for other in left if other is not m)]
        done += free or left[:1]
    return done


def fetch(sql: str, params: Sequence[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def run(sql: str, params: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def refusal(take_back: Callable[[], None]) -> str:
    """Do it in a savepoint; why the database or a rule refuses it, else ""."""
    try:
        with transaction.atomic():
            take_back()
    except ServiceError as error:
        return error.message
    except IntegrityError as error:
        known = refusal_of(error)
        return known.message if known else _("Its earlier values conflict with later changes.")
    return ""


def columns_of(model: Model) -> list[str]:
    """The columns that an undo restores."""
    kept = {field.column for field in event_of(model)._meta.concrete_fields}
    return [
        f'"{field.column}"'
        for field in model._meta.concrete_fields
        if not field.primary_key and not field.generated and field.column in kept and field.name not in OWN
    ]


def _table(model: Model) -> str:
    return f'"{model._meta.db_table}"'


def _events(model: Model) -> str:
    return f'"{event_of(model)._meta.db_table}"'


# What was written


def created_in(contexts: list[str], model: Model, pks: Iterable[int]) -> set[int]:
    """Those of the rows that were created with the contexts."""
    sql = (
        f"SELECT pgh_obj_id FROM {_events(model)}"
        " WHERE pgh_obj_id = ANY(%s) AND pgh_context_id = ANY(%s::uuid[]) AND pgh_label = 'insert'"
    )
    return {pk for (pk,) in fetch(sql, [[*pks], contexts])}


class Journal:
    """What the contexts wrote. `groups()` are the records, those together that share a new row, such as a new client and its new
    contact; the order stays the same from one worker to the next.
    """

    def __init__(self, contexts: list[str]):
        self.contexts = contexts
        self._new: dict[Model, set[int]] = {}
        self._homes: dict[Key, Key] = {}
        self._together: dict[Key, list[Key]] = {}
        for model in {part.model: None for part in parts if len(_plain(part.model)) > 1}:
            self._settle(model)

    def new(self, model: Model) -> set[int]:
        """The rows that were created."""
        if model not in self._new:
            sql = f"SELECT pgh_obj_id FROM {_events(model)} WHERE pgh_context_id = ANY(%s::uuid[]) AND pgh_label = 'insert'"
            self._new[model] = {pk for (pk,) in fetch(sql, [self.contexts])}
        return self._new[model]

    def _settle(self, model: Model) -> None:
        """Where rows with two owners belong."""
        owners = _plain(model)
        names = ", ".join(part.column for part in owners)
        sql = f"SELECT DISTINCT pgh_obj_id, {names} FROM {_events(model)} WHERE pgh_context_id = ANY(%s::uuid[]) ORDER BY pgh_obj_id"
        for pk, *pks in fetch(sql, [self.contexts]):
            keys = [(part.owner, owner) for part, owner in zip(owners, pks, strict=True)]
            created = [key for key in keys if key[1] in self.new(key[0])]
            self._homes[model, pk] = (created or keys)[0]
            if len(created) > 1:
                self._join(created)

    def _join(self, keys: list[Key]) -> None:
        group: list[Key] = []
        for key in keys:
            group += [each for each in self._together.get(key, [key]) if each not in group]
        for key in group:
            self._together[key] = group

    def group_of(self, key: Key) -> list[Key]:
        return self._together.get(key, [key])

    def groups(self, skip: int = 0) -> Iterator[list[Key]]:
        seen: set[Key] = set()
        for model in records():
            for pk in sorted(self._pks(model), reverse=True):
                key = (model, pk)
                group = self.group_of(key)
                if len(group) > 1:
                    if key in seen:
                        continue
                    seen.update(group)
                skip -= 1
                if skip < 0:
                    yield group

    def _pks(self, model: Model) -> set[int]:
        """Records of the model that were written, or of which a part was."""
        found = {
            pk
            for (pk,) in fetch(
                f"SELECT DISTINCT pgh_obj_id FROM {_events(model)} WHERE pgh_context_id = ANY(%s::uuid[])",
                [self.contexts],
            )
        }
        for part in (part for part in parts if part.owner is model):
            if len(_plain(part.model)) > 1:
                found |= {pk for (of, _pk), (owner, pk) in self._homes.items() if of is part.model and owner is model}
                continue
            sql = (
                f"SELECT DISTINCT {part.named('e')} FROM {_events(part.model)} e WHERE pgh_context_id = ANY(%s::uuid[])"
            )
            found |= {pk for (pk,) in fetch(sql + part.condition("e"), [self.contexts]) if pk is not None}
        return found

    def rows(self, keys: Iterable[Key]) -> list[Row]:
        """What was written of these records and their parts."""
        of: dict[Model, list[int]] = defaultdict(list)
        for model, pk in keys:
            of[model].append(pk)
        found: dict[Key, Row] = {}
        for model, pks in of.items():
            found |= {(model, row.pk): row for row in self._rows(model, "e.pgh_obj_id", "", model, pks)}
            for part in (part for part in parts if part.owner is model):
                rows = self._rows(part.model, part.named("e"), part.condition("e"), model, pks)
                found |= {(part.model, row.pk): row for row in rows if self._is_here(row)}
        return [row for row in found.values() if not row.is_passing]

    def every_row(self) -> list[Row]:
        """All that was written, each row by itself, without those that were made and removed."""
        found: list[Row] = []
        for model in tracked():
            sql = f"SELECT DISTINCT pgh_obj_id FROM {_events(model)} WHERE pgh_context_id = ANY(%s::uuid[])"
            if pks := [pk for (pk,) in fetch(sql, [self.contexts])]:
                found += self._rows(model, "e.pgh_obj_id", "", model, pks)
        return [row for row in found if not row.is_passing]

    def _is_here(self, row: Row) -> bool:
        return self._homes.get((row.model, row.pk), row.owner) == row.owner

    def _rows(self, model: Model, named: str, condition: str, owner: Model, pks: list[int]) -> Iterator[Row]:
        table = _events(model)
        sql = f"""
            WITH mine AS (
                SELECT pgh_obj_id AS pk, min({named}) AS owner, min(pgh_id) AS first, max(pgh_id) AS last FROM {table} e
                WHERE {named} = ANY(%s) AND pgh_context_id = ANY(%s::uuid[]) {condition} GROUP BY pgh_obj_id
            )
            SELECT mine.pk, mine.owner, mine.first, mine.last, f.pgh_label = 'insert', l.pgh_label = 'delete',
                (SELECT max(b.pgh_id) FROM {table} b WHERE b.pgh_obj_id = mine.pk AND b.pgh_id < mine.first),
                EXISTS (
                    SELECT FROM {table} o WHERE o.pgh_obj_id = mine.pk AND o.pgh_id > mine.first AND o.pgh_id < mine.last
                    AND (o.pgh_context_id IS NULL OR o.pgh_context_id <> ALL(%s::uuid[]))
                )
            FROM mine JOIN {table} f ON f.pgh_id = mine.first JOIN {table} l ON l.pgh_id = mine.last
        """
        for pk, of, first, last, is_new, is_gone, before, is_mixed in fetch(sql, [pks, self.contexts, self.contexts]):
            before = None if is_new else before
            yield Row(model, pk, (owner, of), first, last, before, is_new, is_gone, is_mixed)


def _plain(model: Model) -> list[Part]:
    """The parts of a row that each of them may own."""
    return [part for part in parts_in(model) if not part.where]


# What became of it


def _by_model(rows: Iterable[Row]) -> dict[Model, list[Row]]:
    found: dict[Model, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.model].append(row)
    return found


def lock(rows: Iterable[Row]) -> None:
    """Until the transaction ends nobody changes these rows, or adds one that names them."""
    for model, some in sorted(_by_model(rows).items(), key=lambda pair: pair[0]._meta.db_table):
        pks = [row.pk for row in some]
        fetch(f"SELECT id FROM {_table(model)} WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [pks])


def changed(rows: Iterable[Row]) -> set[Key]:
    """Rows that are not as the import left them."""
    found: set[Key] = set()
    for model, some in _by_model(rows).items():
        gone = [row.pk for row in some if row.is_gone]
        found |= {(model, pk) for (pk,) in fetch(f"SELECT id FROM {_table(model)} WHERE id = ANY(%s)", [gone])}
        found |= {(model, pk) for pk in _different(model, [row.last for row in some if not row.is_gone])}
    return found


def restored(rows: Iterable[Row]) -> set[Key]:
    """Rows that are as they were before the import."""
    found: set[Key] = set()
    for model, some in _by_model(rows).items():
        new = {row.pk for row in some if row.is_new}
        there = {pk for (pk,) in fetch(f"SELECT id FROM {_table(model)} WHERE id = ANY(%s)", [[*new]])}
        old = {row.pk: row.before for row in some if row.before is not None}
        same = old.keys() - {*_different(model, [event for event in old.values() if event is not None])}
        found |= {(model, pk) for pk in (new - there) | same}
    return found


def _different(model: Model, events: list[int]) -> Iterator[int]:
    columns = columns_of(model)
    now, kept = (", ".join(f"{alias}.{name}" for name in columns) for alias in ("t", "e"))
    sql = f"""
        SELECT e.pgh_obj_id FROM {_events(model)} e LEFT JOIN {_table(model)} t ON t.id = e.pgh_obj_id
        WHERE e.pgh_id = ANY(%s) AND (t.id IS NULL OR ROW({now}) IS DISTINCT FROM ROW({kept}))
    """
    return (pk for (pk,) in fetch(sql, [events]))


def of_the_disabled(rows: Iterable[Row]) -> set[Key]:
    """Rows that the import took from somebody who cannot sign in any more."""
    found: set[Key] = set()
    by_model = _by_model(row for row in rows if row.before is not None)
    for charge in (charge for charge in charges if charge.model in by_model):
        some, events = by_model[charge.model], _events(charge.model)
        sql = f"""
            SELECT b.pgh_obj_id FROM {events} b JOIN {events} l ON l.pgh_obj_id = b.pgh_obj_id
            JOIN {_table(User)} u ON u.id = b.{charge.column} AND NOT u.is_active
            WHERE b.pgh_id = ANY(%s) AND l.pgh_id = ANY(%s) AND l.{charge.column} IS DISTINCT FROM b.{charge.column}
        """
        pks = fetch(sql, [[row.before for row in some], [row.last for row in some]])
        found |= {(charge.model, pk) for (pk,) in pks}
    return found


@dataclass(frozen=True)
class Reference:
    """A row that names one of those asked about."""

    model: Model
    pk: int
    to: Key


def references(rows: Iterable[Row]) -> Iterator[Reference]:
    """What names the new rows among these."""
    for model, some in _by_model(row for row in rows if row.is_new).items():
        pks = [row.pk for row in some]
        for other, column, condition in _naming(model):
            sql = f"SELECT r.id, r.{column} FROM {_table(other)} r WHERE r.{column} = ANY(%s) {condition}"
            yield from (Reference(other, pk, (model, to)) for pk, to in fetch(sql, [pks]))


def _naming(model: Model) -> Iterator[tuple[Model, str, str]]:
    """(model, column, condition) of everything that may name a row of `model` and is not machine-made."""
    kept = {each._meta.db_table: each for each in tracked()}
    derived = {(mention.model, mention.column) for mention in mentions if mention.is_derived}
    for other in apps.get_models(include_auto_created=True):
        if other._meta.proxy or not other._meta.managed or hasattr(other, "pgh_tracked_model"):
            continue
        for field in other._meta.concrete_fields:
            if field.related_model is model and (other, field.column) not in derived:
                yield kept.get(other._meta.db_table, other), f'"{field.column}"', ""
    for part in parts:
        if part.owner is model and part.where:
            yield part.model, part.column, part.condition("r")
    for mention in mentions:
        if mention.owner is model and not mention.is_derived:
            yield mention.model, mention.column, ""


# Taking it back


def take_back(rows: list[Row]) -> None:
    """Restore rows in a few statements. Raises IntegrityError if two of them must change places: then `take_back_singly`."""
    for model, some in _by_model(row for row in rows if row.is_new).items():
        _delete(model, [row.pk for row in some])
    for model, some in _by_model(row for row in rows if not row.is_new and not row.is_gone).items():
        _restore(model, [row.before for row in some])
    for model, some in _by_model(row for row in rows if row.is_gone).items():
        _insert(model, [row.before for row in some])
    _check()


def take_back_singly(rows: list[Row]) -> None:
    """The last write first."""
    for row in sorted(rows, key=lambda row: (not row.is_new, -row.last)):
        if row.is_new:
            _delete(row.model, [row.pk])
        elif row.is_gone:
            _insert(row.model, [row.before])
        else:
            _restore(row.model, [row.before])
    _check()


def _check() -> None:
    """Have the database check what it would check at the end of the transaction."""
    run("SET CONSTRAINTS ALL IMMEDIATE", [])
    run("SET CONSTRAINTS ALL DEFERRED", [])


def _delete(model: Model, pks: list[int]) -> None:
    for mention in mentions:
        if mention.is_derived and mention.owner is model:
            run(f"DELETE FROM {_table(mention.model)} WHERE {mention.column} = ANY(%s)", [pks])
    run(f"DELETE FROM {_table(model)} WHERE id = ANY(%s)", [pks])


def _own(model: Model) -> list[str]:
    names = {field.name for field in model._meta.concrete_fields}
    return [name for name in OWN if name in names]


def _restore(model: Model, events: Sequence[int | None]) -> None:
    names = columns_of(model)
    if not names:
        return
    own = {"version": "version = t.version + 1", "updated_at": "updated_at = now()"}
    sets = ", ".join([*(f"{name} = e.{name}" for name in names), *(own[name] for name in _own(model))])
    sql = (
        f"UPDATE {_table(model)} t SET {sets} FROM {_events(model)} e WHERE e.pgh_id = ANY(%s) AND t.id = e.pgh_obj_id"
    )
    run(sql, [[*events]])


def _insert(model: Model, events: Sequence[int | None]) -> None:
    own = {"version": "e.version + 1", "updated_at": "now()"}
    names = ", ".join(["id", *columns_of(model), *_own(model)])
    values = ", ".join(["e.pgh_obj_id", *(f"e.{n}" for n in columns_of(model)), *(own[n] for n in _own(model))])
    run(
        f"INSERT INTO {_table(model)} ({names}) SELECT {values} FROM {_events(model)} e WHERE e.pgh_id = ANY(%s)",
        [[*events]],
    )


def named_in(rows: Iterable[Row], model: Model) -> set[int]:
    """The records of `model` that these rows are or name, before or after the import."""
    found: set[int] = set()
    for of, some in _by_model(rows).items():
        if of is model:
            found |= {row.pk for row in some}
        events = [event for row in some for event in (row.last, row.before) if event is not None]
        for field in of._meta.concrete_fields:
            if field.related_model is model:
                sql = f'SELECT DISTINCT "{field.column}" FROM {_events(of)} WHERE pgh_id = ANY(%s)'
                found |= {pk for (pk,) in fetch(sql, [events]) if pk is not None}
    return found
