"""The builder: one version of a template, edited while it is a draft, read when it is published.

Every change is a small POST. htmx gets the builder's fragment; a browser without JavaScript is redirected to the page.
"""

from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import is_fragment, posted, render_page, toast
from onboarding.forms import MoveForm, NameForm, OrderForm, PhaseForm, SeenForm, TemplateTaskForm
from onboarding.models import TemplatePhase, TemplateTask, TemplateVersion
from onboarding.permissions import may_edit_templates
from onboarding.queries import templates as queries
from onboarding.services.drafts import (
    add_phase,
    add_task,
    move_phase,
    move_task,
    put_back,
    remove_phase,
    remove_task,
    rename_phase,
    update_task,
)
from onboarding.services.templates import discard_draft, publish_version

UNDO = "onboarding_removed"


@dataclass
class Shown:
    """What a builder page shows, besides its version."""

    task: TemplateTask | None = None
    form: TemplateTaskForm | None = None
    phase_form: PhaseForm | None = None
    task_form: NameForm | None = None  # of a new task that cannot be named so, in `phase`
    phase: TemplatePhase | None = None
    refused: str = ""
    focus: str = ""
    status: int = 200


@Kept
def _version(principal, *, pk: int):
    return TemplateVersion.objects.visible_to(principal).select_related("template", "published_by").filter(pk=pk)


def load(request, pk) -> TemplateVersion:
    return _version.one(request.principal, pk=pk)


def load_to_edit(request, pk) -> TemplateVersion:
    found = load(request, pk)
    require(may_edit_templates(request.principal))
    return found


def load_row(request, model, pk):
    """A phase or task of a version the user sees."""
    rows = model.objects.filter(version_of__in=TemplateVersion.objects.visible_to(request.principal))
    row = get_object_or_404(rows.select_related("version_of__template"), pk=pk)
    require(may_edit_templates(request.principal))
    return row


def builder_page(request, version: TemplateVersion, shown: Shown):
    phases, tasks = queries.version_rows(version)
    is_editable = version.is_draft and may_edit_templates(request.principal)
    today = firm_today(timezone.now())
    kickoff = _kickoff(request, today)
    previous = queries.previous_version(version)
    if shown.task is not None and is_editable and shown.form is None:
        shown.form = TemplateTaskForm(instance=shown.task, auto_id=_ids(shown.task))
    context: dict[str, Any] = {
        "version": version,
        "template": version.template,
        "cards": queries.phase_cards(phases, tasks),
        "phases": phases,
        "roles": sorted({task.owner_role for task in tasks if task.owner_role}),
        "sketch": queries.sketch(tasks, kickoff),
        "previous": previous,
        "running": queries.running_on(request.principal, previous if version.is_draft and previous else version),
        "is_editable": is_editable,
        "may_edit": may_edit_templates(request.principal),
        "shown": shown,
        "crumbs": [{"label": _("Templates"), "url": reverse("onboarding:templates")}, {"label": version.template.name}],
        "undo_url": reverse("onboarding:version_undo", args=[version.pk])
        if is_editable and _removed(request, version)
        else "",
    }
    return render_page(request, "onboarding/version.html", context, fragment="builder", status=shown.status)


def _ids(task) -> str:
    """Each task's fields have their own ids: a swap to another task never carries over what was typed in this one."""
    return f"task-{task.pk}-%s"


def _kickoff(request, today):
    try:
        wanted = parse_date(request.GET.get("kickoff", ""))
    except ValueError:
        wanted = None
    return wanted if wanted and abs(wanted.year - today.year) < 10 else queries.next_monday(today)


def _task(version, wanted: str) -> TemplateTask | None:
    return version.tasks.filter(pk=whole_number(wanted)).first()


def _after(request, version, task=None, focus=""):
    """The builder after a successful change; the open task stays open."""
    if not is_fragment(request):
        address = reverse("onboarding:version", args=[version.pk])
        return redirect(f"{address}?task={task.pk}" if task else address)
    task = task or _task(version, QueryDict(urlsplit(request.htmx.current_url or "").query).get("task", ""))
    return builder_page(request, load(request, version.pk), Shown(task=task, focus=focus))


