"""The page of a bulk change: how far it is, what was changed, what was left alone and why, its undo."""

from collections import Counter
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.bulk import running
from crm.core.listing import selection
from crm.core.listing.models import BulkChange
from crm.core.ui.htmx import local_path, render_page
from crm.core.work.choices import JobState
from crm.core.work.leases import seconds_left
from crm.core.work.models import Job

SHOWN = 200  # rows of each reason


def _change(request, pk: int) -> tuple[BulkChange, Job | None]:
    change = get_object_or_404(BulkChange, pk=pk, user=request.user)
    if change.action not in selection.actions:
        raise Http404
    return change, Job.objects.filter(pk=change.job_id, user=request.user).first() if change.job_id else None


@require_safe
def show(request, pk):
    change, job = _change(request, pk)
    action = selection.actions[change.action]
    is_open = job is not None and job.state in (JobState.QUEUED, JobState.RUNNING)
    is_undo = bool(change.undone_at) or (job is not None and running.is_undo_of(job))
    left = change.not_undone if is_undo else change.refused
    context = {
        "change": change,
        "job": job,
        "action": action,
        "is_open": is_open,
        "is_undo": is_undo,
        "seconds_left": seconds_left(job) if job else None,
        "n": _restored(change, job) if is_undo and not is_open else len(change.rows),
        "n_left": len(left),
        "groups": [] if is_open else _groups(request.principal, action, left),
        "may_undo": not is_open and selection.may_be_undone(change),
        "list_url": local_path(change.url, "/"),
    }
    return render_page(request, "core/bulk/change.html", context, fragment="status")


def _restored(change: BulkChange, job: Job | None) -> int:
    """How many rows the undo restored; one that was stopped has not seen them all."""
    seen = job.done if job is not None and "rows" not in job.options else len(change.rows)
    return seen - len(change.not_undone)


def _groups(principal, action, left) -> list[dict[str, Any]]:
    """By reason, the largest first, the rows that the reader sees by name."""
    numbers = Counter(why for _pk, why in left)
    of: dict[str, list[int]] = {why: [pk for pk, each in left if each == why][:SHOWN] for why in numbers}
    rows = {row.pk: row for row in selection.rows_of(principal, action, {pk for pks in of.values() for pk in pks})}
    return [
        {"why": why, "n": n, "rows": [_line(rows[pk]) for pk in of[why] if pk in rows], "more": n - len(of[why])}
        for why, n in numbers.most_common()
    ]


def _line(row) -> dict[str, str]:
    return {"label": str(row), "url": row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""}


@require_POST
def stop(request, pk):
    change, job = _change(request, pk)
    if job is None:
        raise Http404(_("Nothing runs."))
    running.stop(request.principal, job, timezone.now())
    return redirect("core:bulk-change", pk=change.pk)
