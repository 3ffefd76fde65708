"""manage.py import_csv KIND FILE --owner EMAIL [--table NAME] [--map Column=field …] [--set field=value …] [--mapping FILE]
[--system NAME] [--zone ZONE] [--mode create|update|both] [--dry-run] [--json] [--strict]

Ends with 0 when the import ran, 1 when it was refused or stopped, 2 for arguments that are none, and with --strict 3 when a row
failed.
"""

import json
import time
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.reading import DECIMALS, ORDERS
from crm.core.files.services import store_bytes
from crm.core.importing import by_program, kinds, running, tabular
from crm.core.importing import services as service
from crm.core.users.models import User
from crm.core.work.choices import JobState
from crm.core.work.models import Job


class Command(BaseCommand):
    help = "Import a file (CSV, XLSX and the others that the import page takes), as the import page does. With --dry-run only says what would happen."

    def add_arguments(self, parser):
        names = ", ".join(kind.key for kind in kinds.kinds())
        parser.add_argument("kind", help=f"one of: {names}; or auto: what the file looks like")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--owner",
            required=True,
            metavar="EMAIL",
            help="who imports; also the account manager of rows that name none",
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="which column fills which field; the rest is guessed",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="holds for all rows that say nothing, such as status=active",
        )
        parser.add_argument("--table", default="", metavar="NAME", help="which one, if the file holds several tables")
        parser.add_argument("--system", default="", help="the name of the system that the ids in the file come from")
        parser.add_argument("--encoding", default="", choices=["", *(code for code, _label in tabular.ENCODINGS)])
        parser.add_argument("--delimiter", default="")
        parser.add_argument(
            "--date-order", default="", choices=["", *ORDERS], help="where dates can be read in several ways"
        )
        parser.add_argument("--decimal", default="", choices=["", *DECIMALS], help="the same of numbers such as 1,234")
        parser.add_argument("--confirm", action="store_true", help="import rows that ask, such as a client's new name")
        parser.add_argument(
            "--mapping",
            type=Path,
            metavar="FILE",
            help="a JSON file with what the API takes: mapping, defaults, values …",
        )
        parser.add_argument("--zone", default="", help="the time zone of times that name none, such as Europe/Helsinki")
        parser.add_argument("--mode", default="", choices=["create", "update", "both"], help="default: both")
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument("--json", action="store_true", help="print the report as the API has it")
        parser.add_argument("--strict", action="store_true", help="end with 3 if a row failed, or would fail")

    def handle(self, *args, **options):
        if options["kind"] != "auto":
            _kind(options["kind"])
        principal = acting(_importer(options["owner"]))
        job = self._job(principal, options)
        try:
            if options["dry_run"]:
                report = running.preview(job)
                service.discard_import(principal, job=job)
                self._end(report, options)
                return
            questions = service.CONFIRMED if options["confirm"] else service.LEFT_OUT
            service.start_import(principal, job=job, now=timezone.now(), questions=questions)
        except (ServiceError, tabular.UnreadableTable) as error:
            service.discard_import(principal, job=job)
            raise CommandError(f"{options['file'].name}: {error}") from error
        # a worker may have heard the bell first: then its run is waited for, and taken over if it dies
        while (state := running.run_job(job_id=job.pk)) in (JobState.QUEUED, JobState.RUNNING):
            time.sleep(0.5)
        job = Job.objects.get(pk=job.pk)
        if state != JobState.DONE:
            raise CommandError(job.error or f"The import is {job.get_state_display()}; see the imports page.")
        # the standard output stays that of the dry run
        undo = f"import {job.pk}; manage.py undo_import {job.pk} --owner {job.user.email} takes it back"
        self.stderr.write(undo, self.style.NOTICE)
        self._end(job.report, options)

    def _end(self, report, options) -> None:
        if options["json"]:
            shown = {name: report[name] for name in ("counts", "remarks", "questions", "rows")}
            self.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1))
        else:
            self._tell(report)
        failed = report["counts"]["failed"]
        if failed and options["strict"]:
            raise CommandError(f"{failed} rows failed.", returncode=3)

    def _job(self, principal, options) -> Job:
        path = options["file"]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        key = "" if options["kind"] == "auto" else options["kind"]
        job = None
        try:
            file = store_bytes(principal, name=path.name, data=data)
            job = by_program.begin(principal, file=file, kind=key, table=options["table"])
            if job.options["table"] is None:
                names = ", ".join(title for _key, title, _total, _kind in job.options["tables"])
                raise CommandError(f"{path.name} holds several tables; name one with --table: {names}.")
            kind = service.kind_of(job)
            owner = principal.user.email if "owner" in kind.defaults else ""
            given = _given(options, kind, service.read_job(job)[0])
            return by_program.settle(principal, job, given, owner=owner, asks=False)
        except (CommandError, ServiceError, tabular.UnreadableTable, PermissionDenied) as error:
            if job is not None:
                service.discard_import(principal, job=job)
            if isinstance(error, CommandError):
                raise
            words = str(error) or f"{options['owner']} may not import it."
            raise CommandError(f"{path.name}: {words}") from error

    def _tell(self, report) -> None:
        shown = [*report["rows"]["questions"], *report["rows"]["failed"], *report["rows"]["remarks"]]
        lines = {row["number"]: "; ".join(row["texts"]) for row in shown}
        for number, text in sorted(lines.items())[:50]:
            self.stdout.write(f"line {number}: {text}")
        if (more := report["counts"]["failed"] + report["remarks"] - 50) > 0:
            self.stdout.write(f"… and {more} more lines with remarks")
        self.stdout.write(", ".join(f"{report['counts'][outcome]} {outcome}" for outcome in kinds.OUTCOMES))


