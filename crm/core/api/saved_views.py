"""Saved views of lists by the API: the same checks and permissions as on the pages."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.api.serializers import StrictModelSerializer, StrictSerializer
from crm.core.api.viewsets import ApiViewSet, act, unless_known
from crm.core.listing import filters, services
from crm.core.listing.models import LONGEST_NAME, ListPreference, SavedView
from crm.core.listing.pages import ListPage, list_pages

ARRANGED = ("query", "sort", "group", "board", "columns")


class ColumnSerializer(StrictSerializer):
    key = serializers.CharField(max_length=80)
    width = serializers.IntegerField(allow_null=True, required=False, default=None, help_text=_lazy("pixels"))

    def to_representation(self, instance):
        key, width = instance
        return {"key": key, "width": width}


class ViewSerializer(StrictModelSerializer):
    list = serializers.CharField(
        source="list_key", max_length=80, help_text=_lazy("Key of the list: `…/lists` names them.")
    )
    name = serializers.CharField(max_length=LONGEST_NAME)
    query = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=500)),
        required=False,
        help_text=_lazy("{filter: [values]}, as in the address of the list"),
    )
    sort = serializers.CharField(max_length=80, required=False, allow_blank=True)
    group = serializers.CharField(max_length=80, required=False, allow_blank=True)
    board = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text=_lazy("What its columns are; empty for a list.")
    )
    columns = ColumnSerializer(many=True, required=False, help_text=_lazy("In their order; empty for the list's own."))
    is_default = serializers.BooleanField(read_only=True, help_text=_lazy("The list opens with it for the caller."))

    class Meta:
        model = SavedView
        fields = (
            "id",
            "list",
            "name",
            "owner",
            "is_shared",
            "is_default",
            *ARRANGED,
            "version",
            "created_at",
            "updated_at",
            "archived_at",
        )
        read_only_fields = ("owner", "version", "created_at", "updated_at", "archived_at")

    def validate_columns(self, given):
        return [[each["key"], each["width"]] for each in given]


class ListSerializer(serializers.Serializer):
    key = serializers.CharField()
    title = serializers.CharField()
    filters = serializers.ListField(child=serializers.CharField())
    sorts = serializers.ListField(child=serializers.CharField())
    groups = serializers.ListField(child=serializers.CharField())
    boards = serializers.ListField(child=serializers.CharField())
    columns = serializers.ListField(child=serializers.CharField())


class ViewFilters(filters.TrashFilters):
    is_shared = filters.Yes("is_shared", label=_lazy("Shared"))

    @classmethod
    def get_filters(cls):
        return super().get_filters() | {"list": filters.Text("list_key", label=_lazy("List"))}

    class Meta:
        model = SavedView
        fields: list[str] = []


def pages_of(principal: Any) -> dict[str, ListPage]:
    """The lists whose views the principal may keep."""
    return {page.key: page for page in list_pages if page.has_views and page.may(principal)}


class SavedViewViewSet(ApiViewSet):
    """Saved views of lists: one's own and those that are shared. A view holds filters, sort, group, board and columns; it shows each
    reader only the rows they may see. `…/default` opens the list with it, for the caller alone. DELETE removes a view for everyone;
    `…/restore` brings it back."""

    queryset = SavedView.objects.all()
    serializer_class = ViewSerializer
    filterset_class = ViewFilters
    orders = {"name": "name"}

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        principal = self.request.principal
        preferred = ListPreference.objects.filter(user=principal.user_id, start_view=OuterRef("pk"))
        return rows.filter(list_key__in=pages_of(principal)).annotate(is_default=Exists(preferred))

    def _page(self, key: str) -> ListPage:
        found = pages_of(self.request.principal).get(key)
        if found is None:
            raise exceptions.ValidationError({"list": [_("There is no such list.")]})
        return found

    def create_row(self, data):
        page = self._page(data.pop("list_key"))
        return services.create_view(self.request.principal, page=page, now=timezone.now(), **{"query": {}} | data)

    def update_row(self, row, data, seen_version):
        if data.pop("list_key", row.list_key) != row.list_key:
            raise exceptions.ValidationError({"list": [_("A view stays with its list.")]})
        principal, arranged = self.request.principal, {name: data.pop(name) for name in ARRANGED if name in data}
        if data or not arranged:
            named = {"name": row.name, "is_shared": row.is_shared} | data
            row = services.update_view(principal, view=row, seen_version=seen_version, **named)
            seen_version = row.version
        if arranged:
            present = {name: getattr(row, name) for name in ARRANGED}
            page, now = self._page(row.list_key), timezone.now()
            row = services.save_view(
                principal, view=row, page=page, seen_version=seen_version, now=now, **present | arranged
            )
        return row

    def remove_row(self, row):
        services.delete_view(self.request.principal, view=row, now=timezone.now())

    @extend_schema(request=None, responses=ViewSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: services.restore_view(request.principal, view=row))

    @extend_schema(request=None, responses=ViewSerializer)
    @action(detail=True, methods=["post"])
    def default(self, request, pk=None):
        """The list opens with this view from now on, for the caller."""
        return act(self, request, lambda row: self._start(row, row))

    @extend_schema(request=None, responses={204: None})
    @default.mapping.delete
    def no_default(self, request, pk=None):
        """The list opens as the caller left it."""
        row = self.get_object()
        if row.is_default:
            self._start(row, None)
        return Response(status=204)

    def _start(self, row, view):
        services.start_with(self.request.principal, list_key=row.list_key, view=view)
        return row

    @extend_schema(responses=ListSerializer(many=True), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def lists(self, request):
        """The lists, and what a view of each may name."""
        self.refuse_unknown_parameters(set())
        found = [
            {
                "key": page.key,
                "title": str(page.title),
                "filters": sorted(page.filters.known()),
                "sorts": list(page.own_sorts),
                "groups": list(page.own_groups),
                "boards": list(page.own_boards),
                "columns": list(page.offered),
            }
            for page in pages_of(request.principal).values()
        ]
        return unless_known(request, Response(ListSerializer(found, many=True).data))


def register(router) -> None:
    router.register("views", SavedViewViewSet, basename="views")
