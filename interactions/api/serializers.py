from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from clients.api.external import ExternalIdsMixin
from clients.api.serializers import EngagementIdField
from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.api.serializers import (
    RecordSerializer,
    RelatedField,
    StrictModelSerializer,
    StrictSerializer,
    VisibleRelatedField,
)
from crm.core.base.zones import validate_zone
from crm.core.users.models import User
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import TEXT_AT_MOST, Commitment, Decision
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS
from interactions.log.fields import INTERACTION_FIELDS
from interactions.surveys.models import Survey, SurveyInvitation, SurveyResponse


def colleague(**kwargs):
    return RelatedField(queryset=User.objects.active(), **kwargs)


def contact_field(**kwargs):
    return VisibleRelatedField(queryset=Contact.objects.kept(), **kwargs)


class NextStepSerializer(StrictSerializer):
    """Becomes a follow-up."""

    title = serializers.CharField(max_length=200)
    due_date = serializers.DateField()
    due_time = serializers.TimeField(required=False, allow_null=True)
    assignee = colleague(required=False, allow_null=True)
    time_zone = serializers.CharField(required=False, allow_blank=True, validators=[validate_zone])


class InteractionSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = INTERACTION_FIELDS
    external_kind = "interaction"
    decision = serializers.CharField(
        required=False,
        write_only=True,
        allow_blank=True,
        max_length=TEXT_AT_MOST,
        help_text=_("What was agreed, for a new one"),
    )
    decision_shared = serializers.BooleanField(required=False, write_only=True)
    next_step = NextStepSerializer(required=False, write_only=True, allow_null=True)

    def validate(self, attrs):
        """Refuse fields that a correction cannot change instead of ignoring them."""
        fixed = {"client", "decision", "decision_shared", "next_step"} & set(attrs) if self.instance else set()
        if fixed:
            raise serializers.ValidationError({name: [_("This cannot be changed afterwards.")] for name in fixed})
        return attrs


class FollowUpSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = FOLLOW_UP_FIELDS
    external_kind = "follow_up"
    time_zone = serializers.CharField(
        required=False, validators=[validate_zone], help_text=_("IANA name. Defaults to the assignee's.")
    )

    def validate(self, attrs):
        if self.instance and "client" in attrs:
            raise serializers.ValidationError({"client": [_("This cannot be changed afterwards.")]})
        return attrs


class OutcomeSerializer(StrictSerializer):
    outcome = serializers.CharField(required=False, allow_blank=True)


class AssigneeSerializer(StrictSerializer):
    assignee = colleague()


class UntilSerializer(StrictSerializer):
    until = serializers.DateTimeField()


class CommitmentSerializer(ExternalIdsMixin, StrictModelSerializer):
    external_kind = "commitment"
    client = VisibleRelatedField(queryset=Client.objects.kept())
    contact = contact_field(required=False, allow_null=True)
    owner = colleague(required=False, allow_null=True)
    decision = VisibleRelatedField(queryset=Decision.objects.all(), required=False, allow_null=True)
    engagement = EngagementIdField()

    class Meta:
        model = Commitment
        fields = (
            "id",
            "client",
            "interaction",
            "engagement",
            "decision",
            "text",
            "side",
            "owner",
            "contact",
            "due_date",
            "state",
            "closed_at",
            "is_shared",
            "external_ids",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("id", "interaction", "state", "closed_at", "version", "created_at", "updated_at")


class SettleSerializer(StrictSerializer):
    state = serializers.ChoiceField(choices=CommitmentState.choices)


class SurveySerializer(serializers.ModelSerializer):
    class Meta:
        model = Survey
        fields = ("id", "name", "kind", "question", "scale_min", "scale_max", "version", "created_at", "updated_at")


class SurveyResponseSerializer(ExternalIdsMixin, StrictModelSerializer):
    external_kind = "survey_response"
    client = VisibleRelatedField(queryset=Client.objects.kept())
    contact = contact_field(required=False, allow_null=True)
    survey = RelatedField(queryset=Survey.objects.filter(archived_at=None))

    class Meta:
        model = SurveyResponse
        fields = (
            "id",
            "survey",
            "client",
            "contact",
            "score",
            "scale_min",
            "scale_max",
            "comment",
            "answered_at",
            "entered_by",
            "external_ids",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("id", "scale_min", "scale_max", "entered_by", "version", "created_at", "updated_at")


class SurveyInvitationSerializer(serializers.ModelSerializer):
    class Meta:
        model = SurveyInvitation
        fields = (
            "id",
            "survey",
            "client",
            "contact",
            "address",
            "state",
            "source",
            "period",
            "send_at",
            "sent_at",
            "expires_at",
            "answered_at",
            "skip_reason",
            "response",
            "version",
            "created_at",
            "updated_at",
        )
