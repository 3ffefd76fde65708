"""What onboarding brings into a client's progress email: only tasks the client may see, of plans that run."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from interactions.progress_sources import AHEAD, day_of, with_day
from onboarding.choices import OwnerSide, PlanState, TaskState
from onboarding.models import Plan, Task

AT_MOST = 12


def finished_tasks(client, start: datetime, end: datetime) -> list[str]:
    """Done in [start, end)."""
    rows = _shown(client).filter(state=TaskState.DONE, done_at__gte=start, done_at__lt=end)
    return [row.title for row in rows.order_by("done_at", "pk")[:AT_MOST]]


def our_tasks(client, start: datetime, end: datetime) -> list[str]:
    """Ours, due within two weeks, with the day and who is on it."""
    return [
        _with_person(row, row.assignee.name if row.assignee else "") for row in _coming(client, end, OwnerSide.FIRM)
    ]


def their_tasks(client, start: datetime, end: datetime) -> list[str]:
    """The client's, due within two weeks or late, with the day and whom we expect it of."""
    return [
        _with_person(row, row.contact.name if row.contact else row.owner_role)
        for row in _coming(client, end, OwnerSide.CLIENT)
    ]


def finished_plans(client, start: datetime, end: datetime) -> list[str]:
    rows = Plan.objects.filter(client=client, state=PlanState.DONE, ended_at__gte=start, ended_at__lt=end).order_by(
        "ended_at"
    )
    return [_("%(plan)s: everything is set up") % {"plan": row.name} for row in rows[:AT_MOST]]


def _shown(client):
    running = (PlanState.ACTIVE, PlanState.DONE)
    return Task.objects.filter(plan__client=client, plan__state__in=running, is_client_visible=True).select_related(
        "assignee", "contact"
    )


def _coming(client, end, side):
    until = day_of(end, client) + timedelta(days=AHEAD.days)
    rows = _shown(client).unfinished().filter(plan__state=PlanState.ACTIVE, owner_side=side, due_date__lte=until)
    return rows.order_by("due_date", "pk")[:AT_MOST]


def _with_person(task, person):
    text = _("%(task)s (%(person)s)") % {"task": task.title, "person": person} if person else task.title
    return with_day(text, task.due_date)
