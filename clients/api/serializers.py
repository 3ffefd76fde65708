from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from clients.api.external import ExternalIdsMixin
from clients.catalogue.models import Service, Tag
from clients.contacts.choices import ContactLabel, DecisionRole
from clients.contacts.fields import CONTACT_FIELDS
from clients.engagements.models import Engagement
from clients.engagements.words import is_on
from clients.records.choices import LeavingReason, Status
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client, ClientFacts, StatusPeriod
from clients.records.queries import add_next_steps
from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from crm.core.api.serializers import PartSerializer, RecordSerializer, StrictSerializer, VisibleRelatedField


class EngagementIdField(VisibleRelatedField):
    """The engagement of a row without a catalogue; left out where the firm does not use them."""

    is_used = staticmethod(is_on)

    def __init__(self, **kwargs):
        super().__init__(**{"queryset": Engagement.objects.kept(), "required": False, "allow_null": True} | kwargs)


class FactsSerializer(serializers.ModelSerializer):
    next_step_text = serializers.CharField(source="client.next_step_text")

    class Meta:
        model = ClientFacts
        fields = [
            "status",
            "status_since",
            "active_since",
            "last_contact_at",
            "last_contact_channel",
            "next_step_at",
            "next_step_text",
            "open_follow_ups",
            "health_score",
            "nps_score",
            "revenue_12m",
            "unrated_12m",
            "onboarding_state",
        ]


class ClientSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = CLIENT_FIELDS
    external_kind = "client"
    status = serializers.ChoiceField(
        choices=Status.choices,
        required=False,
        write_only=True,
        help_text=_("For new clients. Use …/status to change it later."),
    )
    status_start = serializers.DateField(required=False, write_only=True)
    reason = serializers.ChoiceField(choices=LeavingReason.choices, required=False, write_only=True)
    facts = FactsSerializer(read_only=True)

    def to_representation(self, instance):
        """A parent the caller does not see stays hidden."""
        if not hasattr(instance, "next_step_text"):
            add_next_steps(self.context["request"].principal, [instance])
        data = super().to_representation(instance)
        return data if getattr(instance, "is_parent_seen", False) else data | {"parent": None}

    def validate(self, data):
        if self.instance is not None and (late := {"status", "status_start", "reason"} & set(data)):
            raise serializers.ValidationError({name: [_("Change the status through …/status.")] for name in late})
        return data


class StatusSerializer(StrictSerializer):
    status = serializers.ChoiceField(choices=Status.choices)
    start_date = serializers.DateField()
    reason = serializers.ChoiceField(choices=LeavingReason.choices, required=False, default="", allow_blank=True)
    note = serializers.CharField(required=False, default="", allow_blank=True)


class StatusPeriodSerializer(serializers.ModelSerializer):
    """Half-open: `end_date` is the first day after the period, null until further notice."""

    class Meta:
        model = StatusPeriod
        fields = ("id", "status", "start_date", "end_date", "reason", "note")


class TagSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tag
        fields = ("id", "name", "tone", "created_at")


class ServiceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Service
        fields = ("id", "name", "code", "description", "archived_at", "version", "created_at", "updated_at")


class LabelledSerializer(PartSerializer):
    label = serializers.ChoiceField(choices=ContactLabel.choices, default="work")


class EmailSerializer(LabelledSerializer):
    address = serializers.EmailField(max_length=254)


class PhoneSerializer(LabelledSerializer):
    number = serializers.CharField(max_length=40)


class PlaceSerializer(PartSerializer):
    """A person's role at a client."""

    client = VisibleRelatedField(queryset=Client.objects.kept())
    title = serializers.CharField(required=False, allow_blank=True, max_length=120)
    decision_role = serializers.ChoiceField(choices=DecisionRole.choices, required=False, allow_blank=True)
    is_primary = serializers.BooleanField(required=False)
    is_billing = serializers.BooleanField(required=False)
    left_date = serializers.DateField(required=False, allow_null=True)
    held = serializers.JSONField(
        source="held.details",
        read_only=True,
        default=None,
        help_text=_("This client keeps the earlier details. They were changed by someone who cannot see it."),
    )


class ContactSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = CONTACT_FIELDS
    external_kind = "contact"
    emails = EmailSerializer(many=True, required=False, help_text=_("The first one is primary"))
    phones = PhoneSerializer(many=True, required=False, help_text=_("The first one is primary"))
    clients = PlaceSerializer(many=True, required=False, source="places")


class RevenueSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = REVENUE_FIELDS
    external_kind = "revenue"
    currency = serializers.CharField(max_length=3, required=False, help_text=_("Default: the firm's"))
    amount_firm = serializers.DecimalField(max_digits=16, decimal_places=2, read_only=True)


class ContractSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = CONTRACT_FIELDS
    external_kind = "contract"
    notice_date = serializers.DateField(
        read_only=True, allow_null=True, help_text=_("The last day on which notice may be given")
    )
    currency = serializers.CharField(max_length=3, required=False, help_text=_("Default: the firm's"))


class PriceSerializer(StrictSerializer):
    value = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0)
    start_date = serializers.DateField()
    reason = serializers.CharField(max_length=200)
