"""Roll-ups: one number, amount or day of a record's related rows. Apps register what can be rolled up in their hooks, so that a lower
app names no higher one.

A roll-up is JSON: {"source": "opportunities", "how": "sum", "value": "value", "where": ["state=won"], "days": 365}.
Rows that the reader does not see are in none: a source starts from `visible_to`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Avg, Count, Expression, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, TextChoices
from django.db.models.functions import Coalesce, TruncDate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.registry import Registry
from crm.core.fields.custom.formulas import sql
from crm.core.fields.custom.formulas.checking import NUMBERS, Asked, FormulaError, Part, Result
from crm.core.listing.counting import column_of
from crm.core.ui.formatting import in_sentence

MOST_DAYS, MOST_CONDITIONS = 36_500, 20
PARTS = 20  # of a formula that a roll-up counts as: each is a statement of its own within the statement


class How(TextChoices):
    COUNT = "count", _lazy("How many")
    SUM = "sum", _lazy("Sum")
    AVERAGE = "average", _lazy("Average")
    MIN = "min", _lazy("Smallest or earliest")
    MAX = "max", _lazy("Largest or latest")
    LATEST = "latest", _lazy("Of the latest one")


OF_NUMBERS = {How.SUM, How.AVERAGE}
AGGREGATES: dict[str, Any] = {How.SUM: Sum, How.AVERAGE: Avg, How.MIN: Min, How.MAX: Max}


@dataclass(frozen=True)
class Measure:
    """What is computed of each row: `path` is its column. `is_moment`: a day is asked of a moment. Of an amount of money the column is in
    the firm's currency, and `unrated` are the rows that have an amount but no rate, and so are in no sum."""

    key: str
    label: Any
    path: str
    type: Result = Result.NUMBER
    is_moment: bool = False
    unrated: Q | None = None


@dataclass(frozen=True)
class Condition:
    """One of the closed list that narrows a roll-up. Those of one `subject` are alternatives; of different ones all hold."""

    key: str
    label: Any
    q: Callable[[Asked], Q]

    @property
    def subject(self) -> str:
        return self.key.partition("=")[0]


def by_choice(path: str, label: Any, choices: Iterable[tuple[Any, Any]]) -> list[Condition]:
    """A condition for each choice of a column."""

    def made(value: Any, words: Any) -> Condition:
        return Condition(f"{path}={value}", _label(label, words), lambda asked: Q(**{path: value}))

    return [made(value, words) for value, words in choices if value not in (None, "")]


class _label:
    """“State: Won”, in the reader's language."""

    def __init__(self, label: Any, words: Any):
        self.label, self.words = label, words

    def __str__(self) -> str:
        return f"{self.label}: {self.words}"


@dataclass(frozen=True)
class Source:
    """Related rows of a kind of record. `rows(principal)`: those that the principal may see, archived ones left out; `path`: their column
    that names the record; `day`: the column of the day that “latest” and “in the last days” go by, `is_moment` if it is a moment.
    `rows_of_seen(principal)`: the same of records that the principal sees, which a filter or sort asks of no others: without the gate of the
    record. `counted`: what is in it, in a sentence; `is_used`: whether the firm has such rows at all."""

    key: str
    record: str
    label: Any
    rows: Callable[[Any], QuerySet]
    day: str
    counted: Any
    is_moment: bool = False
    path: str = "client"
    measures: tuple[Measure, ...] = ()
    conditions: tuple[Condition, ...] = ()
    order: int = 0
    is_used: Callable[[], bool] = lambda: True
    rows_of_seen: Callable[[Any], QuerySet] | None = None

    def measure(self, key: str) -> Measure | None:
        return next((each for each in self.measures if each.key == key), None)

    def condition(self, key: str) -> Condition | None:
        return next((each for each in self.conditions if each.key == key), None)


sources: Registry[Source] = Registry("source of roll-ups")


def sources_of(record: str, kept: str = "") -> list[Source]:
    """Those that a roll-up may be made of; with the one that it has, even if that is no longer used."""
    return [source for source in sources if source.record == record and (source.key == kept or source.is_used())]


