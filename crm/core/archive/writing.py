"""Writes an archive of the firm as a stream, from one snapshot of the database."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import count
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction

from crm.core.archive.copying import copy_out
from crm.core.archive.format import (
    EVERYTHING,
    FILES,
    FORMAT,
    LISTS,
    MANIFEST,
    PIECE,
    PLAIN,
    SEEN,
    TABLES,
    Counted,
    Member,
    schema,
)
from crm.core.archive.queries import Rows
from crm.core.archive.reading import Archive
from crm.core.archive.tables import Table
from crm.core.base.principals import Principal
from crm.core.files.models import StoredFile
from crm.core.firm.queries import firm_cached
from crm.core.importing import kinds
from crm.core.listing.files import csv_lines

Progress = Callable[[int, int], None]
Tick = Callable[[], None]


# Every row is checked for what the colleague may see: by a hash, even if the statistics are wrong
HASHED = "SET LOCAL work_mem = '256MB'; SET LOCAL enable_nestloop = off"


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything that is read within is of one moment, while others write on."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), firm_cached():
        with connection.cursor() as cursor:
            if is_outermost:  # else a test holds the transaction
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(PLAIN)
            cursor.execute(HASHED)
        yield


def write_archive(
    out: IO[bytes], *, principal: Principal, by: str, now: datetime, progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Write an archive of what the principal may see, for the system of everything, and return its manifest.

    `progress(done, total)` is called before each part; what it raises stops the writing. Raises BadArchive for one that would not be
    restored. `out` can be read.
    """
    with one_moment(), ZipFile(out, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        rows = Rows(principal)
        lists = [each for each in kinds.kinds() if each.export and _may_have(principal, each)]
        total = len(rows.tables) + len(lists) + 1
        ticks = (partial(progress, done, total) for done in count())
        writing = _Writing(archive, principal, rows, now)
        for table in rows.tables:
            writing.table(table, next(ticks))
        writing.files(next(ticks))
        for kind in lists:
            writing.list(kind, next(ticks))
        manifest = {
            "format": FORMAT,
            "product": "Rapport",
            "version": settings.VERSION,
            "schema": schema(),
            "made_at": now.isoformat(),
            "made_by": by,
            "holds": EVERYTHING if principal.is_system else SEEN,
            "lost_files": sorted(writing.lost),
            "members": {name: member.as_json() for name, member in writing.members.items()},
        }
        with archive.open(_info(MANIFEST, now), "w") as file:
            file.write(json.dumps(manifest, indent=1).encode())
        progress(total, total)
    Archive(out)
    return manifest


def _may_have(principal: Principal, kind: kinds.ImportKind) -> bool:
    return principal.is_system or kind.may_import(principal)


def _info(name: str, now: datetime) -> ZipInfo:
    info = ZipInfo(name, now.timetuple()[:6])
    info.compress_type = ZIP_STORED if name.startswith(f"{FILES}/") else ZIP_DEFLATED  # most are compressed already
    return info


class _Writing:
    """The members of an archive as they come; `lost` are digests of files that the storage does not have."""

    def __init__(self, archive: ZipFile, principal: Principal, rows: Rows, now: datetime):
        self.archive, self.principal, self.rows, self.now = archive, principal, rows, now
        self.members: dict[str, Member] = {}
        self.lost: set[str] = set()

    @contextmanager
    def _member(self, name: str, tick: Tick) -> Iterator[Counted]:
        with self.archive.open(_info(name, self.now), "w", force_zip64=True) as file:
            yield Counted(file, tick)

    def table(self, table: Table, tick: Tick) -> None:
        name = f"{TABLES}/{table.key}.csv"
        with self._member(name, tick) as file:
            self.members[name] = file.member(copy_out(table, self.rows, file))

    def files(self, tick: Tick) -> None:
        """Each content once."""
        table = next(each for each in self.rows.tables if each.model is StoredFile)
        found = self.rows.of(table).order_by("sha256", "pk").values_list("sha256", "path")
        for sha256, path in found.iterator():
            name = f"{FILES}/{sha256}"
            if name in self.members:
                continue
            try:
                content = default_storage.open(path, "rb")
            except FileNotFoundError:
                self.lost.add(sha256)
                continue
            self.lost.discard(sha256)
            with content, self._member(name, tick) as file:
                for piece in content.chunks(PIECE):
                    file.write(piece)
                self.members[name] = file.member()

    def list(self, kind: kinds.ImportKind, tick: Tick) -> None:
        """The file that the page of imports gives out."""
        name, done = f"{LISTS}/{kind.key}.csv", count(-1)  # the head
        rows = (row for row in kind.export(self.principal) if next(done) or True)  # type: ignore[misc]
        with self._member(name, tick) as file:
            for lines in csv_lines(rows):
                file.write(lines.encode())
            self.members[name] = file.member(next(done))
