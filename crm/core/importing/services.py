"""Importing a file: a job in steps.

upload → dialect detected and columns guessed (both can be changed) → a worker plans the whole file (nothing written) →
the same plans are built again and applied in chunks that commit with their progress → report and a file of failed rows.
A stopped worker returns its lease; a dead one is replaced when the lease ends. Either way the run resumes after the
last committed chunk.
"""

import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal, acting
from crm.core.base.reading import Decision, decide_all, fold
from crm.core.base.services import service
from crm.core.files.models import StoredFile
from crm.core.files.services import read_bytes, store_bytes
from crm.core.importing import tabular
from crm.core.importing.kinds import FAILED, OUTCOMES, ImportKind, Plan
from crm.core.importing.permissions import may_import_job, may_import_kind
from crm.core.importing.planner import Planner, kind_of, read_job, why
from crm.core.listing.files import unsafe_cell
from crm.core.notifications.models import Notification
from crm.core.work import jobs
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from crm.core.work.stopping import is_stopping

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=90)
MAX_SHOWN = 200  # rows of each outcome, and of those with warnings; each chunk writes the whole report
MAX_REASONS = 5000
MAX_PEOPLE = 50
ABANDONED = timedelta(days=7)  # an import that was never started is discarded after this
PROGRESS_EVERY = 1.0  # seconds, while a file is checked
OPEN = (JobState.QUEUED, JobState.CHECKING, JobState.RUNNING)
CONFIRMED, LEFT_OUT = "confirmed", "left_out"  # what to do with rows that have a question


@service(may=may_import_kind)
def create_import(principal: Principal, *, kind: ImportKind, file: StoredFile) -> Job:
    """Create a job to review, with dialect and columns guessed. Raises ServiceError (field "file") if the file cannot
    be read to the end.
    """
    data = read_bytes(file)
    try:
        encoding = tabular.decide_encoding(data)
        dialect = tabular.detect(data, tabular.likeliest(encoding))
        header, rows = tabular.read(data, dialect)
        total = sum(1 for _row in rows)
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="file") from error
    if not total:
        raise ServiceError(_("The file has a header but no rows."), field="file")
    mapping = guess_mapping(kind, header)
    return Job.objects.create(
        kind=f"import:{kind.key}",
        user=principal.user,
        title=(_("Import of %(kind)s from %(file)s") % {"kind": str(kind.label).lower(), "file": file.name})[:200],
        file=file,
        total=total,
        options={
            "dialect": asdict(dialect),
            "encodings": [  # a list, because the database does not keep the order of keys
                (option.value, [line for _none, line in option.samples]) for option in encoding.options
            ],
            "mapping": mapping,
            "defaults": {},
            "answers": {},
            "people": {},
            "system": guess_system(header),
            "questions": "",
        },
    )


def guess_mapping(kind: ImportKind, header: list[str]) -> dict[str, str]:
    """{field: header}: by the field's name and aliases, each header used once."""
    folded = {fold(name): name for name in reversed(header)}
    mapping: dict[str, str] = {}
    for column in kind.columns:
        for alias in (column.name, str(column.label), *column.aliases):
            name = folded.get(fold(alias))
            if name and name not in mapping.values():
                mapping[column.name] = name
                break
    return mapping


OWN_ID = "Rapport id"
OWN_SYSTEM = "rapport"


def guess_system(header: list[str]) -> str:
    """The system that the ids in the file belong to: a known export by its headers, else "" (ask the user)."""
    names = {name.upper() for name in header}
    if any(name.startswith(OWN_ID) for name in header):
        return OWN_SYSTEM
    if {"ISDELETED", "SYSTEMMODSTAMP"} & names:
        return "salesforce"
    if any(name.lower().startswith("hs_") or name == "Record ID" for name in header):
        return "hubspot"
    return ""


