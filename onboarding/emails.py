"""What onboarding adds to a client's progress email: only tasks of running plans that the client may see.

Clients read all of it.
"""

from datetime import date, datetime, timedelta

from django.db.models import Max
from django.utils.translation import gettext as _

from clients.engagements.models import open_to_all_q
from crm.core.firm.queries import get_firm
from interactions.progress.sections import said
from interactions.progress.sources import AHEAD, day_of, name_of, named, say_day, when_to_expect, with_person
from onboarding.choices import OwnerSide, PlanState, TaskState
from onboarding.models import Plan, PlanPhase, Task

AT_MOST = 12


def finished_tasks(client, start: datetime, end: datetime) -> list[str]:
    """Done in [start, end)."""
    rows = _shown(client).filter(state=TaskState.DONE, done_at__gte=start, done_at__lt=end)
    return [said(row, row.title) for row in rows.order_by("done_at", "pk")[:AT_MOST]]


def our_tasks(client, start: datetime, end: datetime) -> list[str]:
    """Our tasks due within two weeks, with the day and the assignee."""
    firm, today = get_firm().name, day_of(end, client)
    rows = _coming(client, end, OwnerSide.FIRM)[:AT_MOST]
    return [
        said(row, with_person(row.title, name_of(row.assignee) or row.owner_role or firm, row.due_date, today))
        for row in rows
    ]


def their_tasks(client, start: datetime, end: datetime) -> list[str]:
    """The client's tasks due within two weeks, with the day and the assignee. Late and blocked ones are questions."""
    rows = _coming(client, end, OwnerSide.CLIENT).exclude(state=TaskState.BLOCKED)
    today = day_of(end, client)
    rows = rows.filter(due_date__gte=today)[:AT_MOST]
    return [
        said(row, with_person(row.title, name_of(row.contact) or row.owner_role, row.due_date, today)) for row in rows
    ]


def late_tasks(client, start: datetime, end: datetime) -> list[str]:
    """The client's late tasks, and tasks that wait for something from the client, with what it is."""
    rows = _shown(client).unfinished().filter(plan__state=PlanState.ACTIVE, owner_side=OwnerSide.CLIENT)
    today = day_of(end, client)
    late = rows.filter(due_date__lt=today) | rows.filter(state=TaskState.BLOCKED)
    return [said(row, _question(row, today)) for row in late.order_by("due_date", "pk")[:AT_MOST]]


def _question(task: Task, today: date) -> str:
    person = name_of(task.contact) or task.owner_role
    if task.state == TaskState.BLOCKED or task.due_date is None:
        return _("%(what)s is on hold: %(reason)s. How do we move it on?") % {
            "what": named(task.title, person),
            "reason": task.blocked_reason.rstrip(" ."),
        }
    return when_to_expect(task.title, person, task.due_date, today)


def reached(client, start: datetime, end: datetime) -> list[str]:
    """Phases and plans finished in [start, end), with the day."""
    phases = _phases(client).filter(plan__state__in=(PlanState.ACTIVE, PlanState.DONE))
    finished = phases.exclude(tasks__in=_unfinished(client)).annotate(at=Max("tasks__done_at"))
    finished = finished.select_related("plan").filter(at__gte=start, at__lt=end)
    dated = [(row.at, row.name, row.plan) for row in finished.order_by("at", "pk")[:AT_MOST]]
    plans = _plans(client).filter(state=PlanState.DONE, ended_at__gte=start, ended_at__lt=end)
    dated += [(row.ended_at, row.name, row) for row in plans.order_by("ended_at", "pk")[:AT_MOST]]
    today, words = day_of(end, client), _("%(day)s: %(what)s is complete")
    return [said(plan, words % {"day": say_day(at, today), "what": name}) for at, name, plan in dated]


def expected(client, start: datetime, end: datetime) -> list[str]:
    """Current and coming phases and the end of the plan, each with its expected day as of now."""
    phases = _phases(client).filter(plan__state=PlanState.ACTIVE, tasks__in=_unfinished(client))
    phases = phases.select_related("plan").annotate(at=Max("tasks__due_date")).filter(at__isnull=False)
    dated = [(row.at, row.name, row.plan) for row in phases]
    dated.sort(key=lambda entry: entry[:2])
    running = _plans(client).filter(state=PlanState.ACTIVE, forecast_date__isnull=False).order_by("forecast_date", "pk")
    dated = dated[:AT_MOST] + [(row.forecast_date, row.name, row) for row in running]
    today, words = day_of(end, client), _("%(day)s: %(what)s expected to be complete")
    return [said(plan, words % {"day": say_day(at, today), "what": name}) for at, name, plan in dated]


def _plans(client):
    """Plans with something visible to the client."""
    return Plan.objects.filter(open_to_all_q(), client=client, tasks__is_client_visible=True).distinct()


def _phases(client):
    """Phases with something visible to the client."""
    seen = Task.objects.filter(open_to_all_q("plan__engagement"), plan__client=client, is_client_visible=True).values(
        "phase_id"
    )
    return PlanPhase.objects.filter(pk__in=seen)


def _unfinished(client):
    return Task.objects.filter(open_to_all_q("plan__engagement"), plan__client=client).unfinished()


def _shown(client):
    running = (PlanState.ACTIVE, PlanState.DONE)
    return Task.objects.filter(
        open_to_all_q("plan__engagement"), plan__client=client, plan__state__in=running, is_client_visible=True
    ).select_related("assignee", "contact")


def _coming(client, end, side):
    until = day_of(end, client) + timedelta(days=AHEAD.days)
    rows = _shown(client).unfinished().filter(plan__state=PlanState.ACTIVE, owner_side=side, due_date__lte=until)
    return rows.order_by("due_date", "pk")
