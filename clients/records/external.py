"""External ids of rows: imports and the API match by them first."""

from collections.abc import Iterable, Mapping
from functools import partial

from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from clients import registry
from clients.records.models import ExternalId
from crm.core.base.errors import ServiceError
from crm.core.base.models import fresh, insert

TAKEN = "external_id_taken"


def find_external(*, system: str, kind: str, value: str) -> int | None:
    """The id of the row with this external id, or None. Load the row through `visible_to`."""
    if not value.strip():
        return None
    rows = ExternalId.objects.filter(system=system.strip().lower(), kind=kind, value=value.strip())
    return rows.values_list("object_id", flat=True).first()


def link_external(*, system: str, kind: str, value: str, object_id: int) -> None:
    """Save the row's id in `system`. Raises ServiceError if the id belongs to another row."""
    link_externals(system=system, kind=kind, ids={value: object_id})


def link_externals(*, system: str, kind: str, ids: Mapping[str, int]) -> None:
    """`link_external` for several rows, {value: id of the row}, in a few statements. Raises ServiceError for an id that
    is taken.
    """
    system = system.strip().lower()
    of_all = partial(fresh, ExternalId, system=system, kind=kind)
    rows = [of_all(value=value.strip(), object_id=pk) for value, pk in ids.items()]
    if any(not row.system or not row.value or len(row.system) > 60 or len(row.value) > 200 for row in rows):
        raise ServiceError(_("An external ID needs a system and a value."), field="external_ids")
    found = find_externals(system=system, kind=kind, values=[row.value for row in rows])
    kept = _kept_ones(kind, [row.object_id for row in rows])
    for row in rows:
        row.object_id = kept.get(row.object_id, row.object_id)
    if any(found.get(row.value, row.object_id) != row.object_id for row in rows):
        raise external_id_taken()
    new = {row.value: row for row in rows if row.value not in found}
    if any(new[row.value].object_id != row.object_id for row in rows if row.value in new):
        raise external_id_taken()
    try:
        with transaction.atomic():
            insert([*new.values()])
    except IntegrityError as error:  # somebody else gave one of the ids just now
        raise external_id_taken() from error


def _kept_ones(kind: str, pks: list[int]) -> dict[int, int]:
    """{record: the one into which it was merged}, of those that were merged while the caller held them. The lock, as a foreign key takes
    it, waits for a merge that is being made, which then moves no id that is added later.
    """
    source = registry.successors.get(f"clients.{kind}")
    if source is None or not pks:
        return {}
    table = apps.get_model(source.key)._meta.db_table
    with connection.cursor() as cursor:
        sql = f'SELECT id, archived_at FROM "{table}" WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE'  # nosec B608: our own name
        cursor.execute(sql, [pks])
        archived = [pk for pk, archived_at in cursor.fetchall() if archived_at]
    return source.standing(archived) if archived else {}


def external_id_taken() -> ServiceError:
    """The error for an id of another record, the same whether or not that record is visible."""
    return ServiceError(_("This external ID is already in use."), field="external_ids", code=TAKEN)


def find_externals(*, system: str, kind: str, values: Iterable[str]) -> dict[str, int]:
    """{value: id of the row} for known ids, in one query."""
    rows = ExternalId.objects.filter(
        system=system.strip().lower(), kind=kind, value__in=[value for value in values if value]
    )
    return dict(rows.values_list("value", "object_id"))


def with_externals(*, system: str, kind: str, ids: Iterable[int]) -> set[int]:
    """The rows that have an id in a system (without the `row:` ids that imports invent)."""
    rows = ExternalId.objects.filter(system=system.strip().lower(), kind=kind, object_id__in=[*ids])
    return {*rows.exclude(value__startswith="row:").values_list("object_id", flat=True)}
