"""script/server: everything on one machine, until Ctrl-C.

Started in this order and stopped in reverse: Redis, PostgreSQL, workers, beat, web. Processes that die are restarted. A
killed launcher leaves a free lock and a list of its processes; the next one ends those first, and adopts the PostgreSQL
and Redis that still run.
"""

import argparse
import contextlib
import fcntl
import http.client
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tools import embedded
from tools.embedded import Problem
from tools.embedded.folder import DataFolder
from tools.launcher import children
from tools.launcher.children import Child
from tools.launcher.prepare import ROOT, Preparation, last_words

FIRST_ANSWER = 120.0


def worker(name: str, processes: int) -> list[str]:
    """A Celery worker for one queue: an import or a hanging mail server blocks only its own queue."""
    celery = [
        "celery",
        "-A",
        "crm.celery",
        "--quiet",
        "worker",
        "-Q",
        name,
        "-n",
        f"{name}@%h",
        "--loglevel",
        "WARNING",
    ]
    return [*celery, "--pool", "prefork", "--concurrency", str(processes), "--without-gossip", "--without-mingle"]


def web(address: str, processes: int, threads: int = 4) -> list[str]:
    """The web server of crm/web.py."""
    serve = ["gunicorn", "crm.wsgi", "--bind", address, "--worker-class", "crm.web.Worker", "--preload"]
    size = ["--workers", str(processes), "--threads", str(threads), "--graceful-timeout", "8", "--timeout", "60"]
    return [*serve, *size, "--no-control-socket", "--log-level", "warning"]


WORKERS = {"worker": worker("celery", 2), "mail": worker("mail", 4), "tick": worker("tick", 1)}


class Stopped(BaseException):
    """A stop was requested. Not an Exception, so that nothing in between swallows it."""