def _refuse(request, version, error: ServiceError, **shown):
    """The builder with the service's error, and what was typed."""
    status = 409 if isinstance(error, StaleWrite) or error.code == "frozen" else 422
    return builder_page(
        request, load(request, version.pk), Shown(refused=shown.pop("refused", error.message), status=status, **shown)
    )


def changes(model, *, focus: str = ""):
    """For a view that changes one row of a draft by POST: `view(request, row)`. If the service refuses, it answers with
    the builder.
    """

    def decorate(view):
        @require_POST
        @wraps(view)
        def call(request, pk):
            row = load_row(request, model, pk)
            try:
                return view(request, row)
            except ServiceError as error:
                return _refuse(request, row.version_of, error, focus=focus and f"{focus}-{pk}")

        return call

    return decorate


@require_GET
def version(request, pk):
    found = load(request, pk)
    return builder_page(request, found, Shown(task=_task(found, request.GET.get("task", ""))))


@require_POST
def phase_add(request, pk):
    found = load_to_edit(request, pk)
    form = PhaseForm(request.POST)
    if not form.is_valid():
        return builder_page(request, found, Shown(phase_form=form, status=422))
    try:
        add_phase(request.principal, version=found, name=form.cleaned_data["name"])
    except ServiceError as error:
        return _refuse(request, found, error)
    return _after(request, found, focus="new-phase")


@require_http_methods(["GET", "HEAD", "POST"])
def phase_rename(request, pk):
    phase = load_row(request, TemplatePhase, pk)
    form = PhaseForm(posted(request), initial={"name": phase.name})
    outcome = form_action(request, form, lambda: rename_phase(request.principal, phase=phase, **form.cleaned_data))
    if outcome.is_done:
        return redirect("onboarding:version", phase.version_of_id)
    context = {"title": _("Rename phase"), "lead": phase.version_of.template.name, "submit": _("Rename"), "form": form}
    context["back_url"] = reverse("onboarding:version", args=[phase.version_of_id])
    return render(request, "form_page.html", context, status=outcome.status)


@changes(TemplatePhase)
def phase_move(request, phase):
    form = MoveForm(request.POST)
    step = {"up": -1, "down": 1}.get(form.cleaned_data["where"], 0) if form.is_valid() else 0
    move_phase(request.principal, phase=phase, position=max(0, phase.position + step))
    return _after(request, phase.version_of, focus=f"phase-menu-{phase.pk}")


@changes(TemplatePhase)
def phase_remove(request, phase):
    removed = remove_phase(request.principal, phase=phase)
    return _removed_answer(request, phase.version_of, removed, _("Phase “%(name)s” removed.") % {"name": phase.name})


