"""The two versions of the code, each in a folder of its own."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from tools.upgrade.problem import Problem

ROOT = Path(__file__).resolve().parent.parent.parent


def find_commit(name: str) -> str:
    """The full id of the commit. It is fetched from origin if this clone lacks it.

    Raises Problem if it cannot be had.
    """
    if _full_id(name) is None:
        is_shallow = git("rev-parse", "--is-shallow-repository").strip() == b"true"
        try:
            git("fetch", "--quiet", *(["--unshallow"] if is_shallow else []), "origin")
        except Problem as problem:
            raise Problem(f"This clone does not have the commit {name}, and fetching it failed: {problem}") from None
    found = _full_id(name)
    if found is None:
        raise Problem(
            f"Neither this clone nor its origin has the commit {name}. Name another commit, or fetch this one."
        )
    return found


def _full_id(name: str) -> str | None:
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
    except Problem:
        return None


def write_commit(commit: str, target: Path) -> None:
    """The files of a commit, without its history."""
    target.mkdir()
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", commit))) as archive:
        archive.extractall(target, filter="data")


def write_checkout(target: Path) -> None:
    """The files of this checkout as they are now. Uncommitted changes are in it, ignored files are not."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def share_packages(tree: Path) -> bool:
    """Lend the tree the .venv of this checkout. False if it locks other packages and has to install its own."""
    lock = Path("requirements.lock")
    if (tree / lock).read_bytes() != (ROOT / lock).read_bytes():
        return False
    (tree / ".venv").symlink_to(ROOT / ".venv")
    return True


def lend_packages(tree: Path) -> None:
    """Give the tree an environment of its own that begins with the packages of this checkout; its set-up adds what differs."""
    own = shutil.ignore_patterns("installed.json", "install.log")  # written in place
    shutil.copytree(ROOT / ".venv", tree / ".venv", symlinks=True, ignore=own, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target)


def git(*arguments: str) -> bytes:
    """Raises Problem with what git said."""
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    if answer.returncode:
        said = answer.stderr.decode(errors="replace").strip().splitlines()
        raise Problem(said[-1] if said else f"git {arguments[0]} failed with exit code {answer.returncode}")
    return answer.stdout
