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
    {field: value for all rows}, `must_ask` (those of the kind's defaults that a person has to say, because not every row does),
    and `remarks`, sentences about what is not in it. `dialect` and `encodings` (the
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
    must_ask: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    dialect: Dialect | None = None
    encodings: tuple[Option, ...] = ()
    is_slow: bool = False


@dataclass(frozen=True)
class Reader:
    """A format. `tables(name, data, dialect)` raises UnreadableTable; the dialect is the one chosen for a text, None for
    the one detected. `one(name, data, key, dialect)` reads one of many tables without the others.
    """

    key: str
    label: Any
    endings: tuple[str, ...]
    is_its_own: Callable[[bytes], bool]
    tables: Callable[[str, bytes, Dialect | None], list[Table]]
    one: Callable[[str, bytes, str, Dialect | None], Table] | None = None
    order: int = 0


readers: Registry[Reader] = Registry("reader of files")
register = readers.register


def tables(name: str, data: bytes, dialect: Dialect | None = None) -> list[Table]:
    """All tables of a file. Raises UnreadableTable."""
    return _reader_of(data).tables(name, data, dialect)


def table(name: str, data: bytes, key: str, dialect: Dialect | None = None) -> Table:
    """One table of a file, by its key or title. Raises UnreadableTable."""
    reader = _reader_of(data)
    return reader.one(name, data, key, dialect) if reader.one else find(reader.tables(name, data, dialect), key)


def _reader_of(data: bytes) -> Reader:
    reader = next((reader for reader in readers if reader.is_its_own(data)), None)
    if reader is None:
        raise UnreadableTable(_("This kind of file cannot be imported. Save it as CSV or XLSX, then import that file."))
    return reader


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


def is_of(data: bytes, key: str) -> bool:
    """Whether the reader with this key reads the file."""
    return _reader_of(data).key == key


def endings() -> list[str]:
    return [ending for reader in readers for ending in reader.endings]


def formats() -> list[str]:
    """What can be read, in words."""
    return sorted({str(reader.label) for reader in readers if reader.endings}, key=str.casefold)
