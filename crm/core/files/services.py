"""Uploaded files: outside the web root, under random names, on disk or in object storage (FILES_URL)."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from crm.core.base.actors import actor_columns
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.files.contents import check_name, check_size, clean_name, format_of
from crm.core.files.models import StoredFile
from crm.core.files.scanning import check_clean


@dataclass(frozen=True)
class Received:
    """An upload that has been looked at. Only `receive` makes one, so what a service is given was checked and scanned."""

    name: str
    content_type: str
    file: File


def receive(upload: File, *, most: int) -> Received:
    """Look at an upload before anything of it is kept: size, content against name, viruses. Call it outside of a transaction, for the
    scanner may take its time. Raises ServiceError (field "file")."""
    name = clean_name(upload.name or "")
    check_size(name, upload.size, most)
    found = format_of(upload)  # type: ignore[arg-type]
    check_name(name, found)
    check_clean(upload, name=name)  # type: ignore[arg-type]
    return Received(clean_name(name, found), found.content_type, upload)


@service(may=None)
def store_file(
    principal: Principal, *, name: str, file: File, content_type: str, client_id: int | None = None
) -> StoredFile:
    """Store a file, in pieces. The row is rolled back with the transaction; a file without a row does no harm. Raises
    ServiceError (field "file") if the storage refuses it.
    """
    sha256 = digest_of(file)
    try:
        path = default_storage.save(f"{secrets.token_hex(2)}/{secrets.token_hex(16)}", file)
    except OSError as error:
        text = _("The file could not be stored. Try again later, or ask an admin.")
        raise ServiceError(text, field="file", code="not_stored") from error
    return StoredFile.objects.create(
        **actor_columns(principal, "user", "contact_id"),
        client_id=client_id,
        name=name[-255:],
        path=path,
        content_type=content_type,
        size=file.size,
        sha256=sha256,
    )


@service(may=None)
def store_bytes(
    principal: Principal, *, name: str, data: bytes, content_type: str = "text/csv", client_id: int | None = None
) -> StoredFile:
    """Keep bytes as a file."""
    return store_file(principal, name=name, file=ContentFile(data), content_type=content_type, client_id=client_id)


def store_upload(
    principal: Principal, *, upload, max_bytes: int | None = None, content_type: str = "text/csv"
) -> StoredFile:
    """Store an uploaded file. Raises ServiceError (field "file") if it is too large."""
    limit = max_bytes or settings.IMPORT_MAX_BYTES
    if upload.size > limit:
        raise ServiceError(
            _("The file is %(size)s. You can import up to %(max)s at once.")
            % {"size": filesizeformat(upload.size), "max": filesizeformat(limit)},
            field="file",
        )
    return store_bytes(principal, name=upload.name, data=upload.read(), content_type=content_type)


def digest_of(file: File) -> str:
    """The SHA-256 of the content. Leaves the file at its beginning."""
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def open_file(stored: StoredFile) -> Any:
    """The content, to be read in pieces and closed."""
    return default_storage.open(stored.path, "rb")


def read_bytes(stored: StoredFile) -> bytes:
    with open_file(stored) as file:
        return file.read()


def delete_files(rows: Any) -> int:
    """Delete files that nothing names any more: the rows now, what they hold when the transaction is through."""
    paths = [*rows.values_list("path", flat=True)]
    rows.delete()
    transaction.on_commit(partial(_delete, paths), robust=True)
    return len(paths)


def _delete(paths: Iterable[str]) -> None:
    for path in paths:
        default_storage.delete(path)
