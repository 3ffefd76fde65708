"""What becomes of uploads: an import or a move. Large ones are read by a worker, because reading a workbook of 100,000 rows takes longer
than a page may."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.principals import Principal, acting
from crm.core.base.services import service
from crm.core.files.models import StoredFile
from crm.core.importing import kinds, moves
from crm.core.importing import services as imports
from crm.core.importing.models import ImportMove
from crm.core.importing.permissions import may_import, may_import_job
from crm.core.importing.presets import other_parts
from crm.core.importing.recognising import suggestions
from crm.core.importing.running import many_objects
from crm.core.importing.tabular import UnreadableTable
from crm.core.work import leases
from crm.core.work.choices import JobState
from crm.core.work.models import Job

KIND = "import-reading"
LARGE = 256 * 1024  # bytes of an upload, from which a worker reads it
SLOWEST = 50_000  # bytes a second: how long a worker may take before another one tries

COLUMNS, TABLE, MOVE = "import_columns", "import_table", "import_move"  # where an upload goes on
Place = tuple[str, int]


def is_large(files: Sequence[StoredFile]) -> bool:
    return sum(file.size for file in files) > LARGE


def begin(principal: Principal, *, files: Sequence[StoredFile], kind: str = "") -> Place:
    """Where an upload goes on. Raises ServiceError for a single file that says nothing of what is in it."""
    if len(files) == 1 and kind:
        job = imports.create_import(principal, kind=kinds.get(kind), file=files[0])
        return (TABLE if job.options["table"] is None else COLUMNS), job.pk
    tables = imports.tables_of(files[0]) if len(files) == 1 else []
    known = suggestions(tables[0].header, principal) if len(tables) == 1 else []
    if len(tables) != 1 or (known and other_parts(known[0].key, tables[0].header)):
        return MOVE, moves.create_move(principal, files=files).pk
    found = tables[0].kind or (known[0].kind if known else "")
    if not found:
        raise ServiceError(_("Rapport does not know this kind of file. Choose what it contains."), field="kind")
    return COLUMNS, imports.create_import(principal, kind=kinds.get(found), file=files[0], found=tables).pk


def begin_here(principal: Principal, *, files: Sequence[StoredFile], kind: str = "") -> Place:
    """As `begin`, but a file that says nothing of what is in it is a move that asks: the browser would not send it again."""
    try:
        return begin(principal, files=files, kind=kind)
    except ServiceError as error:
        if error.field != "kind":
            raise
    return MOVE, moves.create_move(principal, files=files).pk


@service(may=may_import)
def read_later(
    principal: Principal, *, files: Sequence[StoredFile], kind: str = "", move: ImportMove | None = None, now: datetime
) -> Job:
    """Have a worker read uploads, for a new import or a new move, or for one that is there."""
    if move is not None:
        require(moves.may_change_move(principal, move))
    names = ", ".join(file.name for file in files)
    options = {"files": [file.pk for file in files], "kind": kind, "move": move.pk if move else None}
    job = Job(kind=KIND, user=principal.user, file=files[0], title=names[:200], options=options)
    leases.queue(job, now)
    return job


@service(may=may_import_job)
def choose_table_later(principal: Principal, *, job: Job, table: str, kind: str, now: datetime) -> Job:
    """Have a worker read one of the tables of an import's file."""
    options = {"import": job.pk, "table": table, "kind": kind}
    reading = Job(kind=KIND, user=principal.user, file=job.file, title=job.file.name[:200], options=options)  # type: ignore[union-attr]
    leases.queue(reading, now)
    return reading


@service(may=may_import)
def stop_reading(principal: Principal, *, reading: Job, now: datetime) -> None:
    """What is read is thrown away; the upload can be chosen again."""
    reading = Job.objects.select_for_update(of=("self",)).get(pk=reading.pk)
    if reading.state in leases.OPEN:
        leases.release(reading, JobState.CANCELLED, ended_at=now)


def run_job(*, job_id: int) -> str:
    return leases.run_leased(job_id, _run, _fail, lambda job: _("The file could not be read."))


def _run(job: Job, token: uuid.UUID) -> None:
    """Nothing tells how far a reader is, so the lease lasts as long as the slowest would take."""
    files = {file.pk: file for file in StoredFile.objects.filter(pk__in=job.options.get("files", [job.file_id]))}
    seconds = sum(file.size for file in files.values()) / SLOWEST
    Job.objects.filter(pk=job.pk, lease_token=token).update(
        lease_until=timezone.now() + leases.LEASE + timedelta(seconds=seconds)
    )
    try:
        with many_objects(), transaction.atomic():
            page, pk = _decided(
                _read(job, [files[pk] for pk in job.options.get("files", [job.file_id]) if pk in files])
            )
            if not leases.still_mine(job, token, lock=True):
                transaction.set_rollback(True)  # somebody stopped it
                return
            leases.release(
                job, JobState.DONE, ended_at=timezone.now(), report={"page": page, "pk": pk}, done=1, total=1
            )
    except ServiceError as error:
        raise leases.Refused(error.message) from error


def _decided(place: Place) -> Place:
    page, pk = place
    if page == COLUMNS:
        with suppress(UnreadableTable):  # the page says so
            imports.decide_early(Job.objects.select_related("file").get(pk=pk))
    return place


def _read(job: Job, files: list[StoredFile]) -> Place:
    principal, options = acting(job.user), job.options
    if "import" in options:
        found = Job.objects.filter(pk=options["import"]).first()
        if found is None:
            raise ServiceError(_("The file of this import no longer exists."))
        imports.choose_table(principal, job=found, table=options["table"], kind=kinds.get(options["kind"]))
        return COLUMNS, found.pk
    if options["move"] is None:
        return begin(principal, files=files, kind=options["kind"])
    move = ImportMove.objects.filter(pk=options["move"]).first()
    if move is None:
        raise ServiceError(_("This move was discarded."))
    return MOVE, moves.add_files(principal, move=move, files=files).pk


def _fail(job: Job, token: uuid.UUID, message: str) -> None:
    mine = Job.objects.filter(pk=job.pk, lease_token=token)
    mine.update(state=JobState.FAILED, error=message, ended_at=timezone.now(), lease_token=None, lease_until=None)