@changes(TemplatePhase, focus="add")
def task_add(request, phase):
    form = NameForm(request.POST)
    if not form.is_valid():
        shown = Shown(task_form=form, phase=phase, focus=f"add-{phase.pk}", status=422)
        return builder_page(request, load(request, phase.version_of_id), shown)
    add_task(request.principal, phase=phase, title=form.cleaned_data["name"])
    return _after(request, phase.version_of, focus=f"add-{phase.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
def task_save(request, pk):
    task = load_row(request, TemplateTask, pk)
    if request.method != "POST":
        return redirect(reverse("onboarding:version", args=[task.version_of_id]) + f"?task={pk}")
    form = TemplateTaskForm(request.POST, instance=task, auto_id=_ids(task))
    if not form.is_valid():
        return builder_page(request, task.version_of, Shown(task=task, form=form, status=422))
    try:
        saved = update_task(request.principal, task=task, seen_version=form.seen_version(), **form.cleaned_data)
    except ServiceError as error:
        add_to_form(form, error)
        return _refuse(request, task.version_of, error, task=task, form=form, refused="")
    return toast(_after(request, task.version_of, task=saved), _("“%(title)s” saved.") % {"title": saved.title})


@changes(TemplateTask)
def task_move(request, task):
    form = MoveForm(request.POST)
    where = form.cleaned_data["where"] if form.is_valid() else ""
    if where in ("up", "down"):
        step = -1 if where == "up" else 1
        move_task(request.principal, task=task, position=max(0, task.position + step))
    elif where:
        phase = get_object_or_404(TemplatePhase, pk=where, version_of=task.version_of)
        move_task(request.principal, task=task, phase=phase, position=phase.tasks.count())
    return _after(request, task.version_of, focus=f"task-menu-{task.pk}")


@changes(TemplatePhase)
def task_order(request, phase):
    """A row was dragged into this phase, to its position in `ids`."""
    form = OrderForm(request.POST)
    if not form.is_valid():
        raise Http404
    ids, moved = form.cleaned_data["ids"], form.cleaned_data["moved"]
    task = get_object_or_404(TemplateTask, pk=moved, version_of=phase.version_of)
    move_task(request.principal, task=task, phase=phase, position=ids.index(moved))
    return HttpResponse(status=204)


@changes(TemplateTask)
def task_remove(request, task):
    removed = remove_task(request.principal, task=task)
    return _removed_answer(request, task.version_of, removed, _("“%(title)s” removed.") % {"title": task.title})


def _removed(request, version):
    kept = request.session.get(UNDO, {})
    return kept.get("rows") if kept.get("version") == version.pk else None


def _removed_answer(request, version, removed, text):
    """The last removal is kept in the session until the next; its undo is POSTed."""
    request.session[UNDO] = {"version": version.pk, "rows": removed}
    undo = reverse("onboarding:version_undo", args=[version.pk])
    if not is_fragment(request):
        messages.success(request, text, extra_tags=f"undo:{undo}")
        return _after(request, version)
    return toast(_after(request, version), text, undo_url=undo)


@require_POST
def undo(request, pk):
    found = load_to_edit(request, pk)
    rows = _removed(request, found)
    try:
        if rows:
            put_back(request.principal, version=found, removed=rows)
            del request.session[UNDO]
            messages.success(request, _("Restored."))
        else:
            messages.info(request, _("Nothing to undo."))
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("onboarding:version", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request, pk):
    """GET shows what would change, POST publishes."""
    found = load_to_edit(request, pk)
    refused, status = "", 200
    if request.method == "POST":
        try:
            seen = SeenForm(request.POST).seen_version()
            done = publish_version(request.principal, version=found, now=timezone.now(), seen_version=seen)
            messages.success(
                request, _("Version %(number)s is published. New plans start from it.") % {"number": done.number}
            )
            return redirect("onboarding:version", pk)
        except ServiceError as error:
            refused, status = error.message, 409 if isinstance(error, StaleWrite) or error.code == "frozen" else 422
    return render(
        request,
        "onboarding/publish.html",
        _comparison(request, load(request, pk)) | {"refused": refused},
        status=status,
    )


@require_GET
def compare(request, pk):
    return render(request, "onboarding/compare.html", _comparison(request, load(request, pk)))


def _comparison(request, found):
    previous = queries.previous_version(found)
    tasks = queries.version_rows(found)[1]
    return {
        "version": found,
        "template": found.template,
        "previous": previous,
        "changes": queries.differences(previous, found),
        "running": queries.running_on(request.principal, previous) if previous else 0,
        "task_count": len(tasks),
        "client_count": sum(task.is_client_visible for task in tasks),
        "sketch": queries.sketch(tasks, queries.next_monday(firm_today(timezone.now()))),
    }


@require_GET
def preview(request, pk):
    """What the client would see of a plan: visible tasks, their dates and assignees."""
    found = load(request, pk)
    phases, tasks = queries.version_rows(found)
    sketch = queries.sketch(tasks, _kickoff(request, firm_today(timezone.now())))
    for task in tasks:
        task.due = sketch.dates.get(task.pk)
    shown = [
        (phase, [task for task in tasks if task.phase_id == phase.pk and task.is_client_visible]) for phase in phases
    ]
    context = {
        "version": found,
        "template": found.template,
        "phases": [(phase, rows) for phase, rows in shown if rows],
        "hidden": sum(not task.is_client_visible for task in tasks),
        "sketch": sketch,
    }
    return render(request, "onboarding/preview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def discard(request, pk):
    """Discarding a draft cannot be undone, so it asks first."""
    found = load_to_edit(request, pk)
    refused = ""
    if request.method == "POST":
        try:
            template = discard_draft(request.principal, version=found)
            messages.success(request, _("Draft of version %(number)s discarded.") % {"number": found.number})
            return redirect("onboarding:template", template.pk)
        except ServiceError as error:
            refused = error.message
    return render(
        request,
        "onboarding/discard.html",
        {"version": found, "template": found.template, "refused": refused},
        status=422 if refused else 200,
    )