@dataclass(frozen=True)
class Rollup:
    """A checked roll-up."""

    source: Source
    how: How
    measure: Measure | None
    conditions: tuple[Condition, ...] = ()
    days: int = 0

    @property
    def part(self) -> Part:
        if self.how == How.COUNT:
            return Part(Result.NUMBER, self._count, PARTS, is_personal=True)
        measure = self.measure
        assert measure is not None  # read() asks for one
        unrated = (self._unrated,) if measure.unrated is not None else ()
        return Part(measure.type, self._value, PARTS, unrated=unrated, is_personal=True)

    def _rows(self, asked: Asked) -> QuerySet:
        of_record = {f"{self.source.path}__isnull": False} if asked.of_all else {self.source.path: OuterRef("pk")}
        seen = self.source.rows_of_seen if asked.of_all and self.source.rows_of_seen else self.source.rows
        rows = seen(asked.principal).filter(**of_record).order_by()
        by_subject: dict[str, Q] = {}
        for condition in self.conditions:
            by_subject[condition.subject] = by_subject.get(condition.subject, Q()) | condition.q(asked)
        for q in by_subject.values():
            rows = rows.filter(q)
        if asked.of_none:
            rows = rows.filter(pk__lt=0)
        if self.days:
            first: Any = asked.today - timedelta(days=self.days)
            first = datetime.combine(first, time(), asked.zone) if self.source.is_moment else first
            last: Any = asked.now if self.source.is_moment else asked.today
            rows = rows.filter(**{f"{self.source.day}__gte": first, f"{self.source.day}__lte": last})
        return rows

    def _one(self, asked: Asked, rows: QuerySet, aggregate: Any, output: Any) -> Any:
        """One aggregate of the rows of each record."""
        path = self.source.path
        grouped = rows.values(path).annotate(rolled_up=aggregate)
        if asked.of_all:
            return _looked_up(grouped.values_list(path, "rolled_up"), output)
        return Subquery(grouped.values("rolled_up"), output_field=output)

    def _count(self, asked: Asked) -> Any:
        counted = self._one(asked, self._rows(asked), Count("pk"), sql.NUMBER)
        return sql.number(Coalesce(counted, 0, output_field=sql.NUMBER))

    def _unrated(self, asked: Asked) -> Any:
        rows = self._rows(asked).filter(self.measure.unrated)  # type: ignore[union-attr]
        return Coalesce(self._one(asked, rows, Count("pk"), sql.NUMBER), 0, output_field=sql.NUMBER)

    def _value(self, asked: Asked) -> Any:
        measure: Any = self.measure
        column: Any = TruncDate(F(measure.path), tzinfo=asked.zone) if measure.is_moment else F(measure.path)
        output = sql.NUMBER if measure.type in NUMBERS else sql.DAY
        rows = self._rows(asked)
        if self.how == How.LATEST:
            made = self._latest(asked, rows.annotate(rolled_up=column), output)
        else:
            made = self._one(asked, rows, AGGREGATES[self.how](column, output_field=output), output)
        return sql.number(made) if measure.type in NUMBERS else made

    def _latest(self, asked: Asked, rows: QuerySet, output: Any) -> Any:
        day, column = self.source.day, column_of(rows.model, self.source.day)
        is_always_given = (
            column is not None and column.model is rows.model and not column.null
        )  # then an index has this order
        by_day = (F(day).desc(nulls_last=None if is_always_given else True), F("pk").desc())
        path = self.source.path
        if asked.of_all:
            return _looked_up(
                rows.order_by(F(path).asc(), *by_day).distinct(path).values_list(path, "rolled_up"), output
            )
        return Subquery(rows.order_by(*by_day).values("rolled_up")[:1], output_field=output)

    def words(self) -> str:
        """In a sentence: “Sum of Value of opportunities, State: Won, in the last 365 days”."""
        label = in_sentence(str(self.source.label))
        if self.measure is None:
            said = [_("How many %(what)s") % {"what": label}]
        else:
            told = {"how": self.how.label, "value": in_sentence(str(self.measure.label)), "what": label}
            said = [_("%(how)s: %(value)s of %(what)s") % told]
        said += [str(condition.label) for condition in self.conditions]
        if self.days:
            said.append(_("in the last %(n)d days") % {"n": self.days})
        return ", ".join(said)


OBJECT = "SELECT jsonb_object_agg(k, v)::text FROM ({}) AS pairs (k, v)"


class _Map(Expression):
    """Pairs of record and value as one JSON object. The first statement that it stands in computes it; those that are made of the same rows,
    such as a page and its count, get the same object. NULL for who sees none."""

    def __init__(self, pairs: QuerySet):
        super().__init__(output_field=sql.TEXT)
        self.pairs = pairs
        self.made: dict[str, str | None] = {}  # copies of the expression share it

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if connection.alias not in self.made:
            self.made[connection.alias] = self._make(connection)
        return "%s::jsonb", [self.made[connection.alias]]

    def _make(self, connection: Any) -> str | None:
        try:
            pairs, given = self.pairs.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return None
        with connection.cursor() as cursor:
            cursor.execute(OBJECT.format(pairs), given)
            return cursor.fetchone()[0]


def _looked_up(pairs: QuerySet, output: Any) -> Any:
    """The value of each record out of the pairs of all. A subquery for each record would fetch its rows one by one, which for a filter or
    sort of many records takes ten times as long as one pass over the table."""
    key = sql.sql("(%(expressions)s)::text", F("pk"), field=sql.TEXT)
    found = sql.sql("(%(expressions)s)", _Map(pairs), key, field=sql.TEXT, between=" ->> ")
    return sql.sql(f"(%(expressions)s)::{'date' if output is sql.DAY else 'numeric'}", found, field=output)


def read(record: str, data: Mapping[str, Any]) -> Rollup:
    """Raises FormulaError for what is not, or no longer, there."""
    source = sources.get(str(data.get("source", "")))
    if source is None or source.record != record:
        raise FormulaError(_("Choose what to roll up."))
    if data.get("how") not in How:
        raise FormulaError(_("Choose how to roll it up."))
    how, measure = How(data["how"]), None
    if how != How.COUNT:
        measure = source.measure(str(data.get("value", "")))
        if measure is None:
            raise FormulaError(_("Choose the value to roll up."))
        if how in OF_NUMBERS and measure.type not in NUMBERS:
            raise FormulaError(
                _("“%(what)s” is a date. Choose the earliest, the latest or that of the latest one.")
                % {"what": measure.label}
            )
    wanted, conditions = list(data.get("where") or []), []
    if len(wanted) > MOST_CONDITIONS:
        raise FormulaError(_("Choose up to %(n)d conditions.") % {"n": MOST_CONDITIONS})
    for key in wanted:
        condition = source.condition(str(key))
        if condition is None:
            raise FormulaError(_("The condition “%(what)s” is no longer there.") % {"what": str(key)[:60]})
        conditions.append(condition)
    days = data.get("days") or 0
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= MOST_DAYS:
        raise FormulaError(_("Enter a number of days, up to %(n)d.") % {"n": MOST_DAYS})
    return Rollup(source, how, measure, tuple(conditions), days)
