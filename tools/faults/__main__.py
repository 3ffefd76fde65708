"""script/faults: what is asked for on the command line. JSON to stdout, the table to stderr."""

import argparse
import json
import logging
import os
import platform
import signal
import sys
from pathlib import Path

import django

from tools.faults.world import World


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/faults", description="Everything that can go wrong with mail, on real servers."
    )
    parser.add_argument("--policy", choices=("journal", "hold"), default="journal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--mails", type=int, help="how many to queue (15 a second by default)")
    parser.add_argument("--faults", type=int, help="how many to inject (one in 5 seconds by default)")
    parser.add_argument("--kinds", help="only these kinds, by comma")
    parser.add_argument("--quick", action="store_true", help="short leases and a clock that is moved on at the end")
    parser.add_argument(
        "--control",
        choices=("fence", "token", "lock", "sweeper"),
        help="remove this guarantee; 0 when the suite went red",
    )
    parser.add_argument(
        "--suspend-seconds", type=float, default=0, help="of a suspend; else a little more than the leases"
    )
    parser.add_argument(
        "--live", action="store_true", help="with --control: a run with real workers instead of the scenes"
    )
    parser.add_argument("--throughput", action="store_true", help="10 000 mails without faults, against the sink alone")
    parser.add_argument("--logs", type=Path, help="a folder to keep the logs in")
    return parser.parse_args()


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))  # what was started is ended first
    logging.getLogger("crm.core.work.jobs").setLevel(logging.ERROR)  # that Redis is away is no news here
    given = arguments()
    if given.throughput:
        return _throughput(given)
    if given.control and not given.live:
        return _control(given)
    return _run(given)


def _run(given: argparse.Namespace) -> int:
    patience = (
        {"MAIL_LEASE_SECONDS": 5, "MAIL_ANSWER_SECONDS": 2, "MAIL_FINAL_SECONDS": 2, "MAIL_JOURNAL_GRACE_SECONDS": 3}
        if given.quick
        else {}
    )
    with World(policy=given.policy, seed=given.seed, patience=patience, control=given.control or "") as world:
        django.setup()
        from tools.faults import report, run

        plan = run.Plan(
            policy=given.policy,
            seed=given.seed,
            minutes=given.minutes,
            mails=given.mails or int(given.minutes * 900),
            faults=given.faults or int(given.minutes * 12),
            kinds=given.kinds.split(",") if given.kinds else None,
            is_quick=given.quick,
            suspended=given.suspend_seconds,
            settle_seconds=45 if given.control else 300,
        )
        world.start_workers()
        outcome = run.run(plan, world)
        if given.logs:
            world.keep_logs(given.logs)
    print(report.table(outcome), file=sys.stderr)
    for line in outcome.verdict.wrong[:40]:
        print(line, file=sys.stderr)
    print(json.dumps({"machine": machine()} | outcome.as_json(), indent=1))
    return 0 if outcome.verdict.is_green != bool(given.control) else 1


def _control(given: argparse.Namespace) -> int:
    with World(policy="journal", seed=given.seed, workers=0) as world:
        django.setup()
        from tools.faults import stages

        problems = stages.run_all(
            world, control=given.control, names=stages.SHOWS[given.control] if given.quick else None
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    print(json.dumps({"control": given.control, "red": bool(problems), "problems": problems}, indent=1))
    return 0 if problems else 1


def _throughput(given: argparse.Namespace) -> int:
    with World(policy="hold", seed=given.seed, wait="50") as world:
        django.setup()
        from tools.faults import throughput

        result = throughput.measure(world, mails=given.mails or 10_000)
        if given.logs:
            world.keep_logs(given.logs)
    print(throughput.table(result), file=sys.stderr)
    print(json.dumps({"machine": machine()} | result, indent=1))
    return 0 if result["ok"] else 1


def machine() -> dict:
    return {
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())
