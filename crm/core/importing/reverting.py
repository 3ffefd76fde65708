"""Taking back what one step wrote, column by column: each value that is still as the step left it becomes what it was before; what
was changed since stays. For a step that wrote rows of many records together, such as a merge (docs/decisions/0035-merges.md).
The undo of an import takes or leaves whole records instead (`undoing`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.importing import journal
from crm.core.importing.journal import OWN, Row, fetch, refusal, run
from crm.core.importing.parts import Model

CHANGED = gettext_lazy("Changed since: %(fields)s.")


def revert(rows: Sequence[Row], whole: Iterable[Model] = ()) -> list[tuple[Row, str]]:
    """Take these rows back, which are locked. Returns those that stay as they are, or in part, with the reason. Of the models in
    `whole` all rows are taken back or none, because they only fit together.
    """
    left = [(row, _("The history no longer has its earlier values.")) for row in rows if is_lost(row)]
    lost = {id(row) for row, _why in left}
    by_model: dict[Model, list[Row]] = defaultdict(list)
    for row in rows:
        if id(row) not in lost:
            by_model[row.model].append(row)
    for model, some in by_model.items():
        different = _conflicts(model, some)
        if model in {*whole}:
            if different or any(row.model is model for row, _why in left):
                left += [(row, _("Changed since.")) for row in some]
                continue
            left += _all_or_none(some)
        else:
            left += [(row, different[row.pk]) for row in some if row.pk in different]
            left += _each(some, {row.pk for row in some if row.pk in different and (row.is_new or row.is_gone)})
    return left


def is_lost(row: Row) -> bool:
    """Whether the history has no event before the step."""
    return not row.is_new and row.before is None


def _all_or_none(rows: list[Row]) -> list[tuple[Row, str]]:
    why = _refusal(rows)
    return [(row, why) for row in rows] if why else []


def _each(rows: list[Row], besides: set[int]) -> list[tuple[Row, str]]:
    """Together; if the database refuses that, each row by itself, the last write first."""
    ready = [row for row in rows if row.pk not in besides]
    if not _refusal(ready):
        return []
    alone = sorted(ready, key=lambda row: -row.last)
    return [(row, why) for row in alone if (why := _refusal([row]))]


def _refusal(rows: list[Row]) -> str:
    """Take them back; why the database refuses it, else ""."""

    def take_back() -> None:
        journal.take_back([row for row in rows if row.is_new or row.is_gone])
        _restore([row for row in rows if not row.is_new and not row.is_gone])
        _check()

    return refusal(take_back)


def _restore(rows: list[Row]) -> None:
    if not rows:
        return
    model = rows[0].model
    sets = [
        f"{name} = CASE WHEN t.{name} IS NOT DISTINCT FROM l.{name} THEN b.{name} ELSE t.{name} END"
        for name in _columns(model)
    ]
    # a row that the step only moved was not edited: its version stays
    bumped = "version = t.version + CASE WHEN l.version IS DISTINCT FROM b.version THEN 1 ELSE 0 END"
    own = {"version": bumped, "updated_at": "updated_at = now()"}
    names = {field.name for field in model._meta.concrete_fields}
    sets += [own[name] for name in OWN if name in names]
    run(f"UPDATE {_table(model)} t SET {', '.join(sets)} {_since(model)} AND t.id = l.pgh_obj_id", _events_of(rows))


def _conflicts(model: Model, rows: list[Row]) -> dict[int, str]:
    """{row: why it stays, in whole or in part}."""
    found = {}
    stay = [row for row in rows if not row.is_new and not row.is_gone]
    if stay and (columns := _columns(model)):
        differs = [
            f"CASE WHEN b.{name} IS DISTINCT FROM l.{name} AND t.{name} IS DISTINCT FROM l.{name}"
            f" AND t.{name} IS DISTINCT FROM b.{name} THEN '{name.strip(chr(34))}' END"
            for name in columns
        ]
        sql = f"""
            SELECT l.pgh_obj_id, t.id IS NULL, array_remove(ARRAY[{", ".join(differs)}], NULL)
            FROM unnest(%s::bigint[], %s::bigint[]) AS pair(before, after)
            JOIN {_events(model)} b ON b.pgh_id = pair.before JOIN {_events(model)} l ON l.pgh_id = pair.after
            LEFT JOIN {_table(model)} t ON t.id = l.pgh_obj_id
        """
        for pk, is_gone, names in fetch(sql, _events_of(stay)):
            if is_gone:
                found[pk] = _("Deleted since.")
            elif names:
                found[pk] = str(CHANGED) % {"fields": ", ".join(_labels(model, names))}
    for row in rows:
        if row.is_new and journal.changed([row]):
            found[row.pk] = _("Changed since.")
    return found


def _labels(model: Model, columns: list[str]) -> list[str]:
    named = {field.column: str(field.verbose_name) for field in model._meta.concrete_fields}
    return [named[column] for column in columns]


def _since(model: Model) -> str:
    return (
        f"FROM {_events(model)} b, {_events(model)} l, unnest(%s::bigint[], %s::bigint[]) AS pair(before, after)"
        " WHERE b.pgh_id = pair.before AND l.pgh_id = pair.after"
    )


def _events_of(rows: list[Row]) -> list[list[Any]]:
    return [[row.before for row in rows], [row.last for row in rows]]


def _columns(model: Model) -> list[str]:
    return journal.columns_of(model)


def _table(model: Model) -> str:
    return f'"{model._meta.db_table}"'


def _events(model: Model) -> str:
    return f'"{journal.event_of(model)._meta.db_table}"'


def _check() -> None:
    run("SET CONSTRAINTS ALL IMMEDIATE", [])
    run("SET CONSTRAINTS ALL DEFERRED", [])
