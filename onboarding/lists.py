"""The lists of plans, tasks and templates."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today
from crm.core.listing.groups import Group
from crm.core.listing.pages import Column, ListPage
from crm.core.listing.paging import Sort
from crm.core.listing.selection import NO_CHANGE, Action, actions, hand_over
from crm.core.notifications.services import tells_once
from crm.core.templatetags.ui import due
from onboarding.boards import CHANGE_DUE, MOVE, STATE, STATE_BOARD, mark, unless_changed
from onboarding.choices import TaskState
from onboarding.filters import PlanFilters, TaskFilters, TemplateFilters
from onboarding.models import Plan, Task, Template
from onboarding.permissions import may_edit_templates
from onboarding.queries.plans import selected_out_of_order, with_next_tasks
from onboarding.queries.templates import templates_with_counts
from onboarding.services.tasks import assign_task, finish_task, reopen_task

PLANS = ListPage(
    url_name="onboarding:plans",
    title=_("Onboarding"),
    template="onboarding/plans.html",
    rows=lambda principal: Plan.objects.visible_to(principal).kept(),
    select=lambda rows: rows.select_related("client", "owner"),
    decorate=lambda rows, listing: with_next_tasks(rows, firm_today(listing.now)) and None,
    filters=PlanFilters,
    defaults=lambda principal: {"state": "open"},
    remembers=False,
    bar=("state", "track", "owner", "team", "template"),
    search_label=_("Search plans by client or name"),
    search_hint=_("Search"),
    sorts={"forecast": Sort("forecast_date", nullable=True), "kickoff": "kickoff_date"},
    columns=(
        Column("client", _("Client"), lambda plan: plan.client.name),
        Column("plan", _("Plan"), lambda plan: plan.name, is_in_file_only=True),
        Column("state", _("State"), lambda plan: plan.get_state_display()),
        Column("progress", _("Progress"), lambda plan: f"{plan.done_count}/{plan.task_count}"),
        Column("next", _("Next task"), lambda plan: plan.next_task.title if plan.next_task else ""),
        Column("owner", _("Owner"), lambda plan: plan.owner.name),
        Column("kickoff", _("Kickoff"), lambda plan: plan.kickoff_date),
        Column("forecast", _("Forecast end"), lambda plan: plan.forecast_date),
    ),
    noun=lambda n, text: ngettext("%(n)s plan", "%(n)s plans", n) % {"n": text},
    file_name="onboarding-plans",
    more=lambda listing: {"today": firm_today(listing.now)},
)


def _give(principal, task, now, assignee, contact=None):
    seen = task.seen_version
    assign_task(principal, task=task, assignee=assignee, contact=contact, now=now, seen_version=seen, is_told=False)


def _told(n):
    words = ngettext("%%(who)s assigned %(n)d task to you", "%%(who)s assigned %(n)d tasks to you", n)
    return words % {"n": n}


def _finish(principal, task, values, now):
    if task.state == TaskState.DONE:
        raise ServiceError(str(NO_CHANGE))
    return mark(finish_task(principal, task=task, now=now, is_out_of_order=True))  # the question was asked before


def _reopen(principal, task, after, now):
    unless_changed(task, after)
    reopen_task(principal, task=task, now=now)


def _due_badges(tasks, listing):
    today = firm_today(listing.now)
    for task in tasks:
        task.due_badge = due(task.due_date, today, done=task.is_finished)


def _is_open(values):
    return values.get("show") != "done"


TASKS = ListPage(
    url_name="onboarding:tasks",
    title=_("Onboarding tasks"),
    template="onboarding/tasks.html",
    rows=lambda principal: Task.objects.visible_to(principal).kept(),
    select=lambda rows: rows.select_related("plan__client", "phase", "assignee", "contact"),
    filters=TaskFilters,
    segments=("whose", "show"),
    remembers=False,
    defaults=lambda principal: {"whose": "mine", "show": "open"},
    search_label=_("Search tasks by client or title"),
    search_hint=_("Search"),
    sorts={"due": Sort("due_date", nullable=True)},
    columns=(
        Column("title", _("Task"), lambda task: task.title, href=lambda task: f"/onboarding/tasks/{task.pk}/"),
        Column("client", _("Client"), lambda task: task.plan.client.name),
        Column("plan", _("Plan"), lambda task: task.plan.name),
        Column(
            "who",
            _("Assignee"),
            lambda task: (task.assignee or task.contact or "") and str(task.assignee or task.contact),
        ),
        Column("state", _("State"), lambda task: task.get_state_display()),
        Column("due", _("Due"), lambda task: task.due_date, cell=lambda task: task.due_badge, decorate=_due_badges),
    ),
    groups=(Group("assignee", _("Assignee"), "assignee", names="assignee__name"), STATE),
    boards=(STATE_BOARD,),
    card_columns=("client", "due", "who"),
    noun=lambda n, text: ngettext("%(n)s task", "%(n)s tasks", n) % {"n": text},
    size=50,
    file_name="onboarding-tasks",
    actions=(
        actions.register(
            Action(
                "tasks.finish",
                _("Mark as done"),
                Task,
                _finish,
                _reopen,
                "check2",
                question=selected_out_of_order,
                fits=_is_open,
            )
        ),
        hand_over(
            "tasks.assign",
            _("Assign"),
            Task,
            _give,
            _("Assigned to"),
            "assignee",
            "contact",
            afterwards=tells_once(_told, "onboarding:tasks", "assignee"),
            fits=_is_open,
        ),
        CHANGE_DUE,
        MOVE,
    ),
)


def _about_templates(listing):
    may_edit = may_edit_templates(listing.principal)
    archived = may_edit and listing.values.get("show") == "archived"
    has_archived = may_edit and not archived and Template.objects.archived().exists()
    return {"may_edit": may_edit, "archived": archived, "has_archived": has_archived}


TEMPLATES = ListPage(
    url_name="onboarding:templates",
    title=_("Onboarding templates"),
    template="onboarding/templates.html",
    rows=templates_with_counts,
    filters=TemplateFilters,
    view_by=("show",),
    sorts={"name": "name"},
    columns=(
        Column("name", _("Template"), lambda template: template.name),
        Column("state", _("State"), lambda template: template.published_number),
        Column("tasks", _("Tasks"), lambda template: template.task_total, css="num"),
        Column("running", _("Plans running"), lambda template: template.running, css="num"),
        Column("changed", _("Changed"), lambda template: template.updated_at),
        Column("menu", _("Actions"), is_quiet=True),
    ),
    noun=lambda n, text: ngettext("%(n)s template", "%(n)s templates", n) % {"n": text},
    size=50,
    words={"archived": _("Archived")},
    more=_about_templates,
)
