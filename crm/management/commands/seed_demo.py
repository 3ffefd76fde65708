"""manage.py seed_demo [--remove]"""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clients.records.models import Client
from crm.core.users.models import User
from tools.demo.build import build
from tools.demo.logins import write as write_logins
from tools.demo.remove import remove


class Command(BaseCommand):
    help = "Fill an empty firm with the demo firm, or take it out again."

    def add_arguments(self, parser):
        parser.add_argument("--remove", action="store_true", help="take the demo data out again")

    def handle(self, *args, **options):
        if options["remove"]:
            self.stdout.write(
                "Removed "
                + ", ".join(f"{count} {name}" for name, count in remove(now=timezone.now()).items() if count)
                + "."
            )
            return
        if User.objects.exists() or Client.objects.exists():
            raise CommandError("This firm already has people or clients; the demo firm goes only into an empty one.")
        logins = build(now=timezone.now(), with_logins=settings.IS_LOOPBACK)
        write_logins(logins)
        self.stdout.write(
            f"The demo firm has {Client.objects.filter(is_demo=True).count()} clients and {len(logins)} logins."
        )
