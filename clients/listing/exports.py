"""Clients with every field, in the headers the import of clients knows."""

from collections.abc import Iterator

from django.db.models import QuerySet

from clients.importing.clients import COLUMNS

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


def all_fields(clients: QuerySet) -> Iterator[list[str]]:
    """Head and rows."""
    yield [str(HEADERS[name]) for name in FIELDS]
    rows = (
        clients.select_related("facts", "owner", "team")
        .prefetch_related("tags", "status_periods")
        .order_by("name_key", "pk")
    )
    for client in rows.iterator(chunk_size=1000):
        yield _cells(client)


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
