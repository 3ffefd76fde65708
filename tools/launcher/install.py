"""Creates .venv and installs the locked packages: hashed wheels only, never a compiler.

Runs under any Python from 3.11 on, before anything is installed, so it imports nothing of the project. pip is a wheel
in the repository: Debian's bare Python has neither pip nor ensurepip.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOG = VENV / "install.log"
PIP = ROOT / "script" / "vendor" / "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
# A kind of installation, its lock, and the kinds that are within it.
LOCKS = {"runtime": "requirements.lock", "s3": "requirements-s3.lock", "dev": "requirements-dev.lock"}
WITHIN = {"runtime": (), "s3": ("runtime",), "dev": ("runtime", "s3")}
SPACE_MB = {"runtime": 600, "s3": 650, "dev": 1200}
OFFLINE = (
    "newconnectionerror",
    "name resolution",
    "name or service not known",
    "nodename nor servname",
    "connection refused",
    "connecttimeout",
    "read timed out",
    "network is unreachable",
    "max retries exceeded",
    "proxyerror",
    "cannot connect to proxy",
    "ssl",
    "connection broken",
    "failed to establish",
    "no route to host",
    "connection aborted",
    "connection reset",
)


class Problem(Exception):
    """Something a person must fix, in one sentence."""


def main(arguments: list[str]) -> int:
    unknown = [word for word in arguments if word not in ("--dev", "--s3", "--no-compile")]
    if unknown:
        print(f"script/setup knows only --dev and --s3, not {unknown[0]}.", file=sys.stderr)
        return 2
    try:
        kind = "dev" if "--dev" in arguments else "s3" if "--s3" in arguments else "runtime"
        with_lock(lambda: install(kind, compiles="--no-compile" not in arguments))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"The packages could not be installed into {VENV}: {error.strerror or error}. Check the disk and who owns the folder.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def with_lock(work) -> None:
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        work()
    finally:
        os.close(handle)


def install(kind: str, *, compiles: bool) -> None:
    """`compiles`: whether to write the bytecode too. script/server does that while it makes the database."""
    lock = ROOT / LOCKS[kind]
    installed = stamp()
    if installed.get(kind) == digest_of(kind) and works():
        return
    check_python()
    if not works():
        check_space(kind)
        make_venv()
        installed = {}
    packages = len(re.findall(r"^[a-zA-Z0-9._-]+(?:\[.*\])?==", lock.read_text(), re.MULTILINE))
    say(f"Installing up to {packages} packages into .venv (half a minute on a fast line)")
    started = time.monotonic()
    STAMP.unlink(missing_ok=True)
    bytecode = "--compile" if compiles else "--no-compile"
    pip("install", "--require-hashes", "--only-binary=:all:", "--no-deps", bytecode, "-r", str(lock))
    installed |= {each: digest_of(each) for each in (kind, *WITHIN[kind])}
    if kind == "dev":
        pip("install", "--no-index", "--no-deps", str(PIP))
    STAMP.write_text(json.dumps(installed))
    say(f"Installed in {time.monotonic() - started:.0f} s")


def digest_of(kind: str) -> str:
    return hashlib.sha256((ROOT / LOCKS[kind]).read_bytes()).hexdigest()


def say(text: str) -> None:
    print(text, flush=True)


def stamp() -> dict:
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def works() -> bool:
    """Whether .venv has a Python that still runs; it does not after its base was removed or the folder was copied to another machine."""
    if not PYTHON.exists():
        return False
    check = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    return subprocess.run([str(PYTHON), "-I", "-c", check], capture_output=True, check=False).returncode == 0


def check_python() -> None:
    for module, package in (("venv", "python3-venv"), ("ssl", "python3"), ("zlib", "python3")):
        try:
            __import__(module)
        except ImportError:
            raise Problem(
                f"This Python ({sys.executable}) lacks its module {module}. Install it (Debian, Ubuntu: apt-get install {package}), or set PYTHON to another."
            ) from None


def check_space(kind: str) -> None:
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < SPACE_MB[kind]:
        raise Problem(
            f"The disk that holds {ROOT} has {free} MB left, and the packages need {SPACE_MB[kind]} MB. Free some space and call this again."
        )


def make_venv() -> None:
    say(f"Making .venv with Python {platform.python_version()}")
    answer = run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)])
    if answer.returncode or not works():
        last = (answer.stdout.strip().splitlines() or ["no message"])[-1]
        raise Problem(
            f"A virtual environment could not be made in {VENV}: {last}. (Debian, Ubuntu: apt-get install python3-venv.)"
        )


def pip(*arguments: str) -> None:
    if hashlib.sha256(PIP.read_bytes()).hexdigest() != PIP_SHA256:
        raise Problem(f"{PIP} is not the file it should be. Restore it with git checkout.")
    options = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    answer = run([str(PYTHON), f"{PIP}/pip", *arguments, *options])
    LOG.write_text(answer.stdout)
    if answer.returncode:
        raise explain(answer.stdout)


def run(command: list[str]) -> subprocess.CompletedProcess:
    dropped = (
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_QUIET",
        "PYTHONPATH",
        "PYTHONHOME",
        "VIRTUAL_ENV",
    )
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def explain(output: str) -> Problem:
    text = output.lower()
    missing = re.search(r"no matching distribution found for (\S+)", text)
    if "no space left" in text:
        return Problem(f"No space is left on the disk that holds {VENV}. Free some space and call script/setup again.")
    if "do not match the hashes" in text:
        return Problem(
            f"A downloaded package is not the one that was locked, so nothing of it was used. See {LOG}; try again from another network or mirror."
        )
    if any(word in text for word in OFFLINE):
        return Problem(
            "The packages could not be downloaded: the package index cannot be reached. Connect this machine to the network, or set PIP_INDEX_URL "
            f"to a mirror that it reaches, and call script/setup again. (Log: {LOG})"
        )
    if missing:
        return Problem(
            f"There is no ready-made package of {missing[1]} for Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
            f"or the package index does not have it. Use Python 3.11 to 3.14 on Linux (glibc) or macOS. (Log: {LOG})"
        )
    last = (
        [line for line in output.splitlines() if line.startswith("ERROR")]
        or output.strip().splitlines()
        or ["no message"]
    )[-1]
    return Problem(f"The packages could not be installed: {last.removeprefix('ERROR: ')} (Log: {LOG})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
