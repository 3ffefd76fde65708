"""Merges by the API: preview and merge as actions of clients and contacts, and what was merged, with its undo."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from clients import permissions, registry
from clients.merging.fields import choices_of
from clients.merging.lists import MergeFilters
from clients.merging.models import ClientMerge, ContactMerge
from clients.merging.queries import what_moves
from clients.merging.services import merge_clients, merge_contacts
from clients.merging.undoing import undo_client_merge, undo_contact_merge
from crm.core.api.serializers import StrictModelSerializer, StrictSerializer
from crm.core.api.viewsets import ReadApiViewSet, act, unless_known
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number

AWAY = OpenApiParameter(
    "away", OpenApiTypes.INT, required=True, description="id of the record that is merged into this one"
)


class MergeSerializer(StrictSerializer):
    away = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text=_lazy("id of the record that is merged into this one")
    )
    take = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text=_lazy("fields whose value of the other record is kept; default: those that are empty here"),
    )
    version = serializers.IntegerField(required=False, min_value=1, help_text=_lazy("of this record, as you read it"))
    away_version = serializers.IntegerField(required=False, min_value=1, help_text=_lazy("of the other one"))


class MergeChoiceSerializer(serializers.Serializer):
    name = serializers.CharField()
    label = serializers.CharField()
    kept = serializers.CharField()
    away = serializers.CharField()
    is_taken = serializers.BooleanField(help_text=_lazy("whether the other record's value is kept by default"))


class MergeMovingSerializer(serializers.Serializer):
    label = serializers.CharField()
    count = serializers.IntegerField()


class MergePreviewSerializer(serializers.Serializer):
    fields_that_differ = MergeChoiceSerializer(many=True)
    moves = MergeMovingSerializer(many=True)


class Merges:
    """For a viewset of records that can be merged: `…/merge`, and an old id leads to the kept record."""

    merge_row: Any
    may_merge: Any
    merge_why: Any

    def get_object(self):
        model, principal = self.queryset.model, self.request.principal  # type: ignore[attr-defined]
        try:
            row = super().get_object()  # type: ignore[misc]
        except Http404:
            registry.lead_on(principal, model, int(self.kwargs["pk"]), "pk")  # type: ignore[attr-defined]
            raise
        if row.is_archived:
            registry.lead_on(principal, model, row.pk, "pk")
        return row

    def _other(self, row: Any, pk: int | None) -> Any:
        """The record to merge into this one; 404 if unseen, 403 if the two may not be merged."""
        principal = self.request.principal  # type: ignore[attr-defined]
        other = get_object_or_404(type(row).objects.visible_to(principal), pk=pk)
        require(other.pk != row.pk and type(self).may_merge(principal, row, other), str(self.merge_why))
        return other

    @extend_schema(methods=["GET"], parameters=[AWAY], responses=MergePreviewSerializer, filters=False)
    @extend_schema(methods=["POST"], request=MergeSerializer)
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def merge(self, request, pk=None):
        """GET: in which fields the two differ, and what would move. POST merges the other record into this one, in one step that can be
        undone.
        """
        if request.method == "GET":
            return self._preview(request)

        def do(row):
            body = MergeSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            told = body.validated_data
            other = self._other(row, told["away"])
            suggested = [each.name for each in choices_of(request.principal, row, other) if each.is_taken]
            seen = (told.get("version"), told.get("away_version"))
            taken = told.get("take", suggested)
            type(self).merge_row(request.principal, kept=row, away=other, taken=taken, seen=seen, now=timezone.now())
            return row

        return act(self, request, do)

    def _preview(self, request) -> Response:
        self.refuse_unknown_parameters({"away"})  # type: ignore[attr-defined]
        row = self.get_object()
        require(not row.is_archived, str(permissions.IN_TRASH))
        away = whole_number(request.query_params.get("away", ""))
        if away is None:
            raise exceptions.ValidationError({"away": [_("Give the id of the other record.")]})
        other = self._other(row, away)
        found = {
            "fields_that_differ": choices_of(request.principal, row, other),
            "moves": what_moves(request.principal, other),
        }
        return unless_known(request, Response(MergePreviewSerializer(found).data))


class ClientMerges(Merges):
    merge_row, may_merge, merge_why = merge_clients, permissions.may_merge, permissions.MERGE


class ContactMerges(Merges):
    merge_row, may_merge, merge_why = merge_contacts, permissions.may_merge_contacts, permissions.PERSON_IN_TRASH


COLUMNS = ("id", "kept", "away", "at", "by", "undone_at", "undone_by")


class ClientMergeSerializer(StrictModelSerializer):
    class Meta:
        model = ClientMerge
        fields = COLUMNS
        read_only_fields = COLUMNS


class ContactMergeSerializer(StrictModelSerializer):
    class Meta:
        model = ContactMerge
        fields = COLUMNS
        read_only_fields = COLUMNS


class ClientMergeViewSet(ReadApiViewSet):
    """Clients that were merged; with `undone`, those whose merge was undone. `…/undo` makes two of one again."""

    queryset = ClientMerge.objects.all()
    orders = {"at": "at"}
    serializer_class = ClientMergeSerializer
    filterset_class = MergeFilters

    @extend_schema(request=None, responses=ClientMergeSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request, pk=None):
        """What was changed since stays as it is."""
        return act(self, request, lambda row: undo_client_merge(request.principal, merge=row, now=timezone.now()))


class ContactMergeViewSet(ReadApiViewSet):
    """Contacts that were merged; with `undone`, those whose merge was undone. `…/undo` makes two of one again."""

    queryset = ContactMerge.objects.all()
    orders = {"at": "at"}
    serializer_class = ContactMergeSerializer
    filterset_class = MergeFilters

    @extend_schema(request=None, responses=ContactMergeSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request, pk=None):
        """What was changed since stays as it is."""
        return act(self, request, lambda row: undo_contact_merge(request.principal, merge=row, now=timezone.now()))
