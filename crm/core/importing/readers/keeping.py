"""A table that is slow to read is kept as it was read: a line of JSON for the header and one for each row."""

import json
from collections.abc import Iterator
from tempfile import TemporaryFile

from django.core.files.base import File
from django.core.files.storage import default_storage

from crm.core.base.principals import Principal
from crm.core.files.models import StoredFile
from crm.core.files.services import store_file
from crm.core.importing.readers import Table
from crm.core.importing.tabular import Row

ROWS = "application/x-ndjson"


def keep(principal: Principal, table: Table, *, name: str) -> StoredFile:
    with TemporaryFile() as kept:
        kept.write(json.dumps(table.header).encode() + b"\n")
        for row in table.read():
            kept.write(json.dumps([row.number, row.cells, row.problem]).encode() + b"\n")
        kept.seek(0)
        return store_file(principal, name=name, file=File(kept, name=name), content_type=ROWS)


def kept_rows(stored: StoredFile) -> tuple[list[str], Iterator[Row]]:
    """(header, rows)"""
    lines = _lines(stored)
    return json.loads(next(lines)), (Row(*json.loads(line)) for line in lines)


def _lines(stored: StoredFile) -> Iterator[bytes]:
    with default_storage.open(stored.path, "rb") as file:
        yield from file
