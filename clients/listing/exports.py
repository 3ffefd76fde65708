"""Clients with every field that a file can hold, in the headers the import of clients knows."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from clients.records.fields import CLIENT_FIELDS

FIELDS = [field for field in CLIENT_FIELDS.values() if field.is_imported and not field.cell]


def all_fields(clients: QuerySet) -> Iterator[list[Any]]:
    """Head and rows."""
    yield [str(field.import_column().label) for field in FIELDS]
    rows = clients.select_related("facts", "owner", "team").prefetch_related("tags", "status_periods")
    for client in rows.order_by("name_key", "pk").iterator(chunk_size=1000):
        yield [field.value(client) for field in FIELDS]
