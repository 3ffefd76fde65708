"""ZIP archives, such as the whole data of another system: each file in it may hold tables."""

import codecs
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from zipfile import ZipFile, ZipInfo

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from crm.core.importing import readers
from crm.core.importing.readers import Reader, Table, register
from crm.core.importing.readers.keeping import bounded
from crm.core.importing.readers.unpacking import ARCHIVE, opened
from crm.core.importing.tabular import Dialect, Row, UnreadableTable, unique_headers

EMPTY = b"PK\x05\x06"
MOST_NAMED = 10


def _members(archive: ZipFile) -> tuple[list[tuple[str, ZipInfo]], list[str]]:
    """([(name, member)] of those whose ending may be a table's, the names of the others). Names are shown, never used as a
    path. Raises UnreadableTable for an archive in the archive and for a member that is too large.
    """
    files = [(_shown(member.filename), member) for member in archive.infolist() if not member.is_dir()]
    files = [(shown, member) for shown, member in files if not _is_aside(shown)]
    names = unique_headers([shown for shown, _member in files])
    taken, left = [], []
    for name, (shown, member) in zip(names, files, strict=True):
        if shown.lower().endswith((".zip", ".7z", ".rar", ".gz")):
            text = _("“%(name)s” is an archive within the archive. Unpack it and import the files in it.")
            raise UnreadableTable(text % {"name": name[:80]})
        if not shown.lower().endswith(tuple(readers.endings())):
            left.append(name)
            continue
        if member.file_size > settings.IMPORT_MAX_BYTES:
            words = {"name": name[:80], "size": filesizeformat(member.file_size)}
            words["max"] = filesizeformat(settings.IMPORT_MAX_BYTES)
            raise UnreadableTable(
                _("“%(name)s” is %(size)s when unpacked. You can import up to %(max)s at once.") % words
            )
        taken.append((name, member))
    return taken, left


def _is_aside(name: str) -> bool:
    """What Macs add to each archive."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _shown(name: str) -> str:
    parts = name.replace("\\", "/").split("/")
    return "".join(
        sign for sign in "/".join(part for part in parts if part not in ("", ".", "..")) if sign.isprintable()
    )[-150:]


def _tables_in(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    if readers.is_of(data, "zip"):
        raise UnreadableTable(
            _("“%(name)s” is an archive within the archive. Unpack it and import the files in it.")
            % {"name": name[:80]}
        )
    return [replace(table, title=_title(name, table)) for table in readers.tables(name, data, dialect)]


def _title(name: str, table: Table) -> str:
    return name if table.title == name else f"{name}: {table.title}"


def _tables(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    found: list[Table] = []
    with opened(data) as archive, bounded():
        taken, left = _members(archive)
        for member_name, member in taken:
            content = archive.read(member)
            if not content.strip(codecs.BOM_UTF8):
                continue
            found += [_lazy(data, member_name, table) for table in _tables_in(member_name, content, dialect)]
    if not found:
        raise UnreadableTable(
            _("The archive holds no file that can be imported. It may hold CSV, XLSX and vCard files.")
        )
    if left:
        more = "" if len(left) <= MOST_NAMED else f" … ({len(left)})"
        text = _("Other files in the archive are skipped: %(names)s.") % {"names": ", ".join(left[:MOST_NAMED]) + more}
        found = [replace(table, remarks=(*table.remarks, text)) for table in found]
    return found


def _lazy(data: bytes, name: str, table: Table) -> Table:
    """The table of a member, which is unpacked again to be read: not all of them are kept in memory."""
    key = f"{name}|{table.key}"
    if table.is_slow:  # kept in a file
        return replace(table, key=key)
    return replace(table, key=key, read=partial(_rows, data, key, table.dialect))


def _rows(data: bytes, key: str, dialect: Dialect | None) -> Iterator[Row]:
    return _member_table(data, key, dialect).read()


def _member_table(data: bytes, key: str, dialect: Dialect | None) -> Table:
    name, _sign, own = key.partition("|")
    with opened(data) as archive:
        taken = dict(_members(archive)[0])
        if name not in taken:
            raise UnreadableTable(_("The archive has no file “%(name)s”.") % {"name": name[:80]})
        content = archive.read(taken[name])
    found = _tables_in(name, content, dialect)
    return readers.find(found, own) if own else found[0]  # a text's only one


def _one(name: str, data: bytes, key: str, dialect: Dialect | None) -> Table:
    if "|" not in key:  # a title
        return readers.find(_tables(name, data, dialect), key)
    return _lazy(data, key.partition("|")[0], _member_table(data, key, dialect))


def _is_archive(data: bytes) -> bool:
    return data.startswith((ARCHIVE, EMPTY))


register(Reader("zip", "ZIP", (".zip",), _is_archive, _tables, _one, order=40))
