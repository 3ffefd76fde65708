"""The worker's part: makes an archive, or restores one, as a leased job."""

import logging
import uuid
from collections.abc import Mapping
from functools import partial
from tempfile import TemporaryFile

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.core.archive.aside import Aside, Stopped
from crm.core.archive.kernel import KIND
from crm.core.archive.reading import Archive, BadArchive
from crm.core.archive.restoring import Restored, restore
from crm.core.archive.services import forget_file
from crm.core.archive.telling import tell_admins
from crm.core.archive.writing import write_archive
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal, acting
from crm.core.files.services import store_file
from crm.core.firm.queries import firm_today, get_firm
from crm.core.notifications.models import Notification
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, Refused, give_back, run_leased, still_mine
from crm.core.work.models import Job

log = logging.getLogger(__name__)


def make_job(*, job_id: int) -> str:
    """Do a queued archive (`run_leased`)."""
    return run_leased(
        job_id, _make, _fail, lambda job: _("The archive stopped because of an internal error. Make it again.")
    )


def restore_job(*, job_id: int) -> str:
    """Do a queued restoring (`run_leased`): all or nothing."""
    return run_leased(
        job_id, _restore, _fail, lambda job: _("Restoring stopped because of an internal error. Nothing was changed.")
    )


def _make(job: Job, token: uuid.UUID) -> None:
    principal, now = _admin(job), timezone.now()
    try:
        with TemporaryFile() as file, Aside(job, token) as progress:
            manifest = write_archive(file, principal=principal, by=job.user.email, now=now, progress=progress)
            file.seek(0)
            with transaction.atomic():
                if still_mine(job, token, lock=True):
                    name = f"{slugify(get_firm().name) or 'firm'}-{firm_today(now)}.zip"
                    stored = store_file(principal, name=name, file=File(file), content_type="application/zip")
                    _end(job, {"lost": len(manifest["lost_files"])}, file=stored)
                    tell_admins(principal, text=_("%(who)s made an archive of the firm"), key=f"archive:{job.pk}:made")
                    _tell(job, _("Your archive is ready"))
    except Stopped as stopped:
        if stopped.is_ours:
            give_back(job, token, JobState.QUEUED)


def _restore(job: Job, token: uuid.UUID) -> None:
    _admin(job)
    if job.file is None:
        raise Refused(_("The uploaded file is gone. Upload it again."))
    try:
        with default_storage.open(job.file.path, "rb") as file, Aside(job, token) as progress:
            restore(Archive(file), progress=progress, finish=partial(_finish, job.pk))
    except BadArchive as error:
        raise Refused(error.message) from error
    except Stopped as stopped:
        if stopped.is_ours:
            give_back(job, token, JobState.QUEUED)
        else:
            _forget_stopped(job.pk)


def _finish(job_id: int, result: Restored) -> None:
    """In the transaction of the restoring: it ends with the job, or not at all. The job's people and files may have other ids now."""
    job = Job.objects.select_for_update(of=("self",)).select_related("user", "file").get(pk=job_id)
    if job.state not in OPEN:
        raise Stopped(is_ours=False)
    forget_file(job)
    _end(job, {"is_same": result.is_same, "rows": result.rows, "files": result.files, "lost": result.lost})
    _tell(job, _("Nothing had to be restored") if result.is_same else _("The archive was restored"))


@transaction.atomic
def _forget_stopped(job_id: int) -> None:
    """Delete the upload of a restoring that somebody stopped while it ran; another worker may have the job instead."""
    job = Job.objects.select_for_update(of=("self",)).get(pk=job_id)
    if job.state == JobState.CANCELLED:
        forget_file(job)


def _admin(job: Job) -> Principal:
    principal = acting(job.user)
    if not may_administer(principal):
        raise Refused(_("Only an admin may do this."))
    return principal


def _end(job: Job, report: Mapping[str, object], **also: object) -> None:
    ended = {"state": JobState.DONE, "ended_at": timezone.now(), "lease_token": None, "lease_until": None}
    Job.objects.filter(pk=job.pk, state__in=OPEN).update(**ended, report=report, done=1, total=1, **also)


@transaction.atomic
def _fail(job: Job, token: uuid.UUID, message: str) -> None:
    ended = {"state": JobState.FAILED, "ended_at": timezone.now(), "lease_token": None, "lease_until": None}
    if Job.objects.filter(pk=job.pk, lease_token=token).update(error=message, **ended):
        forget_file(job)
        _tell(job, message)


def _tell(job: Job, text: str) -> None:
    told = {"user": job.user, "kind": KIND, "text": text[:300], "url": reverse("core:archive")}
    Notification.objects.get_or_create(key=f"archive:{job.pk}", defaults=told)
