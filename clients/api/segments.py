"""Segments by the API: the rule as JSON. Their clients: `/clients?segment=…`."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from clients.segments import queries, rules
from clients.segments.compile import clients_of
from clients.segments.criteria import criteria
from clients.segments.lists import SegmentFilters
from clients.segments.models import LONGEST_NAME, Segment
from clients.segments.services import create_segment, delete_segment, restore_segment, update_segment
from crm.core.api.serializers import StrictModelSerializer, StrictSerializer
from crm.core.api.viewsets import ApiViewSet, act, unless_known
from crm.core.base.errors import ServiceError


class RuleField(serializers.JSONField):
    """The service says what is wrong with it."""


class SegmentSerializer(StrictModelSerializer):
    name = serializers.CharField(max_length=LONGEST_NAME)
    rule = RuleField(help_text=_lazy("A group {match: all, any or none; rules: [{field, op, values} or a group]}"))
    problems = serializers.SerializerMethodField(
        help_text=_lazy("Why it holds no clients: what its rule names and is gone")
    )

    class Meta:
        model = Segment
        fields = (
            "id",
            "name",
            "owner",
            "is_shared",
            "rule",
            "problems",
            "version",
            "created_at",
            "updated_at",
            "archived_at",
        )
        read_only_fields = ("owner", "version", "created_at", "updated_at", "archived_at")

    def get_problems(self, row) -> list[str]:
        return (getattr(row, "parsed", None) or rules.read(row.rule)).messages


class CountSerializer(serializers.Serializer):
    count = serializers.IntegerField()


class AskedSerializer(StrictSerializer):
    rule = RuleField()


class CriterionSerializer(serializers.Serializer):
    field = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.CharField()
    operators = serializers.ListField(child=serializers.CharField())
    choices = serializers.ListField(child=serializers.CharField(), allow_null=True)


class MovedSerializer(serializers.Serializer):
    joined = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    left = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    since = serializers.DateField(allow_null=True)


MOST_MOVED = 1000


class SegmentViewSet(ApiViewSet):
    """Segments: one's own and the shared ones. `/clients?segment=<id>` answers the clients. DELETE removes one; `…/restore` brings it
    back."""

    queryset = Segment.objects.all()
    orders = {"name": "name"}
    serializer_class = SegmentSerializer
    filterset_class = SegmentFilters

    def paginate_queryset(self, queryset):
        rows = super().paginate_queryset(queryset)
        for row, parsed in zip(rows, rules.read_all(row.rule for row in rows), strict=True):
            row.parsed = parsed
        return rows

    def create_row(self, data):
        return create_segment(self.request.principal, **data)

    def update_row(self, row, data, seen_version):
        return update_segment(self.request.principal, segment=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            delete_segment(self.request.principal, segment=row, now=timezone.now(), is_in_use_too=True)

    @extend_schema(request=None, responses=SegmentSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: restore_segment(request.principal, segment=row))

    @extend_schema(responses=MovedSerializer, filters=False)
    @action(detail=True, methods=["get"])
    def changes(self, request, pk=None):
        """The clients that joined and left after the day `since`, up to 1,000 of each; null while nothing is noted yet."""
        self.refuse_unknown_parameters(set())
        row = self.get_object()
        found = queries.moved(request.principal, row, rules.read(row.rule), timezone.now())

        def ids(rows):
            return None if rows is None else list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_MOVED])

        told = {"joined": ids(found.joined), "left": ids(found.left), "since": found.since}
        return unless_known(request, Response(MovedSerializer(told).data))

    @extend_schema(responses=CriterionSerializer(many=True), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def fields(self, request):
        """What a rule may ask: fields, their operators, their choices."""
        self.refuse_unknown_parameters(set())
        found = [
            {
                "field": each.key,
                "label": each.label,
                "kind": each.kind,
                "operators": list(each.operators),
                "choices": [str(value) for value, _label in each.choices()] if each.choices else None,
            }
            for each in criteria().values()
        ]
        return unless_known(request, Response(CriterionSerializer(found, many=True).data))

    @extend_schema(request=AskedSerializer, responses=CountSerializer, filters=False)
    @action(detail=False, methods=["post"])
    def count(self, request):
        """How many clients a rule describes, before it is saved."""
        body = AskedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        parsed = rules.read(body.validated_data["rule"])
        if parsed.problems:
            raise ServiceError(" ".join(parsed.messages), field="rule")
        return Response({"count": clients_of(parsed, request.principal, timezone.now()).count()})
