"""Templates and their versions: a draft is edited, a published version never changes, editing it creates the next
draft.
"""

from datetime import datetime
from uuid import uuid4

import pgtrigger
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from onboarding import schedule
from onboarding.choices import VERSION, VersionState
from onboarding.models import Template, TemplatePhase, TemplateTask, TemplateVersion
from onboarding.permissions import may_edit_templates

TASK_FIELDS = (
    "title",
    "position",
    "owner_side",
    "owner_role",
    "offset_days",
    "is_mandatory",
    "is_client_visible",
    "evidence",
    "done_when",
    "instructions",
)


def new_key() -> str:
    """Names a phase or task through all versions that have it."""
    return uuid4().hex[:12]


@service(may=may_edit_templates)
def create_template(principal: Principal, *, name: str, description: str = "", is_demo: bool = False) -> Template:
    """Create a template with an empty first version, a draft. Raises ServiceError if the name is taken."""
    name = name.strip()
    if not name:
        raise ServiceError(_("Enter a template name."), field="name")
    template = Template(name=name, description=description, is_demo=is_demo)
    _save_named(template)
    TemplateVersion.objects.create(template=template, number=1)
    return template


@service(may=may_edit_templates)
def update_template(principal: Principal, *, template: Template, seen_version: int | None = None, **fields) -> Template:
    """Change name or description. Raises ServiceError when the name is taken, StaleWrite."""
    template = Template.objects.select_for_update().get(pk=template.pk)
    for name in ("name", "description"):
        if name in fields:
            setattr(template, name, fields[name].strip())
    if not template.name:
        raise ServiceError(_("Enter a template name."), field="name")
    with _name_is_free():
        save_version(template, fields=["name", "description"], seen=seen_version)
    return template


@service(may=may_edit_templates)
def archive_template(principal: Principal, *, template: Template, now: datetime) -> Template:
    """Archive a template: no new plan starts from it; running plans continue."""
    return set_archived(template, at=now)[0]


@service(may=may_edit_templates)
def restore_template(principal: Principal, *, template: Template) -> Template:
    return set_archived(template, at=None)[0]


@service(may=may_edit_templates)
def duplicate_template(principal: Principal, *, template: Template, name: str = "") -> Template:
    """A new template whose first draft is a copy of the newest version (its draft, if there is one)."""
    newest = template.versions.first()
    copy = Template(name=name.strip() or _free_name(template.name), description=template.description)
    _save_named(copy)
    version = TemplateVersion.objects.create(template=copy, number=1)
    if newest:
        copy_rows(newest, version)
    return copy


@service(may=may_edit_templates)
def remove_demo_templates(principal: Principal) -> int:
    """Delete the demo templates that no plan uses any more. Returns how many. The only exception to the freeze."""
    unused = Template.objects.filter(is_demo=True).exclude(versions__plans__isnull=False)
    with pgtrigger.ignore(
        "onboarding.TemplateVersion:stays_published",
        "onboarding.TemplatePhase:frozen_when_published",
        "onboarding.TemplateTask:frozen_when_published",
    ):
        return sum(template.delete()[1]["onboarding.Template"] for template in unused)


@service(may=may_edit_templates)
def edit_version(principal: Principal, *, template: Template) -> TemplateVersion:
    """The template's draft. Without one, a copy of the newest version with the same keys is made."""
    Template.objects.select_for_update().get(pk=template.pk)
    newest = TemplateVersion.objects.filter(template=template).order_by("-number").first()
    if newest is not None and newest.is_draft:
        return newest
    draft = TemplateVersion.objects.create(template=template, number=newest.number + 1 if newest else 1)
    if newest is not None:
        copy_rows(newest, draft)
    return draft


