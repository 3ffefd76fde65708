"""manage.py import_firm FILE"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from crm.core.archive.reading import Archive, BadArchive
from crm.core.archive.restoring import HasData, restore


class Command(BaseCommand):
    help = "Restore an archive into an empty firm, or say how it differs from the firm that is here. All or nothing."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)

    def handle(self, *args, file, **options):
        try:
            with file.open("rb") as source:
                result = restore(Archive(source))
        except HasData as error:
            for each in error.differences:
                self.stderr.write(
                    f"{each.table}: {each.missing} only in the archive, {each.extra} only here, {each.changed} differ"
                )
            raise CommandError(error.message) from error
        except BadArchive as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{file}: {error}") from error
        if result.is_same:
            self.stdout.write("This firm has all that is in the archive, unchanged. Nothing was done.")
            return
        self.stdout.write(f"Restored {result.rows} rows and {result.files} files.")
        if result.lost:
            self.stderr.write(f"The archive has no content of {result.lost} files.")
        self.stdout.write(
            "Nobody has a password yet: manage.py changepassword EMAIL sets an admin's. Email is on hold until an admin allows it."
        )
