"""Values of custom fields on their way into a row: what every service of such records calls first."""

from typing import Any

from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.reading import whole_number
from crm.core.base.services import refusals
from crm.core.fields.catalogue import Catalogue
from crm.core.fields.custom.choices import WRITTEN
from crm.core.fields.custom.entry import CustomEntry
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.sql import JSON, value_of
from crm.core.fields.forms import missing_words


def with_custom(row: Any, fields: dict[str, Any], catalogue: Catalogue, *, is_new: bool = False) -> dict[str, Any]:
    """`fields` with the custom ones among them put together as the value of the column `custom`, on top of what the row has.
    A required field must have a value when a row is made, and cannot be emptied later. Raises ServiceError with the field.
    """
    entries = {name: entry for name, entry in catalogue.custom.items() if not entry.is_computed}
    given = {name: value for name, value in fields.items() if name in entries}
    if not entries or not (given or is_new):
        return fields
    source, kept = catalogue.custom_fields, dict(row.custom)
    kind = fields.get(source.kind_column) or getattr(row, source.kind_column, "")
    for name, value in given.items():
        _put(row, kept, entries[name], value)
    for name, entry in entries.items():
        is_needed = entry.definition.is_required and source.fits(entry, kind)
        if is_needed and (is_new or name in given) and entry.definition.key not in kept:
            raise ServiceError(missing_words(entry), field=name)
    return {name: value for name, value in fields.items() if name not in entries} | {"custom": kept}


def _put(row: Any, kept: dict[str, Any], entry: CustomEntry, value: Any) -> None:
    key, before = entry.definition.key, kept.get(entry.definition.key)
    try:
        made = entry.keep(value, before)
    except ValueError as error:
        raise ServiceError(str(error), field=entry.name) from error
    if made is None:
        kept.pop(key, None)
        return
    kept[key] = made
    if entry.definition.is_unique and made != before and _is_taken(row, entry.definition, made):
        raise ServiceError(taken(entry.definition), field=entry.name)


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
