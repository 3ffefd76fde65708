"""A formula's tree with its types: what each part is, and how SQL computes it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.reading import fold
from crm.core.fields.custom.formulas import sql
from crm.core.fields.custom.formulas.grammar import FormulaError, Node
from crm.core.firm.queries import firm_today, firm_zone

MOST_PARTS = 400  # with those of the formulas that it uses
MOST_LEVELS = 100  # the same: Django walks an expression down by calling itself
MOST_PLACES = 6
MOST_MONTHS = 1_200


class Result(StrEnum):
    NUMBER = "number"
    MONEY = "money"
    TEXT = "text"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICES = "choices"  # several choices: only `has` asks them


WORDS = {
    Result.NUMBER: _lazy("a number"),
    Result.MONEY: _lazy("money"),
    Result.TEXT: _lazy("text"),
    Result.DATE: _lazy("a date"),
    Result.YES_NO: _lazy("yes or no"),
    Result.CHOICES: _lazy("several choices"),
}
NUMBERS = {Result.NUMBER, Result.MONEY}
FIELDS = {
    Result.NUMBER: sql.NUMBER,
    Result.MONEY: sql.NUMBER,
    Result.TEXT: sql.TEXT,
    Result.DATE: sql.DAY,
    Result.YES_NO: sql.YES_NO,
}


@dataclass(frozen=True)
class Asked:
    """Who asks for a computed value, and when: what they may not see is in none. `of_all`: for a filter or sort, which needs the value of
    all rows, and not of those of a page alone. `of_none`: only to see whether the database can compute it.
    """

    principal: Any
    now: datetime
    of_all: bool = False
    of_none: bool = False

    @cached_property
    def today(self) -> date:
        """The day of the firm, so that a value is the same for all its colleagues."""
        return firm_today(self.now)

    @cached_property
    def zone(self) -> Any:
        return firm_zone()


Make = Callable[[Asked], Any]


@dataclass(frozen=True)
class Part:
    """A checked part. `choices`: (key, label) if it is a choice, whose `key_of` gives the key; `uses`: the names of the fields in it;
    `unrated(asked)`: for each roll-up in it how many amounts it leaves out for want of a rate; `is_personal`: what it gives depends on
    who asks."""

    type: Result
    make: Make
    n: int = 1
    levels: int = 1
    choices: tuple[tuple[str, str], ...] = ()
    key_of: Make | None = None
    among: Callable[[str], Any] | None = None
    literal: Any = None
    uses: frozenset[str] = frozenset()
    unrated: tuple[Make, ...] = ()
    is_personal: bool = False


@dataclass(frozen=True)
class Fact:
    """A field that formulas may name. `part()` gives it, and raises FormulaError where it cannot be computed."""

    name: str
    label: str
    part: Callable[[], Part]
    type: Result | None = None  # as told to people; None: see the part


@dataclass
class Checker:
    """Checks the tree of one formula against the fields of its record."""

    facts: Mapping[str, Fact]
    gone: Mapping[str, str] = field(default_factory=dict)  # name → why it cannot be used any more

    def fact(self, node: Node) -> Fact:
        found = self.named(str(node.value))
        if found is None:
            words = self.gone.get(_bare(str(node.value))) or self.gone.get(str(node.value))
            raise FormulaError(
                words or _("There is no field “%(name)s”.") % {"name": _bare(str(node.value))[:60]}, node.at
            )
        return found

    def named(self, name: str) -> Fact | None:
        if not name.startswith("["):
            return self.facts.get(name) or self.facts.get(name.lower())
        label = fold(name[1:-1])
        return next((fact for fact in self.facts.values() if fold(fact.label) == label), None)

    def check(self, node: Node) -> Part:
        """Raises FormulaError."""
        if node.kind == "number":
            return Part(Result.NUMBER, lambda asked: sql.number(node.value), literal=node.value)
        if node.kind == "text":
            return Part(Result.TEXT, lambda asked: sql.text(node.value), literal=node.value)
        if node.kind == "field":
            fact = self.fact(node)
            try:
                return _joined([fact.part()], uses={fact.name})
            except FormulaError as error:
                raise FormulaError(str(error), node.at) from error
        function = FUNCTIONS.get(node.value)
        if function is None:
            raise FormulaError(_("There is no function “%(name)s”.") % {"name": str(node.value)[:40]}, node.at)
        if not function.least <= len(node.parts) <= function.most:
            raise FormulaError(_("Write it as %(how)s.") % {"how": function.usage}, node.at)
        given = [self.check(part) for part in node.parts]
        made = function.check(_Given(node, given))
        found = _joined([replace(made, levels=1 + max((part.levels for part in given), default=0)), *given])
        if found.n > MOST_PARTS:
            words = _("With the formulas that it uses it has more than %(n)d parts.")
            raise FormulaError(words % {"n": MOST_PARTS}, node.at)
        if found.levels > MOST_LEVELS:
            words = _("With the formulas that it uses it is more than %(n)d deep.")
            raise FormulaError(words % {"n": MOST_LEVELS}, node.at)
        return found


def _bare(name: str) -> str:
    return name.strip("[]")


def _joined(parts: list[Part], uses: Iterable[str] = ()) -> Part:
    """The first of the parts, with what all of them use."""
    first = parts[0]
    return Part(
        first.type,
        first.make,
        sum(part.n for part in parts),
        max(part.levels for part in parts),
        first.choices,
        first.key_of,
        first.among,
        first.literal,
        frozenset(uses).union(*(part.uses for part in parts)),
        tuple(dict.fromkeys(each for part in parts for each in part.unrated)),
        any(part.is_personal for part in parts),
    )


# Functions


@dataclass(frozen=True)
class _Given:
    node: Node
    parts: list[Part]

    def wrong(self, place: int, wanted: str) -> FormulaError:
        found = WORDS[self.parts[place].type]
        words = _("“%(what)s” needs %(wanted)s here, and this is %(found)s.")
        told = {"what": self.node.value, "wanted": wanted, "found": found}
        return FormulaError(words % told, self.node.parts[place].at)

    def need(self, *types: Result) -> None:
        for place in range(len(self.parts)):
            self.need_at(place, *types)

    def need_at(self, place: int, *types: Result) -> None:
        if self.parts[place].type not in types:
            raise self.wrong(
                place, _(" or ").join(str(WORDS[each]) for each in types if each != Result.MONEY or len(types) == 1)
            )

    def alike(self, start: int = 0) -> Result:
        """The one type of all parts; numbers and money make money."""
        types = {part.type for part in self.parts[start:]}
        if types == NUMBERS:
            return Result.MONEY
        if len(types) > 1:
            place = next(
                place for place, part in enumerate(self.parts) if place >= start and part.type != self.parts[start].type
            )
            raise self.wrong(place, str(WORDS[self.parts[start].type]))
        if Result.CHOICES in types:
            raise self.wrong(start, str(WORDS[Result.TEXT]))
        return next(iter(types))

    def makes(self, asked: Asked) -> list[Any]:
        return [part.make(asked) for part in self.parts]

    def whole(self, place: int, least: int, most: int) -> int:
        """A whole number that stands in the formula itself."""
        value, node = self.parts[place].literal, self.node.parts[place]
        if node.kind == "call" and node.value == "negative" and node.parts[0].kind == "number":
            value = -node.parts[0].value
        if not isinstance(value, Decimal) or value != int(value) or not least <= value <= most:
            words = _("Write a whole number from %(least)d to %(most)d here.")
            raise FormulaError(words % {"least": least, "most": most}, node.at)
        return int(value)


_OF = Result.NUMBER, Result.MONEY
_ADDED = {(a, b) for a in _OF for b in _OF} - {(Result.NUMBER, Result.NUMBER)}
MONEY_FROM = {  # the operands of which an operator makes money: money times money, or by money, is a number
    "+": _ADDED,
    "-": _ADDED,
    "*": {(Result.MONEY, Result.NUMBER), (Result.NUMBER, Result.MONEY)},
    "/": {(Result.MONEY, Result.NUMBER)},
}


def _arithmetic(sign: str) -> Callable[[_Given], Part]:
    def check(given: _Given) -> Part:
        left, right = given.parts
        if sign in "+-" and Result.DATE in (left.type, right.type):
            return _days(given, sign)
        given.need(Result.NUMBER, Result.MONEY)
        types = (left.type, right.type)
        is_money = types in MONEY_FROM[sign]

        def make(asked: Asked) -> Any:
            one, other = given.makes(asked)
            return sql.infix(
                sign,
                one,
                sql.sql("NULLIF(%(expressions)s, 0)", other, field=sql.NUMBER) if sign == "/" else other,
                sql.NUMBER,
            )

        return Part(Result.MONEY if is_money else Result.NUMBER, make, 2 if sign == "/" else 1)

    return check


def _days(given: _Given, sign: str) -> Part:
    """A day plus or minus days; the days between two."""
    left, right = given.parts
    if sign == "-" and (left.type, right.type) == (Result.DATE, Result.DATE):
        return Part(Result.NUMBER, lambda asked: sql.number(sql.pair("-", given.makes(asked), sql.NUMBER)))
    if left.type != Result.DATE or right.type != Result.NUMBER:
        raise given.wrong(
            1 if left.type == Result.DATE else 0, str(WORDS[Result.NUMBER if left.type == Result.DATE else Result.DATE])
        )

    def make(asked: Asked) -> Any:
        one, other = given.makes(asked)
        return sql.moved(sign, one, other)

    return Part(Result.DATE, make, 3)


def _compared(sign: str) -> Callable[[_Given], Part]:
    def check(given: _Given) -> Part:
        if (found := _choice_compared(given, sign)) is not None:
            return found
        kind = given.alike()
        if kind == Result.YES_NO and sign not in ("=", "<>"):
            raise given.wrong(0, str(WORDS[Result.NUMBER]))

        def make(asked: Asked) -> Any:
            parts = given.makes(asked)
            return sql.pair(sign, [Lower(part) for part in parts] if kind == Result.TEXT else parts, sql.YES_NO)

        return Part(Result.YES_NO, make)

    return check


def _choice_compared(given: _Given, sign: str) -> Part | None:
    """A choice compared with one that stands in the formula: by its key, which stays when the choice is renamed."""
    for place in (0, 1):
        chosen, words = given.parts[place], given.parts[1 - place].literal
        if sign in ("=", "<>") and chosen.key_of is not None and isinstance(words, str):
            return _is_key(sign, chosen, words, given.node.parts[1 - place].at)
    return None


def _is_key(sign: str, chosen: Part, words: str, at: int) -> Part:
    key, key_of = key_in(chosen.choices, words), chosen.key_of
    if key is None or key_of is None:
        said = _("“%(text)s” is not one of: %(allowed)s.")
        raise FormulaError(said % {"text": words[:40], "allowed": _offered(chosen)}, at)
    return Part(Result.YES_NO, lambda asked: sql.infix(sign, key_of(asked), sql.text(key), sql.YES_NO))


def _offered(chosen: Part) -> str:
    """The first of its choices, for a message."""
    return ", ".join(str(label) for _key, label in chosen.choices[:20])


def key_in(choices: Iterable[tuple[str, str]], words: str) -> str | None:
    """The key of the choice that has this key, as formulas are kept, or is called so."""
    pairs = [(str(key), str(label)) for key, label in choices]
    by_label = next((key for key, label in pairs if fold(label) == fold(words)), None)
    return next((key for key, _label in pairs if key == words), by_label)


def _logic(sign: str) -> Callable[[_Given], Part]:
    def check(given: _Given) -> Part:
        given.need(Result.YES_NO)
        if sign == "not":
            return Part(
                Result.YES_NO, lambda asked: sql.sql("(NOT %(expressions)s)", *given.makes(asked), field=sql.YES_NO)
            )
        return Part(Result.YES_NO, lambda asked: sql.pair(sign.upper(), given.makes(asked), sql.YES_NO))

    return check


def _if(given: _Given) -> Part:
    given.need_at(0, Result.YES_NO)
    kind = given.alike(1)

    def make(asked: Asked) -> Any:
        condition, then, *other = given.makes(asked)
        return sql.chosen(condition, then, other[0] if other else Value(None), FIELDS[kind])

    return Part(kind, make, 2)


def _same_kind(template: str, *types: Result) -> Callable[[_Given], Part]:
    """A function of parts of one type that gives that type."""

    def check(given: _Given) -> Part:
        kind = given.alike()
        if types:
            given.need(*types)
        return Part(kind, lambda asked: sql.sql(template, *given.makes(asked), field=FIELDS[kind]))

    return check


def _of(template: str, result: Result, *types: Result) -> Callable[[_Given], Part]:
    """A function of parts of these types with a result of its own."""

    def check(given: _Given) -> Part:
        given.need(*types)
        return Part(result, lambda asked: sql.sql(template, *given.makes(asked), field=FIELDS[result]))

    return check


def _round(given: _Given) -> Part:
    given.need(Result.NUMBER, Result.MONEY)
    places = given.whole(1, 0, MOST_PLACES) if len(given.parts) > 1 else 0
    kind = given.parts[0].type
    return Part(
        kind, lambda asked: sql.sql(f"round(%(expressions)s, {places})", given.parts[0].make(asked), field=sql.NUMBER)
    )


def _date(given: _Given) -> Part:
    text = given.parts[0].literal
    try:
        found = date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise FormulaError(_('Write a day as date("2026-01-31").'), given.node.at) from error
    return Part(Result.DATE, lambda asked: sql.day(found))


def _days_between(given: _Given) -> Part:
    given.need(Result.DATE)

    def make(asked: Asked) -> Any:
        start, end = given.makes(asked)
        return sql.number(sql.infix("-", end, start, sql.NUMBER))

    return Part(Result.NUMBER, make)


def _add_months(given: _Given) -> Part:
    given.need_at(0, Result.DATE)
    n = given.whole(1, -MOST_MONTHS, MOST_MONTHS)
    template = f"(%(expressions)s + make_interval(months => {n}))::date"
    return Part(
        Result.DATE, lambda asked: sql.bounded_day(sql.sql(template, given.parts[0].make(asked), field=sql.DAY)), 2
    )


def _as_text(part: Part, asked: Asked) -> Any:
    made = part.make(asked)
    if part.type in NUMBERS:
        return sql.sql("trim_scale(%(expressions)s)::text", made, field=sql.TEXT)
    if part.type == Result.DATE:
        return sql.sql("to_char(%(expressions)s, 'YYYY-MM-DD')", made, field=sql.TEXT)
    if part.type == Result.YES_NO:
        return sql.sql("(%(expressions)s)::text", made, field=sql.TEXT)
    return made


def _text(given: _Given) -> Part:
    given.need(Result.TEXT, Result.NUMBER, Result.MONEY, Result.DATE, Result.YES_NO)
    return Part(Result.TEXT, lambda asked: _as_text(given.parts[0], asked))


def _concat(template: str) -> Callable[[_Given], Part]:
    """Texts one after the other; of what has no value nothing."""

    def check(given: _Given) -> Part:
        given.need(Result.TEXT, Result.NUMBER, Result.MONEY, Result.DATE, Result.YES_NO)
        make = lambda asked: sql.sql(template, *(_as_text(part, asked) for part in given.parts), field=sql.TEXT)  # noqa: E731
        return Part(Result.TEXT, make)

    return check


def _piece(name: str) -> Callable[[_Given], Part]:
    def check(given: _Given) -> Part:
        given.need_at(0, Result.TEXT)
        n = given.whole(1, 1, sql.LONGEST)
        return Part(
            Result.TEXT,
            lambda asked: sql.sql(f"{name}(%(expressions)s, {n})", given.parts[0].make(asked), field=sql.TEXT),
        )

    return check


def _found(template: str) -> Callable[[_Given], Part]:
    """Whether a text has another in it, ignoring case."""

    def check(given: _Given) -> Part:
        given.need(Result.TEXT)
        return Part(Result.YES_NO, lambda asked: sql.sql(template, *map(Lower, given.makes(asked)), field=sql.YES_NO))

    return check


def _is_empty(given: _Given) -> Part:
    part = given.parts[0]
    return Part(Result.YES_NO, lambda asked: sql.sql("(%(expressions)s IS NULL)", part.make(asked), field=sql.YES_NO))


def _has(given: _Given) -> Part:
    """Whether one of several choices was chosen."""
    several, wanted = given.parts
    if several.among is None:
        raise given.wrong(0, str(WORDS[Result.CHOICES]))
    key = key_in(several.choices, wanted.literal) if isinstance(wanted.literal, str) else None
    if key is None:
        words = _("Write one of these here, in quotes: %(allowed)s.")
        raise FormulaError(words % {"allowed": _offered(several)}, given.node.parts[1].at)
    among = several.among
    return Part(Result.YES_NO, lambda asked: among(key))


@dataclass(frozen=True)
class Function:
    usage: str
    meaning: Any
    check: Callable[[_Given], Part]
    least: int = 1
    most: int = 1


MANY = 30
_N, _M, _T, _D, _Y = Result.NUMBER, Result.MONEY, Result.TEXT, Result.DATE, Result.YES_NO
OPERATORS: dict[str, Function] = {
    **{sign: Function(f"a {sign} b", "", _arithmetic(sign), 2, 2) for sign in "+-*/"},
    **{sign: Function(f"a {sign} b", "", _compared(sign), 2, 2) for sign in ("=", "<>", "<", "<=", ">", ">=")},
    **{sign: Function(f"a {sign} b", "", _logic(sign), 2, 2) for sign in ("and", "or")},
    "&": Function("a & b", "", _concat("NULLIF(concat(%(expressions)s), '')"), 2, 2),
    "not": Function("not a", "", _logic("not")),
    "negative": Function("-a", "", _same_kind("(- %(expressions)s)", _N, _M)),
}
CALLED: dict[str, Function] = {
    "if": Function("if(a > b, c, d)", _lazy("c where the condition holds, else d (no value without it)"), _if, 2, 3),
    "coalesce": Function(
        "coalesce(a, b)", _lazy("the first that has a value"), _same_kind("COALESCE(%(expressions)s)"), 2, MANY
    ),
    "is_empty": Function("is_empty(a)", _lazy("whether it has no value"), _is_empty),
    "has": Function('has(a, "b")', _lazy("whether b is among several choices"), _has, 2, 2),
    "min": Function(
        "min(a, b)",
        _lazy("the smallest, or earliest, that has a value"),
        _same_kind("LEAST(%(expressions)s)", _N, _M, _D),
        2,
        MANY,
    ),
    "max": Function(
        "max(a, b)",
        _lazy("the largest, or latest, that has a value"),
        _same_kind("GREATEST(%(expressions)s)", _N, _M, _D),
        2,
        MANY,
    ),
    "round": Function("round(a, 2)", _lazy("rounded to so many decimals"), _round, 1, 2),
    "floor": Function("floor(a)", _lazy("the whole number below"), _same_kind("floor(%(expressions)s)", _N, _M)),
    "ceiling": Function("ceiling(a)", _lazy("the whole number above"), _same_kind("ceiling(%(expressions)s)", _N, _M)),
    "abs": Function("abs(a)", _lazy("without its sign"), _same_kind("abs(%(expressions)s)", _N, _M)),
    "today": Function(
        "today", _lazy("the firm’s day"), lambda given: Part(_D, lambda asked: sql.day(asked.today)), 0, 0
    ),
    "date": Function('date("2026-01-31")', _lazy("a day"), _date),
    "days_between": Function("days_between(a, b)", _lazy("days from a to b"), _days_between, 2, 2),
    "add_months": Function("add_months(a, 12)", _lazy("a day so many months later"), _add_months, 2, 2),
    "year": Function("year(a)", _lazy("the year of a day"), _of("EXTRACT(YEAR FROM %(expressions)s)::numeric", _N, _D)),
    "month": Function(
        "month(a)", _lazy("its month, 1 to 12"), _of("EXTRACT(MONTH FROM %(expressions)s)::numeric", _N, _D)
    ),
    "day": Function("day(a)", _lazy("its day, 1 to 31"), _of("EXTRACT(DAY FROM %(expressions)s)::numeric", _N, _D)),
    "text": Function("text(a)", _lazy("a number, day or yes and no as text"), _text),
    "join": Function(
        'join(", ", a, b)',
        _lazy("texts with a text between them"),
        _concat("NULLIF(concat_ws(%(expressions)s), '')"),
        2,
        MANY,
    ),
    "upper": Function("upper(a)", _lazy("in capitals"), _same_kind("upper(%(expressions)s)", _T)),
    "lower": Function("lower(a)", _lazy("in small letters"), _same_kind("lower(%(expressions)s)", _T)),
    "trim": Function("trim(a)", _lazy("without spaces around it"), _same_kind("btrim(%(expressions)s)", _T)),
    "left": Function("left(a, 3)", _lazy("its first letters"), _piece("left"), 2, 2),
    "right": Function("right(a, 3)", _lazy("its last letters"), _piece("right"), 2, 2),
    "length": Function("length(a)", _lazy("how many letters"), _of("length(%(expressions)s)::numeric", _N, _T)),
    "contains": Function(
        'contains(a, "b")', _lazy("whether b stands in a, ignoring case"), _found("(strpos(%(expressions)s) > 0)"), 2, 2
    ),
    "starts_with": Function(
        'starts_with(a, "b")',
        _lazy("whether a begins with b, ignoring case"),
        _found("starts_with(%(expressions)s)"),
        2,
        2,
    ),
}
FUNCTIONS = OPERATORS | CALLED
