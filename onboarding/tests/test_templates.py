"""Versions: a draft is edited, a published one never changes, editing makes the next."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from onboarding.models import Template, TemplatePhase, TemplateTask, TemplateVersion
from onboarding.services.drafts import (
    add_phase,
    add_task,
    move_phase,
    move_task,
    put_back,
    remove_phase,
    remove_task,
    update_task,
)
from onboarding.services.templates import (
    create_template,
    discard_draft,
    duplicate_template,
    edit_version,
    publish_version,
    remove_demo_templates,
)
from tools.testing.factories.onboarding import at, make_template

NOW = at(date(2026, 11, 5))


def titles(version):
    return list(version.tasks.values_list("title", flat=True))


def test_editing_a_published_version_makes_the_next_with_the_same_keys(admin, payroll):
    draft = edit_version(acting(admin), template=payroll.template)
    assert (draft.number, draft.is_draft) == (2, True)
    assert titles(draft) == titles(payroll)
    assert list(draft.tasks.values_list("key", "after__key")) == list(payroll.tasks.values_list("key", "after__key"))
    assert set(draft.tasks.values_list("pk", flat=True)).isdisjoint(payroll.tasks.values_list("pk", flat=True))
    assert edit_version(acting(admin), template=payroll.template) == draft  # the draft that is there


def test_only_admins_edit(marta, admin, payroll):
    with pytest.raises(PermissionDenied):
        create_template(acting(marta), name="Mine")
    with pytest.raises(PermissionDenied):
        edit_version(acting(marta), template=payroll.template)


def test_published_is_frozen_by_the_service(admin, payroll):
    task, phase = payroll.tasks.first(), payroll.phases.first()
    for change in (
        lambda: update_task(acting(admin), task=task, title="Other"),
        lambda: remove_task(acting(admin), task=task),
        lambda: move_task(acting(admin), task=task, position=2),
        lambda: add_task(acting(admin), phase=phase, title="New"),
        lambda: add_phase(acting(admin), version=payroll, name="New"),
        lambda: remove_phase(acting(admin), phase=phase),
        lambda: publish_version(acting(admin), version=payroll, now=NOW),
    ):
        with pytest.raises(ServiceError) as caught:
            change()
        assert caught.value.code == "frozen"


def test_published_is_frozen_by_the_database(admin, payroll):
    draft = edit_version(acting(admin), template=payroll.template)
    changes = (
        lambda: payroll.tasks.update(title="Other"),
        lambda: payroll.tasks.update(version_of=draft),
        lambda: draft.tasks.update(version_of=payroll),
        lambda: TemplateTask.objects.filter(version_of=payroll).delete(),
        lambda: payroll.phases.update(name="Other"),
        lambda: TemplatePhase.objects.create(version_of=payroll, key="new", name="New"),
        lambda: TemplateVersion.objects.filter(pk=payroll.pk).update(state="draft"),
        lambda: TemplateVersion.objects.filter(pk=payroll.pk).update(number=99),
        lambda: payroll.template.delete(),
    )
    for change in changes:
        with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
            change()


def test_publishing_needs_a_phase_and_a_task(admin):
    version = create_template(acting(admin), name="Empty").versions.get()
    for step in (lambda: None, lambda: add_phase(acting(admin), version=version, name="Agree")):
        step()
        with pytest.raises(ServiceError) as caught:
            publish_version(acting(admin), version=version, now=NOW)
        assert caught.value.code == "empty"
    add_task(acting(admin), phase=version.phases.get(), title="Kickoff")
    assert publish_version(acting(admin), version=version, now=NOW).published_by == admin


def test_circle_is_refused_when_made_and_when_published(admin):
    version = make_template(admin=admin)
    letter, access = (
        version.tasks.get(title="Engagement letter signed"),
        version.tasks.get(title="Access to accounting system"),
    )
    with pytest.raises(ServiceError) as caught:
        update_task(acting(admin), task=letter, after=access)
    assert (caught.value.code, caught.value.field) == ("cycle", "after")
    TemplateTask.objects.filter(pk=letter.pk).update(after=access)  # past the service
    with pytest.raises(ServiceError, match="depend on each other"):
        publish_version(acting(admin), version=version, now=NOW)


def test_task_of_another_version_cannot_be_counted_from(admin, payroll):
    draft = edit_version(acting(admin), template=payroll.template)
    with pytest.raises(ServiceError) as caught:
        update_task(acting(admin), task=draft.tasks.first(), after=payroll.tasks.last())
    assert caught.value.field == "after"


def test_tasks_move_within_and_between_phases(admin):
    version = make_template(admin=admin)
    agree, setup, _ = version.phases.all()
    move_task(acting(admin), task=version.tasks.get(title="Conflict check"), position=0)
    move_task(acting(admin), task=version.tasks.get(title="Kickoff meeting"), phase=setup, position=1)
    assert [t.title for t in agree.tasks.all()] == ["Conflict check", "Engagement letter signed"]
    assert [t.title for t in setup.tasks.all()][:2] == ["Access to accounting system", "Kickoff meeting"]
    for phase in (agree, setup):
        assert [t.position for t in phase.tasks.all()] == list(range(phase.tasks.count()))
    move_phase(acting(admin), phase=setup, position=0)
    assert [p.name for p in version.phases.all()] == ["Set up", "Agree", "First run"]


def test_removed_task_and_phase_can_be_put_back(admin):
    version = make_template(admin=admin)
    before = list(version.tasks.values_list("key", "title", "position", "phase__key", "after__key", "instructions"))
    removed = remove_task(acting(admin), task=version.tasks.get(title="Access to accounting system"))
    assert version.tasks.get(title="Chart of accounts mapped").after is None
    put_back(acting(admin), version=version, removed=removed)
    assert (
        list(version.tasks.values_list("key", "title", "position", "phase__key", "after__key", "instructions"))
        == before
    )
    removed = remove_phase(acting(admin), phase=version.phases.get(name="Set up"))
    assert version.tasks.count() == 5 and version.phases.count() == 2
    put_back(acting(admin), version=version, removed=removed)
    assert (
        list(version.tasks.values_list("key", "title", "position", "phase__key", "after__key", "instructions"))
        == before
    )


def test_second_editor_of_a_task_is_told(admin):
    task = make_template(admin=admin).tasks.first()
    update_task(acting(admin), task=task, title="First", seen_version=1)
    with pytest.raises(StaleWrite):
        update_task(acting(admin), task=task, title="Second", seen_version=1)
    task.refresh_from_db()
    assert task.title == "First"


def test_what_the_client_does_the_client_sees(admin):
    version = make_template(admin=admin)
    assert not version.tasks.filter(owner_side="client", is_client_visible=False).exists()


def test_names_are_unique_and_copies_get_their_own(admin, payroll):
    with pytest.raises(ServiceError) as caught:
        create_template(acting(admin), name="PAYROLL client")
    assert caught.value.field == "name"
    copies = [duplicate_template(acting(admin), template=payroll.template) for _ in range(2)]
    assert [copy.name for copy in copies] == ["Payroll client (copy)", "Payroll client (copy 2)"]
    assert titles(copies[0].versions.get()) == titles(payroll) and copies[0].versions.get().is_draft


def test_the_demonstrations_templates_can_be_removed_when_unused(admin, payroll, plan):
    Template.objects.filter(pk=payroll.template_id).update(is_demo=True)
    assert remove_demo_templates(acting(admin)) == 0
    plan.delete()
    assert remove_demo_templates(acting(admin)) == 1
    assert not TemplateTask.objects.exists()


def test_draft_can_be_thrown_away_but_not_the_only_version(admin, payroll):
    draft = edit_version(acting(admin), template=payroll.template)
    discard_draft(acting(admin), version=draft)
    assert [v.number for v in payroll.template.versions.all()] == [1]
    lonely = create_template(acting(admin), name="Lonely").versions.get()
    with pytest.raises(ServiceError):
        discard_draft(acting(admin), version=lonely)
