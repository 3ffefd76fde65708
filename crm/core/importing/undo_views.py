"""The page of the undo of an import: how far it is, what was taken back, what was left and why."""

from collections import defaultdict
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from crm.core.base.errors import ServiceError
from crm.core.importing import undoing
from crm.core.importing.views import get_import
from crm.core.ui.formatting import number
from crm.core.ui.htmx import render_page
from crm.core.work.leases import OPEN, seconds_left

SHOWN = 200  # records of each reason


@require_http_methods(["GET", "HEAD", "POST"])
def import_undo(request, pk):
    job = get_import(request, pk)
    if request.method == "POST":
        try:
            undoing.undo_import(request.principal, job=job, now=timezone.now())
        except ServiceError as error:  # a second click or tab
            messages.error(request, error.message)
        job.refresh_from_db(fields=["report"])
        return redirect("core:import_undo" if undoing.undo_of(job) else "core:import_page", pk=job.pk)
    undo = undoing.undo_of(job)
    if undo is None:
        return redirect("core:import_page", pk=job.pk)
    context = {
        "job": job,
        "undo": undo,
        "counts": undo.report["counts"],
        "is_open": undo.state in OPEN,
        "seconds_left": seconds_left(undo),
        "may_undo": undoing.may_be_undone(job),
        "groups": _groups(request.principal, undo.report["left"]),
    }
    return render_page(request, "core/importing/undo.html", context, fragment="status")


@require_POST
def import_undo_stop(request, pk):
    job = get_import(request, pk)
    undoing.stop_undo(request.principal, job=job, now=timezone.now())
    return redirect("core:import_undo", pk=job.pk)


def _groups(principal, left: list[list[Any]]) -> list[dict[str, Any]]:
    """By reason, the largest first; records by name where the reader sees them."""
    of: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for label, pk, why in left:
        of[why].append((label, pk))
    rows = _named(principal, {key for keys in of.values() for key in keys[:SHOWN]})
    return [
        {
            "why": why,
            "counted": number(len(keys)),
            "rows": [rows[k] for k in keys[:SHOWN] if k in rows],
            "more": max(len(keys) - SHOWN, 0),
        }
        for why, keys in sorted(of.items(), key=lambda pair: -len(pair[1]))
    ]


def _named(principal, keys: set[tuple[str, int]]) -> dict[tuple[str, int], dict[str, str]]:
    found = {}
    for label in {label for label, _pk in keys}:
        manager: Any = apps.get_model(label)._default_manager
        rows = manager.visible_to(principal) if hasattr(manager, "visible_to") else manager
        for row in rows.filter(pk__in=[pk for of, pk in keys if of == label]):
            url = row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""
            found[label, row.pk] = {"label": str(row), "url": url}
    return found
