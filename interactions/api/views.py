from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action

from clients.api.external import ExternalIds, Upserts
from crm.core.api.viewsets import ApiViewSet, CreateByService, ReadApiViewSet, RemoveByService, act
from crm.core.base.permissions import require
from crm.core.listing import filters
from interactions import permissions
from interactions.agreements.choices import CommitmentState, Side
from interactions.agreements.models import Commitment
from interactions.agreements.services import create_commitment, settle_commitment
from interactions.api import serializers
from interactions.composer.lists import InteractionFilters
from interactions.follow_ups.lists import FollowUpFilters
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import (
    cancel_follow_up,
    complete_follow_up,
    create_follow_up,
    reassign_follow_up,
    reopen_follow_up,
    snooze_follow_up,
    update_follow_up,
)
from interactions.log.models import Interaction
from interactions.log.services import archive_interaction, correct_interaction
from interactions.recording.services import NextStep, log_interaction
from interactions.surveys.lists import AnswerFilters, InvitationFilters
from interactions.surveys.models import Survey, SurveyInvitation, SurveyResponse
from interactions.surveys.services.answers import archive_answer, record_answer


class InteractionViewSet(Upserts, ApiViewSet):
    """Conversations with clients. DELETE archives; a PATCH is a correction and keeps the earlier text."""

    queryset = Interaction.objects.kept().select_related("client").prefetch_related("contacts", "participants")
    serializer_class = serializers.InteractionSerializer
    filterset_class = InteractionFilters
    external_kind = "interaction"
    orders = {"occurred": "occurred_at"}
    expands = ("client", "author")

    def create_row(self, data):
        step = data.pop("next_step", None)
        return log_interaction(
            self.request.principal, now=timezone.now(), next_step=NextStep(**step) if step else None, **data
        )

    def update_row(self, row, data, seen_version):
        return correct_interaction(
            self.request.principal, interaction=row, now=timezone.now(), seen_version=seen_version, **data
        )

    def remove_row(self, row):
        archive_interaction(self.request.principal, interaction=row, now=timezone.now())


class FollowUpViewSet(Upserts, ApiViewSet):
    """Follow-ups. DELETE cancels."""

    queryset = FollowUp.objects.select_related("client")
    serializer_class = serializers.FollowUpSerializer
    filterset_class = FollowUpFilters
    external_kind = "follow_up"
    orders = {"due": "due_at"}
    expands = ("client", "assignee")

    def create_row(self, data):
        client = data.pop("client", None)
        return create_follow_up(self.request.principal, client=client, now=timezone.now(), **data)

    def update_row(self, row, data, seen_version):
        return update_follow_up(
            self.request.principal, follow_up=row, now=timezone.now(), seen_version=seen_version, **data
        )

    def remove_row(self, row):
        cancel_follow_up(self.request.principal, follow_up=row, now=timezone.now())

    def _act(self, request, serializer, do):
        """Read the body with `serializer`, then do it to the row. An archived client answers 403, whatever the body."""

        def run(row):
            require(permissions.may_change_follow_up(request.principal, row), permissions.IN_TRASH)
            body = serializer(data=request.data, context=self.get_serializer_context())
            body.is_valid(raise_exception=True)
            return do(request.principal, follow_up=row, now=timezone.now(), **body.validated_data)

        self.serializer_class = serializers.FollowUpSerializer
        return act(self, request, run)

    @action(detail=True, methods=["post"], serializer_class=serializers.OutcomeSerializer)
    def complete(self, request, pk=None):
        return self._act(request, serializers.OutcomeSerializer, complete_follow_up)

    @action(detail=True, methods=["post"], serializer_class=serializers.AssigneeSerializer)
    def reassign(self, request, pk=None):
        return self._act(request, serializers.AssigneeSerializer, reassign_follow_up)

    @action(detail=True, methods=["post"], serializer_class=serializers.UntilSerializer)
    def snooze(self, request, pk=None):
        return self._act(request, serializers.UntilSerializer, snooze_follow_up)

    @action(detail=True, methods=["post"], serializer_class=serializers.StrictSerializer)
    def reopen(self, request, pk=None):
        return self._act(request, serializers.StrictSerializer, reopen_follow_up)


class CommitmentFilters(filters.ListFilters):
    client = filters.Id("client", label=_("Client"))
    owner = filters.Id("owner", label=_("Kept by"))
    state = filters.Choice(choices=CommitmentState.choices, label=_("State"))
    side = filters.Choice(choices=Side.choices, label=_("Side"))


class CommitmentViewSet(ExternalIds, CreateByService, ReadApiViewSet):
    """Commitments of either side; `…/settle` keeps, breaks, withdraws or reopens one."""

    queryset = Commitment.objects.select_related("client")
    serializer_class = serializers.CommitmentSerializer
    filterset_class = CommitmentFilters
    external_kind = "commitment"
    expands = ("client", "owner")

    def create_row(self, data):
        return create_commitment(self.request.principal, **data)

    @action(detail=True, methods=["post"], serializer_class=serializers.SettleSerializer)
    def settle(self, request, pk=None):
        def run(row):
            body = serializers.SettleSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            return settle_commitment(request.principal, commitment=row, now=timezone.now(), **body.validated_data)

        self.serializer_class = serializers.CommitmentSerializer
        return act(self, request, run)


class SurveyViewSet(ReadApiViewSet):
    """The surveys that answers belong to. They belong to no client, so everyone signed in can read them."""

    queryset = Survey.objects.filter(archived_at=None)
    serializer_class = serializers.SurveySerializer

    def get_queryset(self):
        return self.queryset.all()


class SurveyResponseViewSet(ExternalIds, CreateByService, RemoveByService, ReadApiViewSet):
    """Survey answers. An answer cannot be changed; DELETE removes a wrong one from every report."""

    queryset = SurveyResponse.objects.filter(archived_at=None).select_related("client")
    serializer_class = serializers.SurveyResponseSerializer
    filterset_class = AnswerFilters
    external_kind = "survey_response"
    orders = {"answered": "answered_at"}
    expands = ("client",)

    def create_row(self, data):
        return record_answer(self.request.principal, now=timezone.now(), **data)

    def remove_row(self, row):
        archive_answer(self.request.principal, response=row, now=timezone.now())


class SurveyInvitationViewSet(ReadApiViewSet):
    """Who was asked by email, and the result. The links in the emails are not included."""

    queryset = SurveyInvitation.objects.filter(client__archived_at=None)
    serializer_class = serializers.SurveyInvitationSerializer
    filterset_class = InvitationFilters
