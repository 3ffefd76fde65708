from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.api.viewsets import IDEMPOTENCY_KEY, IF_MATCH, CreateByService, ReadApiViewSet, UpdateByService, act
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today
from onboarding.api.serializers import (
    EmptySerializer,
    FinishSerializer,
    PlanSerializer,
    TaskSerializer,
    TemplateSerializer,
    TemplateVersionSerializer,
)
from onboarding.choices import TaskState
from onboarding.filters import PlanFilters, TaskFilters
from onboarding.models import Plan, Task, Template, TemplateTask, TemplateVersion
from onboarding.services.plans import (
    activate_plan,
    begin_plan,
    cancel_plan,
    finish_plan,
    pause_plan,
    reopen_plan,
    resume_plan,
    start_plan,
    update_plan,
)
from onboarding.services.tasks import assign_task, block_task, change_due, finish_task, reopen_task, skip_task

POST_PARAMETERS = [IDEMPOTENCY_KEY, IF_MATCH]


class TemplateViewSet(ReadApiViewSet):
    """Templates and their versions, read-only; edit them in the browser. Admins also see drafts and archived ones."""

    queryset = Template.objects.all()
    serializer_class = TemplateSerializer

    def get_queryset(self):
        seen = (
            TemplateVersion.objects.visible_to(self.request.principal)
            if self.request
            else TemplateVersion.objects.none()
        )
        return (
            super()
            .get_queryset()
            .prefetch_related(Prefetch("versions", seen.order_by("-number"), to_attr="seen_versions"))
        )

    @extend_schema(responses=TemplateVersionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def versions(self, request, pk=None):
        """Every version with its phases and tasks, newest first."""
        tasks = TemplateTask.objects.select_related("after").order_by("position", "pk")
        rows = (
            TemplateVersion.objects.visible_to(request.principal).filter(template=self.get_object()).order_by("-number")
        )
        rows = rows.prefetch_related("phases", Prefetch("phases__tasks", tasks))
        return Response(TemplateVersionSerializer(rows, many=True).data)


class PlanViewSet(CreateByService, UpdateByService, ReadApiViewSet):
    """Onboarding plans. POST starts one; the actions move it between its states."""

    queryset = Plan.objects.select_related("template_version")
    serializer_class = PlanSerializer
    filterset_class = PlanFilters
    http_method_names = ["get", "post", "patch", "head", "options"]

    def create_row(self, data):
        now = timezone.now()
        version = data.pop("template_version")
        return start_plan(self.request.principal, version=version, today=firm_today(now), now=now, **data)

    def update_row(self, row, data, seen_version):
        return update_plan(self.request.principal, plan=row, now=timezone.now(), seen_version=seen_version, **data)

    def _move(self, request, service):
        return act(self, request, lambda plan: service(request.principal, plan=plan, now=timezone.now()))

    def answer(self, row, *, status=200):
        self.serializer_class = PlanSerializer
        return super().answer(row, status=status)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def begin(self, request, pk=None):
        """A draft becomes pending, or active if its kickoff has come."""
        return self._move(request, begin_plan)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def activate(self, request, pk=None):
        """Start a pending plan before its kickoff."""
        return self._move(request, activate_plan)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def pause(self, request, pk=None):
        """Pause the plan."""
        return self._move(request, pause_plan)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def resume(self, request, pk=None):
        """Resume the plan: open tasks move by the working days of the pause."""
        return self._move(request, resume_plan)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def cancel(self, request, pk=None):
        """Cancel the plan."""
        return self._move(request, cancel_plan)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def finish(self, request, pk=None):
        """Close the plan and make the client active; refused while a mandatory task is open."""
        return self._move(request, finish_plan)

    @extend_schema(request=None, responses=PlanSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=EmptySerializer)
    def reopen(self, request, pk=None):
        """Reopen a finished plan."""
        return self._move(request, reopen_plan)


class TaskViewSet(UpdateByService, ReadApiViewSet):
    """Tasks of plans."""

    queryset = Task.objects.select_related("plan", "phase", "done_by", "done_by_contact")
    serializer_class = TaskSerializer
    filterset_class = TaskFilters
    http_method_names = ["get", "post", "patch", "head", "options"]

    def update_row(self, row, data, seen_version):
        """Each change goes through its service, in one transaction; the version is checked by the first."""
        common = {"task": row, "now": timezone.now()}
        seen = {"seen_version": seen_version}
        if "reason" in data and data.get("state") not in (TaskState.BLOCKED, TaskState.SKIPPED):
            raise ServiceError("A reason goes with the state blocked or skipped.", field="reason")
        if "due_date" in data:
            change_due(self.request.principal, **common, **seen, due_date=data["due_date"])
            seen = {}
        if "assignee" in data or "contact" in data:
            assign_task(
                self.request.principal, **common, **seen, assignee=data.get("assignee"), contact=data.get("contact")
            )
            seen = {}
        if data.get("state", row.state) != row.state or "reason" in data:
            self._set_state(data, common | seen)
        return row

    def _set_state(self, data, values):
        state, reason = data["state"], data.get("reason", "")
        if state == TaskState.DONE:
            finish_task(self.request.principal, **values, is_out_of_order=data.get("is_out_of_order", False))
        elif state == TaskState.OPEN:
            reopen_task(self.request.principal, **values)
        elif state == TaskState.BLOCKED:
            block_task(self.request.principal, **values, reason=reason)
        else:
            skip_task(self.request.principal, **values, reason=reason)

    def answer(self, row, *, status=200):
        self.serializer_class = TaskSerializer
        return super().answer(row, status=status)

    @extend_schema(responses=TaskSerializer, parameters=POST_PARAMETERS)
    @action(detail=True, methods=["post"], serializer_class=FinishSerializer)
    def finish(self, request, pk=None):
        """Complete the task; if it is already done, the first person is kept.

        While the task it comes `after` is open, the answer is 400 with the code `question`: send `is_out_of_order` to complete it
        anyway.
        """

        def run(task):
            body = FinishSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            return finish_task(request.principal, task=task, now=timezone.now(), **body.validated_data)

        return act(self, request, run)
