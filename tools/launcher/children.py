"""The processes that script/server runs besides the servers: web, worker, beat."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.embedded import process
from tools.embedded.folder import DataFolder

MARK = "RAPPORT_LAUNCH"
STATE = "run/children.json"
STEADY = 60.0
LONGEST_PAUSE = 30.0


@dataclass
class Child:
    """One process with its group. It is restarted when it dies, after a pause that doubles while it keeps dying."""

    name: str
    command: list[str]
    environment: dict[str, str]
    grace: float
    started_at: float = 0.0
    pause: float = 0.0
    again_at: float = 0.0
    popen: subprocess.Popen | None = field(default=None, repr=False)

    def start(self, folder: DataFolder, root: Path) -> None:
        log = folder.log(self.name)
        handle = folder.shared_handle
        try:
            self.popen = subprocess.Popen(
                self.command,
                env=self.environment | {MARK: str(folder.path)},
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=() if handle is None else (handle,),
            )
        finally:
            os.close(log)
        self.started_at = time.monotonic()

    def exit_code(self) -> int | None:
        return None if self.popen is None else self.popen.poll()

    def note_death(self, now: float) -> None:
        """End what is left of the group and say when to start it again."""
        if self.popen is not None:
            process.kill_group(self.popen.pid)
        self.pause = 0.5 if now - self.started_at > STEADY or not self.pause else min(self.pause * 2, LONGEST_PAUSE)
        self.again_at = now + self.pause
        self.popen = None

    def ask_to_stop(self) -> None:
        if self.popen is not None and self.popen.poll() is None:
            self.popen.terminate()

    def stop(self) -> None:
        if self.popen is None:
            return
        stop_group(self.popen.pid, process.started(self.popen.pid), self.grace)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(2)
        self.popen = None


def stop_group(pid: int, since: str | None, grace: float) -> None:
    process.stop(pid, since, (signal.SIGTERM, grace), (signal.SIGQUIT, 3))
    process.kill_group(pid)
    process.wait_gone(pid, since, 5)


def remember(folder: DataFolder, children: list[Child]) -> None:
    running = {child.name: child.popen.pid for child in children if child.popen is not None}
    folder.write(STATE, {name: {"pid": pid, "started": process.started(pid)} for name, pid in running.items()})


def forget(folder: DataFolder) -> None:
    (folder.path / STATE).unlink(missing_ok=True)


def stop_leftovers(folder: DataFolder, say: Callable[[str], None]) -> None:
    """End what a killed launcher left running. The caller holds the launcher's lock, so nobody else uses them."""
    kept = {
        name: entry
        for name, entry in (folder.read(STATE) or {}).items()
        if process.alive(entry["pid"], entry["started"])
    }
    if kept:
        say(f"Stopping what an earlier run left behind: {', '.join(kept)}")
        for entry in kept.values():
            stop_group(entry["pid"], entry["started"], 10)
    for pid in process.marked(MARK, str(folder.path)):
        process.stop(pid, process.started(pid), (signal.SIGTERM, 3), (signal.SIGKILL, 5))
    forget(folder)
