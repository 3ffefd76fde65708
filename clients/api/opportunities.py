"""Opportunities, pipelines and stages in the API."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from clients.api.external import ExternalIdsMixin, Upserts
from clients.catalogue.models import Service
from clients.opportunities.choices import LostReason, WonContract
from clients.opportunities.fields import OPPORTUNITY_FIELDS
from clients.opportunities.filters import OpportunityFilters
from clients.opportunities.models import Opportunity, Pipeline, Stage, StageChange
from clients.opportunities.services import outcomes, records
from clients.revenue.choices import BillingPeriod
from clients.revenue.models import Contract
from crm.core.api.serializers import RecordSerializer, RelatedField, StrictSerializer, VisibleRelatedField
from crm.core.api.viewsets import ApiViewSet, FirmApiViewSet, act, require_match, unless_known
from crm.core.base.errors import ServiceError
from crm.core.listing import filters


class OpportunitySerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = OPPORTUNITY_FIELDS
    external_kind = "opportunity"
    currency = serializers.CharField(max_length=3, required=False, help_text=_lazy("Default: the firm's"))
    probability = serializers.IntegerField(
        min_value=0, max_value=100, required=False, allow_null=True, help_text=_lazy("null: the stage's")
    )
    reason = serializers.ChoiceField(choices=LostReason.choices, allow_blank=True, read_only=True)
    value_firm = serializers.DecimalField(max_digits=16, decimal_places=2, read_only=True, allow_null=True)
    weighted_firm = serializers.DecimalField(max_digits=16, decimal_places=2, read_only=True, allow_null=True)


class MoveSerializer(StrictSerializer):
    stage = RelatedField(queryset=Stage.objects.kept())


class WonSerializer(StrictSerializer):
    """What becomes of the contracts: `new` takes service, value, period, start_date and renewal_date; `price` contract, value and
    start_date; `renew` contract and renewal_date."""

    with_contract = serializers.ChoiceField(choices=WonContract.choices, required=False)
    outcome_note = serializers.CharField(max_length=300, required=False, allow_blank=True)
    service = RelatedField(queryset=Service.objects.kept(), required=False)
    contract = VisibleRelatedField(queryset=Contract.objects.kept(), required=False)
    value = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False)
    period = serializers.ChoiceField(choices=BillingPeriod.choices, required=False)
    start_date = serializers.DateField(required=False)
    renewal_date = serializers.DateField(required=False)


class LostSerializer(StrictSerializer):
    reason = serializers.ChoiceField(choices=LostReason.choices)
    outcome_note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class StaySerializer(serializers.ModelSerializer):
    """`left_at` is null while it is there."""

    class Meta:
        model = StageChange
        fields = ("id", "stage", "entered_at", "left_at", "by")


class PipelineSerializer(serializers.ModelSerializer):
    class Meta:
        model = Pipeline
        fields = ("id", "name", "position", "archived_at", "version", "created_at", "updated_at")


class StageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Stage
        fields = (
            "id",
            "pipeline",
            "name",
            "position",
            "probability",
            "rotting_days",
            "archived_at",
            "version",
            "created_at",
            "updated_at",
        )


class StageFilters(filters.TrashFilters):
    pipeline = filters.Id("pipeline")

    class Meta:
        model = Stage
        fields: list[str] = []


class PipelineFilters(filters.TrashFilters):
    class Meta:
        model = Pipeline
        fields: list[str] = []


class OpportunityViewSet(Upserts, ApiViewSet):
    """What clients may buy. `stage` moves one; `…/won`, `…/lost` and `…/reopen` say how it ended. DELETE moves one to the trash;
    `…/restore` brings it back."""

    queryset = Opportunity.objects.filter(client__archived_at=None)
    orders = {"expected_close": "expected_close"}
    expands = ("client", "owner", "stage", "pipeline", "service")
    serializer_class = OpportunitySerializer
    filterset_class = OpportunityFilters
    external_kind = "opportunity"

    def create_row(self, data):
        return records.create_opportunity(self.request.principal, now=timezone.now(), **data)

    def update_row(self, row, data, seen_version):
        if data.pop("client", row.client) != row.client:
            raise ServiceError(_("A row cannot move to another client."), field="client")
        return records.update_opportunity(
            self.request.principal, opportunity=row, seen_version=seen_version, now=timezone.now(), **data
        )

    def remove_row(self, row):
        if not row.is_archived:
            records.archive_opportunity(self.request.principal, opportunity=row, now=timezone.now())

    @extend_schema(request=None, responses=OpportunitySerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: records.restore_opportunity(request.principal, opportunity=row))

    @extend_schema(responses=StaySerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], url_path="stage-history", pagination_class=None)
    def stage_history(self, request, pk=None):
        """Every stage it has been in, the newest first."""
        self.refuse_unknown_parameters(set())
        stays = self.get_object().stage_changes.order_by("-entered_at", "-pk")
        return unless_known(request, Response(StaySerializer(stays, many=True).data))

    @extend_schema(request=MoveSerializer, responses=OpportunitySerializer)
    @action(detail=True, methods=["post"])
    def move(self, request, pk=None):
        """To another stage."""
        return self._do(request, records.move_opportunity, MoveSerializer)

    @extend_schema(request=WonSerializer, responses=OpportunitySerializer)
    @action(detail=True, methods=["post"])
    def won(self, request, pk=None):
        """Won: with a new contract, a new price of one, its renewal, or none of these."""
        return self._do(request, outcomes.win_opportunity, WonSerializer)

    @extend_schema(request=LostSerializer, responses=OpportunitySerializer)
    @action(detail=True, methods=["post"])
    def lost(self, request, pk=None):
        """Lost, and why."""
        return self._do(request, outcomes.lose_opportunity, LostSerializer)

    @extend_schema(request=None, responses=OpportunitySerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request, pk=None):
        """Open again. A contract that winning it added is archived while nobody has changed it."""
        return self._do(request, outcomes.reopen_opportunity)

    def _do(self, request, service, serializer=None):
        def do(row):
            seen, given = require_match(request, row), {}
            if serializer is not None:
                body = serializer(data=request.data, context=self.get_serializer_context())
                body.is_valid(raise_exception=True)
                given = body.validated_data
            return service(request.principal, opportunity=row, seen_version=seen, now=timezone.now(), **given)

        return act(self, request, do)


class PipelineViewSet(FirmApiViewSet):
    """How the firm sells. Everybody signed in reads them; the first one is the default."""

    queryset = Pipeline.objects.all()
    serializer_class = PipelineSerializer
    filterset_class = PipelineFilters


class StageViewSet(FirmApiViewSet):
    """The stages of the pipelines. Everybody signed in reads them."""

    queryset = Stage.objects.all()
    serializer_class = StageSerializer
    filterset_class = StageFilters
