"""Importing a file: a job in steps.

upload → one of its tables chosen if it holds several → dialect detected and columns guessed (both can be changed) → a
worker plans the whole file (nothing written) → the same plans are built again and applied in chunks that commit with
their progress → report and a file of failed rows.
A stopped worker returns its lease; a dead one is replaced when the lease ends. Either way the run resumes after the
last committed chunk.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.core.base.deciding import Decision, decide_all
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.principals import Principal
from crm.core.base.reading import fold
from crm.core.base.services import service
from crm.core.base.zones import validate_zone
from crm.core.files.models import StoredFile
from crm.core.files.services import read_bytes
from crm.core.importing import kinds, readers, tabular
from crm.core.importing.decided import keep_decisions, kept_decisions
from crm.core.importing.kinds import BOTH, CONFIRMED, FAILED, LEFT_OUT, MODES, ImportKind
from crm.core.importing.models import TIME_ZONE, SavedMapping
from crm.core.importing.permissions import may_import, may_import_job, may_import_kind
from crm.core.importing.planner import kind_of, read_job
from crm.core.importing.readers import Table
from crm.core.importing.readers.keeping import keep
from crm.core.importing.recognising import joined, remember, remembered, times_without_zone, understood
from crm.core.importing.running import new_report
from crm.core.listing.files import unsafe_cell
from crm.core.work import jobs
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, release
from crm.core.work.models import Job

UNANSWERED: dict[str, Any] = {
    "dialect": {},
    "encodings": [],
    "mapping": {},
    "conventions": {},
    "defaults": {},
    "answers": {},
    "people": {},
    "system": "",
    "questions": "",
    "rows": None,
    "decided": {},
    "must_ask": [],
    "remarks": [],
    "zone": "",
    "values": {},
    "skip": {},
    "left_out": {},
    "looks_like": {},
    "other": {},
    "of_table": {"mapping": {}, "defaults": {}, "system": ""},
    "header": [],
    "is_guessed": True,
    "problem": "",
}


@service(may=may_import_kind)
def create_import(
    principal: Principal, *, kind: ImportKind, file: StoredFile, table: str = "", found: list[Table] | None = None
) -> Job:
    """Create a job to review, with dialect and columns guessed. `table` names one of the file's tables; without it the
    only one with rows is taken, or the only one of this kind, or none (then `choose_table`). A table that can be of one
    kind only is imported as that. `found`: the file's tables, if they were read before. Raises ServiceError (field "file" or
    "table") if the file cannot be read to the end.
    """
    found = found or tables_of(file)
    chosen = _chosen(found, kind, table)
    job = Job(user=principal.user, file=file, options={**UNANSWERED, "table": None})
    job.options["tables"] = [[each.key, each.title, each.total, each.kind] for each in found]
    _take(principal, job, kind, chosen) if chosen else _name(job, kind)
    job.save()
    return job


def tables_of(file: StoredFile) -> list[Table]:
    """The tables of a file that have rows. Raises ServiceError (field "file")."""
    try:
        found = readers.tables(file.name, read_bytes(file))
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="file") from error
    if not any(table.total for table in found):
        raise ServiceError(_("The file has a header but no rows."), field="file")
    return [table for table in found if table.total]


def _chosen(found: list[Table], kind: ImportKind, key: str) -> Table | None:
    if key:
        try:
            return readers.find(found, key)
        except tabular.UnreadableTable as error:
            raise ServiceError(str(error), field="table") from error
    own = [table for table in found if table.kind == kind.key]
    return next((few[0] for few in (found, own) if len(few) == 1), None)


@service(may=may_import_job)
def choose_table(principal: Principal, *, job: Job, table: str, kind: ImportKind | None = None) -> Job:
    """Choose which of the file's tables the job imports, and as what; its columns are guessed. Raises ServiceError
    (field "table").
    """
    job = _own_ready(principal, job)
    kind = kind or kind_of(job)
    require(may_import_kind(principal, kind))
    job.options, job.report = job.options | UNANSWERED, {}
    _take(principal, job, kind, _chosen(tables_of(job.file), kind, table))  # type: ignore[arg-type]
    job.save()
    return job


@service(may=may_import_job)
def import_again(principal: Principal, *, job: Job) -> Job:
    """A new import of the same file, for another of its tables."""
    options = {**UNANSWERED, "table": None, "tables": job.options.get("tables", [])}
    if len(options["tables"]) < 2:
        raise ServiceError(_("The file has no other table."))
    if job.file is None:
        raise ServiceError(_("The file of this import no longer exists."))
    return Job.objects.create(kind=job.kind, title=job.title, user=principal.user, file=job.file, options=options)


def _name(job: Job, kind: ImportKind) -> None:
    words = {"kind": str(kind.label).lower(), "file": job.file.name}  # type: ignore[union-attr]
    job.kind, job.title = f"import:{kind.key}", (_("Import of %(kind)s from %(file)s") % words)[:200]


def _take(principal: Principal, job: Job, kind: ImportKind, table: Table) -> None:
    if table.kind and table.kind != kind.key:
        kind = kinds.get(table.kind)
        require(may_import_kind(principal, kind))
    job.total, fields = table.total, {column.name for column in kind.columns}
    job.options |= {
        "table": table.key,
        "dialect": {name: said for name, said in asdict(table.dialect).items() if said} if table.dialect else {},
        "encodings": [  # a list, because the database does not keep the order of keys
            (option.value, [line for _none, line in option.samples]) for option in table.encodings
        ],
        "must_ask": list(table.must_ask),
        "rows": keep(principal, table, name=job.file.name).pk if table.is_slow else None,  # type: ignore[union-attr]
        "remarks": list(table.remarks),
        "of_table": {
            "mapping": {name: said for name, said in table.mapping.items() if name in fields},
            "defaults": dict(table.defaults),
            "system": table.system,
        },
    }
    _understand(principal, job, kind, table.header)


def _understand(principal: Principal, job: Job, kind: ImportKind, header: list[str]) -> None:
    """Set what the header suggests, and what was said of its system before. What the file's reader knows counts more than a guess, and
    less than a preset."""
    known, own = understood(kind, header, principal), job.options.get("of_table", UNANSWERED["of_table"])
    system = own["system"] or known["system"]
    first, second = (known["mapping"], own["mapping"]) if known["looks_like"] else (own["mapping"], known["mapping"])
    taken = {*first.values(), *known["left_out"]}
    mapping = {name: of for name, of in second.items() if of not in taken} | first
    values, zone = remembered(kind, system)
    _name(job, kind)
    job.options |= known | {
        "mapping": mapping,
        "defaults": known["defaults"] | own["defaults"],
        "system": system,
        "values": joined(known["values"], values),
        "zone": zone,
        "header": header,
        "is_guessed": True,
        "problem": "",
    }


@service(may=may_import_job)
def change_kind(principal: Principal, *, job: Job, kind: ImportKind) -> Job:
    """Read the file as another kind; its columns are guessed again. Raises PermissionDenied, ServiceError, also if the file
    cannot be read.
    """
    require(may_import_kind(principal, kind))
    job = _own_ready(principal, job)
    job.options |= {"answers": {}, "conventions": {}, "is_unsure": False}
    try:
        header, _rows = read_job(job)
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), code="unreadable") from error
    _understand(principal, job, kind, header)
    job.report = {}
    job.save(update_fields=["kind", "title", "options", "report"])
    return job


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
    values: dict[str, dict[str, str]] | None = None,
    answers: dict[str, str] | None = None,
    zone: str = "",
    mode: str = BOTH,
) -> Job:
    """Change how the file is read and mapped. `answers` ({field: value}, or {"date_order": …, "decimal": …} for all)
    apply to undecided columns. `values`: {vocabulary: {word of the file: what it means}}; `zone`: of times that name none,
    "" for the firm's; `mode`: whether it creates or updates records, or both. What is said of a named system is remembered. Raises
    ServiceError for a required field without a column, an undecided column without an answer, ids of an unnamed system, or an unknown
    zone.
    """
    job = _own_ready(principal, job)
    kind = kind_of(job)
    mapping = {field: name for field, name in mapping.items() if name}
    _check_mapping(kind, mapping, defaults)
    for name in job.options.get("must_ask", ()):
        if not defaults.get(name):
            message = _("The file does not say. Choose one value for all rows.")
            raise ServiceError(message, field=f"default_{name}")
    system = fold(system)[:60]
    if not system and any(name in mapping for name in kind.ids):
        raise ServiceError(_("Say which system the IDs in this file come from."), field="system", code="system_needed")
    try:
        decisions = decisions_of(job, dialect, mapping)
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="encoding") from error
    _check_zone(zone)
    said, zone_before = remembered(kind, system)
    header, rows = read_job(job)
    job.options |= {
        "dialect": dialect,
        "mapping": mapping,
        "conventions": _conventions(decisions, answers or {}),
        "answers": answers or {},
        "defaults": defaults,
        "values": joined(said, job.options.get("values", {}), _folded(values or {})),
        "system": system,
        "zone": zone or zone_before,
        "mode": mode if mode in MODES else BOTH,
        "header": header,
        "times": [text for _column, text in times_without_zone(kind, mapping, header, rows)],
        "questions": "",
        "problem": "",
        "is_guessed": False,
        "is_unsure": False,
    }
    if zone:
        remember(system, {TIME_ZONE: {"": zone}})
    job.report = {}
    job.save(update_fields=["options", "report"])
    return job


def decisions_of(job: Job, dialect: dict[str, str], mapping: dict[str, str]) -> dict[str, Decision]:
    """{field: how to read its column}, from all of its cells, unless that is kept. Raises UnreadableTable."""
    job.options = job.options | {"dialect": dialect}
    if (kept := kept_decisions(job, mapping)) is not None:
        return kept
    header, rows = read_job(job)
    return decide_columns(kind_of(job), mapping, header, rows)


def decide_early(job: Job) -> None:
    """Find out how the guessed columns are to be read, and keep it for the page that shows them. Raises UnreadableTable."""
    mapping = job.options["mapping"]
    keep_decisions(job, mapping, decisions_of(job, job.options["dialect"], mapping))
    job.save(update_fields=["options"])


def _check_mapping(kind: ImportKind, mapping: dict[str, str], defaults: dict[str, Any]) -> None:
    groups = [*kind.needs, *((column.name,) for column in kind.columns if column.is_required)]
    for group in groups:
        if not any(mapping.get(name) or defaults.get(name) for name in group):
            message = _("Choose a column. This field is required.")
            raise ServiceError(message, field=f"map_{group[0]}")


def _check_zone(zone: str) -> None:
    try:
        validate_zone(zone or "UTC")
    except ValidationError as error:
        raise ServiceError(error.messages[0], field="zone") from error


@service(may=may_import_job)
def check_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Have a worker plan the whole file, for the preview."""
    job = _own_ready(principal, job)
    said, _zone = remembered(kind_of(job), job.options.get("system", ""))
    job.options = job.options | {"values": joined(said, job.options.get("values", {}))}
    job.report, job.error = {}, ""
    job.save(update_fields=["options", "report", "error"])
    _queue(job, JobState.CHECKING, now)
    return job


