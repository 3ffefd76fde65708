"""Values of custom fields on their way into a row: what every service of such records calls first."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.models import key_in
from crm.core.base.reading import whole_number
from crm.core.base.services import refusals
from crm.core.fields.catalogue import Catalogue
from crm.core.fields.custom.choices import WRITTEN
from crm.core.fields.custom.entry import CustomEntry
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.sql import JSON, value_of
from crm.core.fields.forms import missing_words
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import as_new_firm, get_firm

Entries = dict[str, CustomEntry]


def with_custom(row: Any, fields: dict[str, Any], catalogue: Catalogue, *, is_new: bool = False) -> dict[str, Any]:
    """`fields` with the custom ones among them put together as the value of the column `custom`, on top of what the row has.
    A required field must have a value when a row is made, and cannot be emptied later. Raises ServiceError with the field.
    """
    entries = {name: entry for name, entry in catalogue.custom.items() if not entry.is_computed}
    given = {name: value for name, value in fields.items() if name in entries}
    if not entries or not (given or is_new):
        return fields
    if given:
        entries = _of_now(row, catalogue, entries, given)
    source, kept = catalogue.custom_fields, dict(row.custom)
    kind = fields.get(source.kind_column) or getattr(row, source.kind_column, "")
    for name, value in given.items():
        _put(row, kept, entries[name], value)
    for name, entry in entries.items():
        is_needed = entry.definition.is_required and not entry.is_changing and source.fits(entry, kind)
        if is_needed and (is_new or name in given) and entry.definition.held_at not in kept:
            raise ServiceError(missing_words(entry), field=name)
    return {name: value for name, value in fields.items() if name not in entries} | {"custom": kept}


def _of_now(row: Any, catalogue: Catalogue, entries: Entries, given: Iterable[str]) -> Entries:
    """The entries as they are once nobody can change a type any more until this transaction is over: a request keeps those that it
    began with. Raises ServiceError where a value was entered for another type."""
    if not connection.in_atomic_block:  # a check before the write, which asks again
        return entries
    if row.pk is None:  # who changes a row has locked it, and so holds the table already: see `changing.py`
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(row._meta.db_table)} IN ROW SHARE MODE")
    mark = FirmSettings.objects.filter(pk=1).values_list("fields_mark", flat=True).first()
    if mark == get_firm().fields_mark:
        return entries
    with as_new_firm(mark or ""):
        present = {name: entry for name, entry in catalogue.custom.items() if not entry.is_computed}
    for name in given:
        if name not in present or present[name].definition.kind != entries[name].definition.kind:
            raise ServiceError(changed_words(entries[name].label), field=name)
    return present


def changed_words(label: Any) -> str:
    """Of a value that was entered for another type."""
    words = _("“%(name)s” was changed by an administrator just now. Reload the page and enter its value again.")
    return words % {"name": label}


def _put(row: Any, kept: dict[str, Any], entry: CustomEntry, value: Any) -> None:
    key = entry.definition.held_at
    before = kept.get(key)
    if entry.is_changing:
        if not _is_same(entry.raw(row), value):
            raise ServiceError(entry.changing_words, field=entry.name)
        return
    try:
        made = entry.keep(value, before)
    except ValueError as error:
        raise ServiceError(str(error), field=entry.name) from error
    if made != before:  # what undo of a change of type would give back is no longer right
        for slot in [slot for slot in kept if key_in(slot) in (entry.definition.key, entry.definition.stem)]:
            del kept[slot]
    if made is None:
        return
    kept[key] = made
    if entry.definition.is_unique and made != before and _is_taken(row, entry.definition, made):
        raise ServiceError(taken(entry.definition), field=entry.name)


def _is_same(present: Any, value: Any) -> bool:
    given = getattr(value, "pk", value)
    return given == present or (given in ("", [], ()) and present is None)


def _is_taken(row: Any, field: CustomField, kept: Any) -> bool:
    wanted = Lower(Value(kept)) if field.kind in WRITTEN else Value(kept, JSON)
    others = type(row)._default_manager.exclude(pk=row.pk)
    return bool(others.filter(Exact(value_of(field), wanted)).exists())


def taken(field: CustomField) -> str:
    """The same words wherever the value stands: on a record that is seen, archived or out of sight."""
    words = _(
        "“%(what)s” must be unique, and this value is taken. Archived records and those you do not see count too."
    )
    return words % {"what": field.label}


def _refused(constraint: str) -> ServiceError | None:
    """The words of the unique index of a field, for two writes at once."""
    number = whole_number(constraint.removeprefix("cf_").removesuffix("_unique"))
    found = CustomField.objects.filter(pk=number).first() if number is not None else None
    return ServiceError(taken(found), field=found.name) if found else None


refusals.append(_refused)
