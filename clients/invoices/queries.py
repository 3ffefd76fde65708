"""Reads of invoices: sums, aging. All start from rows that are visible to the principal."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When

from clients.invoices.choices import AGES
from clients.invoices.models import UNPAID, Invoice, Payment, aged_q
from crm.core.users.models import User

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
    age = Case(*(When(aged_q(key, today), then=Value(key)) for key in AGES))
    found = list(
        rows.filter(UNPAID)
        .order_by()
        .values("currency", age=age)
        .annotate(n=Count("pk"), left=Sum(F("gross") - F("paid")), own=Sum("open_firm"), rated=Count("rate"))
    )
    ages = [_part(key, [row for row in found if row["age"] == key]) for key in AGES]
    currencies = [
        _in(name, [row for row in found if row["currency"] == name]) for name in {r["currency"] for r in found}
    ]
    currencies.sort(key=lambda each: (-each.n, each.currency))
    return OpenSums(_total("all", ages), _total("overdue", ages[1:]), ages, currencies)


def _part(key: str, rows: list[dict[str, Any]]) -> Part:
    amount = sum((row["own"] or NOTHING for row in rows), NOTHING)
    return Part(key, sum(row["n"] for row in rows), amount, sum(row["n"] - row["rated"] for row in rows))


def _in(currency: str, rows: list[dict[str, Any]]) -> InCurrency:
    return InCurrency(currency, sum(row["n"] for row in rows), sum((row["left"] for row in rows), NOTHING))


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


@dataclass
class Paid:
    """A payment as its history tells: who recorded it and when, and of a removed one who removed it."""

    pk: int
    paid_date: date
    amount: Decimal
    note: str
    by: str
    at: datetime
    removed_by: str = ""
    removed_at: datetime | None = None


def payments_of(invoice: Invoice) -> list[Paid]:
    """Every payment, the removed ones too; two statements."""
    events: Any = Payment.pgh_event_model  # type: ignore[attr-defined]
    rows = list(events.objects.filter(invoice=invoice).select_related("pgh_context").order_by("pgh_id"))
    names = dict(User.objects.filter(pk__in={_user_of(row) for row in rows} - {None}).values_list("pk", "name"))
    found: dict[int, Paid] = {}
    for row in rows:
        who, at = names.get(_user_of(row), ""), row.pgh_created_at
        known = found.get(row.pgh_obj_id)
        if row.pgh_label == "delete":
            if known:
                known.removed_by, known.removed_at = who, at
        elif known:  # restored
            known.removed_at = None
        else:
            found[row.pgh_obj_id] = Paid(row.pgh_obj_id, row.paid_date, row.amount, row.note, who, at)
    return sorted(found.values(), key=lambda paid: (paid.paid_date, paid.pk))


def _user_of(event: Any) -> int | None:
    return event.pgh_context.metadata.get("user") if event.pgh_context else None


def line_rows(invoice: Invoice) -> list[Any]:
    """The revenue lines that name the invoice, of its client."""
    lines = invoice.revenue_lines.select_related("service")  # type: ignore[attr-defined]
    return list(lines.order_by("-date", "-pk")[:200])
