"""The processes of a run: started in groups of their own, stopped, continued and killed whole."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.embedded import process

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """One long-running command with its log; its children are in its process group."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], logs: Path):
        self.name, self.command, self.environment = name, list(command), environment
        self.log = logs / f"{name}.log"
        self.popen: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self.popen is not None
        return self.popen.pid

    def is_alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def children(self) -> list[int]:
        return [pid for pid in family(self.pid) if pid != self.pid]

    def signal(self, number: int) -> None:
        """To the process and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self.popen is not None:
            self.popen.wait(10)

    def end(self, seconds: float = 8) -> None:
        if self.popen is None:
            return
        self.signal(signal.SIGCONT)
        if self.is_alive():
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(seconds)
        self.kill()


def parents() -> dict[int, int]:
    """Every process and its parent (Linux)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def family(pid: int) -> list[int]:
    """The process and all its descendants, itself first."""
    known, found = parents(), [pid]
    for one in found:
        found += [child for child, parent in known.items() if parent == one]
    return found


def signal_all(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def state(pid: int) -> str:
    """The letter of /proc: R, S, T (stopped) …; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def kill_and_wait(pid: int, number: int = signal.SIGKILL, seconds: float = 15) -> None:
    since = process.started(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    process.wait_gone(pid, since, seconds)


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def wait_for(condition, seconds: float, what: str, *, every: float = 0.05) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(every)
