"""Throw-away PostgreSQL and Redis for one test run, in a temporary folder; never the user's data."""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from tools.embedded import Problem, Servers
from tools.embedded.postgres import OWNER, SUPERUSER
from tools.testing.emptying import allow_emptying

ROOT = Path(__file__).resolve().parent.parent.parent
PREFIX = "rapport-test-"
TEMPLATE = "RAPPORT_TEST_TEMPLATE"
KEPT = 8  # clusters of other states of the migrations, or of other checkouts
NAMED_BY_US = (
    "DATABASE_URL",
    "MIGRATE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "BASE_URL",
    "PORT",
    "DEBUG",
    "ALLOWED_HOSTS",
    "LOG_LEVEL",
    "RAPPORT_WEB",
    "CLAMD_URL",
    "FILES_URL",
)


def start(*, migrated: bool = False, durable: bool = False) -> Servers:
    """Start the run's servers and point the environment at them.

    With `migrated` the database `rapport` has every table, for test databases to be copied from. Applying all
    migrations takes far longer than copying a cluster, so the result is cached in the temporary folder until a
    migration changes. `durable`: commits survive a killed PostgreSQL.
    """
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o711)
    servers = Servers(folder, durable=durable)
    kept = kept_cluster() if migrated else None
    known = kept is not None and copy_cluster(kept, folder)
    if known:
        os.environ[TEMPLATE] = "rapport"
    _use(servers.start(), folder)
    _allow_emptying(servers)
    if migrated and not known and _migrate() and kept is not None and not servers.elsewhere():
        servers.release()
        _keep(folder, kept)
        _use(servers.start(), folder)
        _allow_emptying(servers)
    return servers


def _use(urls: dict[str, str], folder: Path) -> None:
    for name in NAMED_BY_US:
        os.environ.pop(name, None)
    os.environ.setdefault("RAPPORT_TEST_KEY", secrets.token_urlsafe(48))
    os.environ |= {
        "DATABASE_URL": urls["MIGRATE_URL"],  # makes the test databases; tests themselves take the application's role
        "MIGRATE_URL": urls["MIGRATE_URL"],
        "REDIS_URL": urls["REDIS_URL"],
        "RAPPORT_DATA_DIR": str(folder),
        "SECRET_KEY": os.environ["RAPPORT_TEST_KEY"],
        "LOG_LEVEL": "WARNING",
    }


def _allow_emptying(servers: Servers) -> None:
    address = urlsplit(servers.urls()["MIGRATE_URL"])
    password = servers.folder.secrets()["superuser"]
    superuser = psycopg2.connect(
        host=address.hostname, port=address.port, user=SUPERUSER, password=password, dbname="postgres"
    )
    try:
        allow_emptying(superuser, OWNER)
    finally:
        superuser.close()


def _migrate() -> bool:
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--noinput"]
    answer = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if answer.returncode:
        print(answer.stdout, file=sys.stderr)
        raise SystemExit("The migrations fail, so no test can run.")
    os.environ[TEMPLATE] = "rapport"
    return True


def kept_cluster() -> Path | None:
    """The cache folder of a migrated cluster for exactly these migrations; None if the folder belongs to another
    user.
    """
    home = Path(tempfile.gettempdir()) / f"rapport-tests-{os.geteuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != os.geteuid():
        return None
    for old in sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    digest = hashlib.sha256()
    for path in [
        ROOT / "requirements.lock",
        *sorted(ROOT.glob("*/**/migrations/*.py")),
        *sorted(ROOT.glob("tools/embedded/*.py")),
    ]:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return home / digest.hexdigest()[:32]


def copy_cluster(kept: Path, folder: Path) -> bool:
    """Copy a migrated cluster into an empty data folder. False, with an empty folder, if there is none: it was never
    made, or another run has just deleted it.
    """
    try:
        os.utime(kept)  # the longest unused go first
        subprocess.run(
            ["cp", "-a", str(kept / "postgres"), str(kept / "servers.json"), str(folder)],
            check=True,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(folder / "postgres", ignore_errors=True)
        (folder / "servers.json").unlink(missing_ok=True)
        return False
    return True


def _keep(folder: Path, kept: Path) -> None:
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    fresh.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", str(folder / "postgres"), str(folder / "servers.json"), str(fresh)], check=True)
    try:
        fresh.rename(kept)
    except OSError:  # another run was quicker
        shutil.rmtree(fresh)


def stop(servers: Servers) -> None:
    if servers.release():
        _remove(servers)


def use_own_redis_database(worker: str) -> None:
    """Parallel workers share one Redis; each has its own database in it."""
    number = int(worker.removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{number}"


def sweep() -> None:
    """End what killed earlier runs left behind."""
    for folder in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        try:
            if folder.stat().st_uid != os.geteuid() or time.time() - folder.stat().st_mtime < 60:
                continue
            servers = Servers(folder, durable=False)
            if servers.abandoned():
                _remove(servers)
        except (OSError, Problem):
            continue


def _remove(servers: Servers) -> None:
    for path in {servers.folder.path, *servers.elsewhere()}:
        shutil.rmtree(path, ignore_errors=True)
