"""The faults.

Each is a function that causes one and repairs it; mails queued meanwhile carry its name. `Fault.returns` is when the
missing part is back. The recovery lasts from then until a mail queued right after it arrives.
"""

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from crm.celery import app
from tools.faults import processes
from tools.faults.verdict import Fault, read_ledger
from tools.faults.world import World
from tools.faults.writer import Writer

ABSENT_HOURS = 26
ORDERED = 6  # mails per fault that the sink must mishandle


@dataclass
class Scene:
    world: World
    writer: Writer
    random: random.Random
    scale: float = 1.0  # factor of the waiting times; a short run waits less
    suspended: float = 0.0  # seconds; 0: a little longer than both leases
    background: list[threading.Thread] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    probes: set[str] = field(default_factory=set)  # addresses of the mails that show that a fault is over

    def pause(self, low: float, high: float) -> None:
        time.sleep(self.random.uniform(low, high) * self.scale)

    def redis(self) -> Redis:
        return Redis.from_url(self.world.servers.urls()["REDIS_URL"], socket_timeout=5)

    def wait_until_nobody_is_stopped(self) -> None:
        for thread in self.background:
            thread.join(120)

    def wait_until_recovered(self, seconds: float = 90) -> None:
        """Until every fault so far has recovered."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.probes <= arrived(self.world.ledger):
            time.sleep(0.5)

    def free_worker(self):
        """A worker that is running and not being stopped by another fault."""
        free = [worker for worker in self.world.workers if worker.name not in self.busy and worker.is_alive()]
        return self.random.choice(free)


def arrived(ledger: Path) -> set[str]:
    return {one.recipient for one in read_ledger(ledger)}


Kind = Callable[[Scene, Fault], None]
KINDS: dict[str, Kind] = {}
RECOVERS: set[str] = set()  # something is away for a while and comes back


def kind(name: str, *, recovers: bool = True):
    def register(function: Kind) -> Kind:
        KINDS[name] = function
        if recovers:
            RECOVERS.add(name)
        return function

    return register


@kind("worker-kill")
def kill_worker(scene: Scene, fault: Fault) -> None:
    """kill -9 of a worker and all its children in the middle of their mails; a supervisor starts it again."""
    worker = scene.free_worker()
    worker.kill()
    worker.start()


@kind("parent-kill")
def kill_parent(scene: Scene, fault: Fault) -> None:
    """kill -9 of a worker's main process alone: its children are orphans in the middle of their mails."""
    worker = scene.free_worker()
    processes.kill_and_wait(worker.pid)
    scene.pause(0.5, 1)
    worker.kill()
    worker.start()


@kind("child-kill")
def kill_child(scene: Scene, fault: Fault) -> None:
    """kill -9 of one or two processes of a pool."""
    children = scene.free_worker().children()
    for pid in scene.random.sample(children, min(len(children), scene.random.choice((1, 2)))):
        processes.signal_all([pid], signal.SIGKILL)


@kind("redis-flush")
def flush_redis(scene: Scene, fault: Fault) -> None:
    with scene.redis() as redis:
        redis.flushall()


@kind("redis-kill")
def kill_redis(scene: Scene, fault: Fault) -> None:
    """kill -9; it comes back empty."""
    scene.world.kill_redis()
    scene.pause(0.5, 4)
    scene.world.revive()


@kind("redis-restart")
def restart_redis(scene: Scene, fault: Fault) -> None:
    """An orderly stop; it comes back empty."""
    scene.world.kill_redis(signal.SIGTERM)
    scene.pause(0.2, 1)
    scene.world.revive()


@kind("redis-clients")
def kill_redis_clients(scene: Scene, fault: Fault) -> None:
    """CLIENT KILL of every connection."""
    with scene.redis() as redis:
        for _again in range(3):
            try:
                redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
            except RedisError as error:
                fault.note = str(error)
            time.sleep(0.1)


@kind("postgres-stop")
def stop_postgres(scene: Scene, fault: Fault) -> None:
    """`stop -m immediate`, and a start that recovers from the log."""
    scene.world.stop_postgres_at_once()
    scene.pause(0.5, 3)
    scene.world.revive()


@kind("beat-kill")
def kill_beat(scene: Scene, fault: Fault) -> None:
    """One of the two beats is killed and comes back."""
    beat = scene.random.choice(scene.world.beats)
    beat.kill()
    scene.pause(0.5, 2)
    beat.start()


@kind("two-ticks")
def tick_twice(scene: Scene, fault: Fault) -> None:
    """Both beats send a tick at the same moment, twice: only one tick may run."""
    for _ in range(4):
        app.send_task("crm.core.tasks.tick", ignore_result=True)


