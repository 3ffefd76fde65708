"""The fields in which two records differ, and the values that the kept one takes over."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.models import Contact
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.fields.catalogue import Catalogue
from crm.core.fields.types import NOTHING

CATALOGUES: dict[Any, Catalogue] = {Client: CLIENT_FIELDS, Contact: CONTACT_FIELDS}
UNITED = {"tags"}  # both records' are kept


@dataclass(frozen=True)
class Choice:
    """A field in which the two differ. `kept`, `away`: the values in words; `is_taken`: whether the other record's is suggested,
    because the kept one has none.
    """

    name: str
    label: str
    kept: str
    away: str
    is_taken: bool


def choices_of(principal: Any, kept: Any, away: Any) -> list[Choice]:
    """The fields to choose between, in the order of the catalogue. A parent that the principal does not see is not told, and none that
    would make a ring is offered.
    """
    found = []
    for name, field in _offered(type(kept)).items():
        values = [field.raw(row) for row in (kept, away)]
        if values[0] == values[1] or not _may_choose(principal, name, kept, away):
            continue
        words = [_words(principal, field, row, value) for row, value in zip((kept, away), values, strict=True)]
        found.append(Choice(name, str(field.label), *words, is_taken=_is_empty(values[0])))
    return found


def _offered(model: Any) -> dict[str, Any]:
    catalogue = CATALOGUES[model]
    return {name: catalogue[name] for name in catalogue.edited if name not in UNITED and catalogue[name].is_used()}


def _words(principal: Any, field: Any, row: Any, value: Any) -> str:
    """Of rows that it links to, only those are named that the principal sees."""
    seen = (
        getattr(type(value)._default_manager, "visible_to", None) if hasattr(type(value), "_default_manager") else None
    )
    if seen is not None and not seen(principal).filter(pk=value.pk).exists():
        return NOTHING
    return field.text(row) or NOTHING


def _is_empty(value: Any) -> bool:
    return value in (None, "", [])


def _may_choose(principal: Any, name: str, kept: Any, away: Any) -> bool:
    return name != "parent" or _may_choose_parent(principal, kept, away)


def _may_choose_parent(principal: Any, kept: Any, away: Any) -> bool:
    """Neither is the other's parent, the other's parent is not below the kept client, and the principal sees both parents."""
    if kept.parent_id == away.pk:
        return False
    above, row = set(), away.parent
    while row is not None and row.pk not in above:
        above.add(row.pk)
        row = row.parent
    if kept.pk in above:
        return False
    parents = {pk for pk in (kept.parent_id, away.parent_id) if pk}
    return Client.objects.visible_to(principal).filter(pk__in=parents).count() == len(parents)


def values_of(principal: Any, kept: Any, away: Any, taken: Iterable[str]) -> dict[str, Any]:
    """{field: value of `away`}, as the services take them. Raises ServiceError for a field that the principal may not choose."""
    offered = _offered(type(kept))
    for name in taken:
        if name not in offered or not _may_choose(principal, name, kept, away):
            raise ServiceError(_("“%(name)s” is not a field to choose.") % {"name": name}, field="take")
    return {name: offered[name].raw(away) for name in taken}


def give_up(away: Any, taken: Iterable[str]) -> None:
    """Take the values of these fields that no two records may have off the record merged away, so that the kept one can have them."""
    entries = CATALOGUES[type(away)].custom
    unique = {
        entries[name].definition.held_at for name in taken if name in entries and entries[name].definition.is_unique
    }
    if unique & away.custom.keys():
        left = {key: value for key, value in away.custom.items() if key not in unique}
        type(away)._default_manager.filter(pk=away.pk).update(custom=left)
