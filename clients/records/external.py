"""What other systems call our rows: imports and the API match by it first."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from clients.records.models import ExternalId
from crm.core.base.errors import ServiceError


def find_external(*, system: str, kind: str, value: str) -> int | None:
    """The id of the row another system calls `value`, or None. Load the row through `visible_to`."""
    if not value.strip():
        return None
    rows = ExternalId.objects.filter(system=system.strip().lower(), kind=kind, value=value.strip())
    return rows.values_list("object_id", flat=True).first()


def link_external(*, system: str, kind: str, value: str, object_id: int) -> ExternalId:
    """Remember that `system` calls the row `value`. Raises ServiceError when the id belongs to another row."""
    system, value = system.strip().lower(), value.strip()
    if not system or not value or len(system) > 60 or len(value) > 200:
        raise ServiceError(_("An external id needs a system and a value."), field="external_ids")
    row, made = ExternalId.objects.get_or_create(
        system=system, kind=kind, value=value, defaults={"object_id": object_id}
    )
    if not made and row.object_id != object_id:
        text = _("“%(value)s” of %(system)s already belongs to another record.") % {"value": value, "system": system}
        raise ServiceError(text, field="external_ids", code="external_id_taken")
    return row


def find_externals(*, system: str, kind: str, values: Iterable[str]) -> dict[str, int]:
    """{value: id of the row} for those known, in one query."""
    rows = ExternalId.objects.filter(
        system=system.strip().lower(), kind=kind, value__in=[value for value in values if value]
    )
    return dict(rows.values_list("value", "object_id"))


def has_external(*, system: str, kind: str, object_id: int) -> bool:
    """Whether one of our rows has an id in a system (the `row:` ones that imports make up do not count)."""
    rows = ExternalId.objects.filter(system=system.strip().lower(), kind=kind, object_id=object_id)
    return rows.exclude(value__startswith="row:").exists()
