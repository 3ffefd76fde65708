"""Importing a file: a job in steps.

upload → dialect detected and columns guessed (both changeable) → preview (nothing written) → run in a worker, in batches
that commit with their progress → report and a file of failed rows. A worker that dies is replaced: the lease ends, the tick
rings again, and the run goes on after the last committed batch.
"""

import hashlib
import itertools
import json
import logging
import uuid
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error as DatabaseError
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal, acting
from crm.core.base.reading import Conventions, Decision, decide_all, fold
from crm.core.base.services import service
from crm.core.files.models import StoredFile
from crm.core.files.services import read_bytes, store_bytes
from crm.core.firm.queries import firm_zone, get_firm
from crm.core.importing import kinds, tabular
from crm.core.importing.kinds import ImportKind, RowResult
from crm.core.importing.permissions import may_import_job, may_import_kind
from crm.core.importing.tabular import Row
from crm.core.listing.files import unsafe_cell
from crm.core.work import jobs
from crm.core.work.choices import JobState
from crm.core.work.models import Job

log = logging.getLogger(__name__)
BATCH = 100
LEASE = timedelta(seconds=90)
MAX_MESSAGES = 200
MAX_REASONS = 5000  # the report is written anew with every batch
OUTCOMES = ("created", "updated", "unchanged", "failed")


@service(may=may_import_kind)
def create_import(principal: Principal, *, kind: ImportKind, file: StoredFile) -> Job:
    """A job ready to be looked at, with dialect and columns guessed. Raises ServiceError (field "file") for an unreadable file."""
    data = read_bytes(file)
    try:
        dialect = tabular.detect(data)
        header, rows = tabular.read(data, dialect)
        has_rows = next(rows, None) is not None
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="file") from error
    if not has_rows:
        raise ServiceError(_("The file has a header line but no rows."), field="file")
    mapping = guess_mapping(kind, header)
    options = {
        "dialect": asdict(dialect),
        "mapping": mapping,
        "defaults": {},
        "answers": {},
        "system": guess_system(header),
    }
    return Job.objects.create(
        kind=f"import:{kind.key}",
        user=principal.user,
        title=_("Import of %(kind)s from %(file)s") % {"kind": str(kind.label).lower(), "file": file.name},
        file=file,
        options=options,
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


def guess_system(header: list[str]) -> str:
    """What the ids in the file belong to: known exports by their headers, else "csv"."""
    names = {name.upper() for name in header}
    if {"ISDELETED", "SYSTEMMODSTAMP"} & names:
        return "salesforce"
    if any(name.lower().startswith("hs_") or name == "Record ID" for name in header):
        return "hubspot"
    return "csv"


def decide_columns(
    kind: ImportKind, mapping: dict[str, str], header: list[str], rows: Iterable[Row]
) -> dict[str, Decision]:
    """{field: what all the cells of its column decide} for the mapped fields that ask something. Raises UnreadableTable."""
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
    """{field: {subject: value}}; what a column does not decide is answered once for the file. Raises ServiceError (field map_…)."""
    found = {}
    for name, decision in decisions.items():
        value = decision.value or answers.get(decision.subject, "")
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
    answers: dict[str, str] | None = None,
) -> Job:
    """Change how the file is read and mapped. `answers` ({"date_order": …, "decimal": …}) hold for columns that do not decide by
    themselves. Raises ServiceError: one column for two fields, a required field without any, a column that has to be asked about."""
    job = _own_ready(principal, job)
    kind = kind_of(job)
    mapping = {field: name for field, name in mapping.items() if name}
    taken: dict[str, str] = {}
    labels = {column.name: str(column.label) for column in kind.columns}
    for field, name in mapping.items():
        if name in taken:
            message = _("The column “%(name)s” is already used for %(other)s.") % {
                "name": name,
                "other": labels[taken[name]],
            }
            raise ServiceError(message, field=f"map_{field}")
        taken[name] = field
    for column in kind.columns:
        if column.is_required and column.name not in mapping and not defaults.get(column.name):
            raise ServiceError(
                _("Choose the column that holds this; no row can be imported without it."), field=f"map_{column.name}"
            )
    try:
        header, rows = tabular.read(_data(job), tabular.Dialect(**dialect))
        decisions = decide_columns(kind, mapping, header, rows)
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="encoding") from error
    job.options = {
        "dialect": dialect,
        "mapping": mapping,
        "conventions": _conventions(decisions, answers or {}),
        "answers": answers or {},
        "defaults": defaults,
        "system": fold(system)[:60] or "csv",
    }
    job.report = {}
    job.save(update_fields=["options", "report"])
    return job


