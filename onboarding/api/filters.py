import django_filters
from django.utils import timezone

from clients.records.models import Client
from crm.core.firm.queries import firm_today
from crm.core.users.models import User
from onboarding.choices import PlanState, TaskState, Track
from onboarding.models import Plan, Task, Template


def _clients(request):
    return Client.objects.visible_to(request.principal) if request else Client.objects.none()


def _plans(request):
    return Plan.objects.visible_to(request.principal) if request else Plan.objects.none()


def _templates(request):
    return Template.objects.visible_to(request.principal) if request else Template.objects.none()


class PlanApiFilter(django_filters.FilterSet):
    client = django_filters.ModelChoiceFilter(queryset=_clients)
    owner = django_filters.ModelChoiceFilter(queryset=User.objects.all())
    template = django_filters.ModelChoiceFilter(field_name="template_version__template", queryset=_templates)
    state = django_filters.MultipleChoiceFilter(choices=PlanState.choices)
    track = django_filters.MultipleChoiceFilter(choices=Track.choices)

    class Meta:
        model = Plan
        fields: list[str] = []


class TaskApiFilter(django_filters.FilterSet):
    client = django_filters.ModelChoiceFilter(field_name="plan__client", queryset=_clients)
    plan = django_filters.ModelChoiceFilter(queryset=_plans)
    assignee = django_filters.ModelChoiceFilter(queryset=User.objects.all())
    state = django_filters.MultipleChoiceFilter(choices=TaskState.choices)
    due_from = django_filters.DateFilter(field_name="due_date", lookup_expr="gte")
    due_until = django_filters.DateFilter(field_name="due_date", lookup_expr="lte")
    overdue = django_filters.BooleanFilter(method="only_overdue", label="open tasks of running plans, due before today")

    class Meta:
        model = Task
        fields: list[str] = []

    def only_overdue(self, queryset, name, value):
        late = Task.objects.overdue(firm_today(timezone.now())).values("pk")
        return queryset.filter(pk__in=late) if value else queryset.exclude(pk__in=late)
