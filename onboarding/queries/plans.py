"""Data of the plan pages, and small queries that the services share."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import models
from django.db.models import Count, Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.base.kept import Kept, once
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import firm_zone, get_firm
from crm.core.ui.days import weekday_and_day
from crm.core.ui.formatting import short_day
from onboarding import tracking
from onboarding.choices import TASK, OwnerSide, PlanState, TaskState
from onboarding.models import Plan, PlanPhase, Task, TemplateVersion
from onboarding.queries import gantt

PLANS_AT_MOST = 100
SAID_AT_MOST = 5


def plan_tasks(plan: Plan) -> list[Task]:
    """The plan's tasks in their order, each with `done_date` in the firm's zone."""
    return _dated(Task.objects.filter(plan_id=plan.pk).order_by("phase__position", "position", "pk"))


def open_before(task: Task) -> Task | None:
    """The task that comes before this one, while it is neither done nor skipped."""
    return Task.objects.unfinished().filter(pk=task.after_id).first() if task.after_id else None


def out_of_order_words(before: Task) -> str:
    return _("“%(task)s” comes before this task and is still open. Complete anyway?") % {"task": before.title}


def selected_out_of_order(tasks: models.QuerySet) -> str:
    """The question before these tasks are completed together; "" unless one comes after an open task that is not among
    them.
    """
    rows = tasks.unfinished().filter(after__isnull=False).exclude(after__state__in=TASK.finished)
    rows = rows.exclude(after__in=tasks.order_by().values("pk")).order_by("pk")
    found = list(rows.values_list("title", "after__title")[: SAID_AT_MOST + 1])
    if not found:
        return ""
    said = _("“%(before)s” comes before “%(task)s” and is still open.")
    lines = [said % {"task": task, "before": before} for task, before in found[:SAID_AT_MOST]]
    if len(found) > SAID_AT_MOST:
        lines.append(_("More of the selected tasks come after open ones."))
    return " ".join([*lines, _("Complete anyway?")])


def _dated(tasks):
    zone = firm_zone()
    rows = list(tasks)
    for task in rows:
        task.done_date = task.done_at.astimezone(zone).date() if task.done_at else None
    return rows


def main_contact(client: Client) -> Contact | None:
    """The client's main contact, if one is set."""
    link = client.affiliations.current().filter(is_primary=True).select_related("contact").first()
    return link.contact if link else None


def startable_version(version: TemplateVersion) -> bool:
    """A published version, possibly older, of a template that is not archived."""
    return TemplateVersion.objects.published().filter(pk=version.pk, template__archived_at__isnull=True).exists()


@dataclass
class PhaseRow:
    phase: PlanPhase
    number: int
    tasks: list[Task] = field(default_factory=list)
    done: int = 0
    total: int = 0

    @property
    def segment(self) -> dict[str, Any]:
        words = _("%(phase)s: %(done)s of %(total)s") % {
            "phase": self.phase.name,
            "done": self.done,
            "total": self.total,
        }
        return {"value": self.done, "max": self.total or 1, "label": words}


@dataclass
class PlanPage:
    """A plan with its tasks by phase. `next_task`: the open one due first; `end`: when the last mandatory task is due."""

    plan: Plan
    phases: list[PhaseRow]
    tasks: list[Task]
    next_task: Task | None
    overdue: int
    end: date | None
    can_finish: bool
    chart: gantt.Gantt | None = None

    @property
    def segments(self) -> list[dict[str, Any]]:
        return [row.segment for row in self.phases if row.total]


def plan_page(plan: Plan, today: date) -> PlanPage:
    tasks = _dated(
        Task.objects.filter(plan=plan)
        .select_related("assignee", "contact", "done_by", "done_by_contact")
        .annotate(comment_count=Count("comments"))
        .order_by("phase__position", "position", "pk")
    )
    rows = {phase.pk: PhaseRow(phase, number) for number, phase in enumerate(plan.phases.all(), 1)}
    calendar = WorkingCalendar.of(get_firm())
    for task in tasks:
        task.days_late = tracking.days_late(task, today, calendar) if plan.state == PlanState.ACTIVE else 0
        row = rows[task.phase_id]
        row.tasks.append(task)
        row.total += task.state != TaskState.SKIPPED
        row.done += task.state == TaskState.DONE
    waiting = [task for task in tasks if not task.is_finished]
    dated = [task for task in waiting if task.due_date]
    return PlanPage(
        plan=plan,
        phases=list(rows.values()),
        tasks=tasks,
        next_task=min(dated, key=lambda task: (task.due_date, task.pk), default=None),
        overdue=sum(1 for task in waiting if task.days_late),
        end=max((task.due_date for task in tasks if task.is_mandatory and task.due_date), default=None),
        can_finish=plan.state == PlanState.ACTIVE and not any(task.is_mandatory for task in waiting),
        chart=plan_chart(plan, tasks, today, calendar),
    )