def kind_of(job: Job) -> ImportKind:
    return kinds.get(job.kind.removeprefix("import:"))


def read_job(job: Job):
    """(header, rows) of the job's file. Raises UnreadableTable."""
    dialect = {name: job.options["dialect"][name] for name in ("encoding", "delimiter")}
    return tabular.read(_data(job), tabular.Dialect(**dialect))


def _data(job: Job) -> bytes:
    if job.file is None:
        raise tabular.UnreadableTable(_("The file of this import is gone."))
    return read_bytes(job.file)


def preview(job: Job, *, limit: int = 500) -> dict[str, Any]:
    """What an import would do with the first `limit` rows, writing nothing: {counts: {ready, warning, error}, rows: […]}."""
    kind = kind_of(job)
    context = make_context(job)
    header, rows = read_job(job)
    counts = {"ready": 0, "warning": 0, "error": 0}
    outcomes = dict.fromkeys(OUTCOMES, 0)
    shown = []
    batch = list(itertools.islice(rows, limit))
    parsed = [_values(kind, job, header, row, context) for row in batch]
    if kind.prepare:
        kind.prepare(acting(job.user), [values for values, problems in parsed if not problems], context)
    for row, (values, problems) in zip(batch, parsed, strict=True):
        result = RowResult("failed", problems) if problems else _check(kind, acting(job.user), values, context)
        result.warnings += values.get("left_out", [])
        state = "error" if result.outcome == "failed" else "warning" if result.warnings else "ready"
        counts[state] += 1
        outcomes[result.outcome] += 1
        shown.append(
            {
                "number": row.number,
                "cells": row.cells,
                "state": state,
                "outcome": result.outcome,
                "messages": result.messages + result.warnings,
            }
        )
    has_more = next(rows, None) is not None
    return {
        "counts": counts,
        "outcomes": outcomes,
        "rows": shown,
        "header": header,
        "has_more": has_more,
        "checked": len(batch),
    }


def _check(kind, principal, values, context) -> RowResult:
    try:
        return kind.check(principal, values, context)
    except (ServiceError, ValidationError) as error:
        return RowResult("failed", _messages(error))


def make_context(job: Job) -> dict[str, Any]:
    options = job.options
    return {
        "system": options.get("system", "csv"),
        "defaults": options.get("defaults", {}),
        "conventions": conventions_of(job),
        "now": timezone.now(),
        "job_id": job.pk,
        "cache": {},
    }


def conventions_of(job: Job) -> dict[str, Conventions]:
    """{field: how its column is written}. A job from before columns decided for themselves has one order for all its dates."""
    options = job.options
    before = {"date_order": options["dialect"].get("date_order", "")}
    own = Conventions(zone=firm_zone(), currency=get_firm().currency)
    told = options.get("conventions", {})
    return {column.name: replace(own, **told.get(column.name, before)) for column in kind_of(job).columns}


def _values(kind, job, header, row, context) -> tuple[dict[str, Any], list[str]]:
    """(values by field, problems) of one row; an empty cell takes the answer given once for all rows."""
    if row.problem:
        return {}, [row.problem]
    place = {name: index for index, name in enumerate(header)}
    values: dict[str, Any] = {}
    problems: list[str] = []
    left_out: list[str] = []
    for column in kind.columns:
        name = job.options["mapping"].get(column.name)
        text = unsafe_cell(row.cells[place[name]]) if name in place else ""
        text = text or str(context["defaults"].get(column.name) or "")
        if not text:
            if column.is_required:
                problems.append(_("%(field)s is empty.") % {"field": column.label})
            continue
        try:
            values[column.name] = column.parse(text, context["conventions"][column.name]) if column.parse else text
        except ValueError as error:
            target = left_out if column.is_lenient else problems
            target.append(f"{column.label}: {error}")
    values["left_out"] = left_out
    values["row_key"] = hashlib.sha256(json.dumps([row.cells], ensure_ascii=False).encode()).hexdigest()
    return values, problems


