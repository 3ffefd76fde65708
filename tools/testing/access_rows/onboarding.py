"""Templates are for admins; plans and tasks are visible like their client, and everyone who sees it may work on
them.
"""

from datetime import UTC, date, datetime

from tools.testing.access import ADMINS, EVERYONE, Row, of_board, of_list

KICKOFF = date(2026, 11, 2)


def build(scene):
    template = scene.model("onboarding.Template").objects.create(name="Payroll")
    published = _version(scene, template, 1)
    _fill(scene, published)
    version = scene.model("onboarding.TemplateVersion").objects
    version.filter(pk=published.pk).update(state="published", published_at=datetime(2026, 11, 1, tzinfo=UTC))
    published.refresh_from_db()
    draft = _version(scene, template, 2)
    phase, task = _fill(scene, draft)
    scene.rows["ob_template"], scene.rows["ob_version"] = {"any": template}, {"any": published}
    scene.rows["ob_draft"], scene.rows["ob_phase"], scene.rows["ob_template_task"] = (
        {"any": draft},
        {"any": phase},
        {"any": task},
    )
    plans = {kind: _plan(scene, client, published) for kind, client in scene.clients.items()}
    scene.rows["ob_plan"] = {kind: plan for kind, (plan, _task) in plans.items()}
    scene.rows["ob_task"] = {kind: task for kind, (_plan, task) in plans.items()}


def _version(scene, template, number):
    return scene.model("onboarding.TemplateVersion").objects.create(template=template, number=number)


def _fill(scene, version):
    phase = scene.model("onboarding.TemplatePhase").objects.create(version_of=version, key="agree", name="Agree")
    return phase, scene.model("onboarding.TemplateTask").objects.create(
        version_of=version, phase=phase, key="kickoff", title="Kickoff"
    )


def _plan(scene, client, version):
    plan = scene.model("onboarding.Plan").objects.create(
        client=client,
        template_version=version,
        name="Payroll",
        state="active",
        owner=client.owner,
        kickoff_date=KICKOFF,
        task_count=1,
    )
    phase = scene.model("onboarding.PlanPhase").objects.create(plan=plan, key="agree", name="Agree")
    task = scene.model("onboarding.Task").objects.create(
        plan=plan, phase=phase, key="kickoff", title="Kickoff", due_date=KICKOFF
    )
    return plan, task


ADMINS_SEE = {"any": ("admin",)}


def admins_row(name, about, **values):
    """An address of the builder: the others do not see a draft."""
    return Row(f"onboarding:{name}", about=about, seen_by=ADMINS_SEE, **values)


def of_kept(who, kind):
    """Everyone who sees it, unless the client is archived."""
    return who in EVERYONE and kind != "archived"


ROWS = [
    *of_list("onboarding:plans", "export"),
    *of_list("onboarding:tasks", "export", "select"),
    *of_board("onboarding:tasks", "ob_task", "open", seen_by={"archived": ()}),
    Row("onboarding:choose_client", get=EVERYONE),
    Row("onboarding:plan", get=EVERYONE, about="ob_plan"),
    Row("onboarding:plan_edit", get=EVERYONE, post=EVERYONE, about="ob_plan", shuts_archived=True),
    Row("onboarding:plan_history", get=EVERYONE, about="ob_plan"),
    Row(
        "onboarding:plan_move",
        get=EVERYONE,
        post=EVERYONE,
        about="ob_plan",
        also={"move": "cancel"},
        shuts_archived=True,
    ),
    Row("onboarding:task", get=EVERYONE, about="ob_task"),
    Row("onboarding:task_move", post=EVERYONE, about="ob_task", also={"move": "finish"}, shuts_archived=True),
    Row("onboarding:task_assign", post=EVERYONE, about="ob_task", shuts_archived=True),
    Row(
        "onboarding:task_due",
        get=EVERYONE,
        post=EVERYONE,
        about="ob_task",
        data={"due_date": "2026-12-01"},
        shuts_archived=True,
    ),
    Row("onboarding:task_comment", post=EVERYONE, about="ob_task", data={"text": "Seen."}, shuts_archived=True),
    Row("onboarding:client", get=EVERYONE, about="client", arg="client_id"),
    Row("onboarding:start", get=EVERYONE, post=EVERYONE, about="client", arg="client_id", shuts_archived=True),
    Row("onboarding:templates", get=EVERYONE),
    Row("onboarding:template_create", get=ADMINS, post=ADMINS),
    Row("onboarding:template", get=EVERYONE, about="ob_template"),
    Row("onboarding:template_edit", get=ADMINS, post=ADMINS, about="ob_template"),
    Row("onboarding:template_draft", post=ADMINS, about="ob_template"),
    Row("onboarding:template_archive", post=ADMINS, about="ob_template"),
    Row("onboarding:template_restore", post=ADMINS, about="ob_template"),
    Row("onboarding:template_duplicate", post=ADMINS, about="ob_template"),
    Row("onboarding:version", get=EVERYONE, about="ob_version"),
    Row("onboarding:version_compare", get=EVERYONE, about="ob_version"),
    Row("onboarding:version_preview", get=EVERYONE, about="ob_version"),
    admins_row("version_publish", "ob_draft", get=ADMINS, post=ADMINS),
    admins_row("version_discard", "ob_draft", get=ADMINS, post=ADMINS),
    admins_row("version_undo", "ob_draft", post=ADMINS),
    admins_row("phase_add", "ob_draft", post=ADMINS, data={"name": "Set up"}),
    admins_row("phase_rename", "ob_phase", get=ADMINS, post=ADMINS, data={"name": "Start"}),
    admins_row("phase_move", "ob_phase", post=ADMINS, data={"where": "up"}),
    admins_row("phase_remove", "ob_phase", post=ADMINS),
    admins_row("task_add", "ob_phase", post=ADMINS, data={"name": "Letter"}),
    admins_row("task_order", "ob_phase", post=ADMINS, data=lambda scene, kind: _order(scene)),
    admins_row("template_task", "ob_template_task", get=ADMINS, post=ADMINS),
    admins_row("template_task_move", "ob_template_task", post=ADMINS, data={"where": "up"}),
    admins_row("template_task_remove", "ob_template_task", post=ADMINS),
    Row("api:onboarding-templates-list", get=EVERYONE),
    Row("api:onboarding-templates-detail", get=EVERYONE, about="ob_template"),
    Row("api:onboarding-templates-versions", get=EVERYONE, about="ob_template"),
    Row("api:onboarding-plans-list", get=EVERYONE, post=EVERYONE),
    Row("api:onboarding-plans-detail", get=EVERYONE, patch=of_kept, about="ob_plan", data={"name": "New"}),
    *(
        Row(f"api:onboarding-plans-{move}", post=EVERYONE, about="ob_plan", shuts_archived=True)
        for move in ("begin", "activate", "pause", "resume", "cancel", "finish", "reopen")
    ),
    Row("api:onboarding-tasks-list", get=EVERYONE),
    Row("api:onboarding-tasks-detail", get=EVERYONE, patch=of_kept, about="ob_task", data={"due_date": "2026-12-01"}),
    Row("api:onboarding-tasks-finish", post=EVERYONE, about="ob_task", shuts_archived=True),
]


def _order(scene):
    pk = scene.rows["ob_template_task"]["any"].pk
    return {"ids": [pk], "moved": pk}
