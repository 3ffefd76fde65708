"""Statements of the search: what matches best comes first, and of that what is recent.

A source gives *branches*, best first. PostgreSQL reads them one after the other and stops when it has enough, so that a branch is only
read if those before it found too little. Each branch is ordered by an index, so that few rows are read where much matches, and has an
index for the match, where little does.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, models, transaction
from django.db.models import BooleanField, Case, F, Func, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce, Concat

from crm.core.base.archiving import Archivable
from crm.core.base.models import Folded
from crm.core.search.typed import Typed

EXACT, PREFIX, WORD, ANYWHERE, IN_TEXT = range(5)
NEWEST = 2_000  # rows of a table of texts that are read one by one before its index of words is asked


Make = Callable[..., QuerySet]  # (rows, rank, is_own=…) → the rows as `Found`


@dataclass(frozen=True)
class Ask:
    """What a source is asked: for whom, what was typed, how many rows, and whether the principal sees few clients (then a source narrows
    its rows to theirs first)."""

    principal: Any
    typed: Typed
    limit: int
    is_few: bool = False


class Found(NamedTuple):
    """A row of the statement. `rank`: the less the better; `at`: what is recent; `state` and `text` are for the source's own use."""

    source: str
    rank: int
    is_own: bool
    at: Any
    pk: int
    title: str
    client: str
    state: str
    text: str


class Words(Func):
    """The words of a row's text, a column of the database that its model does not name."""

    arity = 1

    def __init__(self, pk: Any = "pk"):
        super().__init__(pk, output_field=models.TextField())

    def as_sql(self, compiler, connection, *args, **extra):  # type: ignore[override]
        column: Any = self.source_expressions[0]
        return f'{compiler.quote_name_unless_alias(column.alias)}."words"', ()


class Begins(Func):
    """The texts with words that begin like all of these."""

    template, arg_joiner = "(%(expressions)s)", " && "

    def __init__(self, *words: str):
        each = (Func(Value(word), function="core_begins", output_field=models.TextField()) for word in words)
        super().__init__(*each, output_field=models.TextField())


class Says(Func):
    template, arg_joiner, arity = "%(expressions)s", " @@ ", 2
    output_field = BooleanField()


def ids(rows: QuerySet, column: str = "pk") -> ArraySubquery:
    return ArraySubquery(rows.order_by().values_list(column))


def says(*words: str) -> Says:
    """The condition on a row with a text: its words begin like all of these."""
    return Says(Words(), Begins(*words))


def contains(name: str, words: Sequence[str], short: Sequence[bool] = ()) -> Q:
    """Rows with every word. `short` ones, of one or two letters, which are in nearly every name, must begin a word: an index finds that."""
    shorts = [*short, *[False] * len(words)]
    return Q(*(_has(name, word, is_short) for word, is_short in zip(words, shorts, strict=False)))


def _has(name: str, word: str, is_short: bool) -> Q:
    if not is_short:
        return Q(**{f"{name}__contains": Folded(Value(word))})
    inside = Concat(Value(" "), Folded(Value(word)), output_field=models.TextField())
    return Q(**{f"{name}__startswith": Folded(Value(word))}) | Q(**{f"{name}__contains": inside})


def found(rows: QuerySet, source: str, rank: Any, **columns: Any) -> QuerySet:
    """The rows as `Found`. Columns not named are empty."""
    empty = {
        "is_own": Value(False),
        "at": Value(None, models.DateTimeField()),
        "client": Value(""),
        "state": Value(""),
        "text": Value(""),
    }
    given = {"source": Value(source), "rank": Value(rank) if isinstance(rank, int) else rank, **empty, **columns}
    kinds: dict[str, models.Field] = {
        "rank": models.IntegerField(),
        "is_own": BooleanField(),
        "at": models.DateTimeField(),
    }
    made = {
        f"found_{name}": Cast(given.get(name, F(name)), kinds.get(name, models.TextField()))
        for name in Found._fields
        if name != "pk"
    }
    names = ["pk" if name == "pk" else f"found_{name}" for name in Found._fields]
    return rows.annotate(**made).values_list(*names)


class Ways(NamedTuple):
    """How a name matches: it is the text, it begins like it, it has its words. Each holds those before it. `begins`: the first word begins a
    word of the name."""

    exact: Q
    prefix: Q
    words: Q
    begins: Q

    @property
    def rank(self) -> Case:
        """SQL: the rank of a row that has the words."""
        order = ((EXACT, self.exact), (PREFIX, self.prefix), (WORD, self.begins))
        return Case(*(When(way, then=Value(rank)) for rank, way in order), default=Value(ANYWHERE))

    def __or__(self, other: "Ways") -> "Ways":
        return Ways(*(one | another for one, another in zip(self, other, strict=True)))


