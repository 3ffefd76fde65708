"""The form of an archive: a ZIP of tables, contents of files, lists for people, and a manifest that vouches for all of them.

manifest.json               what, when, by whom; of each member its rows, bytes and SHA-256
tables/clients.Client.csv   every column of a table, as PostgreSQL's COPY writes it: NULL is empty, "" is quoted
files/<SHA-256>             each content once
lists/clients.csv           what the imports read, in their columns, for people and other products
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from django.db import connection

from crm.core.archive.tables import everything

FORMAT = 1
MANIFEST = "manifest.json"
TABLES, FILES, LISTS = FOLDERS = ("tables", "files", "lists")
CSV = "FORMAT csv, HEADER true, ENCODING 'UTF8'"
EVERYTHING, SEEN = "everything", "what its maker may see, without history"
PIECE = 256 * 1024
# How COPY writes times and numbers; the settings of the server do not count
PLAIN = """
    SET LOCAL datestyle = 'ISO, YMD';
    SET LOCAL intervalstyle = 'iso_8601';
    SET LOCAL timezone = 'UTC';
    SET LOCAL extra_float_digits = 1;
    SET LOCAL statement_timeout = 0
"""


@dataclass(frozen=True)
class Member:
    size: int
    sha256: str
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        said = {"bytes": self.size, "sha256": self.sha256}
        return said if self.rows is None else {"rows": self.rows, **said}


def nothing() -> None:
    """Called where nobody watches."""


class Counted:
    """Passes bytes on to `file`, if any, and counts them and their digest. Calls `tick` with each piece."""

    def __init__(self, file: IO[bytes] | None = None, tick: Callable[[], None] = nothing):
        self.file, self.size, self._digest, self._tick = file, 0, hashlib.sha256(), tick

    def write(self, piece: bytes) -> int:
        self._tick()
        self.size += len(piece)
        self._digest.update(piece)
        if self.file is not None:
            self.file.write(piece)
        return len(piece)

    def member(self, rows: int | None = None) -> Member:
        return Member(self.size, self._digest.hexdigest(), rows)


def schema() -> str:
    """Which tables and columns this program has. An archive goes only into the same ones."""
    said = ((table.key, [(each.column, each.db_type(connection)) for each in table.fields]) for table in everything())
    return hashlib.sha256(json.dumps(sorted(said)).encode()).hexdigest()[:16]
