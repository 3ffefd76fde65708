"""A bulk action on many rows, or its undo, by a worker: in chunks, each committed with its progress.

The job's `options` name the change, the rows with the version they had when it was started, and what the action's form was given;
the form reads that again here, so a choice that is gone by then stops the job with the form's own words.
"""

import uuid
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.base.principals import Principal, acting
from crm.core.firm.queries import firm_cached
from crm.core.listing import selection
from crm.core.listing.filters import query_of
from crm.core.listing.models import BulkChange
from crm.core.listing.selection import Action
from crm.core.notifications.models import Notification
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, Refused, give_back, queue, release, run_leased, still_mine
from crm.core.work.models import Job
from crm.core.work.stopping import is_stopping

CHUNK = 100


@transaction.atomic
def start(principal: Principal, change: BulkChange, pks: list[int], data: dict[str, list[str]]) -> str:
    """Queue the action on these rows, or without rows the undo of the change. Returns the address of its page. Raises ServiceError
    for an undo that is not possible now, as `to_undo` does."""
    action, now = selection.actions[change.action], timezone.now()
    options: dict[str, Any] = {"change": change.pk, "data": data}
    if pks:
        options["rows"] = _with_versions(principal, action, pks)
    else:
        change = selection.to_undo(change)
        change.undone_at = now
        stopped = _stopped_undo(change)
        options["last_first"] = stopped.options.get("last_first", False) if stopped else True
    job = Job(kind="bulk", user=principal.user, title=str(action.label)[:200], options=options)
    job.total = len(pks) or len(change.rows)
    job.done = stopped.done if not pks and stopped else 0
    queue(job, now)
    change.job_id = job.pk
    change.save(update_fields=["job_id", "undone_at"])
    return reverse("core:bulk-change", args=[change.pk])


def runs(change: BulkChange) -> bool:
    """Whether the change, or its undo, waits for a worker or is with one."""
    return change.job_id is not None and Job.objects.filter(pk=change.job_id, state__in=OPEN).exists()


def _stopped_undo(change: BulkChange) -> Job | None:
    """The undo that failed, or that somebody stopped: the next one goes on after its rows."""
    job = Job.objects.filter(pk=change.job_id or 0, state__in=(JobState.FAILED, JobState.CANCELLED)).first()
    return job if job is not None and is_undo_of(job) else None


def is_undo_of(job: Job) -> bool:
    return "rows" not in job.options


def _with_versions(principal: Principal, action: Action, pks: list[int]) -> list[list[Any]]:
    rows = selection.rows_of(principal, action, pks)
    if action.versions:
        found = action.versions(rows)
    else:
        has_version = any(field.name == "version" for field in action.model._meta.fields)
        found = dict(rows.values_list("pk", "version")) if has_version else {}
    return [[pk, found.get(pk)] for pk in pks]


def run_job(*, job_id: int) -> str:
    """Do a queued bulk job (`run_leased`)."""
    return run_leased(job_id, _run, _fail, _stopped_words)


def _stopped_words(job: Job) -> str:
    if is_undo_of(job):
        return _("The undo stopped because of an internal error. Undo again to go on where it stopped.")
    return _("This stopped because of an internal error. The rows counted so far were changed.")


def _run(job: Job, token: uuid.UUID) -> None:
    change = BulkChange.objects.filter(pk=job.options["change"]).first()
    if change is None:
        raise Refused(_("This change is too old."))
    principal, action = acting(job.user), selection.actions[change.action]
    is_undo = is_undo_of(job)
    step, values = (_undo_step, {}) if is_undo else (_step, _values(principal, action, job.options["data"]))
    order = reversed if job.options.get("last_first") else iter
    rows = iter(islice(order(change.rows if is_undo else job.options["rows"]), job.done, None))
    done = job.done
    while chunk := list(islice(rows, CHUNK)):
        if is_stopping():
            return give_back(job, token, JobState.QUEUED)
        with transaction.atomic():
            if not still_mine(job, token, lock=True):
                return None
            step(principal, action, change, chunk, values, timezone.now())
            done += len(chunk)
            still_mine(job, token, done=done)
    with transaction.atomic():
        if still_mine(job, token, lock=True):
            if not is_undo and change.rows and action.afterwards:
                action.afterwards(principal, change, values)
            release(job, JobState.DONE, ended_at=timezone.now(), done=done)
            _tell(job, change, is_undo)
    return None


def _values(principal: Principal, action: Action, data: dict[str, list[str]]) -> dict[str, Any]:
    form = selection.form_of(principal, action, query_of(data))
    if form is None:
        return {}
    if not form.is_valid():
        raise Refused("; ".join(str(error) for errors in form.errors.values() for error in errors))
    return form.cleaned_data


@firm_cached()  # settings and custom fields stay the same within a chunk
def _step(principal, action, change: BulkChange, chunk: list[list[Any]], values: dict[str, Any], now: datetime) -> None:
    result = selection.apply(principal, action, [pk for pk, _seen in chunk], values, now, dict(chunk))
    change.rows, change.refused = [*change.rows, *result.done], [*change.refused, *result.left]
    change.save(update_fields=["rows", "refused"])


@firm_cached()
def _undo_step(principal, action, change: BulkChange, chunk: list[Any], values: dict[str, Any], now: datetime) -> None:
    result = selection.restore(principal, change, chunk, now)
    change.not_undone = [*change.not_undone, *result.left]
    change.save(update_fields=["not_undone"])


@transaction.atomic
def _fail(job: Job, token: uuid.UUID, message: str) -> None:
    """An undo that failed can be started again."""
    mine = Job.objects.filter(pk=job.pk, lease_token=token)
    ended = {"state": JobState.FAILED, "ended_at": timezone.now(), "lease_token": None, "lease_until": None}
    if mine.update(error=message, **ended) and is_undo_of(job):
        BulkChange.objects.filter(pk=job.options["change"]).update(undone_at=None)


def _tell(job: Job, change: BulkChange, is_undo: bool) -> None:
    n = len(change.rows) - len(change.not_undone) if is_undo else len(change.rows)
    words = (
        ngettext("%(n)s row restored", "%(n)s rows restored", n)
        if is_undo
        else ngettext("%(what)s: %(n)s row changed", "%(what)s: %(n)s rows changed", n)
    )
    text = words % {"what": job.title, "n": f"{n:,}"}
    Notification.objects.get_or_create(
        key=f"bulk:{job.pk}",
        defaults={
            "user": job.user,
            "kind": "bulk",
            "text": text[:300],
            "url": reverse("core:bulk-change", args=[change.pk]),
        },
    )


def forget_old_jobs(now: datetime) -> int:
    """Delete the jobs of bulk changes that can no longer be undone (periodic)."""
    return Job.objects.filter(kind="bulk", created_at__lt=now - selection.KEPT_FOR).delete()[0]


def stop(principal: Principal, job: Job, now: datetime) -> None:
    """Stop after the present chunk. What was changed stays, and can be undone; an undo can be started again and goes on."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.state in (JobState.QUEUED, JobState.RUNNING):
            release(job, JobState.CANCELLED, ended_at=now)
            if is_undo_of(job):
                BulkChange.objects.filter(pk=job.options["change"]).update(undone_at=None)