def plan_chart(plan: Plan, tasks: list[Task], today: date, calendar: WorkingCalendar) -> gantt.Gantt:
    def tone(task):
        if task.is_finished:
            return "done"
        if task.state == TaskState.BLOCKED:
            return "blocked"
        if getattr(task, "days_late", 0):
            return "late"
        return "client" if task.is_client_visible else "firm"

    dates = {task.pk: task.due_date for task in tasks if task.due_date}
    rows = gantt.spans(tasks, dates, plan.kickoff_date, calendar, tone)

    def monday(_n, day):
        return short_day(day, today)

    return gantt.draw(rows, width=1120, label_width=250, calendar=calendar, today=today, week_label=monday)


def forecast_words(plan: Plan, end: date | None, calendar: WorkingCalendar | None = None) -> str:
    """“Forecast end Thu 14 Jan, two days early”; "" without a forecast."""
    if plan.forecast_date is None:
        return ""
    words = _("Forecast end %(day)s") % {"day": weekday_and_day(plan.forecast_date)}
    if end is None or end == plan.forecast_date:
        return words
    calendar = calendar or WorkingCalendar.of(get_firm())
    first, last = sorted((end, plan.forecast_date))
    days = calendar.between(first, last)
    if not days:
        return words
    if plan.forecast_date < end:
        return words + ngettext(", %(n)s working day early", ", %(n)s working days early", days) % {"n": days}
    return words + ngettext(", %(n)s working day late", ", %(n)s working days late", days) % {"n": days}


def with_next_tasks(plans: list[Plan], today: date) -> list[Plan]:
    """Each plan of a page with `next_task` (the open one due first, or None) and `overdue`; one query."""
    by_plan: dict[int, list[Task]] = {plan.pk: [] for plan in plans}
    rows = Task.objects.filter(plan__in=plans).unfinished().order_by("due_date", "pk")
    for task in rows.only("plan_id", "title", "due_date", "state", "owner_side"):
        by_plan[task.plan_id].append(task)
    for plan in plans:
        waiting = by_plan[plan.pk]
        plan.next_task = waiting[0] if waiting else None
        late = [task for task in waiting if task.due_date and task.due_date < today]
        plan.overdue = len(late) if plan.state == PlanState.ACTIVE else 0
    return plans


@Kept
def _plans(principal, *, client_id: int):
    rows = Plan.objects.visible_to(principal).filter(client=client_id).order_by("-kickoff_date", "-pk")
    return rows[:PLANS_AT_MOST]


def plans_of(principal, client: Client) -> list[Plan]:
    """The client's plans, latest kickoff first. Read once for a client object."""
    return once(client, "plans", lambda: _plans.rows(principal, client_id=client.pk))


@dataclass
class PlanCard:
    """The card on a client's page."""

    plan: Plan
    segments: list[dict[str, Any]]
    end: date | None
    others: int = 0


def client_card(principal, client: Client) -> PlanCard | None:
    """The client's current plan: a running one, else paused, pending, draft; None if all have ended. One query besides
    the plans.
    """
    order = {PlanState.ACTIVE: 0, PlanState.PAUSED: 1, PlanState.PENDING: 2, PlanState.DRAFT: 3}
    plans = [plan for plan in plans_of(principal, client) if plan.state in order]
    plans.sort(key=lambda plan: (order[PlanState(plan.state)], plan.kickoff_date))
    if not plans:
        return None
    plan = plans[0]
    phases = (
        PlanPhase.objects.filter(plan=plan).values("name", "tasks__state", "tasks__is_mandatory").order_by("position")
    )
    rows: dict[str, dict[str, Any]] = {}
    end = None
    for row in phases.annotate(n=Count("tasks"), last=Max("tasks__due_date")):
        part = rows.setdefault(row["name"], {"done": 0, "total": 0})
        part["total"] += row["n"] if row["tasks__state"] != TaskState.SKIPPED else 0
        part["done"] += row["n"] if row["tasks__state"] == TaskState.DONE else 0
        if row["tasks__is_mandatory"] and row["last"]:
            end = max(end or row["last"], row["last"])
    segments = [
        {
            "value": part["done"],
            "max": part["total"],
            "label": _("%(phase)s: %(done)s of %(total)s") % {"phase": name, **part},
        }
        for name, part in rows.items()
        if part["total"]
    ]
    return PlanCard(plan, segments, end, len(plans) - 1)


def who(task: Task) -> str:
    """Who should do it: a person, else the role, else the side."""
    if task.owner_side == OwnerSide.CLIENT:
        return str(task.contact) if task.contact else task.owner_role or _("Client")
    return str(task.assignee) if task.assignee else task.owner_role
