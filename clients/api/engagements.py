"""Engagements by the API. What the firm calls them is a matter of its pages: here they are always engagements."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from clients.api.external import ExternalIdsMixin, Upserts
from clients.contacts.models import Contact
from clients.engagements.choices import EngagementState, PartyRole
from clients.engagements.fields import ENGAGEMENT_FIELDS
from clients.engagements.lists import EngagementFilters
from clients.engagements.models import Engagement, EngagementKind, EngagementParty, EngagementStateChange
from clients.engagements.services import records
from clients.engagements.words import is_on
from crm.core.api.serializers import RecordSerializer, RelatedField, StrictSerializer, VisibleRelatedField
from crm.core.api.viewsets import ApiViewSet, FirmApiViewSet, act, require_match, unless_known
from crm.core.base.errors import ServiceError
from crm.core.listing import filters
from crm.core.users.models import User


class EngagementSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = ENGAGEMENT_FIELDS
    external_kind = "engagement"
    number = serializers.CharField(
        max_length=40, required=False, help_text=_lazy("Default: the year and the next number, such as 2026-0008")
    )
    currency = serializers.CharField(max_length=3, required=False, help_text=_lazy("Default: the firm's"))
    begins_as = serializers.ChoiceField(
        choices=[(state.value, state.label) for state in records.BEGINS_AS],
        required=False,
        write_only=True,
        help_text=_lazy("For new ones; `…/move` changes the state later."),
    )

    def validate(self, data):
        if self.instance is not None and "begins_as" in data:
            raise serializers.ValidationError({"begins_as": [_("Change the state through …/move.")]})
        return data

    def to_representation(self, instance):
        """The team besides the lead."""
        data = super().to_representation(instance)
        return data | {"team": [user.pk for user in instance.team_shown()]}


class EngagementMoveSerializer(StrictSerializer):
    state = serializers.ChoiceField(choices=EngagementState.choices)


class EngagementCloseSerializer(StrictSerializer):
    closed_date = serializers.DateField(required=False, help_text=_lazy("Default: today"))


class SeatSerializer(StrictSerializer):
    user = RelatedField(queryset=User.objects.active())


class EngagementPartySerializer(StrictSerializer):
    """A contact of the client, or somebody outside by name."""

    id = serializers.IntegerField(read_only=True)
    role = serializers.ChoiceField(choices=PartyRole.choices, required=False)
    contact = VisibleRelatedField(queryset=Contact.objects.kept(), required=False, allow_null=True)
    outside_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class EngagementStateChangeSerializer(serializers.ModelSerializer):
    """`left_at` is null while it is in this state."""

    class Meta:
        model = EngagementStateChange
        fields = ("id", "state", "entered_at", "left_at", "by")


class EngagementKindSerializer(serializers.ModelSerializer):
    class Meta:
        model = EngagementKind
        fields = ("id", "name", "archived_at", "version", "created_at", "updated_at")


class EngagementKindFilters(filters.TrashFilters):
    class Meta:
        model = EngagementKind
        fields: list[str] = []


class OnlyIfUsed:
    """404 where the firm does not use engagements, and no path in the API's document."""

    is_used = staticmethod(is_on)

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if not self.is_used():
            raise Http404


