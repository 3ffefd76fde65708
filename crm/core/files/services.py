"""Uploaded files: outside the web root, under random names."""

import hashlib
import secrets

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from crm.core.base.actors import actor_columns
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.files.models import StoredFile


@service(may=None)
def store_bytes(
    principal: Principal, *, name: str, data: bytes, content_type: str = "text/csv", client_id: int | None = None
) -> StoredFile:
    """Store bytes as a file. The row is rolled back with the transaction; a file without a row does no harm."""
    path = default_storage.save(f"{secrets.token_hex(2)}/{secrets.token_hex(16)}", ContentFile(data))
    return StoredFile.objects.create(
        **actor_columns(principal, "user", "contact_id"),
        client_id=client_id,
        name=name[-255:],
        path=path,
        content_type=content_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


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


def read_bytes(stored: StoredFile) -> bytes:
    with default_storage.open(stored.path, "rb") as file:
        return file.read()
