from django.core.management.base import BaseCommand

from tools.squash import squash


class Command(BaseCommand):
    help = "Write each app's tables of today as one migration, for databases that begin now (decision 12)."

    def handle(self, **options):
        squash(self.stdout.write)
