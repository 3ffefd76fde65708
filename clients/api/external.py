"""External ids in the API: a known id matches the existing row, `PUT …/by-external-id/…` creates or updates it,
`…/batch` does so for many, and `external_id=system:value` finds it.
"""

import logging
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from clients.api.batches import BatchAnswerSerializer, BatchSerializer, ExternalIdSerializer, answer_of
from clients.records.external import TAKEN, external_id_taken, find_external, link_external
from clients.records.models import ExternalId
from crm.core.api.idempotency import idempotently
from crm.core.api.viewsets import IDEMPOTENCY_KEY, IF_MATCH, require_match
from crm.core.base.errors import ServiceError

log = logging.getLogger(__name__)
REFUSALS_AN_HOUR = 20
Pairs = list[tuple[str, str]]
FIND = OpenApiParameter(
    "external_id",
    OpenApiTypes.STR,
    description="What another system calls the row, as system:value, such as sf:0015g00.",
)


class ExternalIdsMixin(serializers.Serializer):
    """`external_ids`: the row's ids in other systems. With a known one, a POST answers with the existing row (200)."""

    external_ids = ExternalIdSerializer(
        many=True, required=False, help_text=_lazy("IDs in other systems. A known ID matches the existing row.")
    )

    external_kind = ""

    def to_representation(self, instance):
        data = super().to_representation(instance)
        data["external_ids"] = self._ids_of(instance)
        return data

    def _ids_of(self, instance):
        if not hasattr(instance, "external"):
            rows = ExternalId.objects.filter(kind=self.external_kind, object_id=instance.pk).order_by("pk")
            instance.external = [{"system": row.system, "value": row.value} for row in rows]
        return instance.external


class ExternalIds:
    """A viewset whose rows have external ids of the kind `external_kind`. The serializer's class has
    `ExternalIdsMixin`.
    """

    external_kind = ""
    query_parameters = ("external_id",)
    also_answers = {"create": (200, 201), "by_external_id": (200, 201)}

    @extend_schema(parameters=[FIND])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)  # type: ignore[misc]

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def create(self, request, *args, **kwargs):
        """A known external id answers with the existing row (200), unchanged."""
        return idempotently(request, partial(self.enter, request.data), self)

    def enter(self, given: Any) -> Response:
        serializer = self.get_serializer(data=given)  # type: ignore[attr-defined]
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        pairs = _pairs(data)
        found = self.known(pairs)
        if found is not None:
            return self.answer(found)  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                made = self.link(self.create_row(data), pairs)  # type: ignore[attr-defined]
        except ServiceError as error:
            found = self.known(pairs) if error.code == TAKEN else None  # another request has just created it
            if found is None:
                raise
            return self.answer(found)  # type: ignore[attr-defined]
        return self.answer(made, status=201)  # type: ignore[attr-defined]

    def known(self, pairs: Pairs) -> Model | None:
        """The row that one of the ids belongs to. For a row the caller may not see, the error says only that the id is
        in use; a caller who asks for many of these is blocked for an hour.
        """
        for system, value in pairs:
            if (row := self._called(system, value)) is not None:
                return row
        return None

    def _called(self, system: str, value: str) -> Model | None:
        pk = find_external(system=system, kind=self.external_kind, value=value)
        if pk is None:
            return None
        row = self.get_queryset().filter(pk=pk).first()  # type: ignore[attr-defined]
        if row is None:
            self.count_refusal(system, value)
            raise external_id_taken()
        return row

    def count_refusal(self, system: str, value: str) -> None:
        user = self.request.user.pk  # type: ignore[attr-defined]
        log.warning("user %s gave an external id in use out of their sight: %s %s", user, self.external_kind, system)
        key = f"external-id-refusals:{user}:{timezone.now():%Y%m%d%H}"
        cache.add(key, 0, 3600)
        if cache.incr(key) > REFUSALS_AN_HOUR:
            raise exceptions.Throttled(detail=_("Too many external IDs that are in use. Try again in an hour."))

    def link(self, row: Any, pairs: Pairs) -> Any:
        for system, value in pairs:
            try:
                link_external(system=system, kind=self.external_kind, value=value, object_id=row.pk)
            except ServiceError as error:
                if error.code == TAKEN:
                    self._called(system, value)  # a hidden row counts against the caller's limit
                raise
        return row

    def change(self, row, data, seen):
        """External ids in a PATCH are added; the others stay."""
        pairs = _pairs(data)
        return super().change(self.link(row, pairs), data, seen)  # type: ignore[misc]

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)  # type: ignore[misc]
        wanted = "" if self.detail else self.request.query_params.get("external_id", "")  # type: ignore[attr-defined]
        if not wanted:
            return queryset
        system, colon, value = wanted.partition(":")
        if not (system.strip() and colon and value.strip()) or "\0" in wanted:
            raise exceptions.ValidationError({"external_id": [_("Use the form system:value.")]})
        known = ExternalId.objects.filter(kind=self.external_kind, system=system.strip().lower(), value=value.strip())
        return queryset.filter(pk__in=known.values("object_id"))

    def with_more(self, rows):
        rows = super().with_more(rows)  # type: ignore[misc]
        known: dict[int, list] = {row.pk: [] for row in rows}
        for external in ExternalId.objects.filter(kind=self.external_kind, object_id__in=known).order_by("pk"):
            known[external.object_id].append({"system": external.system, "value": external.value})
        for row in rows:
            row.external = known[row.pk]
        return rows


