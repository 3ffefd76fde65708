"""Reads of invoices: sums, aging. All start from rows that are visible to the principal."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from clients.invoices.choices import AGES
from clients.invoices.models import UNPAID, Invoice, aged_q

NOTHING = Decimal(0)


def invoices_of(principal) -> QuerySet:
    """Those the principal sees, of clients in use."""
    return Invoice.objects.visible_to(principal).filter(client__archived_at=None)


@dataclass(frozen=True)
class Part:
    """Some unpaid invoices: what is open of them in the firm's currency, and how many are left out because they have no rate."""

    key: str
    n: int = 0
    amount: Decimal = NOTHING
    no_rate: int = 0


@dataclass(frozen=True)
class InCurrency:
    """What is open in one currency, in that currency."""

    currency: str
    n: int
    amount: Decimal


@dataclass(frozen=True)
class OpenSums:
    """Of the unpaid invoices among some: in all, what is overdue, by age, and by currency (the largest number first)."""

    all: Part
    overdue: Part
    ages: list[Part]
    currencies: list[InCurrency]


@dataclass(frozen=True)
class Billed:
    """Of the invoices among some that are not void: net and gross in the firm's currency, and how many are in neither, for they have no rate."""

    n: int
    net: Decimal
    gross: Decimal
    no_rate: int


def open_sums(rows: QuerySet, today: date) -> OpenSums:
    """One statement over the unpaid ones, which an index holds."""
    wanted: dict[str, Any] = {"n": Count("pk"), "open": Sum(F("gross") - F("paid"))}
    for key in AGES:
        age = aged_q(key, today)
        wanted[f"n_{key}"] = Count("pk", filter=age)
        wanted[f"sum_{key}"] = Sum("open_firm", filter=age)
        wanted[f"without_{key}"] = Count("pk", filter=age & Q(rate__isnull=True))
    wanted = {name.replace("-", "_"): each for name, each in wanted.items()}
    found = list(rows.filter(UNPAID).order_by().values("currency").annotate(**wanted).order_by("-n", "currency"))
    ages = [_part(key, found) for key in AGES]
    currencies = [InCurrency(row["currency"], row["n"], row["open"]) for row in found]
    return OpenSums(_total("all", ages), _total("overdue", ages[1:]), ages, currencies)


def _part(key: str, found: list[dict[str, Any]]) -> Part:
    name = key.replace("-", "_")
    return Part(
        key,
        sum(row[f"n_{name}"] for row in found),
        sum((row[f"sum_{name}"] or NOTHING for row in found), NOTHING),
        sum(row[f"without_{name}"] for row in found),
    )


def _total(key: str, parts: list[Part]) -> Part:
    return Part(
        key, sum(part.n for part in parts), sum((part.amount for part in parts), NOTHING), sum(p.no_rate for p in parts)
    )


def billed(rows: QuerySet) -> Billed:
    found = (
        rows.filter(voided_at__isnull=True)
        .order_by()
        .aggregate(
            n=Count("pk"),
            net=Sum("net_firm"),
            gross=Sum("gross_firm"),
            no_rate=Count("pk", filter=Q(rate__isnull=True)),
        )
    )
    return Billed(found["n"], found["net"] or NOTHING, found["gross"] or NOTHING, found["no_rate"])


def line_rows(invoice: Invoice) -> list[Any]:
    """The revenue lines that name the invoice, of its client."""
    lines = invoice.revenue_lines.select_related("service")  # type: ignore[attr-defined]
    return list(lines.order_by("-date", "-pk")[:200])
