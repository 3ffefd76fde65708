"""Writes an archive of the firm: of one moment, as a stream, so that memory stays flat whatever the size."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction

from crm.core.archive.copying import copy_out
from crm.core.archive.format import FILES, FORMAT, LISTS, MANIFEST, PIECE, PLAIN, TABLES, Counted, Member, schema
from crm.core.archive.queries import Rows
from crm.core.archive.tables import Table
from crm.core.base.principals import Principal
from crm.core.files.models import StoredFile
from crm.core.firm.queries import firm_cached
from crm.core.importing import kinds
from crm.core.listing.files import csv_lines

Progress = Callable[[int, int], None]


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything that is read within is of one moment, while others write on."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), firm_cached():
        with connection.cursor() as cursor:
            if is_outermost:  # else a test holds the transaction
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(PLAIN)
        yield


def write_archive(
    out: IO[bytes], *, principal: Principal, by: str, now: datetime, progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Write an archive of what the principal may see, for the system of everything, and return its manifest.

    `progress(done, total)` is called before each part; what it raises stops the writing.
    """
    with one_moment(), ZipFile(out, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        rows = Rows(principal)
        lists = [each for each in kinds.kinds() if each.export and _may_have(principal, each)]
        members: dict[str, Member] = {}
        total = len(rows.tables) + len(lists) + 1
        for done, table in enumerate(rows.tables):
            progress(done, total)
            members[f"{TABLES}/{table.key}.csv"] = _write_table(archive, table, rows, now)
        progress(len(rows.tables), total)
        contents, lost = _write_files(archive, rows, now)
        members |= contents
        for done, kind in enumerate(lists, len(rows.tables) + 1):
            progress(done, total)
            members[f"{LISTS}/{kind.key}.csv"] = _write_list(archive, kind, principal, now)
        manifest = {
            "format": FORMAT,
            "product": "Rapport",
            "version": settings.VERSION,
            "schema": schema(),
            "made_at": now.isoformat(),
            "made_by": by,
            "holds": "everything" if principal.is_system else "what its maker may see, without history",
            "lost_files": lost,
            "members": {name: member.as_json() for name, member in members.items()},
        }
        with archive.open(_info(MANIFEST, now), "w") as file:
            file.write(json.dumps(manifest, indent=1).encode())
        progress(total, total)
    return manifest


def _may_have(principal: Principal, kind: kinds.ImportKind) -> bool:
    return principal.is_system or kind.may_import(principal)


def _info(name: str, now: datetime) -> ZipInfo:
    info = ZipInfo(name, now.timetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    return info


@contextmanager
def _member(archive: ZipFile, name: str, now: datetime) -> Iterator[Counted]:
    with archive.open(_info(name, now), "w", force_zip64=True) as file:
        yield Counted(file)


def _write_table(archive: ZipFile, table: Table, rows: Rows, now: datetime) -> Member:
    with _member(archive, f"{TABLES}/{table.key}.csv", now) as file:
        return file.member(copy_out(table, rows, file))


def _write_files(archive: ZipFile, rows: Rows, now: datetime) -> tuple[dict[str, Member], list[str]]:
    """Each content once; and the digests of those that the storage has lost."""
    table = next(each for each in rows.tables if each.model is StoredFile)
    found = rows.of(table).order_by("sha256", "pk").values_list("sha256", "path")
    members: dict[str, Member] = {}
    lost: set[str] = set()
    for sha256, path in found.iterator():
        name = f"{FILES}/{sha256}"
        if name in members:
            continue
        try:
            content = default_storage.open(path, "rb")
        except FileNotFoundError:
            lost.add(sha256)
            continue
        with content, _member(archive, name, now) as file:
            for piece in content.chunks(PIECE):
                file.write(piece)
            members[name] = file.member()
    return members, sorted(each for each in lost if f"{FILES}/{each}" not in members)


def _write_list(archive: ZipFile, kind: kinds.ImportKind, principal: Principal, now: datetime) -> Member:
    """The file that the page of imports gives out."""
    count = -1  # the head

    def counted(rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    with _member(archive, f"{LISTS}/{kind.key}.csv", now) as file:
        for lines in csv_lines(counted(kind.export(principal))):  # type: ignore[misc]
            file.write(lines.encode())
        return file.member(count)
