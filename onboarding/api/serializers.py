from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from clients.api.serializers import EngagementIdField
from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.api.serializers import RelatedField, StrictModelSerializer, StrictSerializer, VisibleRelatedField
from crm.core.users.models import User
from onboarding.choices import TaskState
from onboarding.models import Plan, Task, Template, TemplatePhase, TemplateTask, TemplateVersion

OUT_OF_ORDER = "complete it although the task it comes `after` is open"


class TemplateVersionSummarySerializer(serializers.ModelSerializer):
    class Meta:
        model = TemplateVersion
        fields = ["id", "number", "state", "published_at"]


class TemplateSerializer(StrictModelSerializer):
    """A template with its versions; the content of a version is under `…/versions`."""

    versions = serializers.SerializerMethodField()

    class Meta:
        model = Template
        fields = ["id", "name", "description", "archived_at", "versions", "version", "created_at", "updated_at"]
        read_only_fields = fields

    def get_versions(self, row) -> list[dict]:
        return TemplateVersionSummarySerializer(row.seen_versions, many=True).data  # type: ignore[return-value]


class TemplateTaskSerializer(serializers.ModelSerializer):
    after = serializers.CharField(
        source="after.key", default=None, allow_null=True, help_text="key of the task it is counted from; null: kickoff"
    )

    class Meta:
        model = TemplateTask
        fields = [
            "key",
            "title",
            "owner_side",
            "owner_role",
            "offset_days",
            "after",
            "is_mandatory",
            "is_client_visible",
            "evidence",
            "done_when",
            "instructions",
        ]


class TemplatePhaseSerializer(serializers.ModelSerializer):
    tasks = TemplateTaskSerializer(many=True)

    class Meta:
        model = TemplatePhase
        fields = ["key", "name", "tasks"]


class TemplateVersionSerializer(serializers.ModelSerializer):
    """A version with its phases and tasks in order. Keys are the same in every version."""

    phases = TemplatePhaseSerializer(many=True)

    class Meta:
        model = TemplateVersion
        fields = ["id", "number", "state", "published_at", "phases"]


class PlanSerializer(StrictModelSerializer):
    """Start one with client, template_version and kickoff_date. Later, name and owner can change, and kickoff_date
    until the plan runs.
    """

    client = VisibleRelatedField(queryset=Client.objects.kept())
    template_version = VisibleRelatedField(queryset=TemplateVersion.objects.published())
    template = serializers.IntegerField(source="template_version.template_id", read_only=True)
    owner = RelatedField(queryset=User.objects.active(), required=False)
    engagement = EngagementIdField()
    name = serializers.CharField(max_length=160, required=False)
    is_draft = serializers.BooleanField(
        write_only=True, required=False, help_text="only when it is made: wait for `…/begin`"
    )

    class Meta:
        model = Plan
        fields = [
            "id",
            "client",
            "engagement",
            "template",
            "template_version",
            "name",
            "state",
            "owner",
            "kickoff_date",
            "forecast_date",
            "track",
            "track_reason",
            "done_count",
            "task_count",
            "paused_date",
            "ended_at",
            "is_draft",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["state", "paused_date"]

    def validate(self, data):
        if self.instance is not None:
            fixed = {"client", "template_version", "is_draft"} & set(data)
            if fixed:
                raise serializers.ValidationError({name: [_("Set when the plan starts.")] for name in sorted(fixed)})
        return data


class TaskSerializer(StrictModelSerializer):
    """PATCH takes state (with reason), assignee or contact, and due_date (which moves what depends on it). While the
    task it comes `after` is open, the state done answers 400 with the code `question`: send `is_out_of_order` to
    complete it anyway.
    """

    client = serializers.IntegerField(source="plan.client_id", read_only=True)
    phase = serializers.CharField(source="phase.name", read_only=True)
    state = serializers.ChoiceField(choices=TaskState.choices, required=False)
    assignee = RelatedField(queryset=User.objects.active(), required=False, allow_null=True)
    contact = VisibleRelatedField(queryset=Contact.objects.kept(), required=False, allow_null=True)
    due_date = serializers.DateField(required=False)
    reason = serializers.CharField(
        write_only=True, required=False, max_length=200, help_text="why it is blocked, or not needed"
    )
    is_out_of_order = serializers.BooleanField(write_only=True, required=False, help_text=OUT_OF_ORDER)
    done_by_name = serializers.CharField(read_only=True, help_text="a colleague or a contact; empty: nobody is known")

    class Meta:
        model = Task
        fields = [
            "id",
            "plan",
            "client",
            "phase",
            "key",
            "title",
            "owner_side",
            "owner_role",
            "assignee",
            "contact",
            "offset_days",
            "after",
            "due_date",
            "is_mandatory",
            "is_client_visible",
            "evidence",
            "done_when",
            "instructions",
            "state",
            "reason",
            "is_out_of_order",
            "blocked_reason",
            "done_at",
            "done_by",
            "done_by_contact",
            "done_by_name",
            "version",
            "updated_at",
        ]
        read_only_fields = [
            name
            for name in fields
            if name
            not in {
                "state",
                "assignee",
                "contact",
                "due_date",
                "reason",
                "is_out_of_order",
                "client",
                "phase",
                "done_by_name",
            }
        ]


class FinishSerializer(StrictSerializer):
    is_out_of_order = serializers.BooleanField(required=False, help_text=OUT_OF_ORDER)


class EmptySerializer(StrictSerializer):
    """No body."""
