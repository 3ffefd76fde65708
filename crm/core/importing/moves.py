"""A move: several files of an export, each an import of its own, run one after the other in the order in which they need each other.

A job that ends wakes the move (`continuing`), which starts the next. A job that fails pauses the move.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.files.models import StoredFile
from crm.core.importing import kinds
from crm.core.importing import services as imports
from crm.core.importing.choices import MoveState
from crm.core.importing.kinds import CONFIRMED, LEFT_OUT, OUTCOMES, ImportKind
from crm.core.importing.models import ImportMove, MoveFile
from crm.core.importing.permissions import may_import
from crm.core.importing.planner import kind_of
from crm.core.importing.presets import other_parts
from crm.core.importing.recognising import guess_kind, suggestions
from crm.core.notifications.models import Notification
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, release, seconds_left
from crm.core.work.models import Job

MOST_FILES = 60
STOPPED = (JobState.FAILED, JobState.CANCELLED)
BUSY = (MoveState.RUNNING, MoveState.UNDOING)


def may_change_move(principal: Principal, move: ImportMove) -> bool:
    return move.user_id == principal.user_id and may_import(principal)


@service(may=may_import)
def create_move(principal: Principal, *, files: Sequence[StoredFile]) -> ImportMove:
    """A move of these files: each table of each is told by its header, and prepared as far as it needs no answer. Raises ServiceError
    (field "file").
    """
    move = ImportMove.objects.create(user=principal.user)
    for file in files:
        _add(principal, move, file)
    return move


@service(may=may_change_move)
def add_files(principal: Principal, *, move: ImportMove, files: Sequence[StoredFile]) -> ImportMove:
    """More files of the same export. Raises ServiceError (field "file"), also while the move runs."""
    move = locked(move)
    if move.state in BUSY:
        raise ServiceError(_("This move is running. Pause it, then add files."), field="file")
    for file in files:
        _add(principal, move, file)
    if move.state in (MoveState.DONE, MoveState.UNDONE):
        set_state(move, MoveState.DRAFT, ended_at=None)
    return move


def _add(principal: Principal, move: ImportMove, file: StoredFile) -> None:
    try:
        tables = imports.tables_of(file)
    except ServiceError as error:
        raise ServiceError(f"{file.name}: {error}", field="file") from error
    if move.files.count() + len(tables) > MOST_FILES:
        raise ServiceError(
            _("A move has up to %(n)d files. Start another one for the rest.") % {"n": MOST_FILES}, field="file"
        )
    for table in tables:
        known = suggestions(table.header, principal)
        key = table.kind or (known[0].kind if known else "")
        name = table.title if len(tables) > 1 else file.name
        wanted = [kinds.get(key) if key else guess_kind(table.header, principal, name)]
        wanted += (
            [kinds.get(other) for other in other_parts(known[0].key, table.header)] if known and not table.kind else []
        )
        for kind in wanted:
            job = imports.create_import(principal, kind=kind, file=file, table=table.key, found=tables)
            job.options |= {"is_unsure": not key}
            job.save(update_fields=["options"])
            MoveFile.objects.create(move=move, job=job)
            prepare(principal, job)


def prepare(principal: Principal, job: Job) -> None:
    """Take over what was understood, as far as it is enough to import the file; else keep why not."""
    kind = kind_of(job)
    defaults = job.options["defaults"]
    if "owner" in kind.must_ask:
        defaults = {"owner": principal.user.email} | defaults
    is_unsure = job.options.get("is_unsure", False)
    given = {name: job.options[name] for name in ("dialect", "mapping", "system", "answers", "zone")} | {
        "mode": job.options.get("mode", "")
    }
    try:
        imports.set_options(principal, job=job, defaults=_needed(kind, defaults), **given)
        problem = unsaid_of(kind, job.options["mapping"], defaults)
    except ServiceError as error:
        labels = {f"default_{column.name}": str(column.label) for column in kind.columns}
        problem = f"{labels[error.field]}: {error.message}" if error.field in labels else error.message
    job.refresh_from_db()
    if problem or is_unsure:
        job.options |= {"problem": problem, "is_unsure": is_unsure}
        job.save(update_fields=["options"])


def unsaid_of(kind: ImportKind, mapping: dict[str, str], defaults: dict[str, str]) -> str:
    """What the file does not say and must be chosen once for all rows, in words."""
    missing = [
        str(column.label)
        for column in kind.columns
        if column.name in kind.must_ask and not mapping.get(column.name) and not defaults.get(column.name)
    ]
    return _("Choose for all rows: %(fields)s.") % {"fields": ", ".join(missing)} if missing else ""


def _needed(kind: ImportKind, defaults: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in defaults.items() if value}


# What the page shows


@dataclass(frozen=True)
class Part:
    """A file of a move. `columns` and `mapped` count its columns, `left_out` those that go nowhere for a reason; `needs`: what must be
    answered first, in words.
    """

    job: Job
    kind: ImportKind
    columns: int
    mapped: int
    left_out: int
    needs: str

    @property
    def table(self) -> str:
        """Which of several tables of the file it is."""
        tables = self.job.options.get("tables", [])
        return (
            next((title for key, title, *_more in tables if key == self.job.options["table"]), "")
            if len(tables) > 1
            else ""
        )

    @property
    def is_ready(self) -> bool:
        return self.job.state == JobState.READY and not self.needs

    @property
    def counts(self) -> dict[str, int]:
        return self.job.report.get("counts", {})

    @property
    def is_stopped(self) -> bool:
        return self.job.state in STOPPED


def parts_of(move: ImportMove) -> list[Part]:
    """The files in the order in which they run: what others belong to comes first; alike ones as they were uploaded."""
    rows = move.files.select_related("job__file", "job__user", "job__failed_rows").order_by("pk")
    return sorted((_part(row.job) for row in rows), key=lambda part: (part.kind.turn, part.job.pk))


def _part(job: Job) -> Part:
    header = (
        job.options.get("header", []) if job.state == JobState.READY else []
    )  # the page asks each second: no file is read
    used = {*job.options["mapping"].values()} & {*header}
    left_out = {*job.options.get("left_out", {})} - used
    return Part(job, kind_of(job), len(header), len(used), len(left_out), needs_of(job))


def needs_of(job: Job) -> str:
    """What must be said of a file before it can be imported, in words; "" if nothing."""
    options = job.options
    if job.state != JobState.READY:
        return ""
    if options.get("is_unsure"):
        return _("Choose what it contains.")
    if missing := imports.unsaid(job):
        return missing
    return _("Choose the time zone of its times.") if options.get("times") and not options.get("zone") else ""


@dataclass(frozen=True)
class Progress:
    done: int
    total: int
    seconds_left: int | None


def progress_of(parts: Iterable[Part]) -> Progress:
    """Rows done and to do, over all files; the time left at the pace of the file that runs."""
    parts = list(parts)
    total = sum(part.job.total for part in parts)
    done = sum(part.job.total if part.job.state == JobState.DONE else part.job.done for part in parts)
    running = next((part.job for part in parts if part.job.state == JobState.RUNNING and part.job.done), None)
    left = seconds_left(running) if running else None
    if running is not None and left is not None:
        pace = left / max(running.total - running.done, 1)
        left = round(pace * (total - done))
    return Progress(done, total, left)


# Answers


@service(may=may_change_move)
def set_zone(principal: Principal, *, move: ImportMove, system: str, zone: str) -> None:
    """Set the zone of the times without one in all files of a system; remembered for its next file."""
    for part in parts_of(locked(move)):
        if part.job.state == JobState.READY and part.job.options["system"] == system:
            part.job.options |= {"zone": zone}
            part.job.save(update_fields=["options"])
            prepare(principal, part.job)


@service(may=may_change_move)
def set_words(
    principal: Principal,
    *,
    move: ImportMove,
    values: dict[str, dict[str, str]],
    new: dict[str, list[str]],
    now: datetime,
) -> None:
    """Say what words mean, {vocabulary: {word: meaning}}, in all files that have not run; they are checked again. `new`: words that are
    added here first. Raises PermissionDenied, ServiceError.
    """
    for part in parts_of(locked(move)):
        if part.job.state != JobState.READY:
            continue
        keys = {column.vocabulary.key for column in part.kind.columns if column.vocabulary}
        said = {key: words for key, words in values.items() if key in keys}
        added = {key: words for key, words in new.items() if key in keys}
        imports.set_values(principal, job=part.job, values=said, new=added)
        new = {key: words for key, words in new.items() if key not in added}
        if part.is_ready:
            imports.check_import(principal, job=part.job, now=now)


@service(may=may_change_move)
def set_kind(principal: Principal, *, move: ImportMove, job: Job, kind: ImportKind) -> None:
    """Say what is in a file. Raises PermissionDenied, ServiceError."""
    move = locked(move)
    _file(move, job)
    prepare(principal, imports.change_kind(principal, job=job, kind=kind))


@service(may=may_change_move)
def leave_out(principal: Principal, *, move: ImportMove, job: Job) -> None:
    """Take a file out of the move; one that was never started is discarded. Raises ServiceError."""
    move = locked(move)
    row = _file(move, job)
    if job.state in OPEN or move.state == MoveState.UNDOING:
        raise ServiceError(_("This file is in use. Wait or stop, then leave it out."))
    row.delete()
    if job.state == JobState.READY:
        imports.discard_import(principal, job=job)


def _file(move: ImportMove, job: Job) -> MoveFile:
    row = move.files.filter(job=job).first()
    if row is None:
        raise ServiceError(_("This file is not in the move."))
    return row


# Running


@service(may=may_change_move)
def check_move(principal: Principal, *, move: ImportMove, now: datetime) -> None:
    """Have all files planned for their previews."""
    for part in parts_of(locked(move)):
        if part.is_ready:
            imports.check_import(principal, job=part.job, now=now)


@service(may=may_change_move)
def start_move(principal: Principal, *, move: ImportMove, now: datetime, questions: str = LEFT_OUT) -> ImportMove:
    """Import all files, one after the other. `questions`: what becomes of rows that ask something. Raises ServiceError for a file
    that needs an answer.
    """
    move, parts = locked(move), parts_of(move)
    if move.state not in (MoveState.DRAFT, MoveState.PAUSED):
        raise ServiceError(_("This move has already started."))
    waiting = [part for part in parts if part.needs]
    if waiting:
        words = ngettext("%(n)d file needs an answer first.", "%(n)d files need an answer first.", len(waiting))
        raise ServiceError(words % {"n": len(waiting)}, code="needs")
    if any(part.job.state == JobState.CHECKING for part in parts):
        raise ServiceError(_("The files are being checked. Wait until the previews are ready."), code="checking")
    if not any(part.job.state == JobState.READY or part.is_stopped for part in parts):
        raise ServiceError(_("There is no file to import."))
    move.questions = questions if questions in (CONFIRMED, LEFT_OUT) else LEFT_OUT
    set_state(move, MoveState.RUNNING, questions=move.questions)
    for part in parts:
        if part.is_stopped and not imports.has_begun(part.job):
            release(part.job, JobState.READY, report={}, error="", ended_at=None)
    stopped = next((part.job for part in parts if part.is_stopped), None)
    if stopped is not None:
        imports.resume_import(principal, job=stopped, now=now)
    else:
        start_next(principal, move, now)
    return move


@service(may=may_change_move)
def pause_move(principal: Principal, *, move: ImportMove, now: datetime) -> ImportMove:
    """Stop after the rows that are being written; `start_move` goes on after them."""
    move = locked(move)
    if move.state == MoveState.RUNNING:
        set_state(move, MoveState.PAUSED)
        for part in parts_of(move):
            if part.job.state in OPEN:
                imports.cancel_import(principal, job=part.job, now=now)
    return move


def start_next(principal: Principal, move: ImportMove, now: datetime) -> None:
    for part in parts_of(move):
        if part.job.state != JobState.READY:
            continue
        if part.needs:
            pause(move, _("Your move stopped: a file needs an answer first."), now)
            return
        part.job.report = {}  # its preview was made before the earlier files were there
        part.job.save(update_fields=["report"])
        try:
            imports.start_import(principal, job=part.job, now=now, questions=move.questions)
        except (ServiceError, PermissionDenied) as error:
            words = str(error) or _("You cannot change this.")
            Job.objects.filter(pk=part.job.pk).update(state=JobState.FAILED, error=words, ended_at=now)
            pause(move, _("Your move stopped: one file could not be imported."), now)
            return
        return
    set_state(move, MoveState.DONE, ended_at=now)
    tell(move, _("Your files are imported."), now)


def pause(move: ImportMove, why: str, now: datetime) -> None:
    set_state(move, MoveState.PAUSED)
    tell(move, why, now)


def tell(move: ImportMove, text: str, now: datetime) -> None:
    Notification.objects.get_or_create(
        key=f"move:{move.pk}:{move.state}:{now.isoformat()}",
        defaults={"user": move.user, "kind": "import-ended", "text": text[:300], "url": f"/imports/moves/{move.pk}/"},
    )


def set_state(move: ImportMove, state: MoveState, **also: Any) -> None:
    for name, value in {"state": state, **also}.items():
        setattr(move, name, value)
    move.save(update_fields=["state", *also])


def locked(move: ImportMove) -> ImportMove:
    return ImportMove.objects.select_for_update().get(pk=move.pk)


def totals(parts: Iterable[Part]) -> dict[str, int]:
    """What the files that have run became; a preview counts nothing."""
    parts = [part for part in parts if part.job.state not in (JobState.READY, JobState.CHECKING)]
    return {name: sum(part.counts.get(name, 0) for part in parts) for name in OUTCOMES}
