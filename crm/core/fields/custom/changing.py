"""The type of a field changes with all its values, in one transaction; and its undo."""

import json
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.base.archiving import set_archived
from crm.core.base.arrays import IDS, AnyOf
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.reading import Conventions
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.choices import CONVERTED, Kind
from crm.core.fields.custom.converting import Conversion, Value, conversion, converted, names_for, text_of
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.models import CustomField, FieldChange
from crm.core.fields.custom.services import BUSY, SETTINGS, begin_change, free_label, index_again, new_row, options_of
from crm.core.fields.custom.sql import JsonAt
from crm.core.ui.formatting import number

KEPT_SETTINGS = [name for name in SETTINGS if name not in ("label", "section", "hint")]
# one statement, for a value that became another must not be taken for one that is still to come
CHANGE = """
    UPDATE {table} AS here SET
        custom = CASE
            WHEN given.made IS NOT NULL THEN jsonb_set(here.custom, ARRAY[%s], given.made)
            WHEN %s <> '' THEN (here.custom - %s) || jsonb_build_object(%s, given.said)
            ELSE here.custom - %s
        END,
        version = here.version + 1, updated_at = %s
    FROM unnest(%s::jsonb[], %s::jsonb[], %s::text[]) AS given (kept, made, said)
    WHERE here.custom -> %s = given.kept
    RETURNING here.id, given.kept, given.made
"""
UNDO = """
    UPDATE {table} AS here SET
        custom = jsonb_set(here.custom - %s, ARRAY[%s], given.value -> 0), version = here.version + 1, updated_at = %s
    FROM jsonb_each(%s::jsonb) AS given (key, value)
    WHERE here.id = given.key::bigint AND here.custom -> %s IS NOT DISTINCT FROM NULLIF(given.value -> 1, 'null')
    RETURNING here.id
"""


@service(may=may_administer)
def change_kind(
    principal: Principal,
    *,
    field: CustomField,
    kind: str,
    keeps_aside: bool = False,
    reading: str = "",
    seen_version: int | None = None,
    now: datetime,
) -> FieldChange:
    """Give a field another type, and its values with it. Values without an equivalent are kept in a field of their own, or refuse the
    change. Raises StaleWrite, ServiceError (fields kind, reading, keeps_aside)."""
    begin_change()
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=field.pk)
    of = records[row.record]
    if kind not in CONVERTED or row.kind not in CONVERTED or kind == row.kind or row.archived_at is not None:
        raise ServiceError(_("Choose another type."), field="kind")
    _hold(of)
    found = conversion(principal, row, of.model, Kind(kind), reading)
    if found.must_ask and not reading:
        raise ServiceError(_("Choose how the values are written."), field="reading")
    if found.n_failing and not keeps_aside:
        n = found.n_failing
        words = ngettext("%(n)s value has no equivalent.", "%(n)s values have no equivalent.", n) % {"n": number(n)}
        raise ServiceError(words, field="keeps_aside")
    change = FieldChange(field=row, user=principal.user, from_kind=row.kind, to_kind=kind, created_at=now)
    change.settings = {name: getattr(row, name) for name in KEPT_SETTINGS}
    change.aside = _aside(row, of) if found.n_failing else None
    _become(row, found, seen_version)
    change.rows = _write(of, row.key, found, change.aside, now)
    index_again(row, of)
    change.save()
    return change


