"""manage.py find_duplicates [--measure FILE]"""

import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clients.duplicates.measuring import measure
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.duplicates.services import find_duplicates


class Command(BaseCommand):
    help = "Look for possible duplicates among clients and contacts, as every night."

    def add_arguments(self, parser):
        parser.add_argument(
            "--measure", type=Path, metavar="FILE", help="only print precision and recall on a file of known duplicates"
        )

    def handle(self, *args, measure: Path | None = None, **options):
        began, used = time.monotonic(), time.process_time()
        if measure is not None:
            self._measure(measure)
        else:
            find_duplicates(timezone.now())
            clients, contacts = (model.objects.open().count() for model in (ClientDuplicate, ContactDuplicate))
            self.stdout.write(f"{clients} possible duplicates among clients, {contacts} among contacts")
        took = f"{time.monotonic() - began:.1f} s, {time.process_time() - used:.1f} s of them computing here"
        self.stdout.write(took)

    def _measure(self, path: Path) -> None:
        try:
            found = measure(path)
        except (OSError, KeyError, UnicodeDecodeError) as error:
            raise CommandError(f"{path}: {error}") from error
        self.stdout.write(
            f"{found.records} records, {found.pairs} known pairs, {found.found} found, {found.right} of them right"
        )
        self.stdout.write(f"precision {found.precision:.3f}, recall {found.recall:.3f}")