def decide_columns(
    kind: ImportKind, mapping: dict[str, str], header: list[str], rows: Iterable[tabular.Row]
) -> dict[str, Decision]:
    """{field: Decision from all cells of its column} for the mapped fields that need one. Raises UnreadableTable."""
    asking = {
        c.name: (c.asks, header.index(mapping[c.name]))
        for c in kind.columns
        if c.asks and mapping.get(c.name) in header
    }
    cells: dict[str, list[str]] = {name: [] for name in asking}
    for row in rows if asking else ():
        for name, (_asks, place) in asking.items():
            if not row.problem and (text := unsafe_cell(row.cells[place])):
                cells[name].append(text)
    return decide_all({name: (asks, cells[name]) for name, (asks, _place) in asking.items()})


def _conventions(decisions: dict[str, Decision], answers: dict[str, str]) -> dict[str, dict[str, str]]:
    """{field: {subject: value}}; an undecided column takes its own answer, else the answer for all columns. Raises
    ServiceError (field map_…).
    """
    found = {}
    for name, decision in decisions.items():
        value = decision.value or answers.get(name, "") or answers.get(decision.subject, "")
        if decision.must_ask and not value:
            raise ServiceError(_question(decision), field=f"map_{name}")
        found[name] = {decision.subject: value}
    return found


def _question(decision: Decision) -> str:
    lines = [_("This column can be read in several ways. Choose one.")]
    for option in decision.options:
        lines.append("; ".join(f"{written} → {read}" for written, read in option.samples))
    return " ".join(lines)


@service(may=may_import_job)
def set_options(
    principal: Principal,
    *,
    job: Job,
    dialect: dict[str, str],
    mapping: dict[str, str],
    defaults: dict[str, Any],
    system: str,
    people: dict[str, str] | None = None,
    answers: dict[str, str] | None = None,
) -> Job:
    """Change how the file is read and mapped. `answers` ({field: value}, or {"date_order": …, "decimal": …} for all)
    apply to undecided columns. Raises ServiceError for a required field without a column, an undecided column without
    an answer, or ids of an unnamed system.
    """
    job = _own_ready(principal, job)
    kind = kind_of(job)
    mapping = {field: name for field, name in mapping.items() if name}
    _check_mapping(kind, mapping, defaults)
    system = fold(system)[:60]
    if not system and any(name in mapping for name in kind.ids):
        raise ServiceError(_("Say which system the IDs in this file come from."), field="system", code="system_needed")
    try:
        decisions = decisions_of(job, dialect, mapping)
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="encoding") from error
    job.options = {
        "dialect": dialect,
        "encodings": job.options.get("encodings", {}),
        "mapping": mapping,
        "conventions": _conventions(decisions, answers or {}),
        "answers": answers or {},
        "defaults": defaults,
        "people": people or {},
        "system": system,
        "questions": "",
    }
    job.report = {}
    job.save(update_fields=["options", "report"])
    return job


def decisions_of(job: Job, dialect: dict[str, str], mapping: dict[str, str]) -> dict[str, Decision]:
    """{field: how to read its column}, from all of its cells. Raises UnreadableTable."""
    job.options = job.options | {"dialect": dialect}
    header, rows = read_job(job)
    return decide_columns(kind_of(job), mapping, header, rows)


def _check_mapping(kind: ImportKind, mapping: dict[str, str], defaults: dict[str, Any]) -> None:
    groups = [*kind.needs, *((column.name,) for column in kind.columns if column.is_required)]
    for group in groups:
        if not any(mapping.get(name) or defaults.get(name) for name in group):
            message = _("Choose a column. This field is required.")
            raise ServiceError(message, field=f"map_{group[0]}")


def preview(job: Job) -> dict[str, Any]:
    """The report of what the import would do; writes nothing. Raises UnreadableTable."""
    report, planner = new_report(), Planner(job)
    for _chunk in _noted(planner, report):
        pass
    return _checked(report, planner)


def _noted(planner: Planner, report: dict[str, Any]) -> Iterator[None]:
    """Plan the whole file and count its plans in a report, one chunk at a time."""
    for plans in planner.chunks():
        for plan in plans:
            note(report, plan)
        yield


def _checked(report: dict[str, Any], planner: Planner) -> dict[str, Any]:
    """The report of a preview, with unknown colleagues and unused columns."""
    used = {*planner.job.options["mapping"].values()}
    del report["failed"]
    return report | {
        "at": 0,
        "unknown_people": planner.context["survey"].get("unknown_people", Counter()).most_common(MAX_PEOPLE),
        "unused": [name for name in planner.header if name not in used],
    }


