"""Throughput without faults: many mails due at once, compared with the time the mail server alone needs at that
concurrency.
"""

import os
import signal
import subprocess
import time

from django.utils import timezone

from crm.core.firm.queries import get_firm
from crm.core.mail.delivery import message
from crm.core.mail.models import DeliveryAttempt, OutboxMail
from tools.faults.processes import ROOT, family, python
from tools.faults.world import World
from tools.faults.writer import Writer

WITHIN_SECONDS = 600  # for ten thousand mails
RATIO = 1.3


def measure(world: World, *, mails: int) -> dict:
    """Needs a world without faults whose workers are not started yet."""
    writer = Writer(1)
    first = writer.write(options={"expires_at": timezone.now()})  # never sent: the others are made like it
    alone = _sink_alone(world, OutboxMail.objects.get(key=first.key), mails)
    before = _lines(world)
    world.start_workers()
    for worker in world.workers:
        worker.signal(signal.SIGSTOP)
    began = time.monotonic()
    for _mail in range(mails):
        writer.write()
    queued = time.monotonic() - began
    took, cpu = _run(world, before + mails)
    ok = took <= WITHIN_SECONDS * mails / 10_000 and took <= RATIO * alone and _is_once(mails)
    return {
        "mails": mails,
        "workers": world.sizes,
        "sink_wait_ms": world.wait,
        "sink_alone_s": round(alone, 1),
        "took_s": round(took, 1),
        "ratio": round(took / alone, 3),
        "per_second": round(mails / took, 1),
        "queueing_s": round(queued, 1),
        "cpu_s": cpu,
        "load": os.getloadavg(),
        "ok": ok,
    }


def _run(world: World, lines: int) -> tuple[float, dict[str, float]]:
    groups = {"workers": world.workers, "sink": [world.sink]}
    before = {name: sum(_cpu(child.pid) for child in group) for name, group in groups.items()}
    before["postgres"] = _cpu(world.postgres.running())
    began = time.monotonic()
    for worker in world.workers:
        worker.signal(signal.SIGCONT)
    while _lines(world) < lines and time.monotonic() - began < 2 * WITHIN_SECONDS:
        time.sleep(0.1)
    took = time.monotonic() - began
    cpu = {name: round(sum(_cpu(child.pid) for child in group) - before[name], 1) for name, group in groups.items()}
    cpu["postgres"] = round(_cpu(world.postgres.running()) - before["postgres"], 1)
    time.sleep(1)  # the last results are being written
    return took, cpu


def _is_once(mails: int) -> bool:
    sent = OutboxMail.objects.filter(state="sent").count()
    return sent == mails == DeliveryAttempt.objects.filter(outcome="sent").count()


def _sink_alone(world: World, row: OutboxMail, mails: int) -> float:
    """The same mail as often, from as many plain processes as there will be senders."""
    firm, senders = get_firm(), world.sizes[0] * world.sizes[1]
    path = world.folder / "plain.eml"
    path.write_bytes(message.build(row, firm))
    command = python(
        "tools.faults.plain",
        "--port",
        str(world.port),
        "--count",
        str(mails // senders),
        "--message",
        str(path),
        "--sender",
        message.envelope_sender(firm),
        "--recipient",
        row.to_address,
    )
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _one in range(senders)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    began = time.monotonic()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    codes = [process.wait(WITHIN_SECONDS) for process in processes]
    if any(codes):
        raise RuntimeError("a plain sender failed")
    return time.monotonic() - began


def _lines(world: World) -> int:
    try:
        with world.ledger.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return 0


def _cpu(pid: int) -> float:
    """CPU seconds used by a process, its children and ended children."""
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in (fields[11:15] if one == pid else fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def table(result: dict) -> str:
    return "\n".join(
        f"{name.replace('_', ' '):<14} {result[name]}"
        for name in ("mails", "sink_alone_s", "took_s", "ratio", "per_second", "queueing_s", "cpu_s")
    )
