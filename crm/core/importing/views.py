"""The import wizard: upload, columns, preview, run, report."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.base.errors import ServiceError, add_to_form
from crm.core.base.permissions import require
from crm.core.files.services import read_bytes, store_upload
from crm.core.importing import kinds, moves, receiving, tabular, undoing
from crm.core.importing import services as service
from crm.core.importing.choices import MoveState
from crm.core.importing.forms import ColumnsForm, KindForm, StartForm, TableForm, UploadForm, ValuesForm
from crm.core.importing.models import ImportMove, MoveFile, SavedMapping
from crm.core.importing.permissions import may_import, may_import_job
from crm.core.importing.recognising import times_without_zone, understood
from crm.core.listing import filters
from crm.core.listing.files import table_file
from crm.core.listing.pages import Column, ListPage
from crm.core.ui.htmx import render_page
from crm.core.work.choices import JobState
from crm.core.work.leases import seconds_left
from crm.core.work.models import Job


def own_imports(principal):
    """Imports that the principal started: a file may name clients that nobody else sees."""
    return Job.objects.visible_to(principal).filter(kind__startswith="import:", user=principal.user_id)


def get_import(request, pk) -> Job:
    rows = own_imports(request.principal).select_related("user", "file", "failed_rows")
    job = get_object_or_404(rows, pk=pk)
    require(may_import_job(request.principal, job))
    return job


def _move_of(job) -> int | None:
    """The move that the import belongs to."""
    return MoveFile.objects.filter(job=job).values_list("move", flat=True).first()


class ImportFilters(filters.ListFilters):
    state = filters.Choice(choices=JobState.choices, label=_lazy("State"), empty_label=_lazy("Any state"))
    kind = filters.Choice(
        choices=lambda: [(f"import:{kind.key}", kind.label) for kind in kinds.kinds()],
        label=_lazy("Kind"),
        empty_label=_lazy("Any kind"),
    )


def _count(name):
    return lambda job: job.report.get("counts", {}).get(name)


IMPORTS = ListPage(
    url_name="core:imports",
    title=_lazy("Imports"),
    template="core/importing/list.html",
    may=may_import,
    rows=own_imports,
    select=lambda rows: rows.select_related("user", "file"),
    filters=ImportFilters,
    bar=("state", "kind"),
    sorts={"newest": "-created_at"},
    columns=(
        Column("file", _lazy("File"), lambda job: job.file.name if job.file else job.title),
        Column("kind", _lazy("Kind"), lambda job: job.title, is_in_file_only=True),
        Column("state", _lazy("State"), lambda job: job.get_state_display()),
        Column("created", _lazy("Created"), _count("created"), css="num"),
        Column("updated", _lazy("Updated"), _count("updated"), css="num"),
        Column("unchanged", _lazy("Unchanged"), _count("unchanged"), css="num"),
        Column("failed", _lazy("Failed"), _count("failed"), css="num"),
        Column("when", _lazy("When"), lambda job: job.created_at),
    ),
    noun=lambda n, text: ngettext("%(n)s import", "%(n)s imports", n) % {"n": text},
    words={"discard": _lazy("Discard")},
    more=lambda listing: {
        "exports": [kind for kind in kinds.kinds() if kind.export and kind.may_import(listing.principal)],
        "moves": ImportMove.objects.visible_to(listing.principal).exclude(state=MoveState.DONE)[:3],
        "saved": SavedMapping.objects.exists(),
    },
)


@require_http_methods(["GET", "POST"])
def import_new(request):
    """One file becomes an import; several, or a file with several tables, a move."""
    require(may_import(request.principal))
    initial = {"kind": request.GET.get("kind", "")}
    form = UploadForm(request.POST or None, request.FILES or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            files = [store_upload(request.principal, upload=upload) for upload in form.cleaned_data["file"]]
            if receiving.is_large(files):
                given = {"files": files, "kind": form.cleaned_data["kind"], "now": timezone.now()}
                return redirect("core:import_reading", pk=receiving.read_later(request.principal, **given).pk)
            page, pk = receiving.begin_here(request.principal, files=files, kind=form.cleaned_data["kind"])
            return redirect(f"core:{page}", pk=pk)
        except ServiceError as error:
            add_to_form(form, error)
    return render(
        request, "core/importing/new.html", {"form": form}, status=422 if form.is_bound and form.errors else 200
    )


@require_http_methods(["GET", "POST"])
def import_table(request, pk):
    job = get_import(request, pk)
    if job.state != JobState.READY:
        return redirect("core:import_page", pk=job.pk)
    if len(job.options.get("tables", ())) < 2:
        return redirect("core:import_columns", pk=job.pk)
    form = TableForm(request.POST or None, job=job)
    if request.method == "POST" and form.is_valid():
        try:
            key = form.cleaned_data.get("kind") or job.kind.removeprefix("import:")
            given = {"job": job, "table": form.cleaned_data["table"]}
            if job.file and receiving.is_large([job.file]):
                reading = receiving.choose_table_later(request.principal, kind=key, now=timezone.now(), **given)
                return redirect("core:import_reading", pk=reading.pk)
            service.choose_table(request.principal, kind=kinds.get(key), **given)
            return redirect("core:import_columns", pk=job.pk)
        except ServiceError as error:
            add_to_form(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, "core/importing/table.html", {"job": job, "form": form}, status=status)


@require_http_methods(["GET", "POST"])
def import_columns(request, pk):
    job = get_import(request, pk)
    if job.state != JobState.READY:
        return redirect("core:import_page", pk=job.pk)
    if job.options.get("table", "") is None:
        return redirect("core:import_table", pk=job.pk)
    dialect = job.options["dialect"] | {key: request.POST[key] for key in job.options["dialect"] if key in request.POST}
    problem, header, samples = _samples(job, dialect)
    decisions = {} if problem else _decisions(request, job, dialect)
    told = {"header": header, "decisions": decisions, "times": () if problem else _times(request, job, header)}
    form = ColumnsForm(request.POST or None, job=job, kind=service.kind_of(job), **told)
    if problem:
        form.is_valid()
        form.add_error("encoding" if dialect else None, problem) if form.is_bound else None
    elif request.method == "POST" and "reread" in request.POST:
        form = _reread(request, job, dialect, told)
    elif request.method == "POST" and form.is_valid():
        try:
            _save_columns(request.principal, job, form)
            return redirect("core:import_preview", pk=job.pk)
        except ServiceError as error:
            add_to_form(form, error)
    context = {
        "job": job,
        "form": form,
        "kind": service.kind_of(job),
        "header": header,
        "samples": samples,
        "problem": problem or job.error,
        "systems": _systems(request.principal),
        "kind_form": KindForm(job=job),
        "move_id": _move_of(job),
    }
    return render(request, "core/importing/columns.html", context, status=422 if form.is_bound and form.errors else 200)


def _samples(job, dialect):
    """(problem, header, the first rows) under a dialect."""
    try:
        job.options = job.options | {"dialect": dialect}
        header, rows = service.read_job(job)
        return "", header, [row for row, _n in zip(rows, range(4), strict=False)]
    except tabular.UnreadableTable as error:
        return str(error), [], []


@transaction.atomic
def _save_columns(principal, job, form) -> None:
    """Keep what was chosen, under a name if one is given, and have the file checked. Raises ServiceError."""
    service.set_options(principal, job=job, **form.options())
    job.refresh_from_db()
    if form.cleaned_data["save_as"]:
        service.save_mapping(principal, job=job, name=form.cleaned_data["save_as"])
    service.check_import(principal, job=job, now=timezone.now())


def _mapping(request, job) -> dict[str, str]:
    return {
        column.name: request.POST.get(f"map_{column.name}", job.options["mapping"].get(column.name, ""))
        for column in service.kind_of(job).columns
    }


def _decisions(request, job, dialect):
    """How the mapped columns are to be read."""
    return service.decisions_of(job, dialect, _mapping(request, job))


def _times(request, job, header) -> tuple[str, ...]:
    """Some times of the mapped columns that name no zone."""
    found = times_without_zone(service.kind_of(job), _mapping(request, job), header, service.read_job(job)[1])
    return tuple(text for _column, text in found)


def _reread(request, job, dialect, told):
    """The form after a change of encoding, delimiter or zone; where the columns have other names then, they are guessed again."""
    mapping, kind = _mapping(request, job), service.kind_of(job)
    if not {*filter(None, mapping.values())} <= {*told["header"]}:
        mapping = understood(kind, told["header"], request.principal)["mapping"]
    job.options = job.options | {
        "dialect": dialect,
        "mapping": mapping,
        "system": request.POST.get("system", ""),
        "zone": request.POST.get("zone", ""),
        "mode": request.POST.get("mode", ""),
    }
    return ColumnsForm(None, job=job, kind=kind, **told)


@require_POST
def import_kind(request, pk):
    """Read the file as another kind than the one it was uploaded as."""
    job = get_import(request, pk)
    form = KindForm(request.POST, job=job)
    if form.is_valid():
        kind, move = kinds.get(form.cleaned_data["kind"]), ImportMove.objects.filter(files__job=job).first()
        try:
            if move:
                moves.set_kind(request.principal, move=move, job=job, kind=kind)
            else:
                service.change_kind(request.principal, job=job, kind=kind)
        except ServiceError as error:
            messages.error(request, error.message)
    return redirect("core:import_columns", pk=job.pk)


def _systems(principal) -> list[str]:
    """Names of the systems that the user's earlier files came from."""
    names = own_imports(principal).exclude(state=JobState.READY).values_list("options__system", flat=True)
    return sorted({name for name in names if name})