class Launcher:
    def __init__(self, environment: dict[str, str], demo: bool | None):
        self.environment = environment
        self.demo = demo
        self.port = _port(environment.get("PORT") or "8000")
        self.folder = DataFolder(embedded.data_dir(environment))
        self.servers = embedded.Servers(
            self.folder.path,
            postgres=not environment.get("DATABASE_URL"),
            redis=not environment.get("REDIS_URL"),
            say=say,
        )
        # one folder object, so that children inherit the lock on the servers
        self.folder = self.servers.folder
        self.children: list[Child] = []
        self.base_url = environment.get("BASE_URL") or f"http://127.0.0.1:{self.port}"
        self._lock: int | None = None

    def run(self) -> None:
        self.folder.prepare()
        self._be_the_only_one()
        try:
            children.stop_leftovers(self.folder, say)
            _require_free(self.port)
            preparation = self._prepare()
            logins = preparation.logins()
            # the admin named in the environment exists before the web is ready
            way_in = "" if logins or not preparation.is_empty() else self._way_in(preparation)
            self._start_children()
            self._wait_for_first_answer()
            self._greet(logins, way_in)
            self._watch()
        finally:
            self._stop()

    # ── start ────────────────────────────────────────────────────────────

    def _be_the_only_one(self) -> None:
        self._lock = os.open(self.folder.run / "launcher.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = self.folder.read("run/launcher.json") or {}
            raise Problem(
                f"Rapport already runs on {self.folder.path} at {running.get('url', 'another port')} (process {running.get('pid', 'unknown')}). "
                "Use that one, stop it with Ctrl-C, or set RAPPORT_DATA_DIR to another folder."
            ) from None
        self.folder.write("run/launcher.json", {"url": self.base_url, "pid": os.getpid()})

    def _prepare(self) -> Preparation:
        own_database, own_broker = not self.environment.get("DATABASE_URL"), not self.environment.get("REDIS_URL")
        if own_database or own_broker:
            say("Starting " + " and ".join(["PostgreSQL"] * own_database + ["Redis"] * own_broker))
        self._set_addresses()
        if (own_database or own_broker) and not self.environment.get("SECRET_KEY"):
            self.environment["SECRET_KEY"] = embedded.secret_key(self.folder)
        self.environment |= {
            "PORT": str(self.port),
            "BASE_URL": self.base_url,
            "RAPPORT_DATA_DIR": str(self.folder.path),
        }
        preparation = Preparation(self.folder, self.environment, say, embedded_database=own_database)
        preparation.check_outside_servers(database=not own_database, broker=not own_broker)
        with ThreadPoolExecutor(1) as beside:  # neither needs the other, and each keeps a processor busy
            static = beside.submit(preparation.collect_static)
            beside.submit(preparation.compile_packages)
            preparation.migrate()
            preparation.fill(demo=own_database if self.demo is None else self.demo)
            static.result()
        return preparation

    def _set_addresses(self) -> None:
        self.environment |= self.servers.start()

    def _start_children(self) -> None:
        python = [sys.executable, "-m"]
        # the web never has the schema owner's password
        environment = {name: value for name, value in self.environment.items() if name != "MIGRATE_URL"}
        celery = [*python, "celery", "-A", "crm.celery", "--quiet"]
        self.children = [
            *(Child(name, [*python, *worker], environment, grace=15) for name, worker in WORKERS.items()),
            Child(
                "beat",
                [*celery, "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile", "", "--loglevel", "WARNING"],
                environment,
                grace=5,
            ),
            Child(
                "web",
                [*python, *web(f"127.0.0.1:{self.port}", max(2, min(4, os.cpu_count() or 2)))],
                environment | {"RAPPORT_WEB": "1"},
                grace=12,
            ),
        ]
        say("Starting web, workers and beat")
        # start only the web at first, with all processors to itself; `_watch` starts the others
        self.children[-1].start(self.folder, ROOT)
        children.remember(self.folder, self.children)

    def _wait_for_first_answer(self) -> None:
        web = self.children[-1]
        end = time.monotonic() + FIRST_ANSWER
        while not _answers(self.port):
            if web.exit_code() is not None:
                raise Problem(
                    f"The web server did not start: {last_words(self.folder.log_tail('web'))} (log: {self.folder.logs / 'web.log'})"
                )
            if time.monotonic() > end:
                raise Problem(
                    f"The web server has not answered for {FIRST_ANSWER:.0f} seconds. See {self.folder.logs / 'web.log'}."
                )
            time.sleep(0.05)

    def _greet(self, logins: list[dict[str, str]], way_in: str) -> None:
        say("")
        say(f"  Rapport is ready at {self.base_url}{self._since_start()}")
        if logins:
            width = max(len(login["email"]) for login in logins)
            say("")
            say("  The demo firm's people (passwords of this data folder only):")
            for login in logins:
                say(f"    {login['email']:<{width}}  {login['password']}  {login['role']}")
        if way_in:
            say("")
            for line in way_in.strip().splitlines():
                say(f"  {line}")
        say("")
        say(f"  Data and logs: {self.folder.path}. Ctrl-C stops everything.")

    def _since_start(self) -> str:
        """Seconds from the command to the first response; script/server records its start."""
        started = self.environment.get("RAPPORT_STARTED", "")
        return f", {max(0, round(time.time()) - int(started))} s after the start" if started.isdecimal() else ""

    def _way_in(self, preparation: Preparation) -> str:
        """How the first admin gets into an empty firm. Invalid values in the environment stop the start."""
        try:
            return preparation.manage("first_admin")
        except Problem as problem:
            if self.environment.get("RAPPORT_ADMIN_EMAIL") or self.environment.get("RAPPORT_ADMIN_PASSWORD"):
                raise
            return f"No set-up code could be made: {problem}"

    # ── run ──────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            self._revive_servers()
            now = time.monotonic()
            for child in self.children:
                code = child.exit_code()
                if code is not None:
                    child.note_death(now)
                    say(
                        f"{child.name} ended ({_reason(code)}); starting it again"
                        + (f" in {child.pause:.0f} s" if child.pause >= 1 else "")
                    )
                if child.popen is None and now >= child.again_at:
                    child.start(self.folder, ROOT)
                    children.remember(self.folder, self.children)

    def _revive_servers(self) -> None:
        dead = self.servers.dead()
        if not dead:
            return
        say(f"{' and '.join(dead)} ended; starting it again")
        before = self.servers.urls()
        try:
            self.servers.revive()
        except Problem as problem:
            say(f"{problem} Trying again in 5 s.")
            time.sleep(5)
            return
        if self.servers.urls() != before:
            say("The address changed; starting web, worker and beat again with the new one")
            self._stop_children(quietly=True)
            self.environment |= self.servers.urls()
            self._start_children()

    # ── stop ─────────────────────────────────────────────────────────────

    def _stop(self) -> None:
        try:
            self._stop_children()
            if self.servers.all and self.servers.folder.shared_handle is not None:
                say("Stopping " + " and ".join(server.label for server in self.servers.all))
                if not self.servers.release():
                    say("Another command still uses them; they stop when it ends")
        finally:
            (self.folder.run / "launcher.json").unlink(missing_ok=True)
            if self._lock is not None:
                os.close(self._lock)

    def _stop_children(self, quietly: bool = False) -> None:
        running = [child for child in reversed(self.children) if child.popen is not None]
        for child in running:
            if not quietly:
                say(f"Stopping {child.name}")
            child.ask_to_stop()
        for child in running:
            child.stop()
        children.forget(self.folder)


def say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone: stop in order
        print(text, flush=True)


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Problem(f"PORT: is {text!r}; expected a number from 1 to 65535")
    return int(text)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Problem(
                f"Port {port} may only be used by root. Choose one from 1024 on: PORT=8000 script/server."
            ) from None
        except OSError:
            raise Problem(
                f"Port {port} is in use by another program. Stop that one, or choose another port: PORT={_next_free(port)} script/server."
            ) from None


def _next_free(port: int) -> int:
    for candidate in range(port + 1, min(port + 100, 65536)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
                return candidate
            except OSError:
                continue
    return 8001


def _answers(port: int) -> bool:
    """Whether the web answers at all; a redirect to https counts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _on_signal(number, frame):
    # stopping has begun: a second Ctrl-C must not interrupt it
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise Stopped


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/server", description="Runs Rapport on this machine until Ctrl-C.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--no-demo",
        dest="demo",
        action="store_false",
        default=None,
        help="start with an empty firm instead of the demo firm",
    )
    which.add_argument(
        "--demo",
        dest="demo",
        action="store_true",
        help="make the demo firm in the database that DATABASE_URL names, if that is empty",
    )
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        Launcher(dict(os.environ), options.demo).run()
    except Problem as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1
    except Stopped:
        say("Stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
