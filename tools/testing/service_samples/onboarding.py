from datetime import date

from crm.core.base.principals import acting
from onboarding.services.drafts import remove_task
from tools.testing.samples import TODAY, by_admin, declare

declare(
    "onboarding.services.drafts",
    add_phase=by_admin(lambda own: {"version": own("ob_draft"), "name": "Set up"}),
    rename_phase=by_admin(lambda own: {"phase": own("ob_phase"), "name": "Set up"}),
    move_phase=by_admin(lambda own: {"phase": _second_phase(own), "position": 0}),
    remove_phase=by_admin(lambda own: {"phase": _second_phase(own)}),
    add_task=by_admin(lambda own: {"phase": own("ob_phase"), "title": "Letter"}),
    update_task=by_admin(lambda own: {"task": own("ob_template_task"), "title": "Letter"}),
    move_task=by_admin(lambda own: {"task": own("ob_template_task"), "position": 0, "phase": _second_phase(own)}),
    remove_task=by_admin(lambda own: {"task": own("ob_template_task")}),
    put_back=by_admin(lambda own: _removed_task(own)),
)


def _second_phase(own):
    return own.make("onboarding.TemplatePhase", version_of=own("ob_draft"), key="second", name="Second", position=1)


def _removed_task(own):
    return {"version": own("ob_draft"), "removed": remove_task(acting(own.user("admin")), task=own("ob_template_task"))}


def _plan(state):
    return lambda own: {"plan": own.changed("ob_plan", state=state), "now": own.now}


declare(
    "onboarding.services.plans",
    start_plan=lambda own: {
        "client": own("client"),
        "version": own("ob_version"),
        "kickoff_date": TODAY,
        "today": TODAY,
        "now": own.now,
    },
    update_plan=lambda own: {"plan": own("ob_plan"), "now": own.now, "name": "Payroll, again"},
    begin_plan=_plan("draft"),
    activate_plan=_plan("pending"),
    pause_plan=_plan("active"),
    resume_plan=_plan("paused"),
    cancel_plan=_plan("active"),
    finish_plan=lambda own: own.changed("ob_task", is_mandatory=False) and _plan("active")(own),
    reopen_plan=lambda own: {"plan": own.changed("ob_plan", state="done", ended_at=own.now), "now": own.now},
)


def _task(own, **values):
    return {"task": own("ob_task"), "now": own.now} | values


declare(
    "onboarding.services.tasks",
    assign_task=lambda own: _task(own, assignee=own.user("mate")),
    block_task=lambda own: _task(own, reason="The bank"),
    change_due=lambda own: _task(own, due_date=date(2026, 12, 1)),
    take_back_due=lambda own: _task(own, shifts={own("ob_task").pk: (TODAY, own("ob_task").due_date)}, was_fixed=False),
    comment_task=lambda own: {"task": own("ob_task"), "text": "Seen."},
    finish_task=_task,
    skip_task=lambda own: _task(own, reason="They have it"),
    reopen_task=lambda own: {
        "task": own.changed("ob_task", state="done", done_at=own.now, done_by=own.user("owner")),
        "now": own.now,
    },
)
declare(
    "onboarding.services.templates",
    create_template=by_admin(lambda own: {"name": "Audit"}),
    update_template=by_admin(lambda own: {"template": own("ob_template"), "name": "Audit"}),
    duplicate_template=by_admin(lambda own: {"template": own("ob_template")}),
    archive_template=by_admin(lambda own: {"template": own("ob_template"), "now": own.now}),
    restore_template=by_admin(lambda own: {"template": own.changed("ob_template", archived_at=own.now)}),
    edit_version=by_admin(lambda own: {"template": _without_draft(own)}),
    publish_version=by_admin(lambda own: {"version": own("ob_draft"), "now": own.now}),
    discard_draft=by_admin(lambda own: {"version": own("ob_draft")}),
    remove_demo_templates=by_admin(lambda own: own.make("onboarding.Template", name="Demo", is_demo=True) and {}),
)


def _without_draft(own):
    own("ob_draft").delete()
    return own("ob_template")
