"""The page of a move: its files in the order in which they run, what is to be answered, progress and report."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_POST

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.files.services import store_upload
from crm.core.importing import kinds, move_undo, moves, receiving
from crm.core.importing import services as service
from crm.core.importing.choices import MoveState
from crm.core.importing.forms import AddForm, KindForm, MoveForm, ValuesForm, ZoneForm
from crm.core.importing.models import ImportMove, SavedMapping
from crm.core.importing.permissions import may_import
from crm.core.importing.presets import name_of
from crm.core.importing.undoing import undo_of
from crm.core.ui.htmx import render_page
from crm.core.work.choices import JobState
from crm.core.work.models import Job

UNDONE = (
    ("removed", _lazy("%(n)s removed"), ""),
    ("restored", _lazy("%(n)s restored"), ""),
    ("left", _lazy("%(n)s left as they are"), "text-amber"),
)
COUNTS = (
    ("created", _lazy("%(n)s new"), ""),
    ("updated", _lazy("%(n)s updated"), ""),
    ("unchanged", _lazy("%(n)s unchanged"), ""),
    ("failed", _lazy("%(n)s failed"), "text-red"),
    ("remarks", _lazy("%(n)s with warnings"), "text-amber"),
)


def get_move(request, pk) -> ImportMove:
    move = get_object_or_404(ImportMove.objects.visible_to(request.principal).select_related("user"), pk=pk)
    require(moves.may_change_move(request.principal, move))
    return move


@require_GET
def move_page(request, pk):
    return _page(request, get_move(request, pk), AddForm())


def _page(request, move, form, status=200):
    parts = moves.parts_of(move)
    is_running, is_undoing = move.state == MoveState.RUNNING, move.state == MoveState.UNDOING
    undos = {part.job.pk: undo for part in parts if (undo := undo_of(part.job))}
    is_checking = any(part.job.state == JobState.CHECKING for part in parts)
    context = {
        "move": move,
        "rows": [_row(part, undos.get(part.job.pk)) for part in parts],
        "form": form,
        "start": MoveForm() if any(part.job.report.get("questions") for part in parts) else None,
        "words": ValuesForm(jobs=_ready(parts), user=move.user),
        "zones": _zones(parts),
        "is_running": is_running,
        "is_undoing": is_undoing,
        "is_busy": is_running or is_undoing or is_checking,
        "is_checking": is_checking,
        "is_checked": all(part.counts for part in parts if part.is_ready),
        "may_start": move.state in (MoveState.DRAFT, MoveState.PAUSED)
        and not is_checking
        and any(part.job.state == JobState.READY or part.is_stopped for part in parts),
        "may_undo": move_undo.may_undo(move, parts),
        "needs": sum(bool(part.needs) for part in parts),
        "progress": move_undo.progress_of(parts, undos) if is_undoing else moves.progress_of(parts),
        "taken_back": move_undo.counts(undos.values()) if undos else None,
        "totals": moves.totals(parts),
    }
    return render_page(request, "core/importing/move.html", context, fragment="status", status=status)


def _ready(parts: list[moves.Part]) -> list[Job]:
    return [part.job for part in parts if part.job.state == JobState.READY]


def _row(part: moves.Part, undo: Job | None) -> dict[str, Any]:
    is_unsure = part.job.state == JobState.READY and part.job.options.get("is_unsure")
    counts = {**part.counts, "remarks": part.job.report.get("remarks", 0)}
    url = reverse("core:import_page", args=[part.job.pk])
    if undo is not None:
        counts = undo.report["counts"]
    shown = [
        {
            "text": words % {"n": number_format(counts[name], force_grouping=True)},
            "url": reverse("core:import_undo", args=[part.job.pk]) if undo else f"{url}?show={name}",
            "css": css,
        }
        for name, words, css in (UNDONE if undo else COUNTS)
        if counts.get(name)
    ]
    return {
        "part": part,
        "job": part.job,
        "undo": undo,
        "counts": shown,
        "kind_form": KindForm(job=part.job) if is_unsure else None,
    }


def _zones(parts: list[moves.Part]) -> list[dict[str, Any]]:
    """A form for each system whose times name no zone, until its zone is known."""
    found: dict[str, list[str]] = {}
    for part in parts:
        options = part.job.options
        if part.job.state == JobState.READY and options.get("times") and not options.get("zone"):
            found.setdefault(options["system"], []).extend(options["times"])
    return [
        {"system": name_of(system), "form": ZoneForm(system=system, times=tuple(dict.fromkeys(times))[:3])}
        for system, times in found.items()
    ]


def _done(request, move, act: Callable[[], Any]) -> HttpResponse:
    """Do it, and show the page again; a refusal is said on it."""
    try:
        act()
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("core:import_move", pk=move.pk)


@require_POST
def add(request, pk):
    move = get_move(request, pk)
    form = AddForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, move, form, status=422)

    try:
        files = [store_upload(request.principal, upload=upload) for upload in form.cleaned_data["file"]]
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("core:import_move", pk=move.pk)
    if receiving.is_large(files):
        reading = receiving.read_later(request.principal, files=files, move=move, now=timezone.now())
        return redirect("core:import_reading", pk=reading.pk)
    return _done(request, move, lambda: moves.add_files(request.principal, move=move, files=files))


@require_POST
def check(request, pk):
    move = get_move(request, pk)
    return _done(request, move, lambda: moves.check_move(request.principal, move=move, now=timezone.now()))


@require_POST
def start(request, pk):
    move, form = get_move(request, pk), MoveForm(request.POST)
    questions = form.cleaned_data["questions"] if form.is_valid() else ""
    now = timezone.now()
    return _done(request, move, lambda: moves.start_move(request.principal, move=move, questions=questions, now=now))


@require_POST
def pause(request, pk):
    move = get_move(request, pk)
    return _done(request, move, lambda: moves.pause_move(request.principal, move=move, now=timezone.now()))


@require_POST
def undo(request, pk):
    move = get_move(request, pk)
    return _done(request, move, lambda: move_undo.undo_move(request.principal, move=move, now=timezone.now()))


@require_POST
def undo_stop(request, pk):
    move = get_move(request, pk)
    return _done(request, move, lambda: move_undo.stop_undo_of_move(request.principal, move=move, now=timezone.now()))


@require_POST
def zone(request, pk):
    move, form = get_move(request, pk), ZoneForm(request.POST)
    if not form.is_valid():
        return redirect("core:import_move", pk=move.pk)
    return _done(request, move, lambda: moves.set_zone(request.principal, move=move, **form.cleaned_data))


def _job(move, pk) -> Job:
    return get_object_or_404(Job.objects.select_related("user", "file"), pk=pk, in_move__move=move)


@require_POST
def words(request, pk):
    move = get_move(request, pk)
    form = ValuesForm(request.POST, jobs=_ready(moves.parts_of(move)), user=move.user)
    if not form.is_valid():
        return redirect("core:import_move", pk=move.pk)
    said = {"values": form.values(), "new": form.new(), "now": timezone.now()}
    return _done(request, move, lambda: moves.set_words(request.principal, move=move, **said))


@require_POST
def kind(request, pk, job):
    move = get_move(request, pk)
    row = _job(move, job)
    form = KindForm(request.POST, job=row)
    if not form.is_valid():
        return redirect("core:import_move", pk=move.pk)
    chosen = kinds.get(form.cleaned_data["kind"])
    return _done(request, move, lambda: moves.set_kind(request.principal, move=move, job=row, kind=chosen))


@require_POST
def leave_out(request, pk, job):
    move = get_move(request, pk)
    row = _job(move, job)
    return _done(request, move, lambda: moves.leave_out(request.principal, move=move, job=row))


@require_GET
def saved_mappings(request):
    """The saved columns of the firm's own files."""
    require(may_import(request.principal))
    rows = [
        {"saved": saved, "kind": kinds.get(saved.kind).label}
        for saved in SavedMapping.objects.select_related("created_by")
        if saved.kind in {kind.key for kind in kinds.kinds()}
    ]
    return render(request, "core/importing/mappings.html", {"rows": rows})


@require_POST
def forget(request, pk):
    require(may_import(request.principal))
    service.forget_mapping(request.principal, mapping=get_object_or_404(SavedMapping, pk=pk))
    return redirect("core:import_mappings")