@require_GET
def import_preview(request, pk):
    """The result of every row; while a worker is checking, its progress."""
    job = get_import(request, pk)
    if job.state not in (JobState.READY, JobState.CHECKING):
        return redirect("core:import_page", pk=job.pk)
    if job.state == JobState.READY and not job.report:
        return redirect("core:import_columns", pk=job.pk)
    return _preview(request, job, StartForm(job=job))


def _preview(request, job, form, status=200):
    kind = service.kind_of(job)
    context = {
        "job": job,
        "kind": kind,
        "note": kind.preview_note(job.total),
        "move_id": _move_of(job),
        "is_checking": job.state == JobState.CHECKING,
        "form": form,
        "words": ValuesForm(jobs=[job], user=job.user),
        "has_rows": any(job.report.get("counts", {}).get(name) for name in ("created", "updated", "unchanged")),
        **_shown(request, job, "questions" if job.report.get("questions") else "", PLANNED),
    }
    return render_page(request, "core/importing/preview.html", context, fragment="status", status=status)


GROUPS = {
    "questions": _lazy("Flagged"),
    "created": _lazy("Created"),
    "updated": _lazy("Updated"),
    "unchanged": _lazy("Unchanged"),
    "failed": _lazy("Failed"),
    "remarks": _lazy("With warnings"),
}
PLANNED = GROUPS | {
    "created": _lazy("To be created"),
    "updated": _lazy("To be updated"),
    "unchanged": _lazy("Already the same"),
    "failed": _lazy("Errors"),
}


