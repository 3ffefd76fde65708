"""Queries on revenue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import (
    Case,
    Count,
    DecimalField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from clients.records.models import Client
from clients.revenue.choices import MONTHS_IN
from clients.revenue.models import Contract

MONEY = DecimalField(max_digits=20, decimal_places=8)


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


def _in_force(client: str, today: date) -> QuerySet:
    """The paid, recurring contracts in force on a day of the client in this column: `Contract.is_in_force_on` and `monthly_value` in SQL."""
    rows = Contract.objects.in_force_on(today).kept().filter(client=OuterRef(client), is_free=False)
    return rows.filter(period__in=list(MONTHS_IN)).order_by().values("client")


def monthly_of(client: str, today: date) -> Coalesce:
    """The monthly value of a client's contracts in force, as an annotation; those without a rate are left out."""
    months = Case(*(When(period=period, then=Value(n)) for period, n in MONTHS_IN.items()))
    each = ExpressionWrapper(F("value") * F("rate") / months, output_field=MONEY)
    total = _in_force(client, today).annotate(total=Sum(each)).values("total")
    return Coalesce(Subquery(total, output_field=MONEY), Value(Decimal(0)), output_field=MONEY)


def without_rate_of(client: str, today: date) -> Coalesce:
    """How many of them have no rate."""
    rows = _in_force(client, today).filter(rate__isnull=True).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(rows), Value(0))
