"""The negative controls: one guarantee removed from the delivery, from outside, in the process that sends.

A worker loads this module (`celery worker -I`); RAPPORT_FAULTS_CONTROL names what is removed, nothing by default. It
always registers a periodic job that records when it begins and ends, so that overlapping ticks are noticed.
"""

import os
import time
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from crm.core.mail.delivery import claims, settle
from crm.core.work import schedule

CONTROLS = ("fence", "token", "lock", "sweeper")
WITNESS_SECONDS = 0.3


def witness(now: datetime) -> int:
    _note("begin")
    time.sleep(WITNESS_SECONDS)
    _note("end")
    return 0


def _note(word: str) -> None:
    folder = os.environ.get("RAPPORT_FAULTS_FOLDER")
    if folder:
        with (Path(folder) / "ticks").open("a") as file:
            file.write(f"{time.time():.3f}\t{os.getpid()}\t{word}\n")


def overlaps(ticks: Path) -> int:
    """How many ticks ran while another was running. One without an end was killed, and its lock with it."""
    begun: dict[str, float] = {}
    spans: list[tuple[float, float]] = []
    for line in ticks.read_text().splitlines() if ticks.exists() else []:
        moment, pid, word = line.split("\t")
        if word == "begin":
            begun[pid] = float(moment)
        elif pid in begun:
            spans.append((begun.pop(pid), float(moment)))
    spans.sort()
    return sum(later[0] < earlier[1] for earlier, later in zip(spans, spans[1:], strict=False))


def without_fence() -> None:
    """The fence is written only with the result, as in a delivery without fences."""
    real_fence, real_settle = claims.fence, claims.settle
    later: dict = {}

    def fence(mail, **values):
        later[mail.pk] = values
        return True

    def settle_(mail, state, **values):
        if mail.pk in later:
            real_fence(mail, **later.pop(mail.pk))
        return real_settle(mail, state, **values)

    claims.fence, claims.settle = fence, settle_


def without_token() -> None:
    """Any sender may advance the row while it is on its way."""
    mine = " AND lease_token = %(token)s"
    claims.FENCE = claims.FENCE.replace(mine + " AND lease_until > statement_timestamp()", "")
    claims.SETTLE = claims.SETTLE.replace(mine, "")
    assert mine not in claims.FENCE + claims.SETTLE


def without_lock() -> None:
    """Every tick gets the lock."""

    def run(now=None):
        now = now or timezone.now()
        return {job.key: schedule._run_job(job, now) for job in schedule.periodic}

    schedule.run = run


def without_sweeper() -> None:
    """Rows of a dead sender are never swept."""
    settle.sweep = lambda now: 0


def apply(control: str) -> None:
    if control:
        {"fence": without_fence, "token": without_token, "lock": without_lock, "sweeper": without_sweeper}[control]()


schedule.periodic.register(schedule.Job("faults.witness", witness))
apply(os.environ.get("RAPPORT_FAULTS_CONTROL", ""))
