"""Reads of revenue."""

from datetime import date
from typing import Any

from django.db.models import Sum

from clients.records.models import Client


def revenue_by_service(client: Client, start: date, end: date) -> list[tuple[str, Any]]:
    """[(service's name or "", amount)] booked in [start, end), the largest first, in the firm's currency."""
    rows = (
        client.revenue_lines.between(start, end)
        .values("service__name")
        .annotate(total=Sum("amount_firm"))
        .order_by("-total")
    )
    return [(row["service__name"] or "", row["total"]) for row in rows]