def _shown(request, job, first: str, labels: dict[str, Any] = GROUPS) -> dict[str, Any]:
    """The rows of the chosen tab: the one asked for, else `first`, else the worst group that has rows."""
    report = job.report
    counts = {name: report.get("counts", {}).get(name, report.get(name, 0)) for name in GROUPS}
    order = [request.GET.get("show", ""), first, "failed", "remarks", "updated", "created", "unchanged"]
    group = next((name for name in order if counts.get(name)), "created")
    tabs = [
        {"label": label, "url": f"?show={name}", "count": counts[name], "current": name == group}
        for name, label in labels.items()
        if counts[name] or name in ("created", "updated")
    ]
    rows = report.get("rows", {}).get(group, [])
    return {"tabs": tabs, "rows": rows, "hidden": counts[group] - len(rows), "group": group}


@require_POST
def import_values(request, pk):
    """What the words of the file mean; the file is checked again."""
    job = get_import(request, pk)
    form = ValuesForm(request.POST, jobs=[job], user=job.user)
    if form.is_valid():
        try:
            service.set_values(request.principal, job=job, values=form.values(), new=form.new())
            service.check_import(request.principal, job=job, now=timezone.now())
        except ServiceError as error:  # a second click, or a page opened before the start
            messages.error(request, error.message)
    return redirect("core:import_preview", pk=job.pk)


