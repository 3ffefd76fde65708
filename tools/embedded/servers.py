"""The servers of one data folder, used by this process."""

import contextlib
import os
from collections.abc import Callable, MutableMapping
from pathlib import Path

from tools.embedded.folder import DataFolder
from tools.embedded.postgres import Postgres
from tools.embedded.redis import Redis


class Servers:
    """Start or adopt, hold, and release. `durable=False` is for throw-away databases."""

    def __init__(
        self,
        data_dir: Path | str,
        *,
        postgres: bool = True,
        redis: bool = True,
        durable: bool = True,
        say: Callable[[str], None] = lambda text: None,
    ):
        self.folder = DataFolder(data_dir)
        self.say = say
        self.all = ([Postgres(self.folder, durable=durable)] if postgres else []) + (
            [Redis(self.folder)] if redis else []
        )
        self._pid = os.getpid()

    def start(self) -> dict[str, str]:
        """Start every server. Returns the environment variables that point to them."""
        self.folder.prepare()
        with self.folder.exclusive():
            self.folder.join()
            try:
                for server in self.all:
                    server.ensure_running(self.say)
            except BaseException:
                if self.folder.leave():
                    self._stop_all()
                raise
        return self.urls()

    def urls(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for server in self.all:
            found |= server.urls()
        return found

    def dead(self) -> list[str]:
        return [server.label for server in self.all if not server.is_alive()]

    def revive(self) -> None:
        """Restart dead servers, if possible at their old address."""
        with self.folder.exclusive():
            for server in self.all:
                if not server.is_alive():
                    server.stop()
                    server.ensure_running(self.say)

    def release(self) -> bool:
        """Stop using the servers; the last user stops them. True if they were stopped."""
        if os.getpid() != self._pid or self.folder.shared_handle is None:
            return False
        with self.folder.exclusive():
            last = self.folder.leave()
            if last:
                self._stop_all()
        return last

    def abandoned(self) -> bool:
        """Stop the servers if nobody uses them. True if nobody does."""
        if not self.folder.run.is_dir():
            return True
        with self.folder.exclusive():
            self.folder.join()
            last = self.folder.leave()
            if last:
                for server in self.all:
                    server.locate()
                self._stop_all()
        return last

    def elsewhere(self) -> set[Path]:
        """Folders outside the data folder that belong to it."""
        kept = self.folder.read("servers.json") or {}
        return {Path(kept["postgres"]).parent} if Path(kept.get("postgres", "")).is_absolute() else set()

    def _stop_all(self) -> None:
        for server in self.all:
            with contextlib.suppress(OSError):
                server.stop()


_held: Servers | None = None


def ensure(
    data_dir: Path | str,
    environ: MutableMapping[str, str] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """Start or adopt the servers that the environment does not name, while this process lives or until `release()`.

    Returns the variables that are missing: DATABASE_URL (the application's role) and MIGRATE_URL (the owner's), REDIS_URL.
    """
    global _held
    environ = os.environ if environ is None else environ
    postgres, redis = not environ.get("DATABASE_URL"), not environ.get("REDIS_URL")
    if not postgres and not redis:
        return {}
    if _held is None:
        servers = Servers(data_dir, postgres=postgres, redis=redis, say=say)
        servers.start()
        _held = servers
    return _held.urls()


def release() -> None:
    global _held
    if _held is not None:
        servers, _held = _held, None
        servers.release()
