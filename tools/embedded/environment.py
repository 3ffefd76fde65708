"""Completes the environment that settings are read from."""

import secrets
from collections.abc import Callable, MutableMapping
from pathlib import Path

from tools.embedded.folder import DataFolder
from tools.embedded.servers import ensure

ROOT = Path(__file__).resolve().parent.parent.parent
KEY_FILE = "secret-key"
# These commands write what the application's role may not: the schema, or rows without triggers.
OWNER_COMMANDS = {"migrate", "seed_load"}


def data_dir(environ: MutableMapping[str, str]) -> Path:
    return Path(environ.get("RAPPORT_DATA_DIR") or ROOT / ".data").absolute()


def secret_key(folder: DataFolder) -> str:
    """The key of this data folder, made once."""
    folder.prepare()
    with folder.exclusive():
        kept = folder.read(KEY_FILE + ".json")
        if kept is None:
            kept = {"SECRET_KEY": secrets.token_urlsafe(48)}
            folder.write(KEY_FILE + ".json", kept)
    return kept["SECRET_KEY"]


def complete(environ: MutableMapping[str, str], say: Callable[[str], None] = lambda text: None) -> None:
    """Add what is missing: the data folder's servers, and then also its own key."""
    path = data_dir(environ)
    environ["RAPPORT_DATA_DIR"] = str(path)
    missing = ensure(path, environ, say)
    environ.update(missing)
    if missing and not environ.get("SECRET_KEY"):
        environ["SECRET_KEY"] = secret_key(DataFolder(path))


def stand_in(environ: MutableMapping[str, str]) -> None:
    """What settings want before they can be read, for a command that only prints its help: nothing is opened or made."""
    environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
    environ.setdefault("REDIS_URL", "redis://127.0.0.1:1")


def owner_environment(environ: MutableMapping[str, str]) -> dict[str, str]:
    """The same environment, with the database opened as the schema's owner."""
    return dict(environ) | {"DATABASE_URL": environ.get("MIGRATE_URL") or environ["DATABASE_URL"]}
