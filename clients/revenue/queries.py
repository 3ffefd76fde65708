"""Queries on revenue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Q, Sum, Value
from django.db.models.functions import Coalesce

from clients.records.models import Client
from clients.revenue.models import Contract


@dataclass(frozen=True)
class Total:
    """A sum in the firm's currency, and the number of amounts left out because they have no rate."""

    amount: Decimal
    without_rate: int
    name: str = ""


def revenue_by_service(client: Client, start: date, end: date) -> list[Total]:
    """Revenue booked in [start, end) per service ("" for none), largest first."""
    rows = (
        client.revenue_lines.between(start, end)
        .order_by()
        .values(named=Coalesce("service__name", Value("")))
        .annotate(total=Coalesce(Sum("amount_firm"), Value(Decimal(0))), without=Count("pk", filter=Q(rate=None)))
        .order_by("-total", "named")
    )
    return [Total(row["total"], row["without"], row["named"]) for row in rows]


def recurring(contracts: Iterable[Contract], today: date) -> Total:
    """Monthly value of the contracts in force."""
    values = [row.monthly_value for row in contracts if row.is_in_force_on(today)]
    return Total(sum((value for value in values if value is not None), Decimal(0)), values.count(None))
