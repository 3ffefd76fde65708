"""What every viewset of the API stands on; how to write one: docs/developers/api-kernel.md.

Rows are loaded through `visible_to` (what is not seen answers 404), written through the same services as the pages.
"""

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, mixins, viewsets
from rest_framework.response import Response

from crm.core.api.errors import PreconditionFailed
from crm.core.api.idempotency import idempotently

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key with the same body gives the first answer again.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag you read. 412 when somebody else has changed the row since.",
)
PAGING_PARAMETERS = {"cursor", "page_size"}


class ReadApiViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """List and detail. Set `queryset` (its QuerySet has `visible_to`), `serializer_class`, and `filterset_class` for filters.

    A query parameter nobody knows is refused: a mistyped filter must not answer with everything. `query_parameters` names
    those that are read otherwise than by the filterset.
    """

    lookup_value_regex = "[0-9]{1,18}"
    filterset_class: type | None = None
    query_parameters: tuple[str, ...] = ()

    def get_queryset(self) -> QuerySet:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        return queryset.visible_to(self.request.principal)

    def list(self, request, *args, **kwargs):
        self.refuse_unknown_parameters()
        return super().list(request, *args, **kwargs)

    def retrieve(self, request, *args, **kwargs):
        return self.answer(self.get_object())

    def refuse_unknown_parameters(self) -> None:
        filterset = self.filterset_class
        known = PAGING_PARAMETERS | {*self.query_parameters} | ({*filterset.base_filters} if filterset else set())
        unknown = {name: [_("There is no such parameter.")] for name in self.request.query_params if name not in known}
        if unknown:
            raise exceptions.ValidationError(unknown)

    def answer(self, row: Model, *, status: int = 200) -> Response:
        """The row as the client reads it, with its version as ETag."""
        row = self.get_queryset().filter(pk=row.pk).first() or row
        response = Response(self.get_serializer(row).data, status=status)
        if hasattr(row, "version"):
            response["ETag"] = etag(row)
        return response


class CreateByService:
    """POST. Implement `create_row(data)`: call the service, give the row. `Idempotency-Key` is honoured."""

    def create_row(self, data: dict[str, Any]) -> Model:
        raise NotImplementedError

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def create(self, request, *args, **kwargs):
        def make() -> Response:
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            return self.answer(self.create_row(dict(serializer.validated_data)), status=201)

        return idempotently(request, make, self)


class UpdateByService:
    """PATCH (there is no PUT). Implement `update_row(row, data, seen_version)`: call the service, give the row."""

    def update_row(self, row: Any, data: dict[str, Any], seen_version: int | None) -> Model:
        raise NotImplementedError

    @extend_schema(parameters=[IF_MATCH])
    def partial_update(self, request, *args, **kwargs):
        with transaction.atomic():
            row = self.get_object()
            seen = require_match(request, row)
            serializer = self.get_serializer(row, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            return self.answer(self.update_row(row, dict(serializer.validated_data), seen))


class RemoveByService:
    """DELETE answers 204. Implement `remove_row(row)`: archive or cancel through the service."""

    def remove_row(self, row: Any) -> None:
        raise NotImplementedError

    @extend_schema(parameters=[IF_MATCH])
    def destroy(self, request, *args, **kwargs):
        with transaction.atomic():
            row = self.get_object()
            require_match(request, row)
            self.remove_row(row)
        return Response(status=204)


class ApiViewSet(CreateByService, UpdateByService, RemoveByService, ReadApiViewSet):
    """Everything: list, detail, create, change, remove."""


def etag(row: Any) -> str:
    return f'"{row.version}"'


def require_match(request, row: Any) -> int | None:
    """The version the client says it saw (If-Match), or None without one. Raises 412 when the row has another by now.

    Pass it on to the service as `seen_version`: a write that slips in between is answered with 409.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    seen = re.fullmatch(r'"([0-9]{1,9})"', header)
    if seen is None or not hasattr(row, "version") or int(seen[1]) != row.version:
        raise PreconditionFailed()
    return int(seen[1])


def act(viewset, request, do: Callable[[Any], Any]) -> Response:
    """A POST on one row (`…/finish`): load it, honour If-Match and Idempotency-Key, run `do(row)`, answer the row it gives."""

    def run() -> Response:
        row = viewset.get_object()
        require_match(request, row)
        return viewset.answer(do(row) or row)

    return idempotently(request, run, viewset)
