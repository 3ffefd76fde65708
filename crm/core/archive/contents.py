"""Puts the contents of an archive's files into the storage of this server."""

import secrets
from collections.abc import Callable
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage

from crm.core.archive.format import FILES, nothing
from crm.core.archive.reading import Archive
from crm.core.files.models import StoredFile


class Contents:
    """`put()` after the rows are there: each row has a copy of its own, under a path of this server's. `take_back()` if it came to
    nothing after all."""

    def __init__(self, archive: Archive):
        self.archive = archive
        self.paths: list[str] = []
        self.lost = 0

    def put(self, rows: Any, tick: Callable[[], None] = nothing) -> int:
        for row in rows.iterator():
            tick()
            name = f"{FILES}/{row.sha256}"
            if name not in self.archive.members:
                self.lost += 1
                continue
            with self.archive.open(name) as file:
                path = default_storage.save(_new_path(), File(file, name=row.sha256))
            self.paths.append(path)
            StoredFile.objects.filter(pk=row.pk).update(path=path)
        return len(self.paths)

    def take_back(self) -> None:
        for path in self.paths:
            default_storage.delete(path)


def _new_path() -> str:
    return f"{secrets.token_hex(2)}/{secrets.token_hex(16)}"
