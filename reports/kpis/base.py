"""The base of a KPI: its definition, its value, and the rows it counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.core.listing.paging import Sort
from crm.core.ui.formatting import money, number
from reports.columns import BY_NAME, Cell, Column
from reports.periods import Period
from reports.scope import Scope

FEW = 30  # below this, changes are shown but not judged good or bad
PERCENT, POINTS, MONEY, DAYS = "percent", "points", "money", "days"


@dataclass(frozen=True)
class KpiAnswer:
    """One value, unrounded; a rate runs to 100. `value` is None if the denominator is empty or the sample is too
    small.
    """

    id: str
    version: int
    formula: str
    unit: str
    value: float | None
    numerator: float | None
    denominator: float | None
    n: int
    margin: float | None
    period: Period
    basis: str | None
    members_url: str = ""
    currency: str | None = None  # currency of an amount; and the number of rows left out because they have no rate
    without_rate: int | None = None
    parts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The public form; `parts` is for pages only."""
        found = asdict(self)
        found.pop("parts")
        found["period"] = {"start": self.period.start.isoformat(), "end": self.period.end.isoformat()}
        return found


class Kpi:
    """A KPI of the registry. `answer` counts `members`, so that number and list agree; `series` computes many periods
    in one or two statements and equals `answer` for each of them (a test checks that).
    """

    id: ClassVar[str]
    version: ClassVar[int] = 1
    name: ClassVar[Any]
    formula: ClassVar[Any]
    formulas: ClassVar[Mapping[str | None, Any]] = {}  # of bases with their own text
    unit: ClassVar[str]
    source: ClassVar[Any]
    edge_rules: ClassVar[list[Any]]
    digits: ClassVar[int] = 0  # displayed decimals of a value that is neither per cent nor money
    has_basis: ClassVar[bool] = False
    needs_start: ClassVar[bool] = False  # does not cover clients imported without the day they became active
    has_margin: ClassVar[bool] = False
    counted: ClassVar[tuple[Any, Any]] = ("", "")  # numerator and denominator, in words; empty for a plain count
    shows: ClassVar[list[tuple[str, Any]]] = []  # parts of the members list, such as "left"
    noun: ClassVar[Any] = _(
        "clients"
    )  # its members, their order, and their columns on the page, in the CSV and in the API
    sort: ClassVar[Sort] = BY_NAME
    columns: ClassVar[tuple[Column, ...]]
    related: ClassVar[tuple[str, ...]] = ("owner",)
    series_is_rolling: ClassVar[bool] = True  # twelve months to each month's end; otherwise single months

    def answer(self, scope: Scope, period: Period) -> KpiAnswer:
        raise NotImplementedError

    def series(self, scope: Scope, periods: list[Period]) -> list[KpiAnswer]:
        return [self.answer(scope, period) for period in periods]

    def members(self, scope: Scope, period: Period, show: str = "") -> QuerySet:
        raise NotImplementedError

    def narrowed(self, members: QuerySet, parameters: Mapping[str, str]) -> QuerySet:
        """The members behind a part of the dashboard, by further parameters of the URL."""
        return members

    def working(self, answer: KpiAnswer, firm: Any) -> str:
        """The operands of the value, such as "28 ÷ 33"; "" for a plain count or without a value."""
        if answer.value is None or answer.numerator is None or answer.denominator is None:
            return ""
        above = money(round(answer.numerator, 2), firm.currency) if self.unit == MONEY else operand(answer.numerator)
        return f"{above} ÷ {operand(answer.denominator)}"

    def cells(self, row: Any, firm: Any) -> list[Cell]:
        return [column.cell(row, firm) for column in self.columns]

    def benchmark(self, firm: Any) -> Decimal | None:
        """The benchmark to compare with."""
        return None

    def certain_change(self, now: KpiAnswer, before: KpiAnswer) -> bool:
        """Whether the difference may be called better or worse: not for small numbers."""
        return (
            min(now.n, before.n) >= FEW
            and now.value is not None
            and before.value is not None
            and now.value != before.value
        )

    def made(
        self,
        period: Period,
        *,
        value,
        numerator,
        denominator,
        n,
        margin=None,
        basis=None,
        parts=None,
        money=(None, None),
    ) -> KpiAnswer:
        """`money`: (the firm's currency, rows without a rate) of a KPI that sums amounts."""
        return KpiAnswer(
            self.id,
            self.version,
            str(self.formulas.get(basis, self.formula)),
            self.unit,
            value,
            numerator,
            denominator,
            n,
            margin,
            period,
            basis,
            "",
            *money,
            parts or {},
        )


def operand(value: float) -> str:
    """As precise as needed for the division to give the shown value."""
    return number(value, 0 if value == round(value) else 4)


def share(part: int | float, whole: int | float) -> float | None:
    """Per cent, unrounded; None for an empty denominator."""
    return 100 * part / whole if whole else None
