"""Queries on revenue: sums of a client, the calendar of renewals, the table by month."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce, RowNumber, TruncMonth

from clients.records.models import Client
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.dates import add_months

_WITHOUT = Count("pk", filter=Q(rate__isnull=True))

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


def contracts_of(principal) -> QuerySet:
    """Those the principal sees, of clients in use, with what each brings in a year."""
    return Contract.objects.visible_to(principal).filter(client__archived_at=None).with_yearly()


def lines_of(principal) -> QuerySet:
    """Those the principal sees, of clients in use."""
    return RevenueLine.objects.visible_to(principal).filter(client__archived_at=None)


def yearly_of(contracts: QuerySet) -> Total:
    """What contracts (`with_yearly`) bring in a year."""
    found = contracts.order_by().aggregate(total=Sum("yearly_firm"), without=_WITHOUT)
    return Total(found["total"] or Decimal(0), found["without"])


def sum_of_lines(lines: QuerySet) -> Total:
    found = lines.order_by().aggregate(total=Sum("amount_firm"), without=_WITHOUT)
    return Total(found["total"] or Decimal(0), found["without"])


# The calendar of renewals

MONTHS = 12
SHOWN_IN_MONTH = 12
DECIDE_WITHIN = timedelta(days=60)
NEXT = 8
DATES = {"notice": "notice_date", "renewal": "renewal_date", "end": "end_date"}


@dataclass(frozen=True)
class Event:
    """A day of a contract: the last day for notice, its renewal, or its end."""

    kind: str
    day: date
    contract: Contract


@dataclass
class Month:
    """[start, end) with the first events in it. `totals`: by kind, the number of contracts and what they bring in a year."""

    start: date
    end: date
    events: list[Event] = field(default_factory=list)
    totals: dict[str, tuple[int, Total]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return sum(n for n, _total in self.totals.values())

    @property
    def left_out(self) -> int:
        return self.n - len(self.events)


def dates_of(contracts: QuerySet, kind: str, start: date, end: date) -> QuerySet:
    """Contracts with a date of this kind in [start, end). Notice and renewal of one that is over by then do not come up: where it ends
    first, its end does."""
    name = DATES[kind]
    rows = contracts.filter(**{f"{name}__gte": start, f"{name}__lt": end})
    return rows if kind == "end" else rows.that_renew()


def calendar(contracts: QuerySet, first: date) -> list[Month]:
    """Twelve months from `first` (the first of one) on. Two statements for each kind of date."""
    starts = [add_months(first, n) for n in range(MONTHS + 1)]
    months = {start: Month(start, end) for start, end in pairwise(starts)}
    for kind, name in DATES.items():
        rows = dates_of(contracts, kind, first, starts[-1])
        counted = rows.order_by().annotate(month=TruncMonth(name)).values("month")
        for row in counted.annotate(n=Count("pk"), total=Sum("yearly_firm"), without=_WITHOUT):
            months[row["month"]].totals[kind] = row["n"], Total(row["total"] or Decimal(0), row["without"])
        place = Window(RowNumber(), partition_by=TruncMonth(name), order_by=[F(name), F("pk")])
        firsts = rows.annotate(place=place).filter(place__lte=SHOWN_IN_MONTH)
        for contract in firsts.select_related("client__owner", "service").order_by(name, "pk"):
            day = getattr(contract, name)
            months[day.replace(day=1)].events.append(Event(kind, day, contract))
    for month in months.values():
        month.events = sorted(month.events, key=lambda event: (event.day, event.contract.pk))[:SHOWN_IN_MONTH]
    return list(months.values())


def to_decide(contracts: QuerySet, today: date) -> QuerySet:
    """Contracts whose last day for notice is within the next 60 days, the nearest first."""
    rows = dates_of(contracts, "notice", today, today + DECIDE_WITHIN + timedelta(days=1))
    return rows.select_related("client__owner", "service").order_by("notice_date", "pk")


# Revenue by month

ROWS_SHOWN = 50


@dataclass(frozen=True)
class Line:
    """A row of the table: a client or a service (`key` None: no service), with a sum a month, and the number of amounts in no sum."""

    key: int | None
    name: str
    cells: list[Decimal]
    total: Decimal
    without_rate: int


@dataclass(frozen=True)
class Table:
    """Revenue by `by` ("client" or "service") over `months` [start, end). `lines` are the largest, `n` are all of them; `sums` are of
    all, also of those not shown."""

    by: str
    months: list[tuple[date, date]]
    lines: list[Line]
    n: int
    sums: Line


def months_until(last: date, n: int = MONTHS) -> list[tuple[date, date]]:
    """The n months up to that of `last`, as [start, end)."""
    starts = [add_months(last.replace(day=1), step) for step in range(1 - n, 2)]
    return list(pairwise(starts))


def revenue_table(
    lines: QuerySet, *, by: str, months: list[tuple[date, date]], shown: int | None = ROWS_SHOWN
) -> Table:
    """The largest rows (None: all), and the sums of all. Three statements, and a count of the rows."""
    lines = lines.between(months[0][0], months[-1][1]).order_by()
    whole = lines.values(by, named=Coalesce(f"{by}__name", Value(""))).annotate(
        total=Coalesce(Sum("amount_firm"), Value(Decimal(0))), without=_WITHOUT
    )
    found = list(whole.order_by("-total", "named", by)[:shown])
    keys = [row[by] for row in found]
    wanted = lines if shown is None else lines.filter(Q(**{f"{by}__in": keys}) | Q(**{f"{by}__isnull": True}))
    cells: dict[Any, dict[date, Decimal]] = {}
    for row in wanted.annotate(month=TruncMonth("date")).values(by, "month").annotate(sum=Sum("amount_firm")):
        cells.setdefault(row[by], {})[row["month"]] = row["sum"] or Decimal(0)
    rows = [_line(row[by], row["named"], cells.get(row[by], {}), months, row["total"], row["without"]) for row in found]
    n = len(found) if shown is None or len(found) < shown else whole.order_by().count()
    return Table(by, months, rows, n, _all_lines(lines, months))


def _line(key, name, cells, months, total, without) -> Line:
    return Line(key, name, [cells.get(start, Decimal(0)) for start, _end in months], total, without)


def _all_lines(lines: QuerySet, months) -> Line:
    by_month = lines.annotate(month=TruncMonth("date")).values("month")
    found = {row["month"]: row for row in by_month.annotate(sum=Sum("amount_firm"), without=_WITHOUT)}
    cells = {month: row["sum"] or Decimal(0) for month, row in found.items()}
    return _line(
        None, "", cells, months, sum(cells.values(), Decimal(0)), sum(row["without"] for row in found.values())
    )


# The sums of a group of clients


def _paying(client: str, today: date) -> QuerySet:
    """The recurring contracts in force on a day of the client in this column."""
    return Contract.objects.in_force_on(today).recurring().filter(client=OuterRef(client)).order_by()


def monthly_of(client: str, today: date) -> Coalesce:
    """The monthly value of a client's contracts in force, as an annotation; those without a rate are left out."""
    total = (
        _paying(client, today).with_yearly().values("client").annotate(total=Sum("yearly_firm") / 12).values("total")
    )
    return Coalesce(Subquery(total, output_field=MONEY), Value(Decimal(0)), output_field=MONEY)


def without_rate_of(client: str, today: date) -> Coalesce:
    """How many of them have no rate."""
    rows = _paying(client, today).filter(rate__isnull=True).values("client").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(rows), Value(0))