class EngagementViewSet(OnlyIfUsed, Upserts, ApiViewSet):
    """Pieces of work for clients. `…/move` changes the state, `…/close` closes one, `…/restrict` and `…/lift` say who sees it. DELETE
    archives one; `…/restore` restores it."""

    queryset = Engagement.objects.filter(client__archived_at=None).prefetch_related("team")
    orders = {"opened_date": "opened_date"}
    expands = ("client", "lead", "kind")
    serializer_class = EngagementSerializer
    filterset_class = EngagementFilters
    external_kind = "engagement"

    def create_row(self, data):
        given = {"state": data.pop("begins_as", EngagementState.OPEN)} | data
        return records.open_engagement(self.request.principal, now=timezone.now(), **given)

    def update_row(self, row, data, seen_version):
        if data.pop("client", row.client) != row.client:
            raise ServiceError(_("A row cannot move to another client."), field="client")
        return records.update_engagement(self.request.principal, engagement=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            records.archive_engagement(self.request.principal, engagement=row, now=timezone.now())

    @extend_schema(request=None, responses=EngagementSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: records.restore_engagement(request.principal, engagement=row))

    @extend_schema(request=EngagementMoveSerializer, responses=EngagementSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request, pk=None):
        """To another state. Closed ones are opened again."""
        return self._do(request, records.move_engagement, EngagementMoveSerializer)

    @extend_schema(request=EngagementCloseSerializer, responses=EngagementSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request, pk=None):
        """Close it. What names it stays as it is."""
        return self._do(request, records.close_engagement, EngagementCloseSerializer)

    @extend_schema(request=None, responses=EngagementSerializer)
    @action(detail=True, methods=["post"])
    def restrict(self, request, pk=None):
        """From now on its lead and team alone see it, and what names it."""
        return self._limit(request, records.restrict_engagement)

    @extend_schema(request=None, responses=EngagementSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request, pk=None):
        """Everyone who sees the client sees it again."""
        return self._limit(request, records.unrestrict_engagement)

    @extend_schema(request=SeatSerializer, responses=EngagementSerializer)
    @action(detail=True, methods=["post"])
    def team(self, request, pk=None):
        """Add a colleague to the team."""

        def do(row):
            records.add_to_team(request.principal, engagement=row, **self._given(request, SeatSerializer))

        return act(self, request, do)

    @extend_schema(request=SeatSerializer, responses=EngagementSerializer)
    @action(detail=True, methods=["post"], url_path="team/remove", url_name="team-remove")
    def remove_from_team(self, request, pk=None):
        """Take a colleague off the team. Nothing changes for somebody who is not on it."""

        def do(row):
            user = self._given(request, SeatSerializer)["user"]
            for seat in row.seats.filter(user=user).select_related("engagement__client"):
                records.remove_from_team(request.principal, seat=seat)

        return act(self, request, do)

    @extend_schema(responses=EngagementPartySerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def parties(self, request, pk=None):
        """Who has to do with it, and in which role."""
        self.refuse_unknown_parameters(set())
        rows = self.get_object().parties.all()
        return unless_known(request, Response(EngagementPartySerializer(rows, many=True).data))

    @extend_schema(request=EngagementPartySerializer, responses={201: EngagementPartySerializer}, filters=False)
    @parties.mapping.post
    def add_party(self, request, pk=None):
        """Add a contact of the client, or somebody outside by name."""
        given = self._given(request, EngagementPartySerializer)
        made = records.add_party(request.principal, engagement=self.get_object(), **given)
        return Response(EngagementPartySerializer(made).data, status=201)

    @extend_schema(request=None, responses={204: None}, filters=False)
    @action(detail=True, methods=["delete"], url_path="parties/(?P<party_id>[0-9]{1,18})", url_name="party")
    def party(self, request, pk=None, party_id=""):
        """Remove a party."""
        rows = EngagementParty.objects.filter(engagement=self.get_object()).select_related("engagement__client")
        records.remove_party(request.principal, party=get_object_or_404(rows, pk=int(party_id)))
        return Response(status=204)

    @extend_schema(responses=EngagementStateChangeSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], url_path="state-history", pagination_class=None)
    def state_history(self, request, pk=None):
        """Every state it has been in, the newest first."""
        self.refuse_unknown_parameters(set())
        rows = self.get_object().state_changes.order_by("-entered_at", "-pk")
        return unless_known(request, Response(EngagementStateChangeSerializer(rows, many=True).data))

    def _given(self, request, serializer):
        body = serializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def _do(self, request, service, serializer):
        def do(row):
            seen, given = require_match(request, row), self._given(request, serializer)
            return service(request.principal, engagement=row, seen_version=seen, now=timezone.now(), **given)

        return act(self, request, do)

    def _limit(self, request, service):
        return act(self, request, lambda row: service(request.principal, engagement=row, now=timezone.now()))


class EngagementKindViewSet(OnlyIfUsed, FirmApiViewSet):
    """The kinds of engagements. Everybody signed in reads them."""

    queryset = EngagementKind.objects.all()
    serializer_class = EngagementKindSerializer
    filterset_class = EngagementKindFilters
