"""Importing a file: a job in steps.

upload → dialect detected and columns guessed (both can be changed) → a worker plans the whole file (nothing written) →
the same plans are built again and applied in chunks that commit with their progress → report and a file of failed rows.
A stopped worker returns its lease; a dead one is replaced when the lease ends. Either way the run resumes after the
last committed chunk.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.deciding import Decision, decide_all
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.reading import fold
from crm.core.base.services import service
from crm.core.files.models import StoredFile
from crm.core.files.services import read_bytes
from crm.core.importing import tabular
from crm.core.importing.kinds import CONFIRMED, FAILED, LEFT_OUT, ImportKind
from crm.core.importing.permissions import may_import_job, may_import_kind
from crm.core.importing.planner import kind_of, read_job
from crm.core.importing.running import new_report
from crm.core.listing.files import unsafe_cell
from crm.core.work import jobs
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, release
from crm.core.work.models import Job


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
        release(job, JobState.READY)
    elif job.state in (JobState.READY, *OPEN):
        release(job, JobState.CANCELLED, ended_at=now)
    return job


@service(may=may_import_job)
def resume_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Resume a stopped or failed import after its last written row."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if not may_go_on(job):
        raise ServiceError(_("This import cannot continue."))
    job.ended_at, job.error = None, ""
    job.save(update_fields=["ended_at", "error"])
    _queue(job, JobState.QUEUED, now)
    return job


def may_go_on(job: Job) -> bool:
    """Whether an import that was stopped can go on: not after its undo."""
    return job.state in (JobState.CANCELLED, JobState.FAILED) and "at" in job.report and not job.report.get("undo")


@service(may=may_import_job)
def discard_import(principal: Principal, *, job: Job) -> None:
    """Delete an import that was never started."""
    _own_ready(principal, job).delete()


def _queue(job: Job, state: JobState, now: datetime) -> None:
    job.state, job.lease_until, job.lease_token = state, now, None
    job.done = job.report.get("at", 0) if state == JobState.QUEUED else 0
    job.save(update_fields=["state", "lease_until", "lease_token", "done"])
    jobs.enqueue("crm.core.tasks.run_job", job_id=job.pk)


def _own_ready(principal: Principal, job: Job) -> Job:
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state != JobState.READY:
        raise ServiceError(_("This import has already started."))
    return job
