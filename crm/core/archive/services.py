"""Archives of the firm as jobs: made, given out, deleted; and restored from an upload."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from crm.core.archive.permissions import may_use_archive
from crm.core.archive.reading import Archive
from crm.core.archive.telling import MAKE, RESTORE, tell_admins
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.files.models import StoredFile
from crm.core.files.services import delete_files, store_file
from crm.core.users.models import User
from crm.core.work import leases
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, release
from crm.core.work.models import Job

KEPT = timedelta(days=7)
LEFT = timedelta(hours=1)  # beyond the last step of a worker that was told to stop


@service(may=may_administer)
def make_archive(principal: Principal, *, now: datetime) -> Job:
    """Queue an archive of what the principal may see. Raises ServiceError while one is being made or restored."""
    _require_idle(principal)
    job = Job(kind=MAKE, user=principal.user, title=_("Archive"))
    leases.queue(job, now)
    return job


@service(may=may_administer)
def restore_archive(principal: Principal, *, upload: Any, now: datetime) -> Job:
    """Queue the restoring of an uploaded archive. Raises ServiceError (field "file") for what is none, or of another version."""
    _require_idle(principal)
    Archive(upload)
    upload.seek(0)
    stored = store_file(principal, name=upload.name, file=upload, content_type="application/zip")
    job = Job(kind=RESTORE, user=principal.user, title=upload.name[:200], file=stored)
    leases.queue(job, now)
    return job


def _require_idle(principal: Principal) -> None:
    User.objects.select_for_update().get(pk=principal.user.pk)  # one click after the other
    if Job.objects.filter(kind__in=(MAKE, RESTORE), user=principal.user_id, state__in=OPEN).exists():
        raise ServiceError(_("An archive is already being made or restored. Wait, or stop it."))


@service(may=may_use_archive)
def stop_archive(principal: Principal, *, job: Job, now: datetime) -> None:
    """Stop a job that runs: nothing of it remains.

    A restoring under way holds the row of its file until its transaction is undone: its worker, or the periodic job, forgets the file.
    """
    job = _locked(job)
    if job.state in OPEN:
        if job.state == JobState.QUEUED or job.kind != RESTORE:
            forget_file(job)
        release(job, JobState.CANCELLED, ended_at=now)


@service(may=may_use_archive)
def note_download(principal: Principal, *, job: Job, now: datetime) -> StoredFile:
    """Write down that the archive is taken out of the house, tell the other admins, and return its file. Raises ServiceError if it is
    gone."""
    job = _locked(job)
    if job.state != JobState.DONE or job.file is None:
        raise ServiceError(_("This archive was deleted. Make a new one."))
    job.report["downloads"] = [*job.report.get("downloads", []), now.isoformat()]
    job.save(update_fields=["report"])
    text = _("%(who)s downloaded an archive of the firm")
    tell_admins(principal, text=text, key=f"archive:{job.pk}:downloaded:{len(job.report['downloads'])}")
    return job.file


@service(may=may_use_archive)
def delete_archive(principal: Principal, *, job: Job) -> None:
    """Delete the file. That it was made and downloaded stays on record."""
    job = _locked(job)
    if job.state not in OPEN:
        forget_file(job)
        job.report["is_deleted"] = True
        job.save(update_fields=["report"])


@transaction.atomic
def expire_archives(now: datetime) -> int:
    """Delete the files of archives after their time, and those of stopped restorings whose worker died."""
    old = Q(kind=MAKE, state=JobState.DONE, ended_at__lt=now - KEPT)
    left = Q(kind=RESTORE, state=JobState.CANCELLED, ended_at__lt=now - LEFT)
    rows = Job.objects.filter(old | left, file__isnull=False)
    jobs = list(rows.select_for_update(of=("self",), skip_locked=True))
    for job in jobs:
        forget_file(job)
    return len(jobs)


def forget_file(job: Job) -> None:
    """Delete the file of a job, if it still has one."""
    pk = job.file_id
    if pk is not None:
        job.file = None
        job.save(update_fields=["file"])
        delete_files(StoredFile.objects.filter(pk=pk))


def _locked(job: Job) -> Job:
    return Job.objects.select_for_update(of=("self",)).select_related("file").get(pk=job.pk)