def new_report() -> dict[str, Any]:
    """`counts` of outcomes, `remarks` and `questions`; `rows` to show by outcome; `failed` [number, reasons]; `at`:
    rows done.
    """
    return {
        "counts": dict.fromkeys(OUTCOMES, 0),
        "remarks": 0,
        "questions": 0,
        "rows": {outcome: [] for outcome in (*OUTCOMES, "remarks", "questions")},
        "failed": [],
        "at": 0,
    }


def note(report: dict[str, Any], plan: Plan) -> None:
    """Count a plan, and keep it for display while there is room."""
    report["counts"][plan.outcome] += 1
    report["at"] += 1
    groups = [plan.outcome]
    if plan.warnings and plan.outcome != FAILED:
        report["remarks"] += 1
        groups.append("remarks")
    if plan.question and plan.outcome != FAILED:
        report["questions"] += 1
        groups.append("questions")
    if plan.outcome == FAILED:
        wants_reason = len(report["failed"]) < MAX_REASONS
        report["failed"].append([plan.number, *([plan.messages] if wants_reason else [])])
    for group in groups:
        if len(report["rows"][group]) < MAX_SHOWN:
            report["rows"][group].append(plan.shown())


@service(may=may_import_job)
def check_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Have a worker plan the whole file, for the preview."""
    job = _own_ready(principal, job)
    job.report, job.error = {}, ""
    job.save(update_fields=["report", "error"])
    _queue(job, JobState.CHECKING, now)
    return job


@service(may=may_import_job)
def set_people(principal: Principal, *, job: Job, people: dict[str, str]) -> Job:
    """Set which colleagues the names in the file mean, {name: email}. The file must be checked again."""
    job = _own_ready(principal, job)
    job.options = job.options | {"people": job.options.get("people", {}) | people}
    job.report = {}
    job.save(update_fields=["options", "report"])
    return job


@service(may=may_import_job)
def start_import(principal: Principal, *, job: Job, now: datetime, questions: str = "") -> Job:
    """Queue the run. `questions`: CONFIRMED or LEFT_OUT, for rows that have a question. Raises ServiceError: code
    "question" if that is missing, "nothing" if no row can be imported, "unreadable" if the file cannot be read.
    """
    job = _own_ready(principal, job)
    counts = job.report.get("counts")  # the file was checked
    try:
        job.total = sum(counts.values()) if counts else sum(1 for _row in read_job(job)[1])
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), code="unreadable") from error
    if job.report.get("questions") and questions not in (CONFIRMED, LEFT_OUT):
        raise ServiceError(_("Choose what to do with the flagged rows."), field="questions", code="question")
    if counts and counts[FAILED] == job.total:
        raise ServiceError(_("No row can be imported this way. Change the columns."), code="nothing")
    job.options = job.options | {"questions": questions}
    job.report = new_report()
    job.save(update_fields=["options", "report", "total"])
    _queue(job, JobState.QUEUED, now)
    return job


@service(may=may_import_job)
def cancel_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Stop before the next chunk; rows already written stay. A file that is being checked goes back to its columns."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state == JobState.CHECKING:
        _release(job, JobState.READY)
    elif job.state in (JobState.READY, *OPEN):
        _release(job, JobState.CANCELLED, ended_at=now)
    return job


@service(may=may_import_job)
def resume_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Resume a stopped or failed import after its last written row."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state not in (JobState.CANCELLED, JobState.FAILED) or "at" not in job.report:
        raise ServiceError(_("This import cannot continue."))
    job.ended_at, job.error = None, ""
    job.save(update_fields=["ended_at", "error"])
    _queue(job, JobState.QUEUED, now)
    return job


@service(may=may_import_job)
def discard_import(principal: Principal, *, job: Job) -> None:
    """Delete an import that was never started."""
    _own_ready(principal, job).delete()


def _queue(job: Job, state: JobState, now: datetime) -> None:
    job.state, job.lease_until, job.lease_token = state, now, None
    job.done = job.report.get("at", 0) if state == JobState.QUEUED else 0
    job.save(update_fields=["state", "lease_until", "lease_token", "done"])
    jobs.enqueue("crm.core.tasks.run_job", job_id=job.pk)


def _release(job: Job, state: JobState, **also: Any) -> None:
    values = {"state": state, "lease_token": None, "lease_until": None} | also
    for name, value in values.items():
        setattr(job, name, value)
    job.save(update_fields=[*values])


def _own_ready(principal: Principal, job: Job) -> Job:
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state != JobState.READY:
        raise ServiceError(_("This import has already started."))
    return job


def run_job(*, job_id: int) -> str:
    """Check or run a queued import, or resume one whose worker died. Safe to call twice and concurrently. Returns the
    job's state.
    """
    token = uuid.uuid4()
    job = _lease(job_id, token)
    if job is None:
        return Job.objects.get(pk=job_id).state
    is_check = job.state == JobState.CHECKING
    try:
        (_check if is_check else _run)(job, token)
    except tabular.UnreadableTable as error:
        _fail(job, token, str(error), is_check=is_check)
    except OperationalError:
        log.warning("import %s was interrupted by the database; it goes on when its lease has ended", job_id)
        raise
    except Exception:
        log.exception("import %s stopped", job_id)
        text = _("The import stopped because of an internal error. The rows counted so far were saved.")
        _fail(job, token, _("The file could not be checked.") if is_check else text, is_check=is_check)
        raise
    return Job.objects.get(pk=job_id).state


@transaction.atomic
def _lease(job_id: int, token: uuid.UUID) -> Job | None:
    now = timezone.now()
    job = Job.objects.select_for_update(of=("self",)).select_related("user", "file").filter(pk=job_id).first()
    if job is None or job.state not in OPEN:
        return None
    if job.state != JobState.QUEUED and job.lease_token and job.lease_until and job.lease_until >= now:
        return None
    if job.state == JobState.QUEUED:
        job.state = JobState.RUNNING
    job.lease_token, job.lease_until = token, now + LEASE
    job.started_at = job.started_at or now
    job.save(update_fields=["state", "lease_token", "lease_until", "started_at"])
    return job


def _check(job: Job, token: uuid.UUID) -> None:
    """Plan the whole file. Locks nothing but the job."""
    report, told, planner = new_report(), time.monotonic(), Planner(job)
    for _chunk in _noted(planner, report):
        if time.monotonic() - told > PROGRESS_EVERY:
            told = time.monotonic()
            if is_stopping() or not _still_mine(job, token, done=report["at"]):
                _give_back(job, token, JobState.CHECKING)
                return
    mine = Job.objects.filter(pk=job.pk, lease_token=token, state=JobState.CHECKING)
    mine.update(
        state=JobState.READY,
        report=_checked(report, planner),
        done=0,
        started_at=None,
        lease_token=None,
        lease_until=None,
    )


def _run(job: Job, token: uuid.UUID) -> None:
    report, planner = job.report, Planner(job)
    with pghistory.context(user=job.user_id, url=f"import {job.pk}"):
        for plans in planner.chunks(skip=report["at"]):
            if is_stopping():
                _give_back(job, token, JobState.QUEUED)
                return
            if not plans and _still_mine(job, token):  # rows of an earlier worker
                continue
            with transaction.atomic():
                if not _still_mine(job, token, lock=True):
                    return
                _ask(job, plans)
                _apply(planner, [plan for plan in plans if plan.outcome != FAILED and plan.write is not None])
                for plan in plans:
                    note(report, plan)
                _still_mine(job, token, done=report["at"], report=report)
        with transaction.atomic():
            planner.kind.finish(planner.principal, planner.context)
    _finish(job, token, report, planner.header)


def _ask(job: Job, plans: list[Plan]) -> None:
    """Rows that have a question are written only if it was confirmed."""
    if job.options.get("questions") != CONFIRMED:
        for plan in plans:
            if plan.question and plan.outcome != FAILED:
                plan.fail(plan.question)
                plan.question = ""


def _apply(planner: Planner, plans: list[Plan]) -> None:
    """Write the plans together. If that is refused, write each row by itself, so that only the bad ones fail."""
    try:
        with transaction.atomic():
            planner.kind.apply(planner.principal, plans, planner.context)
    except OperationalError:
        raise  # the database is away or wants the transaction retried: not a row's fault
    except Exception as error:
        if len(plans) == 1:
            plans[0].fail(*why(error, planner.job, plans[0].number))
        for plan in plans if len(plans) > 1 else ():
            _apply(planner, [plan])


def _still_mine(job: Job, token: uuid.UUID, *, lock: bool = False, **progress: Any) -> bool:
    """Whether this worker still owns the job; saves the progress with a new lease."""
    mine = Job.objects.filter(pk=job.pk, lease_token=token, state__in=OPEN)
    if lock:
        return mine.select_for_update().exists()
    return bool(mine.update(lease_until=timezone.now() + LEASE, **progress))


def _give_back(job: Job, token: uuid.UUID, state: JobState) -> None:
    """Return the lease of a worker that is being stopped: another one resumes at once."""
    mine = Job.objects.filter(pk=job.pk, lease_token=token)
    if mine.update(state=state, lease_token=None, lease_until=timezone.now()):
        jobs.enqueue("crm.core.tasks.run_job", job_id=job.pk)


@transaction.atomic
def _finish(job: Job, token: uuid.UUID, report: dict, header: list[str]) -> None:
    if not _still_mine(job, token, lock=True):
        return
    job.failed_rows = _failed_rows(job, report.pop("failed"), header)
    job.report, job.done = report, report["at"]
    _release(job, JobState.DONE, ended_at=timezone.now())
    job.save(update_fields=["report", "done", "failed_rows"])
    _notify(job)


def _failed_rows(job: Job, failed: Iterable[list], header: list[str]) -> StoredFile | None:
    same = [_("Also failed. The reasons are listed with the first %(n)d rows.") % {"n": MAX_REASONS}]
    reasons_of = {number: reasons[0] if reasons else same for number, *reasons in failed}
    if not reasons_of:
        return None
    width = len(header)  # surplus cells come after the reason, so that the columns keep their places
    rows = [
        [*row.cells[:width], "; ".join(reasons_of[row.number]), *row.cells[width:]]
        for row in read_job(job)[1]
        if row.number in reasons_of
    ]
    data = tabular.write_csv([*header, _("Failure reason")], rows)
    return store_bytes(acting(job.user), name=f"failed-rows-{job.pk}.csv", data=data)


def _fail(job: Job, token: uuid.UUID, message: str, *, is_check: bool) -> None:
    """End the run with a message that says what to do; a file that was only checked goes back to its columns."""
    mine = Job.objects.filter(pk=job.pk, lease_token=token)
    values = {"error": message, "lease_token": None, "lease_until": None}
    if is_check:
        mine.update(state=JobState.READY, started_at=None, **values)
    elif mine.update(state=JobState.FAILED, ended_at=timezone.now(), **values):
        job.state = JobState.FAILED
        _notify(job)


def _notify(job: Job) -> None:
    """Notify the user who started it."""
    counts = job.report.get("counts", {})
    words = {"file": job.file.name if job.file else job.title} | {name: counts.get(name, 0) for name in OUTCOMES}
    text = _("The import of %(file)s stopped because of an error.") % words
    if job.state == JobState.DONE:
        text = _("%(file)s is imported: %(created)d created, %(updated)d updated, %(failed)d failed.") % words
    Notification.objects.get_or_create(
        key=f"import-ended:{job.pk}:{job.done}:{job.state}",
        defaults={"user": job.user, "kind": "import-ended", "text": text[:300], "url": f"/imports/{job.pk}/"},
    )


def resume_jobs(now: datetime) -> int:
    """Periodic: wake a worker for jobs that wait or whose worker died, and discard jobs never started."""
    Job.objects.filter(kind__startswith="import:", state=JobState.READY, created_at__lt=now - ABANDONED).delete()
    waiting = Job.objects.filter(state__in=OPEN, lease_until__lt=now)
    for job_id in waiting.values_list("pk", flat=True):
        jobs.enqueue("crm.core.tasks.run_job", job_id=job_id)
    return len(waiting)
