"""`manage.py bench`: loads a database of its own and measures every page against the floor. `script/bench` calls it."""

import json
import os
import subprocess
import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clients.records.models import Client
from tools.bench.run import run
from tools.embedded.environment import owner_environment

FULL, SMALL = 100_000, 2_000
LIMITS = {  # statements, and times the bare floor
    "client list": (12, 4),
    "client list, deep": (12, 4),
    "client list, filtered by owner and status": (12, 4),
    "today": (12, 8),
    "client page": (12, 8),
}


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

    def handle(self, **options):
        self._load(options["clients"] or (SMALL if options["small"] else FULL))
        self._manage("collectstatic", "--noinput", "--verbosity=0")
        times = options["requests"] or (5 if options["small"] else 40)
        self._line("page", "median ms", "p95 ms", "bare", "ratio", "p95 ratio", "sql", "kB")
        try:
            report = run(warm=2 if options["small"] else 8, times=times, say=self._say)
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        if not options["small"]:
            self._judge(report)
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
        """A command in a process of its own, as the owner of the schema."""
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

    def _line(self, name, *cells):
        print(f"{name:44}" + "".join(f"{cell!s:>11}" for cell in cells), file=sys.stderr, flush=True)

    def _judge(self, report):
        for page in report["pages"]:
            sql, ratio = LIMITS.get(page["name"], (None, None))
            if sql and (page["sql"] > sql or page["bare_ratio"] > ratio):
                print(
                    f"over its limit of {sql} statements and {ratio}× the bare floor: {page['name']}", file=sys.stderr
                )
