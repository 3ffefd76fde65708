"""Reads of opportunities: sums, the board, the forecast. All start from rows that are visible to the principal."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from clients.opportunities.models import Opportunity, Pipeline, Stage
from crm.core.base.dates import add_months
from crm.core.listing import boards
from crm.core.listing.paging import Sort, paginate

COLUMN = 25  # cards of a column of the board, at a time
MONTHS = 12  # of the forecast
BY_CLOSE = Sort("expected_close")
_SUMS: dict[str, Any] = {
    "sum_n": Count("pk"),
    "sum_value": Sum("value_firm"),
    "sum_weighted": Sum("weighted_firm"),
    "sum_no_value": Count("pk", filter=Q(value__isnull=True)),
    "sum_no_rate": Count("pk", filter=Q(value__isnull=False, value_firm__isnull=True)),
}


@dataclass(frozen=True)
class Sums:
    """Of some opportunities, in the firm's currency. Those without a value or a rate are counted, and in no sum."""

    n: int = 0
    value: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)
    no_value: int = 0
    no_rate: int = 0

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Sums":
        return cls(**{name.removeprefix("sum_"): row[name] or 0 for name in _SUMS})

    @property
    def left_out(self) -> int:
        return self.no_value + self.no_rate

    def __add__(self, other: "Sums") -> "Sums":
        names = [each.name for each in fields(self)]
        return Sums(*(getattr(self, name) + getattr(other, name) for name in names))


def sums(rows: QuerySet) -> Sums:
    return Sums.of(rows.order_by().aggregate(**_SUMS))


def opportunities_of(principal) -> QuerySet:
    """Those the principal sees, of clients in use."""
    return Opportunity.objects.visible_to(principal).filter(client__archived_at=None)


@dataclass
class BoardColumn(boards.Column):
    """A stage, with the sums of all its opportunities."""

    stage: Any = None
    sums: Sums = field(default_factory=Sums)
    next_cursor: str = ""


def board(rows: QuerySet, pipeline: Pipeline) -> list[BoardColumn]:
    """The pipeline's stages with the first open opportunities of each. `rows` are filtered and open."""
    rows = rows.filter(pipeline=pipeline)
    counted = rows.order_by().values("stage").annotate(**_SUMS)
    found = {row["stage"]: Sums.of(row) for row in counted}
    columns = [
        BoardColumn(str(stage.pk), stage.name, sums.n, stage=stage, sums=sums)
        for stage in pipeline.stages.kept().order_by("position", "pk")
        for sums in [found.get(stage.pk, Sums())]
    ]
    for column in columns:
        if column.n:
            column.cards, column.next_cursor = cards(rows, column.stage)
    return columns


def cards(rows: QuerySet, stage: Stage, cursor: str = "") -> tuple[list[Opportunity], str]:
    """(25 cards of a column, the cursor of those after them). Raises BadCursor."""
    found = rows.filter(stage=stage.pk).select_related("client", "owner")
    page = paginate(found, sort=BY_CLOSE, cursor=cursor, size=COLUMN, counted=False)
    for row in page.rows:
        row.stage = stage
    return page.rows, page.next_cursor or ""


@dataclass(frozen=True)
class ForecastRow:
    """[start, end) of expected closes; None is open."""

    start: date | None
    end: date | None
    sums: Sums

    @property
    def query(self) -> dict[str, str]:
        """The filters of the list that shows these."""
        days = {"close_from": self.start, "close_before": self.end}
        return {name: day.isoformat() for name, day in days.items() if day}


def forecast(rows: QuerySet, today: date) -> Sequence[ForecastRow]:
    """Open opportunities by the month in which they are expected to close: what should have closed before this month, twelve months,
    and what comes later; the outer two only where there is something."""
    first = today.replace(day=1)
    counted = rows.order_by().annotate(month=TruncMonth("expected_close")).values("month").annotate(**_SUMS)
    found = {row["month"]: Sums.of(row) for row in counted}
    months = [add_months(first, n) for n in range(MONTHS + 1)]
    before = sum((each for month, each in found.items() if month < first), Sums())
    after = sum((each for month, each in found.items() if month >= months[-1]), Sums())
    made = [ForecastRow(None, first, before)] if before.n else []
    made += [ForecastRow(start, end, found.get(start, Sums())) for start, end in zip(months, months[1:], strict=False)]
    return [*made, ForecastRow(months[-1], None, after)] if after.n else made


def stays_of(opportunity: Opportunity) -> list[Any]:
    return list(opportunity.stage_changes.select_related("stage", "by").order_by("-entered_at", "-pk"))