@service(may=may_import_job)
def set_values(
    principal: Principal,
    *,
    job: Job,
    values: dict[str, dict[str, str]],
    new: dict[str, list[str]] | None = None,
) -> Job:
    """Set what words of the file mean here, {vocabulary: {word: what a cell would say}}; "" leaves the word out. They are remembered for
    the file's system. `new`: {vocabulary: words} that are added here first. The file must be checked again. Raises PermissionDenied, ServiceError.
    """
    job = _own_ready(principal, job)
    known = {column.vocabulary.key for column in kind_of(job).columns if column.vocabulary}
    if not {*values, *(new or {})} <= known:
        names = ", ".join(sorted(known))
        raise ServiceError(_("Unknown vocabulary. Use one of: %(names)s.") % {"names": names}, field="values")
    for key, words in (new or {}).items():
        for word in words:
            kinds.creators[key].create(principal, word)
    said = _folded(values)
    remember(job.options["system"], said)
    job.options = job.options | {"values": joined(job.options.get("values", {}), said)}
    job.report = {}
    job.save(update_fields=["options", "report"])
    return job


def _folded(values: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {field: {fold(word)[:200]: meaning for word, meaning in said.items()} for field, said in values.items()}


@service(may=may_import_job)
def save_mapping(principal: Principal, *, job: Job, name: str) -> SavedMapping:
    """Keep the columns of a file under a name, to be offered when such a file comes again; the same name replaces them. Raises
    ServiceError (field save_as).
    """
    name = " ".join(name.split())
    if not name or len(name) > 80:
        raise ServiceError(_("Enter a name of up to 80 characters."), field="save_as")
    header, _rows = read_job(job)
    options = {key: job.options[key] for key in ("mapping", "defaults", "system")}
    saved, _made = SavedMapping.objects.update_or_create(
        kind=kind_of(job).key,
        name=name,
        defaults={"header": header, "options": options, "created_by": principal.user},
    )
    return saved


@service(may=lambda principal, mapping: may_import(principal))
def forget_mapping(principal: Principal, *, mapping: SavedMapping) -> None:
    """Offer the saved columns no longer; imports that used them stay as they are."""
    mapping.delete()


def unsaid(job: Job) -> str:
    """What must be said of its columns before the file can be imported, in words; "" if nothing."""
    if job.options.get("problem"):
        return job.options["problem"]
    return _("Look through its columns first.") if job.options.get("is_guessed") else ""


@service(may=may_import_job)
def start_import(principal: Principal, *, job: Job, now: datetime, questions: str = "") -> Job:
    """Queue the run. `questions`: CONFIRMED or LEFT_OUT, for rows that have a question. Raises ServiceError: code
    "question" if that is missing, "nothing" if no row can be imported, "unreadable" if the file cannot be read, "guessed" if
    nobody has confirmed its columns.
    """
    job = _own_ready(principal, job)
    counts = job.report.get("counts")  # the file was checked
    try:
        job.total = sum(counts.values()) if counts else sum(1 for _row in read_job(job)[1])
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), code="unreadable") from error
    if missing := unsaid(job):
        raise ServiceError(missing, code="guessed")
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
    """Stop before the next chunk; rows already written stay. A file that is being checked goes back to its columns; one that
    was not started stays as it is.
    """
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state == JobState.CHECKING:
        release(job, JobState.READY)
    elif job.state in OPEN:
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
    """Whether an import that was stopped can go on: not after its undo, nor without its file."""
    return (
        job.file_id is not None
        and job.state in (JobState.CANCELLED, JobState.FAILED)
        and has_begun(job)
        and not job.report.get("undo")
    )


def has_begun(job: Job) -> bool:
    """Whether the report of a job that is not over is that of its run: a preview keeps no failed rows."""
    return "failed" in job.report


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
