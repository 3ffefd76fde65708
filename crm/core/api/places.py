"""Where a copy of our rows stands: which transactions it has, told by the history of the tables.

The ids of events do not say in which order transactions commit: one that began early may commit late. Two things are certain. A
transaction that a snapshot does not see has the number `xmin` of the snapshot or a higher one. And its events have higher ids than all
events from before it got its number (docs/decisions/0037-change-feed.md).
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.core import signing
from django.db import connection, transaction

SALT = "changes"
PENDING = 4  # marks that wait for an older transaction to end
AHEAD = 2**30  # numbers of transactions are compared within a window of 2³² that ends this much after the present
WINDOW = f"((%s - {{alias}}.xmin::text::bigint) & {2**32 - 1}) <= %s"


@dataclass(frozen=True)
class Mark:
    """A snapshot: transactions below `xmin` are over, those from `xmax` on have not begun. `tops`: the last event of each table in it."""

    xmin: int
    xmax: int
    tops: list[int]


@dataclass(frozen=True)
class Place:
    """`since`: transactions with a lower number are in the copy. `base`: events of the others come after these. `pending`: marks that may
    become the base. While a round is read, `mark` is where it ends, `step` and `after` how far it is. `is_first`: it reads every row.
    """

    since: int
    base: list[int]
    pending: list[tuple[int, list[int]]] = field(default_factory=list)
    mark: Mark | None = None
    step: int = 0
    after: list[int] = field(default_factory=list)
    is_first: bool = False

    def at_end(self) -> "Place":
        """Where the copy stands when the round is over."""
        mark: Any = self.mark
        known = [*self.pending, (mark.xmax, mark.tops)]
        ready = [tops for xmax, tops in known if xmax <= mark.xmin]
        waiting = [(xmax, tops) for xmax, tops in known if xmax > mark.xmin]
        return Place(mark.xmin, ready[-1] if ready else self.base, [*waiting[:1], *waiting[1:][-PENDING + 1 :]])

    def begun(self, mark: Mark) -> "Place":
        return replace(self, mark=mark)


def first_place(before: Mark, mark: Mark) -> Place:
    """A round that reads every row. `before`: a mark from before its snapshot; if its transactions are over, their events need no look."""
    is_settled = before.xmax <= mark.xmin
    return Place(mark.xmin, before.tops if is_settled else [0] * len(mark.tops), mark=mark, is_first=True)


def take_mark(tables: Sequence[str]) -> Mark:
    """In one statement, which has one snapshot."""
    tops = "".join(f", (SELECT max(pgh_id) FROM {table})" for table in tables)
    sql = f"SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text{tops} FROM pg_current_snapshot() s"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        xmin, xmax, *found = cursor.fetchone()
    return Mark(int(xmin), int(xmax), [top or 0 for top in found])


def is_since(place: Place, alias: str = "e") -> tuple[str, list[int]]:
    """SQL that an event was written by a transaction which the copy may not have, and its parameters."""
    now = place.mark.xmax + AHEAD  # type: ignore[union-attr]
    return WINDOW.format(alias=alias), [now, now - place.since]


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Everything within is read as of one moment. Within a transaction of somebody else's, as that reads."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def database() -> str:
    """Another one after a restore or an upgrade of the server: the numbers of transactions start over there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.system_identifier, c.timeline_id, d.oid FROM pg_control_system() s, pg_control_checkpoint() c, "
            "pg_database d WHERE d.datname = current_database()"
        )
        return "-".join(map(str, cursor.fetchone()))


def fingerprint(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def written(place: Place, **named: Any) -> str:
    """A cursor: signed, so that nobody makes up one."""
    return signing.dumps([named, asdict(place)], salt=SALT, compress=True)


def read(cursor: str) -> tuple[dict[str, Any], Place]:
    """Raises ValueError for what is no cursor."""
    try:
        named, place = signing.loads(cursor, salt=SALT)
        mark = place.pop("mark")
        return named, Place(**place, mark=Mark(**mark) if mark else None)
    except (signing.BadSignature, TypeError, KeyError) as error:
        raise ValueError("no cursor") from error
