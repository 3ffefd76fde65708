"""Filters of plans, tasks and templates, for their pages and the API."""

from django.db.models import Exists, OuterRef, Q, Value
from django.utils.translation import gettext_lazy as _

from clients.records.models import Client
from crm.core.base.models import Folded
from crm.core.firm.queries import firm_today
from crm.core.listing import filters
from crm.core.search.branches import contains
from crm.core.search.typed import read
from crm.core.users.models import Team, User
from onboarding.choices import PLAN, PlanState, TaskState, Track
from onboarding.models import Plan, Task, Template
from onboarding.permissions import may_edit_templates

OPEN, ALL, OVERDUE = "open", "all", "overdue"
STATES = [(OPEN, _("Open plans")), *PlanState.choices, (ALL, _("All plans"))]
TRACKS = [*Track.choices, (OVERDUE, _("With overdue tasks"))]


def _clients(found):
    return Client.objects.visible_to(found.principal)


class PlanFilters(filters.ListFilters):
    q = filters.Search(method="search", label=_("client or name"))
    state = filters.Choices(
        choices=STATES, method="in_state", label=_("State"), offers=lambda found: STATES, any_label=None
    )
    track = filters.Choices(
        choices=TRACKS, method="on_track", label=_("Progress"), offers=lambda found: TRACKS, any_label=_("Any progress")
    )
    owner = filters.PersonId(label=_("Owner"), any_label=_("Any owner"))
    team = filters.ModelChoice(
        "client__team", queryset=Team.objects.filter(archived_at=None), label=_("Team"), empty_label=_("Any team")
    )
    template = filters.ModelChoice(
        "template_version__template",
        queryset=lambda found: Template.objects.visible_to(found.principal),
        label=_("Template"),
        empty_label=_("Any template"),
    )
    client = filters.ModelChoice(queryset=_clients, label=_("Client"))

    def search(self, rows, name, value):
        typed = read(value)
        of_client = contains("client__search_key", typed.words, typed.shape.short)
        return rows.filter(of_client | Q(*(Q(name__icontains=word) for word in typed.words)))

    def in_state(self, rows, name, value):
        if ALL in value:
            return rows
        return rows.filter(state__in=sorted({*value} - {OPEN} | ({*PLAN.open} if OPEN in value else set())))

    def on_track(self, rows, name, value):
        """Pages show only running plans, because the track of an ended plan means nothing. The API filters by track alone."""
        if self.is_strict and OVERDUE not in value:
            return rows.filter(track__in=value)
        late = Task.objects.unfinished().filter(plan=OuterRef("pk"), due_date__lt=firm_today(self.now))
        wanted = Q(track__in=[track for track in value if track != OVERDUE])
        return rows.filter(wanted | Q(Exists(late)) if OVERDUE in value else wanted, state=PlanState.ACTIVE)


class TaskFilters(filters.ListFilters):
    q = filters.Search(method="search", label=_("task or client"))
    whose = filters.Choice(choices=[("mine", _("Mine")), ("all", _("All"))], method="of_whom", label=_("Assigned to"))
    show = filters.Choice(
        choices=[("open", _("Open")), ("overdue", _("Overdue")), ("done", _("Done"))],
        method="of_part",
        label=_("Which"),
    )
    client = filters.ModelChoice("plan__client", queryset=_clients, label=_("Client"))
    plan = filters.ModelChoice(queryset=lambda found: Plan.objects.visible_to(found.principal), label=_("Plan"))
    assignee = filters.ModelChoice(queryset=User.objects.all(), label=_("Assigned to"))
    state = filters.Choices(choices=TaskState.choices, label=_("State"))
    due_from = filters.Day("due_date", "gte", label=_("Due from"))
    due_until = filters.Day("due_date", "lte", label=_("Due until"))
    overdue = filters.Yes(method="only_overdue", label=_("overdue tasks in running plans"))

    def search(self, rows, name, value):
        return rows.filter(Q(plan__client__search_key__contains=Folded(Value(value))) | Q(title__icontains=value))

    def of_whom(self, rows, name, value):
        return rows.filter(assignee=self.principal.user) if value == "mine" else rows

    def of_part(self, rows, name, value):
        if value == "done":
            return rows.filter(state=TaskState.DONE)
        return rows.unfinished().filter(plan__state__in=PLAN.worked_on) if value == OPEN else self._late(rows)

    def _late(self, rows):
        return rows.overdue(firm_today(self.now))

    def only_overdue(self, rows, name, value: bool):
        return self._late(rows) if value else rows.exclude(pk__in=self._late(Task.objects.all()).values("pk"))


class TemplateFilters(filters.ListFilters):
    show = filters.Choice(choices=[("archived", _("Archived"))], method="of_part", label=_("Which"))

    def of_part(self, rows, name, value):
        return rows

    def apply(self, rows):
        is_archived = self.values.get("show") == "archived" and may_edit_templates(self.principal)
        return rows.archived() if is_archived else rows.kept()
