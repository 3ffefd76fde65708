"""On-time share of onboarding tasks."""

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q
from django.db.models.functions import TruncDate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.base.zones import zone
from crm.core.listing.paging import Sort
from onboarding.choices import PlanState, TaskState
from onboarding.models import Task
from reports.columns import Cell, Column, client_cell, day_cell
from reports.kpis.base import PERCENT, Kpi, share

ON_TIME, LATE = "on-time", "late"


def _outcome(task, firm):
    words, tone = (gettext("On time"), "green") if task.is_on_time else (gettext("Late"), "red")
    return Cell(words, words, tone=tone)


class OnTimeShare(Kpi):
    """Onboarding tasks done by their due date ÷ tasks due in the period · 100, in per cent; None when none was due."""

    id = "on-time-share"
    name = _("Onboarding tasks on time")
    formula = _("tasks done by their due date ÷ tasks due in the period · 100")
    version = 2  # 2: open tasks of a paused plan are not due
    unit = PERCENT
    counted = (_("On time"), _("Due"))
    source = _("the firm's onboarding plans")
    edge_rules = [
        _("Skipped tasks and tasks of cancelled or unstarted plans do not count."),
        _("An open task due today counts from tomorrow."),
        _(
            "While a plan is paused, its open tasks are not due. Tasks that were late before the pause stay late. Resuming shifts the due dates by the pause."
        ),
        _("The day a task was done is that of the firm's time zone."),
    ]
    shows = [("", _("All tasks due")), (ON_TIME, _("On time")), (LATE, _("Late"))]
    noun = _("tasks")
    sort = Sort("due_date", descending=True)
    columns = (
        Column(_("Task"), lambda task, firm: Cell(task.title, task.title, sub=task.plan.name)),
        Column(_("Client"), lambda task, firm: client_cell(task.plan.client)),
        Column(_("Outcome"), _outcome),
        Column(_("Due"), lambda task, firm: day_cell(task.due_date)),
        Column(_("Done"), lambda task, firm: day_cell(task.done_date)),
    )
    related = ("plan__client",)

    def answer(self, scope, period):
        found = (
            self.members(scope, period).order_by().aggregate(n=Count("pk"), good=Count("pk", filter=Q(is_on_time=True)))
        )
        return self.made(
            period,
            value=share(found["good"], found["n"]),
            numerator=found["good"],
            denominator=found["n"],
            n=found["n"],
        )

    def members(self, scope, period, show=""):
        """Tasks due in the period, each with `is_on_time`."""
        on_time = Q(state=TaskState.DONE) & Q(done_date__lte=F("due_date"))
        found = (
            Task.objects.visible_to(scope.principal)
            .filter(plan__client__in=scope.clients(), due_date__gte=period.start, due_date__lt=period.end)
            .exclude(state=TaskState.SKIPPED)
            .exclude(plan__state__in=[PlanState.DRAFT, PlanState.PENDING, PlanState.CANCELLED])
            .filter(Q(state=TaskState.DONE) | Q(due_date__lt=scope.today))
            .exclude(~Q(state=TaskState.DONE), plan__state=PlanState.PAUSED, due_date__gte=F("plan__paused_date"))
            .annotate(done_date=TruncDate("done_at", tzinfo=zone(scope.firm.time_zone)))
            .annotate(is_on_time=ExpressionWrapper(on_time, output_field=BooleanField()))
            .select_related("plan__client")
        )
        return found.filter(is_on_time=show == ON_TIME) if show in (ON_TIME, LATE) else found