def _hold(of: Record) -> None:
    """Let nobody write or lock records of the kind until the change is over; they are read as always. Who writes next sees the new type
    (`writing.py`). A weaker lock would let somebody lock a record that this waits for, and then wait for this. Raises ServiceError if
    somebody else holds them for too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '5s', true)")
            before = cursor.fetchone()[0]
            cursor.execute(f"LOCK TABLE {_table(of)} IN EXCLUSIVE MODE")
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    except OperationalError as error:
        raise ServiceError(str(BUSY)) from error


def _become(row: CustomField, found: Conversion, seen_version: int | None) -> None:
    """Set the type and its settings. New choices get their keys."""
    to = found.to
    if any(option["key"].startswith("new-") for option in to.options):
        made = options_of([{"label": option["label"]} for option in to.options])
        keys = {old["key"]: new["key"] for old, new in zip(to.options, made, strict=True)}
        found.values[:] = [_with_keys(value, keys) for value in found.values]
        to.options = made
    for name in ("kind", *KEPT_SETTINGS):
        setattr(row, name, getattr(to, name))
    save_version(row, fields=["kind", *KEPT_SETTINGS], seen=seen_version, merges=False)


def _with_keys(value: Value, keys: dict[str, str]) -> Value:
    becomes = value.becomes
    made = [keys.get(each, each) for each in becomes] if isinstance(becomes, list) else keys.get(becomes, becomes)
    return replace(value, becomes=made)


def _aside(row: CustomField, of: Record) -> CustomField:
    """A field for what has no equivalent, beside the other."""
    label = free_label(of, _("%(name)s (before)") % {"name": row.label[:45]})
    return new_row(of, label=label, kind=Kind.LONG_TEXT, section=row.section, is_filtered=False)


def _write(of: Record, key: str, found: Conversion, aside: CustomField | None, now: datetime) -> dict[str, Any]:
    """Write all values; returns what each row had and has."""
    kept = [json.dumps(value.kept) for value in found.values]
    made = [None if value.why else json.dumps(value.becomes) for value in found.values]
    said, other = [value.text for value in found.values], aside.key if aside else ""
    given: list[Any] = [key, other, key, other, key, now, kept, made, said, key]
    with connection.cursor() as cursor:
        cursor.execute(CHANGE.format(table=_table(of)), given)
        return {str(pk): [_loaded(before), _loaded(after)] for pk, before, after in cursor.fetchall()}


def _loaded(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _table(of: Record) -> str:
    return connection.ops.quote_name(of.model._meta.db_table)


@service(may=may_administer)
def undo_change(principal: Principal, *, change: FieldChange, now: datetime) -> CustomField:
    """Give the field its type back, and each row the value it had. A value that was entered since then is converted; if one cannot be,
    nothing changes. Raises ServiceError."""
    begin_change()
    change = FieldChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=change.field_id)
    of = records[row.record]
    newest = FieldChange.objects.filter(field=row, undone_at__isnull=True).first()
    if change.undone_at is not None or newest != change or row.kind != change.to_kind:
        raise ServiceError(_("The field was changed again since then. Undo the latest change first."))
    _hold(of)
    as_it_is = copy(row)
    for name, value in {"kind": change.from_kind, **change.settings}.items():
        setattr(row, name, value)
    aside = change.aside.key if change.aside else ""
    restored = _give(of, row.key, change.rows, aside, now)
    _give(of, row.key, _entered_since(principal, of, as_it_is, row, restored), "", now)
    save_version(row, fields=["kind", *KEPT_SETTINGS], seen=None)
    index_again(row, of)
    if change.aside is not None:
        set_archived(change.aside, at=now)
        index_again(change.aside, of)
    change.undone_at = now
    change.save(update_fields=["undone_at"])
    return row


def _give(of: Record, key: str, rows: dict[str, Any], aside: str, now: datetime) -> list[int]:
    """Give rows {id: [value, what it has now]} their value, where they still have that. Returns the ids of those that did."""
    with connection.cursor() as cursor:
        cursor.execute(UNDO.format(table=_table(of)), [aside, key, now, json.dumps(rows), key])
        return [pk for (pk,) in cursor.fetchall()]


def _entered_since(
    principal: Principal, of: Record, before: CustomField, row: CustomField, restored: list[int]
) -> dict[str, Any]:
    """{id: [value of the old type, value that was entered since]}. Raises ServiceError where one cannot be converted."""
    here = JsonAt(F("custom"), key=row.key)
    rows = (
        of.model._default_manager.annotate(found=here).filter(found__isnull=False).exclude(AnyOf("pk", restored, IDS))
    )
    found, names = list(rows.order_by().values_list("pk", "found")), names_for(before)
    manager: Any = of.model._default_manager
    values = [Value(kept, text_of(before, kept, names), 1) for _pk, kept in found]
    made: dict[str, Any] = {}
    for (pk, kept), value in zip(found, converted(before, row, values, Conventions()), strict=True):
        if value.why:
            raise ServiceError(_has_none(value, is_seen=manager.visible_to(principal).filter(pk=pk).exists()))
        made[str(pk)] = [value.becomes, kept]
    return made


def _has_none(value: Value, *, is_seen: bool) -> str:
    if not is_seen:
        return _(
            "A value of a record that you cannot see was entered since then and has no equivalent. Nothing was changed."
        )
    words = _("“%(what)s” was entered since then and has no equivalent: %(why)s Nothing was changed.")
    return words % {"what": value.text[:40], "why": value.why}
