"""The step loop: a sender killed at each named point, under each policy; and senders that were stopped and continue.

Each scene returns the list of deviations, empty if all is well. Time passes in the rows: a lease ends by moving its end
back.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

from django.db.models import F
from django.utils import timezone

from crm.core.mail.models import OutboxMail
from crm.core.mail.services import instance
from crm.core.mail.services.outbox import queue_mail
from crm.core.work.models import Heartbeat
from tools.faults import broken, orders
from tools.faults.orders import JOURNAL
from tools.faults.processes import ROOT, python, wait_for
from tools.faults.sender import POINTS
from tools.faults.verdict import read_ledger

POLICIES = ("hold", "journal", "account")
UNSENT, UNKNOWN = POINTS[:5], POINTS[5:7]  # before the fence; after it, and not accepted
AGO = timedelta(minutes=1)
NUMBERS = count(1)  # a ledger may outlive a stage: no two mails of a process have the same address


def expected(point: str, policy: str) -> tuple[list[str], int]:
    """The final states of the mail's rows, and how often it was received."""
    if point in UNSENT:
        return ["sent"], 1
    if point in UNKNOWN:
        return (["uncertain"], 0) if policy == "hold" else (["cancelled", "sent"], 1)
    return {"hold": (["uncertain"], 1), "journal": (["sent"], 1), "account": (["cancelled", "sent"], 2)}[policy]


class Stage:
    """A sink, a process that forks senders, and the database of this process."""

    def __init__(self, folder: Path, port: int, environment: dict[str, str], control: str = ""):
        self.folder, self.port, self.control = folder, port, control
        self.senders: list[int] = []
        self.process = subprocess.Popen(
            python("tools.faults.sender"),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment
            | {"RAPPORT_FAULTS_FOLDER": str(folder), "RAPPORT_FAULTS_CONTROL": "", "LOG_LEVEL": "ERROR"},
        )

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # with every sender that is still stopped
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()

    def _ask(self, order: dict) -> dict:
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, policy: str, do: str = "deliver", stop_at: str = "", **more) -> int:
        """Start a sender. Returns its pid once it has stopped itself, or at once if it should not stop."""
        journal = policy == "journal"
        values = {
            "EMAIL_URL": f"smtp://127.0.0.1:{self.port}",
            "MAIL_JOURNAL": JOURNAL if journal else "",
            "MAIL_JOURNAL_URL": f"maildir://{self.folder / 'journal'}" if journal else "",
            "MAIL_JOURNAL_GRACE_SECONDS": 5,
            "INSTALLATION_FILE": str(self.folder / "installation.json"),
        }
        order = {"do": do, "stop_at": stop_at, "settings": values, "control": self.control} | more
        pid = self._ask({"start": order})["pid"]
        self.senders.append(pid)
        if stop_at and "stopped" not in (answer := self._ask({"wait": pid})):
            raise AssertionError(f"the sender did not come to {stop_at}: {answer}")
        return pid

    def run(self, policy: str, do: str = "deliver", **more) -> None:
        self.wait(self.start(policy, do, **more))

    def wait(self, pid: int) -> dict:
        answer = self._ask({"wait": pid})
        self.senders.remove(pid)
        return answer

    def kill(self, pid: int) -> None:
        self.signal(pid, signal.SIGKILL)
        self.wait(pid)

    def go_on(self, pid: int) -> None:
        self.signal(pid, signal.SIGCONT)
        self.wait(pid)

    @staticmethod
    def signal(pid: int, number: int) -> None:
        os.kill(pid, number)

    # ── the mail ─────────────────────────────────────────────────────────

    def clear(self) -> None:
        OutboxMail.objects.all().delete()
        Heartbeat.objects.exclude(name=instance.SEAL).delete()
        (self.folder / "ticks").unlink(missing_ok=True)

    def queue(self, policy: str, words: str = "") -> OutboxMail:
        name = f"{os.getpid()}x{next(NUMBERS)}"
        kind = "account" if policy == "account" else "progress"
        return queue_mail(
            key=f"stage:{name}",
            kind=kind,
            to_address=orders.address(name, words),
            subject=f"Stage {name}",
            text="plan " * 200,
        )[0]

    def received(self, mail: OutboxMail) -> int:
        return sum(one.recipient == mail.to_address for one in read_ledger(self.folder / "ledger"))

    def wait_received(self, mail: OutboxMail) -> None:
        wait_for(lambda: self.received(mail), 10, "the mail was not received", every=0.01)

    def end_leases(self) -> None:
        """A minute passes for the rows on their way and the undecided."""
        OutboxMail.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - AGO)
        OutboxMail.objects.filter(state__in=["sending", "uncertain"]).update(fenced_at=F("fenced_at") - AGO)

    def come_to_rest(self, policy: str) -> None:
        """Do what workers and beats would do in the next minutes, with a later mail as proof that the journal works."""
        self.end_leases()
        self.run(policy, "sweep")
        if policy == "journal":
            self.queue(policy)
        for _ in range(3):
            self.run(policy)

    def compare(self, mail: OutboxMail, wanted: tuple[list[str], int]) -> list[str]:
        rows = OutboxMail.objects.filter(key__regex=f"^{mail.key}(#|$)").order_by("id")
        found = [row.state for row in rows], self.received(mail)
        return (
            []
            if found == wanted
            else [f"ended {found[0]}, received {found[1]} times; expected {wanted[0]}, {wanted[1]} times"]
        )


# ── scenes ───────────────────────────────────────────────────────────────


