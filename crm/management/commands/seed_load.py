"""`manage.py seed_load --clients N`: many believable clients to measure with. Runs as the schema's owner."""

import sys
import time
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clients.records.models import Client
from crm.core.firm.queries import firm_today, get_firm
from tools.bench.load import Amounts, Loader

KINDS = ("contacts", "interactions", "revenue", "contracts", "follow-ups", "plans", "answers")


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Load many clients with contacts, interactions, revenue and the rest. The same seed and day give the same rows."
    )

    def add_arguments(self, parser):
        parser.add_argument("--clients", type=int, required=True)
        for kind in KINDS:
            parser.add_argument(f"--{kind}", type=int, help="by default a sensible multiple of the clients")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            help="the day that everything is relative to; by default the firm's today",
        )
        parser.add_argument("--force", action="store_true", help="load even into a firm that has clients of its own")

    def handle(self, **options):
        amounts = Amounts.of(
            options["clients"], **{kind.replace("-", "_"): options[kind.replace("-", "_")] for kind in KINDS}
        )
        if amounts.clients < 1 or min(vars(amounts).values()) < 0:
            raise CommandError("Numbers of rows are 0 or more, and at least one client is needed.")
        if Client.objects.filter(is_demo=False).exists() and not options["force"]:
            raise CommandError(
                "This firm has clients of its own. seed_load is for empty databases; --force loads all the same."
            )
        firm, started = get_firm(), time.monotonic()
        say = (
            (lambda text: print(f"  {time.monotonic() - started:6.1f} s  {text}", file=sys.stderr))
            if options["verbosity"]
            else lambda text: None
        )
        Loader(
            amounts,
            today=options["today"] or firm_today(timezone.now()),
            currency=firm.currency,
            seed=options["seed"],
            say=say,
        ).run()
        say("done")