@service(may=may_edit_templates)
def discard_draft(principal: Principal, *, version: TemplateVersion) -> Template:
    """Discard the draft; the published version before it stays the newest. Raises ServiceError if there is none."""
    version = lock_draft(version)
    if not TemplateVersion.objects.filter(template=version.template_id, state=VersionState.PUBLISHED).exists():
        raise ServiceError(_("This is the only version. Archive the template instead."))
    template = version.template
    version.delete()
    return template


@service(may=may_edit_templates)
def publish_version(
    principal: Principal, *, version: TemplateVersion, now: datetime, seen_version: int | None = None
) -> TemplateVersion:
    """Freeze the draft: plans start from it from now on, and nothing in it changes.

    Raises ServiceError unless there is a phase and a task, every task is counted from one of the same version, and
    there is no cycle.
    """
    version = lock_draft(version)
    with transition(version, to=VersionState.PUBLISHED, states=VERSION, seen=seen_version, is_locked=True):
        check_publishable(version)
        version.published_at, version.published_by = now, principal.user
    return version


def check_publishable(version: TemplateVersion) -> None:
    """Raises ServiceError naming what is missing."""
    tasks = list(version.tasks.all())
    phase_ids = set(version.phases.values_list("pk", flat=True))
    if not phase_ids or not tasks:
        raise ServiceError(
            _("A version needs at least one phase and one task before it can be published."), code="empty"
        )
    own = {task.pk for task in tasks}
    for task in tasks:
        if task.phase_id not in phase_ids or (task.after_id and task.after_id not in own):
            raise ServiceError(
                _("“%(task)s” refers to something outside this version.") % {"task": task.title}, code="foreign"
            )
    check_no_cycle(tasks)


def check_no_cycle(tasks) -> None:
    try:
        schedule.in_order(tasks)
    except schedule.Cycle as cycle:
        raise ServiceError(
            _("These tasks depend on each other in a circle: %(tasks)s. Count one of them from kickoff.")
            % {"tasks": " → ".join(cycle.titles)},
            field="after",
            code="cycle",
        ) from cycle


def lock_draft(version: TemplateVersion) -> TemplateVersion:
    """The version's row, locked. Raises ServiceError (code "frozen") when it is published."""
    version = TemplateVersion.objects.select_for_update().get(pk=version.pk)
    if not version.is_draft:
        raise ServiceError(
            _("Version %(number)s is published and cannot change. Edit it as the next version.")
            % {"number": version.number},
            code="frozen",
        )
    return version


def copy_rows(source: TemplateVersion, target: TemplateVersion) -> None:
    """Phases and tasks with their keys, into an empty version."""
    phases = {
        phase.pk: TemplatePhase.objects.create(
            version_of=target, key=phase.key, name=phase.name, position=phase.position
        )
        for phase in source.phases.all()
    }
    copies = {}
    originals = list(source.tasks.all())
    for task in originals:
        values = {name: getattr(task, name) for name in TASK_FIELDS}
        copies[task.pk] = TemplateTask.objects.create(
            version_of=target, phase=phases[task.phase_id], key=task.key, **values
        )
    for task in originals:
        if task.after_id:
            copies[task.pk].after = copies[task.after_id]
            copies[task.pk].save(update_fields=["after"])


def _save_named(template):
    with _name_is_free():
        template.save()


class _name_is_free:
    """Turns the database's error for a taken name into a message beside the field."""

    def __enter__(self):
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()

    def __exit__(self, kind, error, trace):
        self.savepoint.__exit__(kind, error, trace)
        if isinstance(error, IntegrityError) and "template_name_unique" in str(error):
            raise ServiceError(_("A template with this name already exists."), field="name", code="unique") from error


def _free_name(name):
    taken = {known.casefold() for known in Template.objects.values_list("name", flat=True)}
    for number in range(1, len(taken) + 2):
        suffix = _(" (copy)") if number == 1 else _(" (copy %(number)s)") % {"number": number}
        candidate = name[: 120 - len(suffix)] + suffix
        if candidate.casefold() not in taken:
            return candidate
    raise AssertionError("one of n+1 names is free")