@service(may=may_import_job)
def start_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Queue the run. Raises ServiceError for a file that cannot be read to its end."""
    job = _own_ready(principal, job)
    try:
        job.total = sum(1 for _row in read_job(job)[1])
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), code="unreadable") from error
    job.state = JobState.QUEUED
    job.lease_until = now
    job.report = {"counts": dict.fromkeys(OUTCOMES, 0), "messages": [], "failed": [], "at": 0}
    job.save(update_fields=["state", "total", "lease_until", "report"])
    jobs.enqueue("crm.core.tasks.run_job", job_id=job.pk)
    return job


@service(may=may_import_job)
def cancel_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Stop before the next batch; rows already written stay."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state in (JobState.READY, JobState.QUEUED, JobState.RUNNING):
        job.state, job.ended_at, job.lease_token, job.lease_until = JobState.CANCELLED, now, None, None
        job.save(update_fields=["state", "ended_at", "lease_token", "lease_until"])
    return job


def _own_ready(principal: Principal, job: Job) -> Job:
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state != JobState.READY:
        raise ServiceError(_("This import has already been started."))
    return job


def run_job(*, job_id: int) -> str:
    """Run a queued import, or go on with one whose worker died. Safe to call twice and at once. Gives the job's state."""
    token = uuid.uuid4()
    job = _lease(job_id, token)
    if job is None:
        return Job.objects.get(pk=job_id).state
    try:
        _run(job, token)
    except tabular.UnreadableTable as error:
        _fail(job, token, str(error))
    except OperationalError:
        log.warning("import %s was interrupted by the database; it goes on when its lease has ended", job_id)
        raise
    except Exception:
        log.exception("import %s stopped", job_id)
        _fail(
            job,
            token,
            _(
                "The import stopped because of an error in the program. Rows already counted were written; the same file can be imported again."
            ),
        )
        raise
    return Job.objects.get(pk=job_id).state


@transaction.atomic
def _lease(job_id: int, token: uuid.UUID) -> Job | None:
    now = timezone.now()
    job = Job.objects.select_for_update(of=("self",)).select_related("user", "file").get(pk=job_id)
    free = job.state == JobState.QUEUED or (
        job.state == JobState.RUNNING and (job.lease_until is None or job.lease_until < now)
    )
    if not free:
        return None
    job.state, job.lease_token, job.lease_until = JobState.RUNNING, token, now + LEASE
    job.started_at = job.started_at or now
    job.save(update_fields=["state", "lease_token", "lease_until", "started_at"])
    return job


def _run(job: Job, token: uuid.UUID) -> None:
    kind = kind_of(job)
    header, rows = read_job(job)
    report = job.report
    context = make_context(job)
    rows = itertools.islice(rows, report["at"], None)
    with pghistory.context(user=job.user_id, url=f"import {job.pk}"):
        while batch := list(itertools.islice(rows, BATCH)):
            with transaction.atomic():
                if not _still_mine(job, token):
                    return
                _run_batch(kind, job, header, batch, context, report)
                report["at"] += len(batch)
                _keep_progress(job, token, report)
    _finish(job, token, report, header)


def _run_batch(kind, job, header, batch, context, report) -> None:
    parsed = [(row, *_values(kind, job, header, row, context)) for row in batch]
    context["cache"].clear()
    if kind.prepare:
        kind.prepare(acting(job.user), [values for _row, values, problems in parsed if not problems], context)
    results = _save_all(kind, acting(job.user), [(values, problems) for _row, values, problems in parsed], context)
    for (row, values, _problems), result in zip(parsed, results, strict=True):
        result.warnings += values.get("left_out", [])
        report["counts"][result.outcome] += 1
        if result.outcome == "failed":
            wants_reason = len(report["failed"]) < MAX_REASONS
            report["failed"].append([row.number, *([result.messages] if wants_reason else [])])
        if (result.messages or result.warnings) and len(report["messages"]) < MAX_MESSAGES:
            report["messages"].append(
                {"number": row.number, "outcome": result.outcome, "texts": result.messages + result.warnings}
            )


