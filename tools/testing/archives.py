"""Archives of the firm in a test."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from crm.core.archive.writing import write_archive
from crm.core.base.principals import SYSTEM, Principal

Members = dict[str, bytes]


def archive(now: datetime, principal: Principal = SYSTEM) -> io.BytesIO:
    file = io.BytesIO()
    write_archive(file, principal=principal, by="a test", now=now)
    file.seek(0)
    return file


def archive_of_the_firm(now: datetime) -> SimpleUploadedFile:
    """As a browser sends it."""
    return SimpleUploadedFile("firm.zip", archive(now).getvalue(), content_type="application/zip")


def members_of(file: io.BytesIO) -> Members:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(members: Members) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    file.seek(0)
    return file


def manifest_of(members: Members) -> dict[str, Any]:
    return json.loads(members["manifest.json"])


def with_manifest(members: Members, change: Callable[[dict[str, Any]], Any]) -> Members:
    """With a manifest that says something else."""
    manifest = manifest_of(members)
    change(manifest)
    return members | {"manifest.json": json.dumps(manifest).encode()}
