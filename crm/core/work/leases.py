"""Who works on a job: a lease that a worker takes, renews with its progress, and gives back when it is stopped.

A worker that dies loses its lease after 90 seconds; the next tick wakes another one, which goes on after the last saved progress.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone

from crm.core.base.registry import Registry
from crm.core.work import jobs
from crm.core.work.choices import JobState
from crm.core.work.models import Job

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=90)
OPEN = (JobState.QUEUED, JobState.CHECKING, JobState.RUNNING)


@dataclass(frozen=True)
class Runner:
    """Does the jobs whose kind begins with `key` and a colon, or is `key`: `run(job_id=…)`, safe to call twice and concurrently."""

    key: str
    run: Callable[..., Any]


runners: Registry[Runner] = Registry("runner of jobs")


def run_job(*, job_id: int) -> None:
    """Let its runner do the job."""
    kind = Job.objects.filter(pk=job_id).values_list("kind", flat=True).first()
    if kind is not None:
        runners[kind.partition(":")[0]].run(job_id=job_id)


@transaction.atomic
def take(job_id: int, token: uuid.UUID) -> Job | None:
    """The job, leased; None if it is over, or another worker has it."""
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


def still_mine(job: Job, token: uuid.UUID, *, lock: bool = False, **progress: Any) -> bool:
    """Whether this worker still owns the job; saves the progress with a new lease."""
    mine = Job.objects.filter(pk=job.pk, lease_token=token, state__in=OPEN)
    if lock:
        return mine.select_for_update().exists()
    return bool(mine.update(lease_until=timezone.now() + LEASE, **progress))


def give_back(job: Job, token: uuid.UUID, state: JobState) -> None:
    """Return the lease of a worker that is being stopped: another one resumes at once."""
    mine = Job.objects.filter(pk=job.pk, lease_token=token)
    if mine.update(state=state, lease_token=None, lease_until=timezone.now()):
        jobs.enqueue("crm.core.tasks.run_job", job_id=job.pk)


def release(job: Job, state: JobState, **also: Any) -> None:
    values = {"state": state, "lease_token": None, "lease_until": None} | also
    for name, value in values.items():
        setattr(job, name, value)
    job.save(update_fields=[*values])


def queue(job: Job, now: datetime) -> None:
    """Save a new job, and wake a worker for it."""
    job.state, job.lease_until = JobState.QUEUED, now
    job.save()
    jobs.enqueue("crm.core.tasks.run_job", job_id=job.pk)


def resume(now: datetime) -> int:
    """Wake a worker for jobs that wait, or whose worker died."""
    waiting = Job.objects.filter(state__in=OPEN, lease_until__lt=now)
    for job_id in waiting.values_list("pk", flat=True):
        jobs.enqueue("crm.core.tasks.run_job", job_id=job_id)
    return len(waiting)


class Refused(Exception):
    """The job cannot go on; the message is for people."""


def run_leased(
    job_id: int,
    do: Callable[[Job, uuid.UUID], None],
    fail: Callable[[Job, uuid.UUID, str], None],
    words: Callable[[Job], str],
) -> str:
    """Do a queued job, or go on with one whose worker died. Safe to call twice and concurrently. Returns the job's state.

    `fail` ends it with the message of a refusal, or with `words` after an error of ours. If the database goes away, another worker
    goes on once the lease has ended.
    """
    token = uuid.uuid4()
    job = take(job_id, token)
    if job is None:
        return Job.objects.get(pk=job_id).state
    try:
        do(job, token)
    except Refused as error:
        fail(job, token, str(error))
    except OperationalError:
        log.warning("%s %s was interrupted by the database; it goes on when its lease has ended", job.kind, job_id)
        raise
    except Exception:
        log.exception("%s %s stopped", job.kind, job_id)
        fail(job, token, words(job))
        raise
    return Job.objects.get(pk=job_id).state


def seconds_left(job: Job) -> int | None:
    """An estimate from the pace so far; None if unknown."""
    if job.state != JobState.RUNNING or not job.done or not job.started_at:
        return None
    took = (timezone.now() - job.started_at).total_seconds()
    return round(took / job.done * (job.total - job.done))
