"""A table that is slow to read is kept as it was read: a line of JSON for the header and one for each row."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from tempfile import TemporaryFile
from typing import IO

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from crm.core.base.principals import Principal
from crm.core.files.models import StoredFile
from crm.core.files.services import store_file
from crm.core.importing.readers import Table
from crm.core.importing.tabular import Row, UnreadableTable

ROWS = "application/x-ndjson"
MAX_ROWS_BYTES = 1024**3  # a workbook names a long text in few bytes, and often
_room: ContextVar[list[int] | None] = ContextVar("room", default=None)


@contextmanager
def bounded() -> Iterator[None]:
    """What is written within takes no more than MAX_ROWS_BYTES together: the sheets of a workbook, the workbooks of an archive."""
    token = _room.set(_room.get() or [MAX_ROWS_BYTES])
    try:
        yield
    finally:
        _room.reset(token)


def keep(principal: Principal, table: Table, *, name: str) -> StoredFile:
    with TemporaryFile() as kept:
        kept.write(json.dumps(table.header).encode() + b"\n")
        write(kept, table.read())
        kept.seek(0)
        return store_file(principal, name=name, file=File(kept, name=name), content_type=ROWS)


def kept_rows(stored: StoredFile) -> tuple[list[str], Iterator[Row]]:
    """(header, rows)"""
    lines = _lines(stored)
    return json.loads(next(lines)), map(_row, lines)


def write(file: IO[bytes], rows: Iterable[Row]) -> None:
    """Raises UnreadableTable if there is no room for them."""
    room = _room.get()
    for row in rows:
        line = [row.number, row.cells, row.problem, [*row.faults.items()]]
        written = file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        if room:
            room[0] -= written
            if room[0] < 0:
                raise UnreadableTable(_("The workbook holds too much text. Split it and import the parts."))


def read(file: IO[bytes]) -> Iterator[Row]:
    file.seek(0)
    return map(_row, file)


def _row(line: bytes) -> Row:
    number, cells, problem, faults = json.loads(line)
    return Row(number, cells, problem, dict(faults))


def _lines(stored: StoredFile) -> Iterator[bytes]:
    with default_storage.open(stored.path, "rb") as file:
        yield from file
