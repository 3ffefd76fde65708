"""Opens an archive and believes nothing of it: form, names, sizes and digests are checked before a row is read."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from django.conf import settings
from django.utils.translation import gettext as _

from crm.core.archive.copying import cells
from crm.core.archive.format import EVERYTHING, FILES, FORMAT, LISTS, MANIFEST, PIECE, TABLES, Counted, Member, schema
from crm.core.archive.tables import Table, everything
from crm.core.base.errors import ServiceError

MAX_MANIFEST = 16 * 1024 * 1024
MAX_RATIO = 200  # of all together: tables shrink to a tenth, seldom to a fiftieth, though one of repeated texts to less
SMALL = 16 * 1024 * 1024  # bytes that may come out of anything
LONGEST_HEAD = 64 * 1024
NAME = re.compile(rf"{TABLES}/\w+\.\w+\.csv|{FILES}/[0-9a-f]{{64}}|{LISTS}/[a-z-]+\.csv")
WHOLE = {"format", "product", "version", "schema", "made_at", "made_by", "holds", "lost_files", "members"}
BROKEN = (BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError)


class BadArchive(ServiceError):
    """It is no archive of this program's, not whole, or was changed. Nothing was written."""


def damaged(what: str = "") -> BadArchive:
    if not what:
        return BadArchive(
            _("This file is no archive of a firm, or only a part of one. Make or download it again."), field="file"
        )
    return BadArchive(_("The archive is damaged or was changed: “%(name)s”.") % {"name": what[:100]}, field="file")


class Archive:
    """`manifest`, and members by name. `check()` reads all of it once."""

    def __init__(self, file: IO[bytes]):
        try:
            self._zip = ZipFile(file)
            self.manifest = self._read_manifest()
            self._check_version()
            self.members = {
                name: Member(said["bytes"], said["sha256"], said.get("rows"))
                for name, said in self.manifest["members"].items()
            }
        except (*BROKEN, TypeError, AttributeError) as error:
            raise damaged() from error
        self._check_names()
        self.tables = self._known_tables()

    def _read_manifest(self) -> dict[str, Any]:
        info = self._zip.getinfo(MANIFEST)
        if info.file_size > MAX_MANIFEST:
            raise damaged(MANIFEST)
        with self._zip.open(info) as file:
            manifest = json.loads(file.read(MAX_MANIFEST + 1))
        if manifest.get("product") != "Rapport":
            raise damaged()
        return manifest

    def _check_version(self) -> None:
        said = self.manifest
        if said.get("format") == FORMAT and said.keys() >= WHOLE and said["schema"] == schema():
            return
        words = {"theirs": str(said.get("version"))[:20], "ours": settings.VERSION}
        text = _(
            "This archive was made by Rapport %(theirs)s, whose tables are not those of this Rapport (%(ours)s). "
            "Restore it into the version that made it, then upgrade."
        )
        raise BadArchive(text % words, field="file")

    def _check_names(self) -> None:
        """The names, sizes and number of the members are those of the manifest, and all do not unpack to more than they may."""
        there = [info for info in self._zip.infolist() if info.filename != MANIFEST]
        if len(there) != len(self.members) or {info.filename for info in there} != self.members.keys():
            raise damaged(MANIFEST)
        for info in there:
            if not NAME.fullmatch(info.filename) or info.file_size != self.members[info.filename].size:
                raise damaged(info.filename)
        if sum(info.file_size for info in there) > max(SMALL, MAX_RATIO * sum(info.compress_size for info in there)):
            raise damaged()

    def _known_tables(self) -> list[Table]:
        """Ours that it has, in our order. Raises BadArchive for one that is not ours."""
        known = [each for each in everything() if f"{TABLES}/{each.key}.csv" in self.members]
        strange = {name for name in self.members if name.startswith(f"{TABLES}/")} - {
            f"{TABLES}/{each.key}.csv" for each in known
        }
        if strange:
            raise damaged(min(strange))
        return known

    @property
    def is_whole(self) -> bool:
        """Whether it holds everything, not only what one colleague may see."""
        return self.manifest["holds"] == EVERYTHING

    def member_of(self, table: Table) -> Member:
        return self.members[f"{TABLES}/{table.key}.csv"]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(name) as file:
                yield file
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno:  # the disk's, not the archive's
                raise
            raise damaged(name) from error

    def check(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Compare every member with the manifest, and the columns of every table with ours. Raises BadArchive."""
        for done, (name, said) in enumerate(self.members.items()):
            found = Counted(tick=partial(progress, done, len(self.members)))
            with self.open(name) as file:
                while piece := file.read(PIECE):
                    found.write(piece)
                    if found.size > said.size:
                        raise damaged(name)
            if (found.size, found.member().sha256) != (said.size, said.sha256):
                raise damaged(name)
            if name.startswith(f"{FILES}/") and name != f"{FILES}/{said.sha256}":
                raise damaged(name)
        for table in self.tables:
            with self.open_table(table) as file:
                head = cells(file.readline(LONGEST_HEAD))
            if head != table.columns:
                raise damaged(f"{TABLES}/{table.key}.csv")

    def open_table(self, table: Table) -> Any:
        return self.open(f"{TABLES}/{table.key}.csv")
