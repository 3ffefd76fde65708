"""Editing a template's draft: phases and tasks, their order, and undoing a removal."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from onboarding.choices import OwnerSide
from onboarding.models import TemplatePhase, TemplateTask, TemplateVersion
from onboarding.permissions import may_edit_templates
from onboarding.services.templates import TASK_FIELDS, check_no_cycle, lock_draft, new_key

MAX_DAYS = 730


@service(may=may_edit_templates)
def add_phase(principal: Principal, *, version: TemplateVersion, name: str) -> TemplatePhase:
    """Add a phase at the end of the draft."""
    version = lock_draft(version)
    phase = TemplatePhase.objects.create(
        version_of=version, key=new_key(), name=_named(name, "name"), position=version.phases.count()
    )
    _touch(version)
    return phase


@service(may=may_edit_templates)
def rename_phase(principal: Principal, *, phase: TemplatePhase, name: str) -> TemplatePhase:
    version = lock_draft(phase.version_of)
    phase.name = _named(name, "name")
    phase.save(update_fields=["name"])
    _touch(version)
    return phase


@service(may=may_edit_templates)
def move_phase(principal: Principal, *, phase: TemplatePhase, position: int) -> TemplatePhase:
    """Move the phase to a position, counted from 0; the others shift."""
    version = lock_draft(phase.version_of)
    _place(list(version.phases.exclude(pk=phase.pk)), phase, position)
    _touch(version)
    phase.refresh_from_db()
    return phase


@service(may=may_edit_templates)
def remove_phase(principal: Principal, *, phase: TemplatePhase) -> dict[str, Any]:
    """Remove the phase with its tasks. Returns the argument of `put_back`; tasks counted from removed ones now count
    from kickoff.
    """
    version = lock_draft(phase.version_of)
    tasks = list(phase.tasks.all())
    removed = {"phase": {"key": phase.key, "name": phase.name, "position": phase.position}, **_snapshot(tasks)}
    TemplateTask.objects.filter(after__in=tasks).update(after=None)
    phase.delete()
    _close_up(version)
    _touch(version)
    return removed


@service(may=may_edit_templates)
def add_task(
    principal: Principal, *, phase: TemplatePhase, title: str, after: TemplateTask | None = None, **fields
) -> TemplateTask:
    """Add a task at the end of a phase of a draft. `fields`: those of TASK_FIELDS; `after`: the task it is counted
    from.
    """
    version = lock_draft(phase.version_of)
    task = TemplateTask(
        version_of=version, phase=phase, key=new_key(), after=after, position=phase.tasks.count(), **_known(fields)
    )
    task.title = _named(title, "title")
    _check_task(version, task)
    task.save()
    _touch(version)
    return task


@service(may=may_edit_templates)
def update_task(principal: Principal, *, task: TemplateTask, seen_version: int | None = None, **fields) -> TemplateTask:
    """Change a task of a draft. `fields`: those of TASK_FIELDS and `after`. Raises ServiceError, StaleWrite."""
    version = lock_draft(task.version_of)
    task = TemplateTask.objects.select_for_update().get(pk=task.pk)
    if "after" in fields:
        task.after = fields.pop("after")
    for name, value in _known(fields).items():
        setattr(task, name, value)
    task.title = _named(task.title, "title")
    _check_task(version, task)
    save_version(task, fields=[*TASK_FIELDS, "after"], seen=seen_version)
    _touch(version)
    return task


@service(may=may_edit_templates)
def move_task(
    principal: Principal, *, task: TemplateTask, position: int, phase: TemplatePhase | None = None
) -> TemplateTask:
    """Move the task to a position (from 0) in its phase, or in another phase of the same draft."""
    version = lock_draft(task.version_of)
    target = phase or task.phase
    if target.version_of_id != version.pk:
        raise ServiceError(_("This phase belongs to another version."), field="phase")
    TemplateTask.objects.filter(pk=task.pk).update(phase=target)
    task.refresh_from_db()
    _place(list(TemplateTask.objects.filter(phase=target).exclude(pk=task.pk)), task, position)
    _close_up(version)
    _touch(version)
    task.refresh_from_db()
    return task


@service(may=may_edit_templates)
def remove_task(principal: Principal, *, task: TemplateTask) -> dict[str, Any]:
    """Remove a task. Returns the argument of `put_back`; tasks counted from it count from kickoff until it is
    restored.
    """
    version = lock_draft(task.version_of)
    removed = _snapshot([task])
    TemplateTask.objects.filter(after=task).update(after=None)
    task.delete()
    _close_up(version)
    _touch(version)
    return removed


@service(may=may_edit_templates)
def put_back(principal: Principal, *, version: TemplateVersion, removed: Mapping[str, Any]) -> TemplateVersion:
    """Undo `remove_phase` or `remove_task`: restores rows, keys, positions and the tasks counted from them.

    Raises ServiceError if the phase of a removed task is gone.
    """
    version = lock_draft(version)
    if phase := removed.get("phase"):
        version.phases.filter(position__gte=phase["position"]).update(position=F("position") + 1)
        TemplatePhase.objects.get_or_create(
            version_of=version, key=phase["key"], defaults={"name": phase["name"], "position": phase["position"]}
        )
    phases = {row.key: row for row in version.phases.all()}
    for values in removed["tasks"]:
        if values["phase"] not in phases:
            raise ServiceError(_("Its phase has been removed."))
        home = phases[values["phase"]]
        home.tasks.filter(position__gte=values["position"]).update(position=F("position") + 1)
        defaults = {name: values[name] for name in TASK_FIELDS}
        TemplateTask.objects.get_or_create(version_of=version, key=values["key"], defaults={**defaults, "phase": home})
    tasks = {task.key: task for task in version.tasks.all()}
    for key, after in removed["after"].items():
        if key in tasks and after in tasks and tasks[key].after_id is None:
            TemplateTask.objects.filter(pk=tasks[key].pk).update(after=tasks[after])
    check_no_cycle(version.tasks.all())
    _touch(version)
    return version


def _snapshot(tasks):
    rows = [
        {**{name: getattr(task, name) for name in TASK_FIELDS}, "key": task.key, "phase": task.phase.key}
        for task in tasks
    ]
    counted = [*tasks, *TemplateTask.objects.filter(after__in=tasks).select_related("after")]
    return {"tasks": rows, "after": {task.key: task.after.key for task in counted if task.after}}


def _check_task(version, task):
    if task.phase.version_of_id != version.pk:
        raise ServiceError(_("This phase belongs to another version."), field="phase")
    if task.after_id:
        if task.after.version_of_id != version.pk:
            raise ServiceError(_("This task belongs to another version."), field="after")
        others = [row for row in version.tasks.all() if row.pk != task.pk]
        if task.pk:
            check_no_cycle([*others, task])
    if not 0 <= task.offset_days <= MAX_DAYS:
        raise ServiceError(_("Enter 0 to %(most)s working days.") % {"most": MAX_DAYS}, field="offset_days")
    if task.owner_side == OwnerSide.CLIENT and not task.is_client_visible:
        task.is_client_visible = True  # the client sees their own tasks


def _known(fields):
    if unknown := set(fields) - set(TASK_FIELDS):
        raise TypeError(f"no such fields of a task: {', '.join(sorted(unknown))}")
    return fields


def _named(text, field):
    text = " ".join(text.split())
    if not text:
        raise ServiceError(_("Enter a name."), field=field)
    return text


def _place(others, row, position):
    others.insert(max(0, min(position, len(others))), row)
    _number(others)


def _close_up(version):
    _number(list(version.phases.all()))
    for phase in version.phases.prefetch_related("tasks"):
        _number(sorted(phase.tasks.all(), key=lambda task: (task.position, task.pk)))


def _number(rows):
    for position, row in enumerate(rows):
        if row.position != position:
            type(row).objects.filter(pk=row.pk).update(position=position)
            row.position = position


def _touch(version):
    """Count the draft's version up: publishing checks the version that was seen."""
    save_version(version, fields=[], seen=None)
