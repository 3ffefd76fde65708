"""Readers of files: each says by the content whether a file is its own, and gives the tables in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.deciding import Option
from crm.core.base.registry import Registry
from crm.core.importing.tabular import Dialect, Row, UnreadableTable


@dataclass(frozen=True)
class Table:
    """A table of a file. `key` names it within the file, the same each time; "" is the only one of a text. `read()`
    gives its rows from the first.

    What the reader knows of it: `kind` of import, `system` its ids belong to, `mapping` {field: column}, `defaults`
    {field: value for all rows}, and `remarks`, sentences about what is not in it. `dialect` and `encodings` (the
    readings that are possible) are of a text only; its delimiter is "" if there is none to choose. A table that is `slow` to read is kept as it was read.
    """

    key: str
    title: str
    header: list[str]
    total: int
    read: Callable[[], Iterator[Row]]
    kind: str = ""
    system: str = ""
    mapping: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    dialect: Dialect | None = None
    encodings: tuple[Option, ...] = ()
    is_slow: bool = False


@dataclass(frozen=True)
class Reader:
    """A format. `tables(name, data, dialect)` raises UnreadableTable; the dialect is the one chosen for a text, None for
    the one detected.
    """

    key: str
    label: Any
    endings: tuple[str, ...]
    is_its_own: Callable[[bytes], bool]
    tables: Callable[[str, bytes, Dialect | None], list[Table]]
    order: int = 0


readers: Registry[Reader] = Registry("reader of files")
register = readers.register


def tables(name: str, data: bytes, dialect: Dialect | None = None) -> list[Table]:
    """All tables of a file. Raises UnreadableTable."""
    reader = next((reader for reader in readers if reader.is_its_own(data)), None)
    if reader is None:
        raise UnreadableTable(_("This kind of file cannot be imported. Save it as CSV or XLSX, then import that file."))
    return reader.tables(name, data, dialect)


def find(found: list[Table], key: str) -> Table:
    """The table with this key or title. Raises UnreadableTable."""
    for table in found:
        if table.key == key:
            return table
    named = [table for table in found if table.title.casefold() == key.casefold()]
    if len(named) == 1:
        return named[0]
    words = {"name": key[:80], "names": ", ".join(table.title or table.key for table in found)[:400]}
    raise UnreadableTable(_("The file has no table “%(name)s”. It has: %(names)s.") % words)


def endings() -> list[str]:
    return [ending for reader in readers for ending in reader.endings]
