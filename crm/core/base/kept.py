"""Cached statements for querysets that every page needs: built and compiled once for all users with the same access,
then only executed.

Building and compiling a queryset costs ten times as much as running it in PostgreSQL.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import QuerySet
from django.db.utils import DatabaseError
from django.http import Http404
from django.utils import timezone

from crm.core.base.prepared import Prepared, is_lost
from crm.core.base.principals import Principal

QUARTER = 900  # every zone's offset is a multiple of 15 minutes, so no local day begins within a quarter
MOMENT = timedelta(microseconds=1)
Given = int | str | datetime | tuple[int, ...] | None  # several ids are one array: see crm/core/base/arrays.py
# Columns of a user that do not shape a statement. A value made from one is a parameter, or the statement is not shared.
WHO = ("id", "email", "name", "title", "password", "last_login", "version", "created_at", "updated_at")
# Columns of every row that people edit. No statement reads them, and each save would make another key.
NOTED = ("version", "created_at", "updated_at")
# Columns of a user that shape a statement which depends on who reads only by what they see
ACCESS = ("roles", "is_active", "time_zone")
NEW, SEEN, BUILT = "new", "seen once", "built each time"  # what a key may hold instead of a statement
_rows: list[Callable[[], models.Model]] = []
_today: list[Callable[[], date]] = []


def depends_on(row: Callable[[], models.Model]) -> None:
    """Make the values of this row part of every key; the gate reads the firm's settings."""
    _rows.append(row)


def day_is(today: Callable[[], date]) -> None:
    """The firm's day, by which statements hold dates."""
    _today[:] = [today]


def once(row: models.Model, name: str, read: Callable[[], list[Any]]) -> list[Any]:
    """`read()`, once per row object: several parts of a page show the same related rows."""
    known = row.__dict__.setdefault("_read_once", {})
    if name not in known:
        known[name] = read()
    return known[name]


