"""The base of every viewset of the API. How to write one: docs/developers/api-kernel.md.

Rows are loaded through `visible_to` (an unseen row answers 404) and written through the same services as the pages.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, mixins, viewsets
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from crm.core.api.errors import PreconditionFailed
from crm.core.api.idempotency import idempotently
from crm.core.listing.filters import for_api

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
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of an earlier answer. 304 without a body when nothing has changed since.",
)
PAGING_PARAMETERS = {"cursor", "page_size", "ordering"}


class ReadApiViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """List and detail. Set `queryset` (its QuerySet has `visible_to`), `serializer_class`, and `filterset_class` for filters.

    An unknown query parameter is refused: a mistyped filter must not return everything. `query_parameters` names those
    that the filterset does not read. `orders`: what `ordering` may name besides the columns of all rows, name → column
    that is never empty. `expands`: the related rows that `expand` may name.
    """

    lookup_value_regex = "[0-9]{1,18}"
    filterset_class: type | None = None
    query_parameters: tuple[str, ...] = ()
    orders: dict[str, str] = {}
    expands: tuple[str, ...] = ()

    def offered_expands(self) -> list[str]:
        """Without rows that the firm does not use."""
        known = getattr(self.serializer_class, "catalogue", {})
        return [name for name in self.expands if name not in known or known[name].is_used()]

    def get_queryset(self) -> QuerySet:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        return queryset.visible_to(self.request.principal)

    @extend_schema(parameters=[IF_NONE_MATCH])
    def list(self, request, *args, **kwargs):
        rows: Any = self.queryset  # type: ignore[arg-type]
        filters = for_api(self.filterset_class, rows.model)
        self.refuse_unknown_parameters(PAGING_PARAMETERS | {*filters.known(), *self.query_parameters})
        self.expanded  # noqa: B018  refuses a name that cannot be expanded before anything is read
        return unless_known(request, super().list(request, *args, **kwargs))

    @extend_schema(parameters=[IF_NONE_MATCH])
    def retrieve(self, request, *args, **kwargs):
        self.refuse_unknown_parameters(set())
        return unless_known(request, self.answer(self.get_object()))

    @cached_property
    def expanded(self) -> tuple[str, ...]:
        """The related rows named in `expand`. Raises ValidationError."""
        asked = tuple(name for name in self.request.query_params.get("expand", "").split(",") if name)
        if wrong := [name for name in asked if name not in self.offered_expands()]:
            names = ", ".join(self.offered_expands()) or "—"
            text = _("“%(name)s” cannot be expanded. Give some of: %(names)s.") % {"name": wrong[0], "names": names}
            raise exceptions.ValidationError({"expand": [text]})
        return asked

    def filter_queryset(self, queryset):
        return (
            super().filter_queryset(queryset).select_related(*self.expanded)
            if self.expanded
            else super().filter_queryset(queryset)
        )

    def paginate_queryset(self, queryset):
        rows = super().paginate_queryset(queryset)
        return rows if rows is None else self.with_more(rows)

    def with_more(self, rows: Any) -> Any:
        """Rows of a list with what the answer needs besides, looked up for all of them together."""
        return rows

    def get_serializer_context(self):
        asked = self.expanded if self.request and self.expands else ()
        return {**super().get_serializer_context(), "expands": self.expands, "expanded": asked}

    def refuse_unknown_parameters(self, known: set[str]) -> None:
        known = known | ({"expand"} if self.expands else set())
        unknown = {name: [_("Unknown parameter.")] for name in self.request.query_params if name not in known}
        if unknown:
            raise exceptions.ValidationError(unknown)

    def answer(self, row: Model, *, status: int = 200) -> Response:
        """Answers with the row and its version as ETag."""
        row = self.get_queryset().filter(pk=row.pk).first() or row
        response = Response(self.get_serializer(row).data, status=status)
        response["ETag"] = etag(row, response.data)
        return response


class FirmApiViewSet(ReadApiViewSet):
    """Rows of the whole firm, not of a client: everyone signed in can read them."""

    def get_queryset(self) -> QuerySet:
        return self.queryset.all()  # type: ignore[union-attr, arg-type]


class CreateByService:
    """POST. Implement `create_row(data)`: call the service, return the row. `Idempotency-Key` is honoured."""

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
    """PATCH (there is no PUT). Implement `update_row(row, data, seen_version)`: call the service, return the row."""

    def update_row(self, row: Any, data: dict[str, Any], seen_version: int | None) -> Model:
        raise NotImplementedError

    @extend_schema(parameters=[IF_MATCH])
    def partial_update(self, request, *args, **kwargs):
        with transaction.atomic():
            row = self.get_object()
            seen = require_match(request, row)
            serializer = self.get_serializer(row, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            return self.answer(self.change(row, dict(serializer.validated_data), seen))

    def change(self, row: Any, data: dict[str, Any], seen: int | None) -> Model:
        return self.update_row(row, data, seen)


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


def etag(row: Any, data: Any) -> str:
    """The row's version, which If-Match compares, and a mark for the parts of the answer that change without an
    edit.
    """
    return f'"{getattr(row, "version", 0)}-{_hash(data)}"'


def _hash(data: Any) -> str:
    return hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:16]


def unless_known(request, response: Response) -> Response:
    """304 without a body if the caller already has this answer (If-None-Match)."""
    response.headers.setdefault("ETag", f'"{_hash(response.data)}"')
    mark = response["ETag"]
    known = [part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")]
    if mark not in known and "*" not in known:
        return response
    unchanged = Response(status=304)
    unchanged["ETag"] = mark
    return unchanged


def require_match(request, row: Any) -> int | None:
    """The version the client says it saw (If-Match), or None without one. Raises 412 if the row has another version by
    now.

    Pass it to the service as `seen_version`: a write in between then answers 409.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    seen = re.fullmatch(r'"([0-9]{1,9})(-[0-9a-f]{16})?"', header)
    if seen is None or not hasattr(row, "version") or int(seen[1]) != row.version:
        raise PreconditionFailed()
    return int(seen[1])


def act(viewset, request, do: Callable[[Any], Any]) -> Response:
    """A POST on one row (`…/finish`): load it, honour If-Match and Idempotency-Key, run `do(row)`, answer with the row
    it returns.
    """

    def run() -> Response:
        row = viewset.get_object()
        require_match(request, row)
        return viewset.answer(do(row) or row)

    return idempotently(request, run, viewset)
