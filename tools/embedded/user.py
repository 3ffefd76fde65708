"""The user that the servers run as, and where that user can store and read files.

PostgreSQL refuses to run as root, so if root starts the servers, they run as an existing unprivileged user.
"""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from tools.embedded.folder import DataFolder, Problem

CANDIDATES = ("rapport", "postgres", "nobody")
SYSTEM_HOME = Path("/var/lib/rapport")


def server_user(folder: DataFolder, kept: Path | None = None) -> pwd.struct_passwd | None:
    """The user to run the servers as; None means the calling user."""
    if os.geteuid() != 0:
        return None
    for path in (kept, folder.path):
        if path is not None and path.exists() and path.stat().st_uid != 0:
            try:
                return pwd.getpwuid(path.stat().st_uid)
            except KeyError:
                continue
    for name in CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Problem(
        "PostgreSQL does not run as root and this machine has no other user. Make one (useradd rapport) and call this again."
    )


def as_user(user: pwd.struct_passwd | None) -> dict:
    """Arguments for Popen."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def may(user: pwd.struct_passwd | None, test: str, path: Path) -> bool:
    """Whether that user passes `test -r`, `-x` or `-w` on the path."""
    if user is None:
        return os.access(path, {"-r": os.R_OK, "-x": os.X_OK, "-w": os.W_OK}[test])
    command = ["/bin/sh", "-c", f'test {test} "$0"', str(path)]
    return subprocess.run(command, cwd="/", check=False, **as_user(user)).returncode == 0


def home(folder: DataFolder, user: pwd.struct_passwd | None, identity: str) -> Path:
    """Where the servers store their data: in the data folder, or where their user can reach it."""
    if user is None or may(user, "-x", folder.path):
        return folder.path
    elsewhere = SYSTEM_HOME / identity
    make_reachable(elsewhere)
    return elsewhere


def make_reachable(path: Path) -> None:
    for part in (SYSTEM_HOME, path):
        part.mkdir(parents=True, exist_ok=True)
        part.chmod(0o755)


def readable_copy(user: pwd.struct_passwd | None, program: Path, parts: list[Path], label: str) -> Path:
    """The program, or a copy of it with `parts` (sibling folders) where the user can read them."""
    if may(user, "-x", program):
        return program
    target = SYSTEM_HOME / "bin" / label
    copied = target / program.relative_to(parts[0].parent)
    if not copied.exists():
        make_reachable(target.parent)
        fresh = target.with_name(f"{label}.{os.getpid()}")
        for part in parts:
            shutil.copytree(part, fresh / part.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        for path in [fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(
                    0o755 if path.is_dir() or os.access(path, os.X_OK) and path.stat().st_mode & 0o111 else 0o644
                )
        if target.exists():
            shutil.rmtree(target)
        fresh.replace(target)
    return copied


def package_folder(name: str) -> Path | None:
    """Where a package is installed, without importing it."""
    for entry in sys.path:
        path = Path(entry or ".") / name
        if path.is_dir():
            return path.absolute()
    return None
