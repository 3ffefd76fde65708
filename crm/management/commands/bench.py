"""`manage.py bench`: loads its own database and measures every page against the floor. `script/bench` calls it."""

import json
import os
import subprocess
import sys
from argparse import SUPPRESS

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clients.records.models import Client
from tools.bench import importing
from tools.bench.files import FILES
from tools.bench.run import run, run_users
from tools.embedded.environment import owner_environment

FULL, SMALL = 100_000, 2_000
LIMITS = {  # times the bare floor
    "floor": 1.6,
    "client list": 4,
    "client list, deep": 4,
    "client list, filtered by owner and status": 4,
    "client list, filtered by a custom field": 4,
    "client list, longest without contact": 4,
    "client list, segment of five rules": 4,
    "client list, board by status": 4,
    "search, names": 4,
    "search, names, account manager": 4,
    "search, texts": 4,
    "search, similar names": 20,
    "today": 8,
    "client page": 8,
    "client page, the one with the most": 8,
    "timeline, page 2": 4,
    "timeline, page 500": 4,
    "logging an interaction": 5,
}
RATES = {"client list": 1 / 4, "client page": 1 / 8}  # requests a second, of those of the bare floor


class Command(BaseCommand):
    help = "Measure the pages on many clients: JSON to stdout, a table to stderr."

    def add_arguments(self, parser):
        parser.add_argument(
            "--small",
            action="store_true",
            help=f"{SMALL:,} clients and few requests: keeps the tool alive, says nothing about speed",
        )
        parser.add_argument("--clients", type=int, help=f"how many to load; by default {FULL:,}")
        parser.add_argument("--requests", type=int, help="requests to each page after warming up")

        parser.add_argument(
            "--import",
            action="store_true",
            dest="imports",
            help="measure imports against COPY, in databases of their own",
        )
        parser.add_argument("--kind", choices=[*FILES], default="clients", help="of the file to import")
        parser.add_argument("--rows", type=int, default=FULL, help=f"of that file; by default {FULL:,}")
        parser.add_argument("--times", type=int, default=3, help="rounds of import and COPY; the medians count")
        parser.add_argument("--import-step", help=SUPPRESS)
        parser.add_argument("--users", help="people who click every 8 s, so many at once, by comma: 50,200,500")
        parser.add_argument("--seconds", type=int, default=60, help="of each number of people")
        parser.add_argument("--idle", type=int, default=0, help="connections beside them that say nothing")
        parser.add_argument("--half-sent", type=int, default=0, help="POSTs beside them that stop in the middle")

    def handle(self, **options):
        if options["import_step"]:
            name, given = json.loads(options["import_step"])
            self.stdout.write(json.dumps(importing.STEPS[name](**given)))
            return
        if options["imports"]:
            self._import(options)
            return
        self._load(options["clients"] or (SMALL if options["small"] else FULL))
        self._manage("collectstatic", "--noinput", "--verbosity=0")
        if options["users"]:
            numbers = [int(number) for number in options["users"].split(",")]
            held = {"idle": options["idle"], "half_sent": options["half_sent"]}
            report = run_users(numbers, seconds=options["seconds"], say=self._say_users, **held)
            self.stdout.write(json.dumps(report, indent=2))
            return
        times = options["requests"] or (5 if options["small"] else 40)
        self._line("page", "median ms", "p95 ms", "bare", "ratio", "p95 ratio", "sql", "kB")
        try:
            report = run(warm=2 if options["small"] else 8, times=times, say=self._say)
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        if not options["small"]:
            self._judge(report)
        self.stdout.write(json.dumps(report, indent=2))

    def _import(self, options):
        if Client.objects.exists():
            raise CommandError(
                "This database has clients. Imports are measured beginning with an empty one; name another folder with RAPPORT_BENCH_DIR."
            )
        given = {name: options[name] for name in ("kind", "rows", "times")}
        report = importing.measure(**given, say=lambda text: print(text, file=sys.stderr, flush=True))
        print(
            f"{report['rows_per_second']} rows a second; {report['ratio']} × COPY, with the check {report['ratio_with_check']} ×",
            file=sys.stderr,
        )
        if report["ratio"] > importing.MOST:
            print(f"over its limit of {importing.MOST} × COPY", file=sys.stderr)
        self.stdout.write(json.dumps(report, indent=2))

    def _load(self, clients):
        there = Client.objects.count()
        if there and there != clients:
            raise CommandError(
                f"This database holds {there:,} clients, not the {clients:,} to measure with. Name another folder with RAPPORT_BENCH_DIR, or remove this one."
            )
        if not there:
            self._manage("seed_load", f"--clients={clients}")

    def _manage(self, *words):
        """Run a command in its own process, as the owner of the schema."""
        subprocess.run(
            [sys.executable, settings.BASE_DIR / "manage.py", *words],
            env=owner_environment(os.environ),
            check=True,
            stdout=sys.stderr,
        )

    def _say(self, page):
        self._line(
            page["name"],
            page["median_ms"],
            page["p95_ms"],
            page["bare_ratio"],
            page["ratio"],
            page["p95_ratio"],
            page["sql"],
            page["kb"],
        )

    def _say_users(self, report):
        own = report["generator"]
        print(
            f"{report['people']} people, {report['seconds']} s; the generator took {own['cpu_seconds']} s of processor and was "
            f"{own['late_ms_at_worst']} ms late at worst",
            file=sys.stderr,
        )
        self._line("answer", "number", "median ms", "p95 ms", "max ms")
        for name, seen in report["answers"].items():
            self._line(name, *seen.values())

    def _line(self, name, *cells):
        print(f"{name:44}" + "".join(f"{cell!s:>11}" for cell in cells), file=sys.stderr, flush=True)

    def _judge(self, report):
        for page in (report["floor"], *report["pages"]):
            limit = LIMITS.get(page["name"])
            if limit and page["bare_ratio"] > limit:
                print(f"over its limit of {limit}× the bare floor: {page['name']}", file=sys.stderr)
            if limit and page["p95_ms"] > 2 * page["median_ms"]:
                print(f"its p95 is more than twice its median: {page['name']}", file=sys.stderr)
        for name, rate in report["throughput"].items():
            print(f"{name}: {rate['a_second']} a second, {rate['of_bare']} of bare", file=sys.stderr)
            if rate["of_bare"] < RATES.get(name, 0):
                print(f"fewer than {RATES[name]} of bare: {name}", file=sys.stderr)