@kind("beat-absent-26h")
def be_absent(scene: Scene, fault: Fault) -> None:
    """No beat for 26 hours, and every wake-up lost. The clock cannot be moved, so the rows are: mails due in the next
    hours are moved 26 hours back, and so are the marks of the last tick. Mails that expired by then are marked as
    expired.
    """
    for beat in scene.world.beats:
        beat.kill()
    now = timezone.now()
    mine = [
        scene.writer.write(
            options={"send_at": now + timedelta(hours=hours), "deadline_at": now + timedelta(hours=hours + 1)}
        )
        for hours in (1, 9, 25)
    ] + [
        scene.writer.write(
            options={"send_at": now + timedelta(hours=2), "expires_at": now + timedelta(hours=8)}, expected={"expired"}
        )
        for _mail in range(2)
    ]
    with scene.redis() as redis:
        redis.flushall()
    scene.pause(1, 3)
    move_back([mail.key for mail in mine], ABSENT_HOURS)
    for beat in scene.world.beats:
        beat.start()


def move_back(keys: list[str], hours: int) -> None:
    columns = ("planned_for", "next_attempt_at", "deadline_at", "expires_at", "created_at")
    assignments = ", ".join(f"{column} = {column} - make_interval(hours => %(hours)s)" for column in columns)
    connection.close()  # the server may have been another one when it was last used
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE core_outboxmail SET {assignments} WHERE key = ANY(%(keys)s)",  # nosec B608 - the columns are named above
            {"hours": hours, "keys": keys},
        )
        cursor.execute(
            "UPDATE core_heartbeat SET finished_at = finished_at - make_interval(hours => %s) WHERE name LIKE 'tick%%' OR name = 'deliver'",
            [hours],
        )


@kind("worker-stop")
def stop_worker(scene: Scene, fault: Fault) -> None:
    """SIGSTOP past both leases, then SIGCONT, while the run goes on with the other worker."""
    scene.wait_until_nobody_is_stopped()
    worker = scene.free_worker()
    scene.busy.add(worker.name)
    patience = scene.world.patience
    seconds = max(patience["MAIL_LEASE_SECONDS"], (30 + patience["MAIL_FINAL_SECONDS"]) * scene.scale) + 6
    worker.signal(signal.SIGSTOP)

    def go_on() -> None:
        time.sleep(seconds)
        worker.signal(signal.SIGCONT)
        scene.busy.discard(worker.name)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    scene.background.append(thread)


@kind("suspend")
def suspend(scene: Scene, fault: Fault) -> None:
    """As when a laptop's lid is closed: everything but the mail server is stopped past both leases, then continues."""
    scene.wait_until_nobody_is_stopped()
    scene.wait_until_recovered()  # otherwise the stopped time would count as their recovery
    pids = scene.world.everything_but_the_sink()
    processes.signal_all(pids, signal.SIGSTOP)
    time.sleep(scene.suspended or (30 + scene.world.patience["MAIL_FINAL_SECONDS"] + 3) * scene.scale)
    processes.signal_all(reversed(pids), signal.SIGCONT)


@kind("smtp-refuse")
def refuse(scene: Scene, fault: Fault) -> None:
    """The mail server resets its connections and accepts none."""
    scene.world.tell_sink("shut")
    scene.pause(1, 6)
    scene.world.tell_sink("open")


def ordered(name: str, *words: str):
    """A kind of fault: the mail server answers some mails wrongly."""

    def function(scene: Scene, fault: Fault) -> None:
        scene.writer.order([scene.random.choice(words) for _mail in range(ORDERED)])
        scene.writer.wait_until_ordered()

    kind(name, recovers=False)(function)


ordered("smtp-421", "rcpt-421", "data-421", "dot-421")
ordered("smtp-451", "rcpt-451", "data-451", "dot-451")
ordered("smtp-452", "rcpt-452", "data-452", "dot-452")
ordered("smtp-550", "rcpt-550", "data-550", "dot-550")
ordered("smtp-silence", "rcpt-silence", "data-silence", "dot-silence-kept", "dot-silence-lost")
ordered("smtp-reset-kept", "dot-reset-kept")
ordered("smtp-reset-lost", "dot-reset-lost")
ordered(
    "one-of-two-rcpt",
    "journal-550",
    "journal-451",
    "journal-550.dot-reset-lost",
    "journal-550.dot-reset-kept",
    "rcpt-451",
    "rcpt-550",
)
RARE = {"suspend": 3, "worker-stop": 20, "beat-absent-26h": 12}  # at most this many per run: they take long


def schedule(count: int, generator: random.Random, kinds: list[str] | None = None) -> list[str]:
    """This many faults, each kind about equally often, in an order given by the seed."""
    names, left = kinds or list(KINDS), {} if kinds else dict(RARE)
    found: list[str] = []
    while len(found) < count:
        for name in generator.sample(names, len(names)):
            if name in left and (left[name] <= 0 or len(found) > count * 0.92):
                continue
            if name in left:
                left[name] -= 1
            found.append(name)
    return found[:count]


__all__ = ["KINDS", "Fault", "Scene", "schedule"]
