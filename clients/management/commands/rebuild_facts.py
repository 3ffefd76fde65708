from django.core.management.base import BaseCommand
from django.utils import timezone

from clients.records.facts import rebuild_facts


class Command(BaseCommand):
    help = "Make the derived facts of clients (last contact, next step, revenue, status …) anew from the rows they are derived from."

    def add_arguments(self, parser):
        parser.add_argument(
            "--client", type=int, action="append", dest="client_ids", metavar="ID", help="only this client (repeatable)"
        )

    def handle(self, *args, client_ids=None, **options):
        count = rebuild_facts(now=timezone.now(), client_ids=client_ids)
        self.stdout.write(f"Facts of {count} clients made anew.")
