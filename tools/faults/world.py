"""Everything a run needs, in a temporary folder: PostgreSQL, Redis, the sink, workers and two beats. Always stopped at
the end.
"""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

from tools.embedded import process
from tools.embedded.postgres import free_port
from tools.faults import processes
from tools.faults.orders import JOURNAL
from tools.faults.processes import Child, python, wait_for
from tools.testing import servers as throw_away

PATIENCE = {  # seconds: short, so that a run shows in minutes what happens in hours
    "MAIL_CONNECT_SECONDS": 2,
    "MAIL_ANSWER_SECONDS": 3,
    "MAIL_FINAL_SECONDS": 3,
    "MAIL_LEASE_SECONDS": 10,
    "MAIL_JOURNAL_GRACE_SECONDS": 5,
}
WORKER = (
    "--pool",
    "prefork",
    "--prefetch-multiplier",
    "1",
    "--without-gossip",
    "--without-mingle",
    "--loglevel",
    "WARNING",
)
BEAT = ("--scheduler", "celery.beat:Scheduler", "--pidfile", "", "--loglevel", "WARNING")


class World:
    def __init__(
        self,
        *,
        policy: str = "journal",
        wait: str = "30-100",
        seed: int = 1,
        workers: int = 2,
        children: int = 4,
        patience: dict[str, int] | None = None,
        control: str = "",
    ):
        self.policy, self.wait, self.seed = policy, wait, seed
        self.patience = PATIENCE | (patience or {})
        self.control = control
        self.sizes = (workers, children)
        self.workers: list[Child] = []
        self.beats: list[Child] = []
        self.sink: Child | None = None

    def __enter__(self) -> "World":
        self.servers = throw_away.start(migrated=True, durable=True)
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *error) -> None:
        self._end()

    def _start(self) -> None:
        self.folder = self.servers.folder.path
        self.logs = self.folder / "fault-logs"
        self.logs.mkdir()
        self.port = free_port()
        self.environment = dict(os.environ) | self._settings()
        self.environment.pop("MIGRATE_URL", None)
        os.environ |= self._settings()
        self._start_sink()
        self._make_children()

    def _settings(self) -> dict[str, str]:
        journal = {"MAIL_JOURNAL": JOURNAL, "MAIL_JOURNAL_URL": f"maildir://{self.folder / 'journal'}"}
        return {
            "DATABASE_URL": self.servers.urls()["DATABASE_URL"],
            "EMAIL_URL": f"smtp://127.0.0.1:{self.port}",
            "RAPPORT_FAULTS_FOLDER": str(self.folder),
            "RAPPORT_FAULTS_CONTROL": self.control,
            **(journal if self.policy == "journal" else {}),
            **{name: str(seconds) for name, seconds in self.patience.items()},
        }

    def _start_sink(self) -> None:
        command = python(
            "tools.faults.sink",
            "--folder",
            str(self.folder),
            "--port",
            str(self.port),
            "--wait",
            self.wait,
            "--seed",
            str(self.seed),
        )
        self.sink = Child("sink", command, self.environment, self.logs)
        self.sink.start()
        wait_for(lambda: self.sink is not None and _listens(self.port), 20, "the sink does not listen")

    def _make_children(self) -> None:
        celery = python("celery", "-A", "crm.celery", "--quiet")
        count, size = self.sizes
        self.workers = [
            Child(
                f"worker{n}",
                [
                    *celery,
                    "worker",
                    *WORKER,
                    "--concurrency",
                    str(size),
                    "-n",
                    f"w{n}@faults",
                    "-I",
                    "tools.faults.broken",
                ],
                self.environment,
                self.logs,
            )
            for n in range(1, count + 1)
        ]
        self.beats = [Child(f"beat{n}", [*celery, "beat", *BEAT], self.environment, self.logs) for n in (1, 2)]

    def start_workers(self, *, beats: bool = True) -> None:
        for child in self.workers + (self.beats if beats else []):
            child.start()
        wait_for(
            lambda: all(len(worker.children()) >= self.sizes[1] for worker in self.workers),
            120,
            "the workers did not start",
            every=0.2,
        )

    def supervise(self) -> None:
        """Restart what ended, as a supervisor would."""
        for child in self.workers + self.beats:
            if child.popen is not None and not child.is_alive():
                child.kill()
                child.start()

    # ── servers ──────────────────────────────────────────────────────────

    @property
    def postgres(self):
        return self.servers.all[0]

    @property
    def redis(self):
        return self.servers.all[1]

    def stop_postgres_at_once(self) -> None:
        """As `pg_ctl stop -m immediate` does it."""
        processes.kill_and_wait(self.postgres.running(), signal.SIGQUIT)

    def kill_redis(self, number: int = signal.SIGKILL) -> None:
        processes.kill_and_wait(self.redis.running()["pid"], number)

    def revive(self) -> None:
        """Restart ended servers at their old addresses."""
        before = self.servers.urls()
        self.servers.revive()
        if self.servers.urls() != before:
            raise RuntimeError("a server came back under another address")

    def tell_sink(self, word: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.folder / "sink.socket"))
            connection.sendall(word.encode() + b"\n")
            connection.recv(16)

    def everything_but_the_sink(self) -> list[int]:
        pids = [self.postgres.running(), self.redis.running()["pid"]]
        pids += [child.pid for child in self.workers + self.beats if child.is_alive()]
        return [one for pid in pids for one in processes.family(pid)]

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def _end(self) -> None:
        if hasattr(self, "folder"):
            with contextlib.suppress(Exception):
                processes.signal_all(self.everything_but_the_sink(), signal.SIGCONT)
        for child in [*self.beats, *self.workers, *([self.sink] if self.sink else [])]:
            child.signal(signal.SIGTERM) if child.is_alive() else None
        for child in [*self.beats, *self.workers, *([self.sink] if self.sink else [])]:
            child.end()
        throw_away.stop(self.servers)

    def keep_logs(self, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        for path in [*self.logs.iterdir(), *(self.folder / "log").iterdir(), self.ledger]:
            if path.exists():
                (target / path.name).write_bytes(path.read_bytes())


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def now() -> float:
    return time.time()


__all__ = ["World", "now", "process"]