def ways(typed: Typed, *, name: str, key: str) -> Ways:
    """`name` is the folded name, `key` what is searched for every word."""
    whole, inside = Folded(Value(typed.text)), Folded(Value(typed.inside))
    exact, prefix = Q(**{name: whole}), Q(**{f"{name}__startswith": whole})
    return Ways(exact, prefix, contains(key, typed.words, typed.shape.short), Q(**{f"{key}__contains": inside}))


def by_name(
    ask: Ask,
    rows: QuerySet,
    way: Ways,
    make: Make,
    order: Sequence[Any],
    *,
    is_exact_apart: bool = True,
    own: Q | None = None,
) -> list[QuerySet]:
    """The branches of rows with a name, those of a rank in this order. If the rows are few they are read once; `is_exact_apart`: else those
    with exactly this name are looked up first, because others that begin so may be many. `own`: the condition of the principal's own rows, which
    come first within a rank."""
    if ask.is_few:
        mine = {} if own is None else {"is_own": Case(When(own, then=True), default=False)}
        made = make(rows.filter(way.words | way.prefix), way.rank, **mine)
        return [made.order_by("found_rank", "-found_is_own", *order)[: ask.limit]]
    each: list[tuple[Q, Any]] = (
        [(way.exact, EXACT), (way.prefix & ~way.exact, PREFIX)] if is_exact_apart else [(way.prefix, way.rank)]
    )
    each.append((way.words & ~way.prefix, way.rank))
    found = [together([make(rows.filter(way), rank).order_by(*order)[: ask.limit] for way, rank in each], ask.limit)]
    return found + own_first(ask, rows, own, way, make, order)


def own_first(ask: Ask, rows: QuerySet, own: Q | None, way: Ways, make: Make, order: Sequence[Any]) -> list[QuerySet]:
    """The branch of the principal's own rows, which others that match as well would crowd out; none for who has no clients."""
    if own is None or not ask.principal.is_account_manager:
        return []
    found = make(rows.filter(own).filter(way.words | way.prefix), way.rank, is_own=Value(True))
    return [found.order_by("found_rank", *order)[: ask.limit]]


def by_text(ask: Ask, rows: QuerySet, make: Make, *, recent: str) -> list[QuerySet]:
    """The branches of rows with a text that has the words; the newest by `recent` first."""
    return newest_first(ask, rows, rows.filter(says(*ask.typed.said)), make, recent=recent)


def newest_first(
    ask: Ask, rows: QuerySet, chosen: QuerySet, make: Make, *, recent: str, newest: int = NEWEST
) -> list[QuerySet]:
    """The branches of those `chosen` of the rows, where nobody knows how many they are. The newest rows are read one by one, where something
    common soon has enough; only then the index of the condition is asked for the older ones."""
    # ordered by an expression, so that no index by time is walked for what is rare
    by_condition = (_plus_nothing(rows, recent).desc(), "-pk")
    if ask.is_few:
        return [make(chosen).order_by(*by_condition)[: ask.limit]]
    kept = {"archived_at": None} if issubclass(rows.model, Archivable) else {}  # of which the index by time is
    last = rows.model._base_manager.filter(**kept).order_by(f"-{recent}").values(recent)[newest : newest + 1]
    since = Coalesce(Subquery(last), _least(rows, recent))
    new = make(chosen.filter(**{f"{recent}__gt": since})).order_by(f"-{recent}", "-pk")
    older = make(chosen.filter(**{f"{recent}__lte": since})).order_by(*by_condition)
    return [together([new[: ask.limit], older[: ask.limit]], ask.limit)]


def _is_time(rows: QuerySet, column: str) -> bool:
    return isinstance(rows.model._meta.get_field(column), models.DateTimeField)


def _plus_nothing(rows: QuerySet, column: str) -> CombinedExpression:
    return F(column) + (Value(timedelta(0)) if _is_time(rows, column) else Value(0))


def _least(rows: QuerySet, column: str) -> Any:
    return Cast(Value("-infinity"), models.DateTimeField()) if _is_time(rows, column) else Value(-1)


def together(branches: Sequence[QuerySet], limit: int) -> QuerySet:
    """The branches one after the other, until there are enough."""
    first, *others = branches
    return first.union(*others, all=True)[:limit] if others else first


@contextmanager
def likeness() -> Iterator[None]:
    """How much a name must have in common with what was typed: less than PostgreSQL asks for, by which a wrong letter hides a name of six."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL pg_trgm.word_similarity_threshold = 0.5")
        yield


def similar(rows: QuerySet, typed: Typed, *, key: str) -> QuerySet:
    """Rows with a name that is like the text and that the search by words does not find; the most similar first."""
    near = rows.filter(**{f"{key}__trigram_word_similar": Folded(Value(typed.text))})
    near = near.exclude(contains(key, typed.words, typed.shape.short))
    return near.annotate(likeness=_likeness(typed, key)).order_by("-likeness", "-pk")


def _likeness(typed: Typed, key: str) -> TrigramWordSimilarity:
    text: Any = Folded(Value(typed.text))
    return TrigramWordSimilarity(text, key)
