"""Statements of the search: what matches best comes first, and of that what is recent.

A source gives *branches*, best first. PostgreSQL reads them one after the other and stops when it has enough, so that a branch is only
read if those before it found too little. Each branch is ordered by an index, so that few rows are read where much matches, and has an
index for the match, where little does.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import models
from django.db.models import BooleanField, Case, F, Func, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce

from crm.core.base.archiving import Archivable
from crm.core.base.models import Folded
from crm.core.search.typed import Typed

EXACT, PREFIX, WORD, ANYWHERE, IN_TEXT = range(5)
NEWEST = 2_000  # rows of a table of texts that are read one by one before its index of words is asked


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


class Within(Func):
    """Whether a column is among the ids of arrays, which are read once and looked up by index."""

    output_field = BooleanField()

    def as_sql(self, compiler, connection, **extra):
        column, *arrays = self.source_expressions
        left, values = compiler.compile(column)
        parts = [compiler.compile(array) for array in arrays]
        joined = " || ".join(sql for sql, _given in parts)
        return f"{left} = ANY ({joined})", (*values, *(value for _sql, given in parts for value in given))


class Words(Func):
    """The words of a row's text, a column of the database that its model does not name."""

    arity = 1

    def __init__(self, pk: Any = "pk"):
        super().__init__(pk, output_field=models.TextField())

    def as_sql(self, compiler, connection, **extra):
        return f'{compiler.quote_name_unless_alias(self.source_expressions[0].alias)}."words"', ()


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


def contains(name: str, words: Sequence[str]) -> Q:
    return Q(*((f"{name}__contains", Folded(Value(word))) for word in words))


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
    """How a name matches, each without those before it."""

    exact: Q
    prefix: Q
    word: Q

    def rank(self, begins_a_word: Q) -> Case:
        """SQL: the rank of a row that matches in any way."""
        whens = [When(self.exact, then=Value(EXACT)), When(self.prefix, then=Value(PREFIX))]
        return Case(*whens, When(begins_a_word, then=Value(WORD)), default=Value(ANYWHERE))


def ways(typed: Typed, *, name: str, key: str) -> Ways:
    """`name` is the folded name, `key` what is searched for every word."""
    exact = Q(**{name: Folded(Value(typed.text))})
    prefix = Q(**{f"{name}__startswith": Folded(Value(typed.text))})
    return Ways(exact, prefix & ~exact, contains(key, typed.words) & ~prefix & ~exact)


def begins_a_word(typed: Typed, *, key: str) -> Q:
    """Whether the first word is the beginning of a word, not of the first."""
    return Q(**{f"{key}__contains": Folded(Value(typed.inside))})


def by_title(
    rows: QuerySet,
    typed: Typed,
    *,
    key: str,
    make: Callable[[QuerySet, Any], QuerySet],
    limit: int,
    order: Sequence[str],
):
    """The branches of rows with a title: those that begin like the text, an equal one first of these, then those with its words."""
    way = ways(typed, name=key, key=key)
    first = Case(When(way.exact, then=Value(EXACT)), default=Value(PREFIX))
    second = Case(When(begins_a_word(typed, key=key), then=Value(WORD)), default=Value(ANYWHERE))
    each = [make(rows.filter(way.exact | way.prefix), first), make(rows.filter(way.word), second)]
    return [together([branch.order_by(*order)[:limit] for branch in each], limit)]


def by_text(
    rows: QuerySet, words: Sequence[str], *, recent: str, limit: int, is_few: bool, make: Callable[[QuerySet], QuerySet]
) -> list[QuerySet]:
    """The branches of rows with a text. How often a word occurs is not known beforehand: the newest rows are read one by one, where a
    common word soon has enough, and only then the index of words is asked for the older ones. `recent`: the column by which they
    are new. `is_few`: the rows are few already."""
    said = rows.filter(says(*words))
    # ordered by an expression, so that no index by time is walked for words that are rare
    by_words = (_plus_nothing(rows, recent).desc(), "-pk")
    if is_few:
        return [make(said).order_by(*by_words)[:limit]]
    kept = {"archived_at": None} if issubclass(rows.model, Archivable) else {}  # of which the index by time is
    last = rows.model._base_manager.filter(**kept).order_by(f"-{recent}").values(recent)[NEWEST : NEWEST + 1]
    since = Coalesce(Subquery(last), _least(rows, recent))
    newest, older = said.filter(**{f"{recent}__gt": since}), said.filter(**{f"{recent}__lte": since})
    each = [make(newest).order_by(f"-{recent}", "-pk")[:limit], make(older).order_by(*by_words)[:limit]]
    return [together(each, limit)]


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


def similar(rows: QuerySet, typed: Typed, *, key: str) -> QuerySet:
    """Rows with a name that is like the text and that the search by words does not find; the most similar first."""
    near = rows.filter(**{f"{key}__trigram_word_similar": Folded(Value(typed.text))})
    near = near.exclude(contains(key, typed.words))
    return near.annotate(likeness=TrigramWordSimilarity(Folded(Value(typed.text)), key)).order_by("-likeness", "-pk")
