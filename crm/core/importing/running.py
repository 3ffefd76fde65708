"""The worker's part of an import: plan the whole file for the preview; plan again and apply for the run; report both."""

import gc
import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.principals import acting
from crm.core.files.models import StoredFile
from crm.core.files.services import store_bytes
from crm.core.firm.queries import firm_cached
from crm.core.importing import tabular
from crm.core.importing.choices import MoveState
from crm.core.importing.coming import coming_for
from crm.core.importing.kinds import CONFIRMED, FAILED, OUTCOMES, PEOPLE, Plan
from crm.core.importing.models import MoveFile
from crm.core.importing.planner import Planner, read_job, why
from crm.core.importing.waking import wake_move
from crm.core.notifications.models import Notification
from crm.core.work.choices import JobState
from crm.core.work.leases import give_back, release, resume, still_mine, take
from crm.core.work.models import Job
from crm.core.work.stopping import is_stopping

log = logging.getLogger(__name__)
MAX_SHOWN = 200  # rows of each outcome, and of those with warnings; each chunk writes the whole report
MAX_REASONS = 5000
MAX_UNKNOWN = 50
ABANDONED = timedelta(days=7)  # an import that was prepared and never started is discarded after this
BEGUN = (MoveState.RUNNING, MoveState.PAUSED, MoveState.UNDOING)
GARBAGE = 20_000  # objects that are made before it is looked for
PROGRESS_EVERY = 1.0  # seconds, while a file is checked


def preview(job: Job) -> dict[str, Any]:
    """The report of what the import would do; writes nothing. Raises UnreadableTable."""
    report, planner = new_report(), Planner(job, is_preview=True, coming=coming_for(job))
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
    """The report of a preview, with unknown words and unused columns."""
    used = {*planner.job.options["mapping"].values()}
    del report["failed"]
    return report | {
        "at": 0,
        "unknown": _unknown(planner.context["survey"]),
        "unused": [name for name in planner.header if name not in used],
    }


def _unknown(survey: dict[str, Any]) -> list[list[Any]]:
    """[[vocabulary, [[word of the file, in how many rows]]]] of the words that nobody knows, colleagues first."""
    found = {PEOPLE: survey.get("unknown_people", Counter()), **survey.get("unknown", {})}
    return [[key, [[*pair] for pair in words.most_common(MAX_UNKNOWN)]] for key, words in found.items() if words]


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


def note_late(report: dict[str, Any], plan: Plan, text: str) -> None:
    """A remark on a plan that was counted before; of one that failed, its reasons are enough."""
    if plan.outcome == FAILED:
        return
    rows = report["rows"]["remarks"]
    report["remarks"] += not plan.warnings
    plan.warnings.append(text)
    rows[:] = [row for row in rows if row["number"] != plan.number]
    if len(rows) < MAX_SHOWN:
        rows.append(plan.shown())


def run_job(*, job_id: int) -> str:
    """Check or run a queued import, or resume one whose worker died. Safe to call twice and concurrently. Returns the
    job's state.
    """
    token = uuid.uuid4()
    job = take(job_id, token)
    if job is None:
        return Job.objects.get(pk=job_id).state
    is_check = job.state == JobState.CHECKING
    try:
        with many_objects():
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


@contextmanager
def many_objects() -> Iterator[None]:
    """For work that makes and forgets many objects: what was there before is not looked through for garbage again and again."""
    often = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE, *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()


def _check(job: Job, token: uuid.UUID) -> None:
    """Plan the whole file. Locks nothing but the job."""
    report, told, planner = new_report(), time.monotonic(), Planner(job, is_preview=True, coming=coming_for(job))
    for _chunk in _noted(planner, report):
        if time.monotonic() - told > PROGRESS_EVERY:
            told = time.monotonic()
            if is_stopping() or not still_mine(job, token, done=report["at"]):
                give_back(job, token, JobState.CHECKING)
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
    with pghistory.context(user=job.user_id, url=f"import {job.pk}", job=job.pk) as context:
        if not report["at"] or report.get(
            "contexts"
        ):  # what a worker of an older release began has no undo, not half of one
            report.setdefault("contexts", []).append(str(context.id))  # by which an undo finds what was written
        if not still_mine(job, token, report=report):
            return
        for plans in planner.chunks(skip=report["at"]):
            if is_stopping():
                give_back(job, token, JobState.QUEUED)
                return
            if not plans and still_mine(job, token):  # rows of an earlier worker
                continue
            with transaction.atomic():
                if not still_mine(job, token, lock=True):
                    return
                _ask(job, plans)
                written = [plan for plan in plans if plan.outcome != FAILED and plan.write is not None]
                planner.kind.lock(written)
                _apply(planner, written)
                for plan in plans:
                    note(report, plan)
                still_mine(job, token, done=report["at"], report=report)
        with transaction.atomic():
            if not still_mine(job, token, lock=True):
                return
            for plan, text in planner.kind.finish(planner.principal, planner.context):
                note_late(report, plan, text)
    _finish(job, token, report, planner.header)


def _ask(job: Job, plans: list[Plan]) -> None:
    """Rows that have a question are written only if it was confirmed."""
    if job.options.get("questions") != CONFIRMED:
        for plan in plans:
            if plan.question and plan.outcome != FAILED:
                plan.fail(plan.question)
                plan.question = ""


@firm_cached()  # settings and custom fields stay the same within a chunk
def _apply(planner: Planner, plans: list[Plan]) -> None:
    """Write the plans together. If that is refused, write each row by itself, so that only the bad ones fail."""
    try:
        with transaction.atomic():
            planner.kind.apply(planner.principal, plans, planner.context)
    except OperationalError:
        raise  # the database went away or wants the transaction done again: no fault of a row
    except Exception as error:
        if len(plans) == 1:
            plans[0].fail(*why(error, planner.job, plans[0].number))
        for plan in plans if len(plans) > 1 else ():
            _apply(planner, [plan])


@transaction.atomic
def _finish(job: Job, token: uuid.UUID, report: dict, header: list[str]) -> None:
    if not still_mine(job, token, lock=True):
        return
    job.failed_rows = _failed_rows(job, report.pop("failed"), header)
    job.report, job.done = report, report["at"]
    release(job, JobState.DONE, ended_at=timezone.now())
    job.save(update_fields=["report", "done", "failed_rows"])
    if not wake_move(job):
        _notify(job)


def _failed_rows(job: Job, failed: Iterable[list], header: list[str]) -> StoredFile | None:
    same = [_("Also failed. The reasons are listed with the first %(n)d rows.") % {"n": MAX_REASONS}]
    reasons_of = {number: reasons[0] if reasons else same for number, *reasons in failed}
    if not reasons_of:
        return None
    width = len(header)  # what a row has too much stands behind its reason, so that the columns keep their places
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
        if not wake_move(job):
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
    """Periodic: wake a worker for jobs that wait or whose worker died, and discard jobs never started; those of a move only
    together, a week after its last file came, and not once it has begun.
    """
    lately = MoveFile.objects.filter(Q(job__created_at__gte=now - ABANDONED) | Q(move__state__in=BEGUN))
    old = Job.objects.filter(kind__startswith="import:", state=JobState.READY, created_at__lt=now - ABANDONED)
    old.exclude(in_move__move__in=lately.values("move")).delete()
    return resume(now)
