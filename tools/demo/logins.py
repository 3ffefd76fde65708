"""The demo people's passwords: a file of the data folder that only its owner reads, for the launcher to print."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from django.conf import settings


def _file() -> Path:
    return Path(settings.DATA_DIR) / "demo-logins.json"


def write(logins: list[dict[str, str]]) -> None:
    """[{"email", "password", "role"}]; an empty list deletes the file."""
    path = _file()
    if not logins:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(logins, file, indent=1)


def keep_only(emails: Collection[str]) -> None:
    """Delete all other logins."""
    if (path := _file()).exists():
        write([login for login in json.loads(path.read_text()) if login["email"] in emails])
