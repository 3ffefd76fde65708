"""Processes by identity: a pid can be reused, so it is always paired with the process's start time."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LINUX = sys.platform.startswith("linux")


def started(pid: int) -> str | None:
    """When the process with this pid started, as an opaque string; None if there is none, or only a zombie."""
    if LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):
            return None
        return f"{_boot()}:{fields[19]}"
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, since = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else since.strip()


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def alive(pid: int, since: str | None) -> bool:
    return since is not None and started(pid) == since


def name(pid: int) -> str:
    """The program's name, without its folder; empty when there is no such process."""
    answer = (
        subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
        if not LINUX
        else None
    )
    if answer is not None:
        return os.path.basename(answer.stdout.strip())
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process's working directory is this folder; True if that cannot be determined."""
    if not LINUX:
        return True
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False


def working_in(folder: Path) -> list[int]:
    """Processes whose working directory is this folder (Linux; elsewhere unknown, so none)."""
    if not LINUX:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and works_in(int(entry.name), folder) and started(int(entry.name)):
            found.append(int(entry.name))
    return found


def marked(variable: str, value: str) -> list[int]:
    """Processes that were started with this environment variable (Linux; elsewhere unknown, so none)."""
    if not LINUX:
        return []
    wanted = f"{variable}={value}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0") and started(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_gone(pid: int, since: str | None, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid, since):
        _reap(pid)
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    _reap(pid)
    return True


def _reap(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.waitpid(pid, os.WNOHANG)


def stop(pid: int, since: str | None, *steps: tuple[int, float]) -> bool:
    """Send each signal in turn and wait its seconds, until the process is gone. True if it is."""
    for number, seconds in steps:
        if not alive(pid, since):
            break
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        if wait_gone(pid, since, seconds):
            return True
    return wait_gone(pid, since, 0)


def kill_group(group: int) -> None:
    """Kill what is left of a process group whose leader is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
