"""The run: mails at an even rate, one fault after the other, then a quiet time, then the count."""

import random
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.mail.choices import MAIL_IN_FLIGHT, MailState
from crm.core.mail.models import OutboxMail
from crm.core.users.models import User
from tools.faults import broken, kinds
from tools.faults.kinds import KINDS, RECOVERS, Fault, Scene
from tools.faults.verdict import Count, Judge, Verdict
from tools.faults.world import World
from tools.faults.writer import Writer

BURST = 24  # mails queued at once right before what kills or takes away something, so that every sender is in the middle of one
FAR_OFF = 45  # seconds: a back-off that reaches further is cut short once the faults are over


@dataclass(frozen=True)
class Plan:
    policy: str = "journal"
    seed: int = 1
    mails: int = 2000
    faults: int = 60
    minutes: float = 3.0
    kinds: list[str] | None = None
    is_quick: bool = False  # the clock is moved forward at the end, to avoid waiting for leases
    settle_seconds: float = 300.0
    suspended: float = 0.0


@dataclass
class Outcome:
    plan: Plan
    verdict: Verdict
    faults: list[Fault]
    seconds: float
    settle_seconds: float
    attempts: int
    extra: dict = field(default_factory=dict)

    def as_json(self) -> dict:
        return {
            "plan": asdict(self.plan),
            "green": self.verdict.is_green,
            "seconds": round(self.seconds),
            "settle_seconds": round(self.settle_seconds),
            "smtp_attempts": self.attempts,
            "total": asdict(self.verdict.total()),
            "kinds": {name: asdict(count) for name, count in sorted(self.verdict.kinds.items())},
            "undecided": self.verdict.undecided,
            "wrong": self.verdict.wrong[:200],
            **self.extra,
        }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(plan: Plan, world: World) -> Outcome:
    """Requires Django set up on the world's database, and the world's workers running."""
    writer = Writer(plan.seed)
    scene = Scene(
        world, writer, random.Random(plan.seed), scale=0.25 if plan.is_quick else 1.0, suspended=plan.suspended
    )
    began = time.monotonic()
    rate = plan.mails / (plan.minutes * 60)
    writer.start(rate)
    guard = _Supervisor(world)
    guard.start()
    faults = _inject(plan, scene, writer)
    writer.stop()
    for thread in scene.background:
        thread.join(120)
    ended = time.monotonic()
    is_settled = _settle(plan, world)
    guard.stop()
    judge = Judge(plan.policy, writer.mails, world.ledger)
    verdict = judge.judge()
    judge.faults(faults)
    _ticks(world, verdict.kinds["two-ticks"], verdict)
    _listed(verdict)
    if not is_settled:
        verdict.wrong.append(f"not settled within {plan.settle_seconds:.0f} s")
    outcome = Outcome(plan, verdict, faults, ended - began, time.monotonic() - ended, _attempts())
    outcome.extra = {"queue_retries": writer.retries, "supervised": guard.restarts}
    return outcome


def _inject(plan: Plan, scene: Scene, writer: Writer) -> list[Fault]:
    names = kinds.schedule(plan.faults, scene.random, plan.kinds)
    began, length, done = time.monotonic(), plan.minutes * 60, []
    for number, name in enumerate(names, 1):
        planned = began + length * (number - 0.5) / len(names)
        time.sleep(max(0.0, planned - time.monotonic()))
        fault = Fault(number, name, began=time.time())
        writer.label = (name, number)
        if name in RECOVERS:
            for _mail in range(BURST if not plan.is_quick else BURST // 4):
                writer.write()
        KINDS[name](scene, fault)
        fault.returned = time.time()
        if name in RECOVERS:
            probe = writer.write(is_probe=True)
            fault.probe = probe.number
            scene.probes.add(probe.address)
        if name == "suspend":
            began += fault.returned - fault.began  # the following faults do not come all at once
        done.append(fault)
        if number % 20 == 0:
            say(f"{number} of {len(names)} faults, {writer.count()} mails, {time.monotonic() - began:.0f} s")
    return done


class _Supervisor(threading.Thread):
    """Restarts workers and beats that ended by themselves, as a service supervisor does."""

    def __init__(self, world: World):
        super().__init__(daemon=True)
        self.world, self._over, self.restarts = world, threading.Event(), 0

    def run(self) -> None:
        while not self._over.wait(3):
            for child in self.world.workers:
                if child.popen is not None and not child.is_alive() and child.popen.returncode != -9:
                    self.restarts += 1
                    child.start()

    def stop(self) -> None:
        self._over.set()
        self.join(10)


# ── the end ──────────────────────────────────────────────────────────────


def _settle(plan: Plan, world: World) -> bool:
    """Wait until every mail has ended. Mails deferred for long are made due now, to avoid waiting for hours."""
    until, quiet_since = time.monotonic() + plan.settle_seconds, time.monotonic()
    while time.monotonic() < until:
        try:
            open_ = (
                OutboxMail.objects.filter(state__in=[MailState.PENDING, *MAIL_IN_FLIGHT]).count()
                + _to_be_looked_up(plan).count()
            )
            if not open_:
                return True
            _move_clock(plan, time.monotonic() - quiet_since)
        except (DatabaseError, InterfaceError):
            connection.close()
        time.sleep(0.5 if plan.is_quick else 2)
    return False


def _to_be_looked_up(plan: Plan):
    undecided = OutboxMail.objects.filter(state=MailState.UNCERTAIN, has_journal=True)
    return undecided if plan.policy == "journal" else undecided.none()


def _move_clock(plan: Plan, quiet: float) -> None:
    now = timezone.now()
    ahead = now + timedelta(seconds=1 if plan.is_quick else FAR_OFF)
    OutboxMail.objects.filter(state=MailState.PENDING, next_attempt_at__gt=ahead).update(next_attempt_at=now)
    if plan.is_quick and quiet > 5:
        # no fault for so long that a mail still in flight has lost its sender
        old = now - timedelta(seconds=5)
        OutboxMail.objects.filter(state__in=MAIL_IN_FLIGHT, updated_at__lt=old).update(lease_until=now)


def _ticks(world: World, count: Count, verdict: Verdict) -> None:
    overlaps = broken.overlaps(world.folder / "ticks")
    count.unexpected += overlaps
    if overlaps:
        verdict.wrong.append(f"{overlaps} ticks ran while another was running")


def _listed(verdict: Verdict) -> None:
    """Undecided mails are in the list an admin sees."""
    admin, _made = User.objects.get_or_create(
        email="ada@firm.example", defaults={"name": "Ada Lind", "roles": ["admin"], "is_active": True}
    )
    listed = set(
        OutboxMail.objects.visible_to(acting(admin)).filter(state=MailState.UNCERTAIN).values_list("key", flat=True)
    )
    for key in set(verdict.undecided) ^ listed:
        verdict.kinds["none"].unexpected += 1
        verdict.wrong.append(f"{key}: undecided and not listed, or listed and not undecided")


def _attempts() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_deliveryattempt")
        return cursor.fetchone()[0]