def killed(stage: Stage, point: str, policy: str) -> list[str]:
    mail = stage.queue(policy)
    pid = stage.start(policy, stop_at=point)
    if point == "dot":
        stage.wait_received(mail)
    stage.kill(pid)
    stage.come_to_rest(policy)
    return stage.compare(mail, expected(point, policy))


def another_sends_meanwhile(stage: Stage) -> list[str]:
    """Stopped before its fence past the lease; another is handing the mail over when it goes on."""
    mail = stage.queue("hold")
    slow = stage.start("hold", stop_at="before-fence")
    stage.end_leases()
    stage.run("hold", "sweep")
    quick = stage.start("hold", stop_at="dot")
    stage.wait_received(mail)
    stage.go_on(slow)
    stage.go_on(quick)
    stage.come_to_rest("hold")
    return stage.compare(mail, (["sent"], 1))


def another_has_claimed(stage: Stage) -> list[str]:
    """Stopped before its fence past the lease; another has the mail leased when it goes on."""
    mail = stage.queue("hold")
    slow = stage.start("hold", stop_at="before-fence")
    stage.end_leases()
    stage.run("hold", "sweep")
    quick = stage.start("hold", stop_at="before-fence")
    stage.go_on(slow)
    problems = [] if stage.received(mail) == 0 else ["the sender whose lease was over sent"]
    stage.go_on(quick)
    stage.come_to_rest("hold")
    return problems + stage.compare(mail, (["sent"], 1))


def goes_on_too_late(stage: Stage, point: str, policy: str) -> list[str]:
    """Stopped after the fence for longer than it holds the mail; it was settled meanwhile, and the dot must not
    follow.
    """
    mail = stage.queue(policy)
    slow = stage.start(policy, stop_at=point, hand_over_seconds=0.05)
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 0.06, 5, "time stands still", every=0.01)
    stage.come_to_rest(policy)
    stage.go_on(slow)
    return stage.compare(mail, (["uncertain"], 0) if policy == "hold" else (["cancelled", "sent"], 1))


def hears_the_answer_late(stage: Stage) -> list[str]:
    """Stopped after the dot; the sweep marks the mail undecided, and then the sender gets the answer that it was
    accepted.
    """
    mail = stage.queue("hold")
    slow = stage.start("hold", stop_at="dot")
    stage.wait_received(mail)
    stage.end_leases()
    stage.run("hold", "sweep")
    problems = stage.compare(mail, (["uncertain"], 1))
    stage.go_on(slow)
    return problems + stage.compare(mail, (["sent"], 1))


def dies_before_the_policy(stage: Stage) -> list[str]:
    """An account's mail was found undecided, and its sender died before it queued the mail again."""
    mail = stage.queue("account", "dot-reset-lost")
    stage.kill(stage.start("account", stop_at="before-policy"))
    stage.come_to_rest("account")
    return stage.compare(mail, (["cancelled", "sent"], 1))


def journal_was_refused(stage: Stage) -> list[str]:
    """One of two RCPTs is refused: without the journal copy nobody can know the outcome, so a person decides."""
    mail = stage.queue("journal", "journal-550")
    stage.kill(stage.start("journal", stop_at="after-fence"))
    stage.come_to_rest("journal")
    return stage.compare(mail, (["uncertain"], 0))


def two_ticks(stage: Stage) -> list[str]:
    """A tick that begins while another is running does nothing."""
    ticks = stage.folder / "ticks"
    first = stage.start("hold", "tick", stop_at="witness")
    stage.run("hold", "tick")
    problems = [] if len(ticks.read_text().splitlines()) == 1 else ["two ticks ran at once"]
    stage.signal(first, signal.SIGKILL)
    stage.wait(first)
    stage.run("hold", "tick")
    if broken.overlaps(ticks) or len(ticks.read_text().splitlines()) != 3:
        problems.append("the tick after one that died did not run")
    return problems


SCENES: dict[str, Callable[[Stage], list[str]]] = {
    f"killed-{point}-{policy}": lambda stage, point=point, policy=policy: killed(stage, point, policy)
    for policy in POLICIES
    for point in POINTS
}
SCENES |= {
    f"too-late-{point}-{policy}": lambda stage, point=point, policy=policy: goes_on_too_late(stage, point, policy)
    for policy in ("hold", "journal")
    for point in UNKNOWN
}
SCENES |= {
    function.__name__.replace("_", "-"): function
    for function in (
        another_sends_meanwhile,
        another_has_claimed,
        hears_the_answer_late,
        dies_before_the_policy,
        journal_was_refused,
        two_ticks,
    )
}
# the scenes that show what a guarantee is for, so that a negative control need not play them all
SHOWS = {
    "fence": ["killed-dot-hold", "killed-answer-journal", "killed-before-commit-hold"],
    "token": ["another-sends-meanwhile", "another-has-claimed"],
    "lock": ["two-ticks"],
    "sweeper": ["killed-claim-hold", "killed-after-fence-journal"],
}


def play(stage: Stage, name: str) -> list[str]:
    stage.clear()
    try:
        return [f"{name}: {problem}" for problem in SCENES[name](stage)]
    except (AssertionError, TimeoutError) as error:
        return [f"{name}: {error}"]


@contextmanager
def staged(folder: Path, port: int, environment: dict[str, str], control: str = "") -> Iterator[Stage]:
    stage = Stage(folder, port, environment, control)
    try:
        yield stage
    finally:
        stage.close()


def run_all(world, *, control: str = "", names: Iterable[str] | None = None) -> list[str]:
    """Run the scenes in a world without workers; with a control, against the delivery that lacks that guarantee."""
    with staged(world.folder, world.port, world.environment, control) as stage:
        return [problem for name in names or SCENES for problem in play(stage, name)]
