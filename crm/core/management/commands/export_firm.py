"""manage.py export_firm FILE"""

import os
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from crm.core.archive.reading import BadArchive
from crm.core.archive.tables import left_out, tables
from crm.core.archive.writing import write_archive
from crm.core.base.principals import SYSTEM


class Command(BaseCommand):
    help = "Write the whole firm into one archive (ZIP): records, history, files and lists. Secrets are not in it; restricted clients are."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument(
            "--list", action="store_true", help="say which tables are in an archive, and which are not and why"
        )

    def handle(self, *args, file, **options):
        if options["list"]:
            return self._list()
        if file is None:
            raise CommandError("Name the file to write.")
        if file.exists():
            raise CommandError(f"{file} exists already.")
        draft = file.with_name(f"{file.name}.part")
        try:
            with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as out:
                manifest = write_archive(
                    out, principal=SYSTEM, by="export_firm", now=timezone.now(), progress=self._progress
                )
            draft.replace(file)
        except OSError as error:
            raise CommandError(f"{file} could not be written: {error}") from error
        except BadArchive as error:
            raise CommandError(f"What was written would not be restored: {error.message}") from error
        finally:
            draft.unlink(missing_ok=True)
        rows = sum(member.get("rows", 0) for name, member in manifest["members"].items() if name.startswith("tables/"))
        files = sum(name.startswith("files/") for name in manifest["members"])
        self.stdout.write(f"{file}: {rows} rows, {files} files, {filesizeformat(file.stat().st_size)}")
        if lost := manifest["lost_files"]:
            self.stderr.write(f"The content of {len(lost)} files is not in the storage.")

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done} of {total}", ending="\n" if done == total else "")

    def _list(self) -> None:
        for each in tables:
            self.stdout.write(each.key)
            for name, why in each.without.items():
                self.stdout.write(f"    without {name}: {why}")
        for gone in left_out:
            self.stdout.write(f"not {gone.key}: {gone.why}")
