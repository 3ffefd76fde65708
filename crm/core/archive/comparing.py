"""How a firm differs from an archive, table by table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from crm.core.archive.copying import ask, cells, copy_out, records
from crm.core.archive.format import PLAIN, Counted
from crm.core.archive.queries import Rows
from crm.core.archive.reading import Archive, damaged
from crm.core.archive.tables import Table
from crm.core.base.principals import SYSTEM

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Difference:
    """Rows of a table that only the archive has, that only the firm has, or that both have with other values."""

    table: str
    missing: int
    extra: int
    changed: int = 0


def compare(archive: Archive, progress: Progress = lambda done, total: None) -> list[Difference]:
    """What differs; [] if the firm has all that the archive has. Beyond an archive of what one colleague may see it may have more.

    `progress(done, total)` is called with every piece, so that the lease of a job lives.
    """
    ask(PLAIN)
    rows = Rows(SYSTEM)
    found = []
    for done, table in enumerate(archive.tables):
        tick = partial(progress, done, len(archive.tables))
        with TemporaryFile() as file:
            here = Counted(file, tick)
            count, said = copy_out(table, rows, here), archive.member_of(table)
            if here.member().sha256 == said.sha256:
                continue
            if table.pk in table.columns:
                file.seek(0)
                one = _by_key(archive, table, file, tick)
            else:  # versions of the history are only counted
                one = Difference(table.key, max((said.rows or 0) - count, 0), max(count - (said.rows or 0), 0))
        if archive.is_whole or one.missing or one.changed:
            found.append(one)
    return found


def _by_key(archive: Archive, table: Table, here: IO[bytes], tick: Callable[[], None]) -> Difference:
    """Both are sorted by the key."""
    missing = extra = changed = 0
    with archive.open_table(table) as file:
        ours, theirs = keyed(table, here), keyed(table, file)
        mine, other = next(ours, None), next(theirs, None)
        while mine or other:
            tick()
            if mine is None or (other is not None and other[0] < mine[0]):
                missing, other = missing + 1, next(theirs, None)
            elif other is None or mine[0] < other[0]:
                extra, mine = extra + 1, next(ours, None)
            else:
                changed += mine[1] != other[1]
                mine, other = next(ours, None), next(theirs, None)
    return Difference(table.key, missing, extra, changed)


def keyed(table: Table, file: IO[bytes]) -> Iterator[tuple[Any, bytes]]:
    """(key, record) of each row of a file. Raises BadArchive."""
    read: Callable[[str], Any] = UUID if table.model._meta.pk.get_internal_type() == "UUIDField" else int  # type: ignore[union-attr]
    place = table.columns.index(table.pk)
    each = records(file)
    next(each, b"")
    for record in each:
        try:
            yield read(cells(record)[place]), record
        except (ValueError, IndexError) as error:
            raise damaged(table.key) from error