class Upserts(ExternalIds):
    """Creates or updates rows by external id, one or many."""

    @extend_schema(
        parameters=[
            IF_MATCH,
            OpenApiParameter("system", OpenApiTypes.STR, OpenApiParameter.PATH),
            OpenApiParameter("value", OpenApiTypes.STR, OpenApiParameter.PATH),
        ]
    )
    @action(
        detail=False,
        methods=["put"],
        url_path=r"by-external-id/(?P<system>[^/]+)/(?P<value>[^/]+)",
        url_name="by-external-id",
    )
    def by_external_id(self, request, system, value):
        """Create the row with this external id (201), or update the given fields of the existing one (200)."""
        ExternalIdSerializer(data={"system": system, "value": value}).is_valid(raise_exception=True)
        if not isinstance(request.data, dict):
            raise exceptions.ValidationError([_("Send the fields as an object.")])
        with transaction.atomic():
            return self.upsert(request.data, [(system, value)])

    def upsert(self, given: dict[str, Any], pairs: Pairs) -> Response:
        found = self.known(pairs)
        if found is None:
            named = [{"system": system, "value": value} for system, value in pairs]
            more = given.get("external_ids", [])
            response = self.enter({**given, "external_ids": [*named, *more] if isinstance(more, list) else more})
            found = self.known(pairs) if response.status_code == 200 else None
            if found is None:
                return response
        seen = require_match(self.request, found)  # type: ignore[attr-defined]
        serializer = self.get_serializer(found, data=given, partial=True)  # type: ignore[attr-defined]
        serializer.is_valid(raise_exception=True)
        return self.answer(self.change(found, dict(serializer.validated_data), seen))  # type: ignore[attr-defined]

    @extend_schema(
        request=BatchSerializer, responses=BatchAnswerSerializer, parameters=[IDEMPOTENCY_KEY], filters=False
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def batch(self, request):
        """Up to 200 rows: each is created, or changed if its `id` or one of its external ids is known. A refused row does not affect
        the others, unless you ask for `all_or_nothing`; `results` are in the order of `rows`.
        """
        return idempotently(request, lambda: Response(answer_of(self, request.data)))


def _pairs(data: dict[str, Any]) -> Pairs:
    return [(pair["system"], pair["value"]) for pair in data.pop("external_ids", [])]