@dataclass(frozen=True)
class Statement:
    """A queryset with its compiler, and its statement, into which each call fills ids and moments. `converters` are those
    of its columns, which Django would look up again for each call. `day`: the firm's day that stands in it, if no other time does.
    """

    queryset: QuerySet
    compiler: Any
    prepared: Prepared
    converters: dict[int, Any]
    day: date | None = None
    is_lasting: bool = False

    def rows(self, given: dict[str, Given]) -> list[Any]:
        if call := self.prepared.call(given):
            try:
                return self._rows(*call)
            except DatabaseError as error:
                if not is_lost(error):
                    raise
        return self.planned_rows(given)

    def planned_rows(self, given: dict[str, Given]) -> list[Any]:
        """The same, planned for this call."""
        return self._rows(*self.prepared.plain(given))

    def _rows(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        compiler = copy.copy(self.compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *args, **kwargs: (sql, values)
        compiler.get_converters = lambda expressions: self.converters
        queryset = self.queryset.all()
        queryset.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]
        return list(queryset)


class Kept:
    """The rows of `build(principal, *shape, **given)`, a QuerySet, from a cached statement.

    The key holds everything in the user's row except the columns in WHO, the rows of `depends_on`, the `shape` (such as
    a limit), and the quarter of an hour, so that days and hours in the statement stay true. A statement is cached from
    its second use on, since many are used only once. The user and what is `given` (ids, moments such as `now`, typed text) are
    parameters. A statement that contains a value derived from one of them, or whose building queries the database, is
    built each time. The data (who is named, who is in which team) always comes from the database.

    `by_access`: for a large statement whose building takes longer than many uses of it, and which depends on who reads only through the gate.
    Of the user's row the columns in ACCESS alone are in its key, it is cached from its first use on, and it outlasts the quarter: until the
    firm's next day if that stands in it, for as long as the process lives if no time does. `build` must not look at the clock
    otherwise.
    """

    def __init__(self, build: Callable[..., QuerySet], *, size: int = 200, by_access: bool = False):
        self.build, self.size, self.by_access, self._quarter = build, size, by_access, 0
        self._kept: OrderedDict[tuple[Any, ...], Statement | str] = OrderedDict()

    def rows(self, principal: Principal, *shape: Any, **given: Given) -> list[Any]:
        quarter = _quarter_now()
        self._forget(quarter)
        key = (*shape, *self._key(principal, given))
        found = self._kept.get(key, NEW)
        if isinstance(found, Statement) and found.day is not None and found.day != _today[0]():
            found = NEW
        if found is SEEN or (found is NEW and self.by_access):
            found = self._compile(principal, shape, given)
        if quarter == self._quarter == _quarter_now():  # else it may hold days and hours of another
            self._kept[key] = SEEN if found is NEW else found
        with suppress(KeyError):  # another thread may have emptied it
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)
        if isinstance(found, Statement):
            return found.rows(_with_who(principal, given))
        return list(self.build(principal, *shape, **given))

    def one(self, principal: Principal, *shape: Any, **given: Given) -> Any:
        """Its row. Raises Http404 without one."""
        for row in self.rows(principal, *shape, **given):
            return row
        raise Http404

    def _forget(self, quarter: int) -> None:
        """Empty the cache when a new quarter begins, but for what lasts."""
        if quarter != self._quarter:
            self._quarter = quarter
            for key, found in [*self._kept.items()]:
                if not (isinstance(found, Statement) and found.is_lasting):
                    self._kept.pop(key, None)

    def _key(self, principal: Principal, given: dict[str, Given]) -> tuple[Any, ...]:
        shapes = (_shape(user, self.by_access) for user in (principal.user, principal.acting_for))
        people = (principal.kind, *shapes, principal.client_id)
        moments = tuple(int(v.timestamp()) // QUARTER for v in given.values() if isinstance(v, datetime))
        empty = tuple(name for name, value in given.items() if value is None)
        return (*people, timezone.get_current_timezone_name(), *moments, *empty, *(_written(row()) for row in _rows))

    def _compile(self, principal: Principal, shape: tuple[Any, ...], given: dict[str, Given]) -> Statement | str:
        """The statement, or BUILT if it cannot be cached. Building it a second time with other values shows which
        parameters are given.
        """
        moved = {name: _another(value, n) for n, (name, value) in enumerate(given.items())}
        user, acting_for = (
            _somebody(row, number, self.by_access) for row, number in ((principal.user, -1), (principal.acting_for, -2))
        )
        somebody = replace(principal, user=user, acting_for=acting_for)
        found = _compiled(
            _label(self.build),
            lambda: self.build(principal, *shape, **given),
            lambda: self.build(somebody, *shape, **moved),
            before=_with_who(principal, given),
            after=_with_who(somebody, moved),
        )
        if self.by_access and isinstance(found, Statement):
            day, is_lasting = _lasts(found.prepared)
            return replace(found, day=day, is_lasting=is_lasting)
        return found


def _quarter_now() -> int:
    return int(timezone.now().timestamp()) // QUARTER


kept_by_access = partial(Kept, by_access=True)


def _lasts(prepared: Prepared) -> tuple[date | None, bool]:
    """(the firm's day, if it stands among the constants of a statement; whether no other time does)"""
    times = {value for n, value in enumerate(prepared.values) if n not in prepared.places and isinstance(value, date)}
    today = _today[0]() if _today else None
    return today if times else None, not times or times == {today}


class SameForAll:
    """The rows of `build(**given)`, a QuerySet whose statement is the same for everyone and at any time: what each request
    reads first. Compiled once for the process; PostgreSQL plans each call, so it needs nothing of its connection.
    """

    def __init__(self, build: Callable[..., QuerySet]):
        self.build = build
        self._statement: Statement | None = None

    def rows(self, **given: Given) -> list[Any]:
        if None in given.values():  # IS NULL, another statement
            return list(self.build(**given))
        if self._statement is None:
            moved = {name: _another(value, n) for n, (name, value) in enumerate(given.items())}
            found = _compiled(
                _label(self.build),
                lambda: self.build(**given),
                lambda: self.build(**moved),
                before=given,
                after=moved,
            )
            if not isinstance(found, Statement):
                return list(self.build(**given))
            self._statement = found
        return self._statement.planned_rows(given)


def _compiled(
    label: str,
    build: Callable[[], QuerySet],
    build_other: Callable[[], QuerySet],
    *,
    before: dict[str, Given],
    after: dict[str, Given],
) -> Statement | str:
    """The statement of `build()`, which was given `before`, or BUILT if it cannot be cached. `build_other` was given `after`."""
    asked: list[str] = []

    def noted(execute, sql, parameters, many, context):
        asked.append(sql)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(noted):
        queryset = build()
        compiler = queryset.query.get_compiler(connection=connection)
        try:
            sql, values = compiler.as_sql()
            other = build_other()
            other_sql, others = other.query.sql_with_params()
            if _beside(queryset) != _beside(other):
                return BUILT
        except EmptyResultSet:
            return BUILT
    if asked or sql != other_sql:
        return BUILT
    names = {(value, after[name]): name for name, value in before.items() if value is not None}
    pairs = enumerate(zip(map(_plain, values), map(_plain, others), strict=True))
    places = {n: names.get((_hashable(a), _hashable(b)), "") for n, (a, b) in pairs if a != b}
    if not all(places.values()):
        return BUILT
    columns = [column for column, *_ in compiler.select[: compiler.col_count]]
    return Statement(queryset, compiler, Prepared(label, sql, values, places), compiler.get_converters(columns))


def _another(value: Given, number: int) -> Given:
    """A different value of the same type for each number, so that two equal values can be told apart."""
    if isinstance(value, datetime):
        return value + MOMENT * (number + 10)
    if isinstance(value, tuple):
        return (-10 - number,)
    if isinstance(value, str):
        return f"{value} else {number}"
    return None if value is None else -10 - number - value


def _plain(value: Any) -> Any:
    """The value of a parameter; JSON values are wrapped."""
    return getattr(value, "adapted", value)


def _with_who(principal: Principal, given: dict[str, Given]) -> dict[str, Given]:
    """The parameters to fill in, with the user's own ids."""
    return {**given, "its user": principal.user_id, "its viewer": principal.acting_for and principal.acting_for.pk}


def _somebody(user: Any, number: int, by_access: bool = False) -> Any:
    """Another user with the same access: a copy of the row without anything loaded for the first."""
    if user is None:
        return None
    values = {field.attname: getattr(user, field.attname) for field in user._meta.concrete_fields}
    other = values.keys() - set(ACCESS) if by_access else WHO
    return user._meta.model(**values | {name: _else(values[name], number) for name in other})


def _else(value: Any, number: int) -> Any:
    if isinstance(value, bool):
        return not value
    return f"{value} else" if isinstance(value, str) else _another(value, number)


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value) if all(isinstance(item, int) for item in value) else None
    return value if isinstance(value, int | str | datetime) else None


def _beside(queryset: Any) -> list[Any]:
    """The prefetch statements: nothing in them is filled in, so they must be the same for everyone."""
    fetched = [lookup.queryset for lookup in queryset._prefetch_related_lookups if hasattr(lookup, "queryset")]
    return [(rows.query.sql_with_params(), _beside(rows)) for rows in fetched if rows is not None]


def _shape(user: models.Model | None, by_access: bool = False) -> str:
    """The columns of a user that may shape a statement."""
    names = ACCESS if by_access else () if user is None else _shaping(type(user))
    return "" if user is None else repr([getattr(user, name) for name in names])


@lru_cache
def _shaping(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.attname not in WHO]


def _written(row: models.Model) -> str:
    """The columns of the row, so that a changed row has another key."""
    return repr([getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname not in NOTED])


def _label(build: Callable[..., QuerySet]) -> str:
    """The name under which the database lists the statement, where its function has one."""
    return "".join(c for c in getattr(build, "__name__", "") if c.isalnum() or c == "_").strip("_") or "kept"