def _kind(key: str) -> kinds.ImportKind:
    try:
        return kinds.get(key)
    except KeyError as error:
        raise CommandError(
            f"Unknown kind {key!r}; expected one of: {', '.join(kind.key for kind in kinds.kinds())}."
        ) from error


def _importer(email: str) -> User:
    user = User.objects.active().filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"No active user has the e-mail address {email}.")
    return user


def _given(options, kind, header) -> dict[str, Any]:
    """What is said of the file, as the API takes it: that of the options before that of the --mapping file."""
    given = _read(options["mapping"]) if options["mapping"] else {}
    given |= {name: options[name] for name in ("system", "encoding", "delimiter", "zone", "mode") if options[name]}
    if "mode" in given:
        given["mode"] = "" if given["mode"] == "both" else given["mode"]
    answers = {key: options[key] for key in ("date_order", "decimal") if options[key]}
    given["answers"] = given.get("answers", {}) | answers
    given["defaults"] = given.get("defaults", {}) | dict(_pair(text) for text in options["set"])
    given["mapping"] = given.get("mapping", {}) | _pairs(options["map"], kind, header)
    return given


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from error
    wrong = []
    if not isinstance(found, dict) or (wrong := sorted(found.keys() - {*by_program.SETTINGS})):
        names = ", ".join(by_program.SETTINGS)
        raise CommandError(
            f"{path}: expected an object with some of {names}" + (f", not {wrong[0]!r}." if wrong else ".")
        )
    for name, said in found.items():
        if not by_program.is_texts(name, said):
            raise CommandError(f"{path}: {name} must be an object of texts.")
        if name not in by_program.OBJECTS and not isinstance(said, str):
            raise CommandError(f"{path}: {name} must be a text.")
    return found


def _pair(text: str) -> tuple[str, str]:
    left, sign, right = text.rpartition("=") if text.count("=") > 1 else text.partition("=")
    if not sign or not left:
        raise CommandError(f"Expected NAME=VALUE, got {text!r}.")
    return left, right


def _pairs(texts, kind, header) -> dict[str, str]:
    """{field: column} of --map Column=field."""
    fields = {column.name for column in kind.columns}
    mapping = {}
    for column, field in map(_pair, texts):
        if column not in header:
            raise CommandError(f"The file has no column {column!r}; it has: {', '.join(header)}.")
        if field and field not in fields:
            raise CommandError(f"Unknown field {field!r}; expected one of: {', '.join(sorted(fields))}.")
        mapping[field] = column
    return mapping
