"""`GET /api/v1/reports/<kpi-id>`: one KPI in the public form, and the rows it counts."""

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.api.pagination import read_page_size
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.paging import BadCursor, paginate
from reports.filters import ReportFilter
from reports.kpis import find
from reports.kpis.base import MONEY
from reports.links import address
from reports.permissions import may_see_reports

FILTERS = ("start", "end", "owner", "team", "tier", "basis", "segment")


class PeriodSerializer(serializers.Serializer):
    start = serializers.DateField()
    end = serializers.DateField(help_text="the first day that no longer belongs to it")


class KpiAnswerSerializer(serializers.Serializer):
    id = serializers.CharField()
    version = serializers.IntegerField()
    formula = serializers.CharField()
    unit = serializers.CharField()
    currency = serializers.CharField(allow_null=True, help_text="of a sum of money, the firm's; else null")
    value = serializers.FloatField(allow_null=True, help_text="unrounded; a rate runs to 100")
    numerator = serializers.FloatField(allow_null=True)
    denominator = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    margin = serializers.FloatField(allow_null=True)
    period = PeriodSerializer()
    basis = serializers.CharField(allow_null=True)
    members_url = serializers.URLField()
    without_rate = serializers.IntegerField(
        allow_null=True,
        help_text="rows in foreign currencies that are not in a sum of money, because they have no rate",
    )


class MembersSerializer(serializers.Serializer):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = serializers.ListField(child=serializers.DictField())


def _parameter(name, kind=OpenApiTypes.STR, about=""):
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=about)


PARAMETERS = [
    _parameter("start", OpenApiTypes.DATE, "first day; with neither start nor end, the twelve months to today"),
    _parameter("end", OpenApiTypes.DATE, "the first day that no longer belongs to the period"),
    _parameter("owner", about="id or e-mail of the account manager, or “me”"),
    _parameter("team", OpenApiTypes.INT, "id of the team"),
    _parameter("tier", about="A, B or C"),
    _parameter("segment", OpenApiTypes.INT, "id of a segment; a broken one is refused"),
    _parameter("basis", about="status or revenue, where a number knows two; by default the firm's"),
]


class ReportViewSet(viewsets.ViewSet):
    """KPIs over the clients the caller may see; for managers and admins."""

    lookup_value_regex = "[a-z0-9-]{1,60}"
    lookup_field = "kpi_id"

    @extend_schema(operation_id="reports_retrieve", parameters=PARAMETERS, responses=KpiAnswerSerializer)
    def retrieve(self, request, kpi_id=None):
        kpi, form = self._asked(request, kpi_id, FILTERS)
        answer = kpi.answer(form.scope, form.period)
        url = request.build_absolute_uri(address("api:reports-members", form.scope, form.period, kpi.id))
        currency = form.firm.currency if kpi.unit == MONEY else None
        return Response(answer.as_dict() | {"currency": currency, "members_url": url})

    @extend_schema(
        operation_id="reports_members",
        parameters=[
            *PARAMETERS,
            _parameter("show", about="a part of the rows, such as left or detractors"),
            _parameter("cursor"),
            _parameter("page_size", OpenApiTypes.INT),
        ],
        responses=MembersSerializer,
    )
    @action(detail=True)
    def members(self, request, kpi_id=None):
        kpi, form = self._asked(request, kpi_id, (*FILTERS, "show", "cursor", "page_size"))
        show = request.query_params.get("show", "")
        if show not in {"", *dict(kpi.shows)}:
            raise exceptions.ValidationError({"show": [_("Unknown part of the rows.")]})
        members = kpi.members(form.scope, form.period, show).select_related(*kpi.related)
        try:
            page = paginate(
                members,
                sort=kpi.sort,
                cursor=request.query_params.get("cursor", ""),
                size=read_page_size(request),
                counted=False,
            )
        except BadCursor as error:
            raise exceptions.ValidationError({"cursor": [_("Invalid cursor.")]}) from error
        names = [str(column.label) for column in kpi.columns]
        rows = [
            {"id": row.pk, **dict(zip(names, (cell.plain for cell in kpi.cells(row, form.firm)), strict=True))}
            for row in page.rows
        ]
        return Response(
            {
                "next": self._turned(request, page.next_cursor),
                "previous": self._turned(request, page.previous_cursor),
                "results": rows,
            }
        )

    def _asked(self, request, kpi_id, known):
        """The KPI and the validated filter. 403 without permission, 404 for an unknown KPI, 400 for bad parameters."""
        require(may_see_reports(request.principal))
        kpi = find(kpi_id)
        if kpi is None:
            raise Http404
        unknown = {name: [_("Unknown parameter.")] for name in request.query_params if name not in known}
        if unknown:
            raise exceptions.ValidationError(unknown)
        form = ReportFilter(
            request.query_params, principal=request.principal, firm=get_firm(), today=firm_today(timezone.now())
        )
        if not form.is_valid():
            raise exceptions.ValidationError(
                {name: [str(text) for text in texts] for name, texts in form.errors.items()}
            )
        return kpi, form

    def _turned(self, request, cursor):
        if cursor is None:
            return None
        query = request.query_params.copy()
        query["cursor"] = cursor
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