@require_POST
def import_start(request, pk):
    job = get_import(request, pk)
    if move_id := _move_of(job):  # its files run in their order
        return redirect("core:import_move", pk=move_id)
    form = StartForm(request.POST, job=job)
    if not form.is_valid():
        return _preview(request, job, form, status=422)
    try:
        service.start_import(request.principal, job=job, now=timezone.now(), **form.cleaned_data)
    except ServiceError as error:
        if error.code == "question":
            raise PermissionDenied(error.message) from error
        messages.error(request, error.message)
        step = "columns" if error.code in ("unreadable", "nothing", "guessed") else "page"
        return redirect(f"core:import_{step}", pk=job.pk)
    return redirect("core:import_page", pk=job.pk)


@require_POST
def import_resume(request, pk):
    job = get_import(request, pk)
    try:
        service.resume_import(request.principal, job=job, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("core:import_page", pk=job.pk)


@require_POST
def import_again(request, pk):
    job = get_import(request, pk)
    try:
        again = service.import_again(request.principal, job=job)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("core:import_page", pk=job.pk)
    return redirect("core:import_table", pk=again.pk)


@require_POST
def import_discard(request, pk):
    job = get_import(request, pk)
    try:
        service.discard_import(request.principal, job=job)
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("core:imports")


@require_GET
def import_export(request, kind):
    """Everything of one kind that the principal may see, as a file that the import can read back."""
    found = next((k for k in kinds.kinds() if k.key == kind and k.export), None)
    if found is None:
        raise Http404
    require(found.may_import(request.principal))
    return table_file(found.export(request.principal), name=found.key)


@require_POST
def import_cancel(request, pk):
    job = get_import(request, pk)
    service.cancel_import(request.principal, job=job, now=timezone.now())
    return redirect("core:import_page", pk=job.pk)


@require_GET
def import_page(request, pk):
    job = get_import(request, pk)
    if job.state in (JobState.READY, JobState.CHECKING):
        return redirect("core:import_preview", pk=job.pk)
    context = {
        "job": job,
        "kind": service.kind_of(job),
        "is_open": job.state in (JobState.QUEUED, JobState.RUNNING),
        "is_interrupted": job.state == JobState.QUEUED and bool(job.done),
        "move_id": _move_of(job),
        "may_go_on": service.may_go_on(job) and job.done < job.total,
        "seconds_left": seconds_left(job),
        "may_undo": undoing.may_be_undone(job),
        "undo": undoing.undo_of(job),
        **_shown(request, job, ""),
    }
    return render_page(request, "core/importing/page.html", context, fragment="status")


@require_GET
def import_failed_rows(request, pk):
    job = get_import(request, pk)
    if job.failed_rows is None:
        return HttpResponse(_("This import has no failed rows."), status=404, content_type="text/plain")
    return HttpResponse(
        read_bytes(job.failed_rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="failed-rows-{job.pk}.csv"'},
    )
