"""Three published templates and eight plans in various states."""

from datetime import timedelta

from clients.contacts.models import Contact
from crm.core.base.principals import acting
from crm.core.users.models import User
from onboarding.models import Plan, Task, TemplateVersion
from onboarding.services.drafts import add_phase, add_task, remove_phase
from onboarding.services.plans import activate_plan, cancel_plan, finish_plan, pause_plan, start_plan
from onboarding.services.tasks import assign_task, block_task, comment_task, finish_task
from onboarding.services.templates import create_template, edit_version, publish_version
from tools.demo import words

# client → (template, kickoff in days from today, tasks done, what then)
PLANS = (
    ("Brightwater Clinic", "Payroll client", -9, 4, ""),
    ("Summit Outdoor", "Payroll client", -30, 3, "blocked"),
    ("Atlas Mobility", "Bookkeeping takeover", -12, 3, ""),
    ("Nimbus Analytics", "Payroll client", 6, 0, ""),
    ("Deccan Textiles", "Audit client", -250, 99, "done"),
    ("Harbour Street Dental", "Payroll client", -400, 99, "done"),
    ("Granite Peak Insurance", "Audit client", -40, 3, "paused"),
    ("Stellar Events", "Bookkeeping takeover", -120, 1, "cancelled"),
)


def make(stage) -> None:
    versions = {name: _template(stage, name, spec) for name, spec in words.TEMPLATES.items()}
    for name, template, kickoff, done, then in PLANS:
        _plan(stage, stage.clients[name], versions[template], kickoff, done, then)


def _template(stage, name: str, spec) -> TemplateVersion:
    admin: User = stage.users["ines"]
    template = create_template(acting(admin), name=name, description=spec["description"], is_demo=True)
    version = edit_version(acting(admin), template=template)
    made = {}
    for phase in list(version.phases.all()):
        remove_phase(acting(admin), phase=phase)
    for phase_name, tasks in spec["phases"]:
        phase = add_phase(acting(admin), version=version, name=phase_name)
        for task in tasks:
            made[task.title] = add_task(
                acting(admin),
                phase=phase,
                title=task.title,
                after=made.get(task.after),
                owner_side=task.side,
                owner_role=task.role,
                offset_days=task.days,
                is_mandatory=task.is_mandatory,
                is_client_visible=task.is_client_visible,
                instructions=task.instructions,
            )
    version.refresh_from_db()
    return publish_version(acting(admin), version=version, now=stage.now - timedelta(days=410))


def _plan(stage, client, version, kickoff_days: int, done: int, then: str) -> Plan:
    owner = client.owner
    kickoff = stage.calendar.on_or_after(stage.today + timedelta(days=kickoff_days))
    started = stage.office_hour(kickoff - timedelta(days=2), client.time_zone)
    plan = start_plan(
        acting(owner),
        client=client,
        version=version,
        kickoff_date=kickoff,
        owner=owner,
        today=started.date(),
        now=started,
        is_demo=True,
    )
    if kickoff <= stage.today and plan.state != "active":
        plan = activate_plan(acting(owner), plan=plan, now=stage.office_hour(kickoff, client.time_zone))
    tasks = list(Task.objects.filter(plan=plan).order_by("due_date", "phase__position", "position"))
    for task in tasks[:done]:
        at = stage.office_hour(min(task.due_date or kickoff, stage.today), client.time_zone)
        finish_task(acting(owner), task=task, now=at)
    _then(stage, plan, owner, tasks, done, then)
    return plan


def _then(stage, plan, owner, tasks, done, then) -> None:
    plan.refresh_from_db()
    if then == "done" and plan.state == "active":
        at = stage.office_hour(max(task.due_date for task in tasks if task.due_date), plan.client.time_zone)
        finish_plan(acting(owner), plan=plan, now=at)
    elif then == "paused":
        pause_plan(acting(owner), plan=plan, now=stage.now - timedelta(days=6))
    elif then == "cancelled":
        cancel_plan(acting(owner), plan=plan, now=stage.now - timedelta(days=100))
    elif then == "blocked":
        block_task(
            acting(owner),
            task=tasks[done],
            reason="Waits for their IT: nobody named yet",
            now=stage.now - timedelta(days=9),
        )
        comment_task(acting(owner), task=tasks[done], text="Asked Luis again on the phone; he looks for somebody.")
    if then == "":
        contact = Contact.objects.filter(affiliations__client=plan.client).last()
        open_task = next((task for task in tasks[done:] if task.owner_side == "client"), None)
        if open_task and contact:
            assign_task(acting(owner), task=open_task, contact=contact, now=stage.now)
