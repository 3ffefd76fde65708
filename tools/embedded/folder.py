"""The data folder: its locks, its secrets, and who may use it."""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

MINIMUM_FREE = 150 * 1024 * 1024


class Problem(Exception):
    """Something a person must fix. The text is one plain sentence and what to do."""


class DataFolder:
    """One folder, one set of servers. Paths below `run/` say what runs and who uses it."""

    def __init__(self, path: Path | str):
        self.path = Path(path).absolute()
        self.run = self.path / "run"
        self.logs = self.path / "log"
        self._shared: int | None = None

    def prepare(self) -> None:
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True, mode=0o700)
                if os.geteuid() == 0:
                    # the servers run as another user, who needs access to their own folder
                    self.path.chmod(0o711)
            for folder in (self.run, self.logs):
                if not folder.exists():
                    folder.mkdir(mode=0o700)
                    self._give_to_owner(folder)
            probe = self.run / f"probe-{os.getpid()}"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise self.explain(error) from error
        free = shutil.disk_usage(self.path).free
        if free < MINIMUM_FREE:
            raise Problem(
                f"The disk that holds {self.path} has only {free // 2**20} MB left, and {MINIMUM_FREE // 2**20} MB are needed. "
                "Free some space, or set RAPPORT_DATA_DIR to a folder on another disk."
            )

    def explain(self, error: OSError) -> Problem:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Problem(
                f"No space is left on the disk that holds {self.path}. Free some space, or set RAPPORT_DATA_DIR to another disk."
            )
        if error.errno == errno.EROFS:
            return Problem(
                f"The data folder {self.path} is on a read-only disk. Set RAPPORT_DATA_DIR to a folder that can be written."
            )
        if error.errno in (errno.EACCES, errno.EPERM):
            return Problem(
                f"The data folder {self.path} belongs to another user. Call this as that user, or set RAPPORT_DATA_DIR to a folder of your own."
            )
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            return Problem(f"RAPPORT_DATA_DIR: {self.path} is not a folder; expected a folder that can be written.")
        return Problem(
            f"The data folder {self.path} cannot be used ({error.strerror}). Set RAPPORT_DATA_DIR to another folder."
        )

    # ── locks ────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def exclusive(self, seconds: float = 90):
        """Only one process at a time starts or stops servers."""
        handle = self._open_lock("servers.lock")
        try:
            end = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise Problem(
                            f"Another command has been starting or stopping the servers in {self.path} for {seconds:.0f} seconds. "
                            "End it and call this again."
                        ) from None
                    time.sleep(0.02)
            yield
        finally:
            os.close(handle)

    def join(self) -> None:
        """Register as a user of the servers."""
        if self._shared is None:
            self._shared = self._open_lock("users.lock")
            fcntl.flock(self._shared, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """Unregister as a user; True if there is no other. Call within `exclusive`."""
        if self._shared is None:
            return False
        try:
            fcntl.flock(self._shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(self._shared)
            self._shared = None

    @property
    def shared_handle(self) -> int | None:
        """A handle for children that keep using the servers when this process dies."""
        return self._shared

    def _open_lock(self, name: str) -> int:
        try:
            handle = os.open(self.run / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self.explain(error) from error
        self._give_to_owner(self.run / name)
        return handle

    # ── private files ────────────────────────────────────────────────────

    def secrets(self) -> dict[str, str]:
        """Passwords of the servers, made once. Call within `exclusive`."""
        kept = self.read("servers.json")
        if kept is None:
            kept = {name: secrets.token_urlsafe(24) for name in ("superuser", "owner", "app", "redis")}
            kept["id"] = secrets.token_hex(8)
            self.write("servers.json", kept)
        return kept

    def read(self, name: str) -> dict | None:
        try:
            return json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise Problem(
                f"{self.path / name} is damaged. Put it back from a backup; without it the databases in this folder cannot be opened."
            ) from None
        except OSError as error:
            raise self.explain(error) from error

    def write(self, name: str, content: dict | str) -> None:
        """Replace a private file in one step, readable by its owner only."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        target = self.path / name
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            self._give_to_owner(temporary)
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self.explain(error) from error

    def _give_to_owner(self, path: Path) -> None:
        """Give what root creates in another user's folder to that user."""
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    def log(self, name: str) -> int:
        """Open a log for appending; a long one is rotated first."""
        path = self.logs / f"{name}.log"
        try:
            if path.exists() and path.stat().st_size > 20 * 1024 * 1024:
                path.replace(path.with_suffix(".log.1"))
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self.explain(error) from error
        self._give_to_owner(path)
        return handle

    def log_tail(self, name: str, size: int = 4000) -> str:
        try:
            with (self.logs / f"{name}.log").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - size))
                return file.read().decode(errors="replace")
        except OSError:
            return ""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
