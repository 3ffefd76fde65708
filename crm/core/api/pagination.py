"""A page of the API: {next, previous, results}, by the cursors of the list kit."""

from typing import Any

from django.db.models import Field
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions, pagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from crm.core.base.reading import whole_number
from crm.core.listing.paging import BadCursor, Sort, paginate

MOST = 200
COMMON_ORDERS = {"id": "id", "created": "created_at", "updated": "updated_at"}


def orders_of(view: Any) -> dict[str, str | Sort]:
    """What a list may be ordered by, name → column: the view's own `orders`, the columns that all rows have, and the firm's own fields of
    its records, whose empty values come last."""
    columns = {field.name for field in view.queryset.model._meta.get_fields() if isinstance(field, Field)}
    common = {name: column for name, column in COMMON_ORDERS.items() if column in columns}
    catalogue = getattr(view.serializer_class, "catalogue", None)
    custom = catalogue.custom if catalogue is not None else {}
    return common | getattr(view, "orders", {}) | {name: entry.sort for name, entry in custom.items() if entry.sort}


class CursorPagination(pagination.CursorPagination):
    """`page_size` up to 200; `ordering` names a column, with “-” for descending. Newest first by default."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MOST
    page_size_query_description = "Rows a page, 1 to 200."
    cursor_query_description = "Where the page begins: take it from `next` or `previous`."
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request, view=None) -> list[Any]:
        self.request = request
        asked = request.query_params.get("ordering", "") or "-id"
        known = orders_of(view)
        wanted = known.get(asked.removeprefix("-"))
        if wanted is None:
            names = ", ".join(known)
            raise exceptions.ValidationError({"ordering": [_("Use one of: %(names)s.") % {"names": names}]})
        sort = Sort(wanted) if isinstance(wanted, str) else wanted
        if sort.expression is not None:
            queryset = queryset.annotate(**{sort.field: sort.computed(request.principal, timezone.now())})
        try:
            self.found = paginate(
                queryset,
                sort=sort.turned() if asked.startswith("-") else sort,
                cursor=request.query_params.get("cursor", ""),
                size=read_page_size(request),
                counted=False,
            )
        except BadCursor as error:
            raise exceptions.ValidationError({"cursor": [_("Invalid cursor.")]}) from error
        return self.found.rows

    def get_paginated_response(self, data) -> Response:
        links = {"next": self._turned(self.found.next_cursor), "previous": self._turned(self.found.previous_cursor)}
        return Response(links | {"results": data})

    def _turned(self, cursor: str | None) -> str | None:
        return cursor and replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)


def read_page_size(request) -> int:
    """At most 200. Raises ValidationError unless it is a number of at least 1."""
    text = request.query_params.get("page_size") or "50"
    size = whole_number(text, least=1, most=10**9 - 1)
    if size is None:
        raise exceptions.ValidationError({"page_size": [_("Enter a number from 1 to 200.")]})
    return min(size, MOST)