def _save_all(kind, principal, parsed, context) -> list[RowResult]:
    """Save the rows in their order; new ones wait, and are created together at the end or before one that is the same."""
    results: list[RowResult] = []
    waiting: list[tuple[dict[str, Any], RowResult]] = []
    taken: set[str] = set()
    for values, problems in parsed:
        if problems:
            results.append(RowResult("failed", problems))
            continue
        if kind.create and not taken.isdisjoint(kind.keys(values)):
            _create(kind, principal, waiting, context)
            taken.clear()
        results.append(result := _guarded(lambda values=values: kind.save(principal, values, context)))
        if result.new is not None:
            waiting.append((values, result))
            taken |= kind.keys(values)
    _create(kind, principal, waiting, context)
    return results


def _create(kind, principal, waiting, context) -> None:
    """Create what waits in one go. Where the set is refused, each row by itself, so that only the bad ones fail."""

    def create(pairs) -> RowResult:
        return _guarded(lambda: kind.create(principal, [(values, result.new) for values, result in pairs], context))

    pairs = [*waiting]
    waiting.clear()
    if not pairs or create(pairs) is None:
        return
    for values, result in pairs:
        refused = create([(values, result)])
        if refused is not None:
            result.outcome, result.messages = refused.outcome, refused.messages


def _guarded(save) -> Any:
    """What `save` gives, within a savepoint; a failed RowResult when it is refused."""
    try:
        with transaction.atomic():
            return save()
    except (ServiceError, ValidationError, PermissionDenied) as error:
        return RowResult("failed", _messages(error))
    except OperationalError:
        raise  # the database went away or wants the transaction done again: no fault of the row
    except DatabaseError as error:
        return RowResult(
            "failed", [_("The database refused the row: %(why)s") % {"why": str(error).splitlines()[0][:200]}]
        )


def _messages(error) -> list[str]:
    return error.messages if isinstance(error, ValidationError) else [str(error)]


def _still_mine(job: Job, token: uuid.UUID) -> bool:
    return Job.objects.select_for_update().filter(pk=job.pk, lease_token=token, state=JobState.RUNNING).exists()


def _keep_progress(job: Job, token: uuid.UUID, report: dict) -> None:
    Job.objects.filter(pk=job.pk, lease_token=token).update(
        done=report["at"], report=report, lease_until=timezone.now() + LEASE
    )


@transaction.atomic
def _finish(job: Job, token: uuid.UUID, report: dict, header: list[str]) -> None:
    if not _still_mine(job, token):
        return
    same = [_("Failed too; the reasons stand with the first %(n)d rows.") % {"n": MAX_REASONS}]
    failed = {number: reasons[0] if reasons else same for number, *reasons in report.pop("failed")}
    if failed:
        width = len(header)  # what a row has too much stands behind its reason, so that the columns keep their places
        rows = [
            [*row.cells[:width], "; ".join(failed[row.number]), *row.cells[width:]]
            for row in read_job(job)[1]
            if row.number in failed
        ]
        data = tabular.write_csv([*header, _("Reason it failed")], rows)
        job.failed_rows = store_bytes(acting(job.user), name=f"failed-rows-{job.pk}.csv", data=data)
    Job.objects.filter(pk=job.pk).update(
        state=JobState.DONE,
        done=report["at"],
        report=report,
        failed_rows=job.failed_rows,
        ended_at=timezone.now(),
        lease_token=None,
        lease_until=None,
    )


def _fail(job: Job, token: uuid.UUID, message: str) -> None:
    Job.objects.filter(pk=job.pk, lease_token=token).update(
        state=JobState.FAILED, error=message, ended_at=timezone.now(), lease_token=None, lease_until=None
    )


def resume_jobs(now: datetime) -> int:
    """Periodic: wake a worker for jobs that wait or whose worker died."""
    waiting = Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING], lease_until__lt=now)
    for job_id in waiting.values_list("pk", flat=True):
        jobs.enqueue("crm.core.tasks.run_job", job_id=job_id)
    return len(waiting)
