"""The page of an upload that a worker reads."""

from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from crm.core.base.permissions import require
from crm.core.files.models import StoredFile
from crm.core.importing import receiving
from crm.core.importing.forms import ReadAgainForm
from crm.core.importing.permissions import may_import
from crm.core.ui.htmx import go, render_page
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN
from crm.core.work.models import Job


def get_reading(request, pk) -> Job:
    require(may_import(request.principal))
    rows = Job.objects.visible_to(request.principal).filter(kind=receiving.KIND, user=request.principal.user_id)
    return get_object_or_404(rows.select_related("file", "user"), pk=pk)


@require_GET
def reading_page(request, pk):
    """While a worker reads, that it does; then where the upload goes on, or why it does not."""
    job = get_reading(request, pk)
    if job.state == JobState.DONE:
        return go(request, f"core:{job.report['page']}", pk=job.report["pk"])
    return _page(request, job, ReadAgainForm(user=job.user, initial={"kind": job.options.get("kind", "")}))


def _page(request, job, form, status=200):
    context = {
        "job": job,
        "is_reading": job.state in OPEN,
        "form": form,
        "may_read_again": "files" in job.options and job.options["move"] is None,
    }
    return render_page(request, "core/importing/reading.html", context, fragment="status", status=status)


@require_POST
def read_again(request, pk):
    """The same files as something else."""
    job = get_reading(request, pk)
    form = ReadAgainForm(request.POST, user=job.user)
    if not form.is_valid() or job.state in OPEN or "files" not in job.options:
        return _page(request, job, form, status=422)
    files = {file.pk: file for file in StoredFile.objects.filter(pk__in=job.options["files"], user=job.user)}
    again = [files[number] for number in job.options["files"] if number in files]
    if not again:
        return redirect("core:import_new")
    reading = receiving.read_later(request.principal, files=again, kind=form.cleaned_data["kind"], now=timezone.now())
    return redirect("core:import_reading", pk=reading.pk)


@require_POST
def reading_stop(request, pk):
    job = get_reading(request, pk)
    receiving.stop_reading(request.principal, reading=job, now=timezone.now())
    return redirect("core:import_reading", pk=job.pk)
