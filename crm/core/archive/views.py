"""Settings → Data: archives of the firm."""

from typing import Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.core.archive import services, telling
from crm.core.archive.forms import RestoreForm
from crm.core.archive.permissions import may_use_archive
from crm.core.archive.restoring import what_is_here
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer, require
from crm.core.files.downloads import attachment
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, seconds_left
from crm.core.work.models import Job

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def archive(request):
    """The list of one's archives; POST restores one."""
    require(may_administer(request.principal))
    form = RestoreForm(posted(request), request.FILES or None)
    outcome = form_action(request, form, lambda: _restore(request, form))
    if outcome.is_done:
        return redirect("core:archive")
    return render_page(
        request, "core/archive/page.html", _shown(request, form), fragment="status", status=outcome.status
    )


def _restore(request, form) -> Job:
    return services.restore_archive(request.principal, upload=form.cleaned_data["file"], now=timezone.now())


def _shown(request, form) -> dict[str, Any]:
    latest = telling.jobs_of(request.principal).order_by("-created_at").first()
    running = latest if latest and latest.state in OPEN else None
    archives = list(telling.archives_of(request.principal).filter(state=JobState.DONE)[:SHOWN])
    for job in archives:
        job.expires_at = job.ended_at + services.KEPT
        job.downloads = len(job.report.get("downloads", []))
    return {
        "form": form,
        "running": running,
        "is_restoring": running is not None and running.kind == telling.RESTORE,
        "seconds_left": seconds_left(running) if running else None,
        "failed": latest if latest and latest.state == JobState.FAILED else None,
        "restored": latest if latest and latest.kind == telling.RESTORE and latest.state == JobState.DONE else None,
        "archives": archives,
        "in_the_way": "" if running else what_is_here(),
        "days": services.KEPT.days,
    }


@require_POST
def make(request):
    require(may_administer(request.principal))
    try:
        services.make_archive(request.principal, now=timezone.now())
    except ServiceError as error:  # a second click or tab
        messages.error(request, error.message)
    return redirect("core:archive")


@require_POST
def download(request, pk):
    job = _job(request, pk)
    try:
        stored = services.note_download(request.principal, job=job, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("core:archive")
    return attachment(stored)


@require_POST
def delete(request, pk):
    services.delete_archive(request.principal, job=_job(request, pk))
    messages.success(request, _("The archive was deleted."))
    return redirect("core:archive")


@require_POST
def stop(request, pk):
    services.stop_archive(request.principal, job=_job(request, pk), now=timezone.now())
    return redirect("core:archive")


def _job(request, pk) -> Job:
    require(may_administer(request.principal))
    job = get_object_or_404(telling.jobs_of(request.principal), pk=pk)
    require(may_use_archive(request.principal, job))
    return job
