"""What the web needs before it starts: valid settings, the schema, static files, a user who can sign in.

Each step leaves a stamp, so that a second start skips what has not changed.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis

from tools.embedded import Problem, owner_environment
from tools.embedded.folder import DataFolder
from tools.launcher.children import MARK

ROOT = Path(__file__).resolve().parent.parent.parent
# parts of libraries that our pages do not load; compressing them takes longer than all the rest
UNUSED_STATIC = ("redoc", "rest_framework", "django_htmx")
STAMPS = "run/prepared.json"
FINGERPRINT = "SELECT coalesce(md5(string_agg(app || '.' || name, ',' ORDER BY app, name)), '') FROM django_migrations"


class Preparation:
    def __init__(
        self, folder: DataFolder, environment: dict[str, str], say: Callable[[str], None], *, embedded_database: bool
    ):
        self.folder = folder
        self.environment = environment
        self.say = say
        self.embedded_database = embedded_database
        self.stamps = folder.read(STAMPS) or {}
        self._writing = threading.Lock()

    def check_outside_servers(self, *, database: bool, broker: bool) -> None:
        """Try the URLs from the environment first: a wrong one is the most likely mistake."""
        if database:
            for variable in ("DATABASE_URL", "MIGRATE_URL"):
                self._try_postgres(variable)
            self.say(f"Using PostgreSQL at {_place(self.environment['DATABASE_URL'])}")
        if broker:
            try:
                redis.Redis.from_url(self.environment["REDIS_URL"], socket_connect_timeout=5).ping()
            except (redis.RedisError, ValueError, OSError) as error:
                raise Problem(
                    f"REDIS_URL: no connection to Redis at {_place(self.environment['REDIS_URL'])}: {error}"
                ) from None
            self.say(f"Using Redis at {_place(self.environment['REDIS_URL'])}")

    def _try_postgres(self, variable: str) -> None:
        url = self.environment.get(variable)
        if not url:
            return
        try:
            psycopg2.connect(url, connect_timeout=5).close()
        except (psycopg2.Error, UnicodeError) as error:
            reason = (str(error).strip().splitlines() or ["no answer"])[0]
            raise Problem(f"{variable}: no connection to PostgreSQL at {_place(url)}: {reason}") from None

    def migrate(self) -> None:
        files = _digest(path for path in sorted(ROOT.glob("*/**/migrations/*.py")) if ".venv" not in path.parts)
        wanted = f"{files}:{_digest([ROOT / 'requirements.lock'])}"
        kept = self.stamps.get("migrations", {})
        if self.embedded_database and kept.get("files") == wanted and kept.get("database") == self._applied():
            return
        self.say("Bringing the database's tables up to date (at a first start this takes longest)")
        self.manage("migrate", "--noinput", environment=owner_environment(self.environment))
        self._stamp("migrations", {"files": wanted, "database": self._applied()})

    def collect_static(self) -> None:
        found = sorted(ROOT.glob("static/**/*")) + sorted(ROOT.glob("[!.]*/static/**/*"))
        # collected files may also be below the project, and are not sources
        files = [path for path in found if path.is_file() and self.folder.path not in path.parents]
        wanted = hashlib.sha256(
            "\n".join(
                f"{path.relative_to(ROOT)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files
            ).encode()
        ).hexdigest() + _digest([ROOT / "requirements.lock"])
        if self.stamps.get("static") == wanted and (self.folder.path / "static").is_dir():
            return
        self.say("Collecting the files that browsers load")
        self.manage("collectstatic", "--noinput", *(f"--ignore={name}" for name in UNUSED_STATIC))
        self._stamp("static", wanted)

    def compile_packages(self) -> None:
        """Write the bytecode of the installed packages. Where .venv cannot be written to, Python goes without it."""
        wanted = _digest([ROOT / "requirements.lock"])
        if self.stamps.get("compiled") == wanted:
            return
        compile_all = [sys.executable, "-m", "compileall", "-qq", sys.prefix]
        environment = self.environment | {MARK: str(self.folder.path)}
        subprocess.run(compile_all, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self._stamp("compiled", wanted)

    def fill(self, *, demo: bool) -> None:
        """The demo firm at the very first start; later starts leave the data alone."""
        if self.stamps.get("firm"):
            return
        if demo and self.is_empty():
            self.say("Making the demo firm")
            self.manage("seed_demo")
            self._stamp("firm", "demo")
        else:
            self._stamp("firm", "own")

    def is_empty(self) -> bool:
        return not self._ask("SELECT EXISTS (SELECT FROM core_user)")

    def logins(self) -> list[dict[str, str]]:
        if self.stamps.get("firm") != "demo":
            return []
        found = self.folder.read("demo-logins.json")
        return found if isinstance(found, list) else []

    def manage(self, *command: str, environment: dict[str, str] | None = None) -> str:
        """Run a manage.py command; its output goes to the log, and on failure its last line goes into the error
        message.
        """
        with os.fdopen(self.folder.log("start"), "a") as log:
            log.write(f"── manage.py {' '.join(command)}\n")
            log.flush()
            answer = subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), *command],
                env=(environment or self.environment) | {MARK: str(self.folder.path)},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
            log.write(answer.stdout)
        if answer.returncode:
            raise Problem(
                f"{last_words(answer.stdout)} (manage.py {command[0]}; log: {self.folder.logs / 'start.log'})"
            )
        return answer.stdout

    def _applied(self) -> str | None:
        return self._ask(FINGERPRINT)

    def _ask(self, sql: str):
        try:
            connection = psycopg2.connect(
                self.environment.get("MIGRATE_URL") or self.environment["DATABASE_URL"], connect_timeout=5
            )
        except psycopg2.Error:
            return None
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0]
        except psycopg2.Error:
            return None
        finally:
            connection.close()

    def _stamp(self, name: str, value) -> None:
        with self._writing:  # two steps run in parallel
            self.stamps[name] = value
            self.folder.write(STAMPS, json.loads(json.dumps(self.stamps)))


def last_words(output: str) -> str:
    """The essential line of a program's output: a settings error if there is one, else the last line."""
    named = re.findall(r"(?:ImproperlyConfigured|CommandError): (.+)", output)
    if named:
        return named[-1].strip()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.hostname or 'localhost'}{port}{parts.path}"


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
