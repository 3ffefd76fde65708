"""The client list as a file, with the headers the import of clients knows."""

import csv
from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from clients.importing.clients import COLUMNS
from crm.core.importing.tabular import safe_cell

HEADERS = {column.name: column.label for column in COLUMNS}
FIELDS = [
    "name",
    "status",
    "status_date",
    "leaving_reason",
    "owner",
    "team",
    "tier",
    "kind",
    "relationship",
    "industry",
    "source",
    "website",
    "email",
    "phone",
    "street",
    "postal_code",
    "city",
    "region",
    "country",
    "time_zone",
    "language",
    "tags",
    "goals",
    "notes",
]


class _Line:
    """A file that returns each written line instead of storing it."""

    def write(self, text: str) -> str:
        return text


def stream_clients(clients: QuerySet, *, filename: str) -> StreamingHttpResponse:
    """UTF-8 with a byte-order mark, row by row; cells that a spreadsheet would take for a formula are made harmless."""
    response = StreamingHttpResponse(_lines(clients), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(clients: QuerySet) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([str(HEADERS[name]) for name in FIELDS])
    rows = (
        clients.select_related("facts", "owner", "team")
        .prefetch_related("tags", "status_periods")
        .order_by("name_key", "pk")
    )
    for client in rows.iterator(chunk_size=1000):
        yield writer.writerow([safe_cell(value) for value in _cells(client)])


def _cells(client) -> list[str]:
    facts = client.facts
    period = next((p for p in client.status_periods.all() if p.start_date == facts.status_since), None)
    own = {
        "status": facts.get_status_display(),
        "status_date": facts.status_since.isoformat() if facts.status_since else "",
        "leaving_reason": period.get_reason_display() if period and period.reason else "",
        "owner": client.owner.email,
        "team": client.team.name if client.team else "",
        "kind": client.get_kind_display(),
        "relationship": client.get_relationship_display(),
        "tags": "; ".join(tag.name for tag in client.tags.all()),
    }
    return [str(own[name] if name in own else getattr(client, name)) for name in FIELDS]
