"""The board: a column for each stage, whose cards are dragged or moved in a dialog. And the forecast, by month."""

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clients import permissions
from clients.opportunities import queries
from clients.opportunities.filters import OpportunityFilters
from clients.opportunities.forms import DropForm
from clients.opportunities.lists import decorate
from clients.opportunities.models import Opportunity, Pipeline, Stage
from clients.opportunities.services.pipelines import default_pipeline
from clients.opportunities.services.records import move_opportunity
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.moving import stale_words
from crm.core.listing.paging import BadCursor
from crm.core.ui.htmx import is_fragment

NARROWED_BY = ("owner", "kind")


class Shown:
    """The open opportunities that board and forecast show, as the address narrows them."""

    def __init__(self, request):
        self.principal, self.now = request.principal, timezone.now()
        filters = OpportunityFilters(request.GET, principal=self.principal, now=self.now)
        filters.values = {name: filters.values[name] for name in (*NARROWED_BY, "pipeline") if name in filters.values}
        filters.refused = {name: why for name, why in filters.refused.items() if name in (*NARROWED_BY, "pipeline")}
        self.filters = filters
        self.rows = filters.apply(queries.opportunities_of(self.principal).open())
        self.pipelines = list(Pipeline.objects.kept())
        chosen = filters.values.get("pipeline")
        self.pipeline = next((each for each in self.pipelines if each.pk == chosen), None)

    @property
    def query(self):
        """What narrows it, for the list behind a number."""
        values = {name: self.filters.one(name).chosen(value) for name, value in self.filters.values.items()}
        return {name: str(value) for name, value in values.items()}

    def context(self):
        return {
            "form": self.filters.shown_form(NARROWED_BY),
            "remark": self.filters.remark,
            "pipelines": self.pipelines if len(self.pipelines) > 1 else [],
            "pipeline": self.pipeline,
            "query": urlencode(self.query),
            "currency": get_firm().currency,
            "may_create": permissions.may_create(self.principal),
        }


@require_GET
def show(request):
    """The board of a pipeline."""
    shown = Shown(request)
    shown.pipeline = shown.pipeline or default_pipeline()
    columns = queries.board(shown.rows, shown.pipeline)
    base = {**shown.query, "pipeline": str(shown.pipeline.pk)}
    for column in columns:
        decorate(column.cards, shown)
        column.url = f"{reverse('clients:opportunities')}?{urlencode(base | {'stage': column.stage.pk})}"
        column.more_url = _more_url(column.stage, shown.query, column.next_cursor)
    context = shown.context() | {"columns": columns, "is_empty": not any(column.n for column in columns)}
    context["board"] = {
        "label": shown.pipeline.name,
        "columns": columns,
        "drop_url": reverse("clients:opportunity_drop"),
        "event": "opportunitiesChanged",
        "head": "clients/opportunities/board_head.html",
        "cards_template": "clients/opportunities/cards.html",
    }
    context["is_narrowed"] = bool(shown.query.keys() - {"pipeline"})
    template = "clients/opportunities/board.html"
    is_part = is_fragment(request) and request.htmx.target == "board"
    return render(request, f"{template}#board" if is_part else template, context)


@require_GET
def more(request, stage_id):
    """The next cards of a column; without JavaScript the list of its stage."""
    stage = get_object_or_404(Stage.objects.select_related("pipeline"), pk=stage_id)
    shown = Shown(request)
    try:
        found, cursor = queries.cards(shown.rows, stage, request.GET.get("cursor", ""))
    except BadCursor:
        found, cursor = queries.cards(shown.rows, stage)
    decorate(found, shown)
    context = {"cards": found, "stage": stage, "more_url": _more_url(stage, shown.query, cursor)}
    return render(request, "clients/opportunities/cards.html", context)


def _more_url(stage, query, cursor):
    if not cursor:
        return ""
    return f"{reverse('clients:opportunity_cards', args=[stage.pk])}?{urlencode(query | {'cursor': cursor})}"


@require_POST
def drop(request):
    """A card was dragged to a column. 409 with words where somebody else changed it meanwhile."""
    form = DropForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"text": _("This card could not be moved.")}, status=400)
    given = form.cleaned_data
    row = get_object_or_404(
        Opportunity.objects.visible_to(request.principal).select_related("client"), pk=given["moved"]
    )
    require(permissions.may_change_opportunity(request.principal, row), permissions.OPPORTUNITY_IN_TRASH)
    stage = get_object_or_404(Stage.objects.select_related("pipeline"), pk=given["list"])
    try:
        moved = move_opportunity(
            request.principal, opportunity=row, stage=stage, seen_version=given["version"], now=timezone.now()
        )
    except StaleWrite as error:
        return JsonResponse({"text": stale_words(request, error, row)}, status=409)
    except ServiceError as error:
        return JsonResponse({"text": str(error.message)}, status=409)
    return JsonResponse({"version": moved.version})


@require_GET
def forecast(request):
    """What open opportunities may bring, by the month in which they are expected to close."""
    shown = Shown(request)
    today, own = firm_today(shown.now), get_firm().currency
    rows = [_forecast_row(row, shown.query, today) for row in queries.forecast(shown.rows, today)]
    total = sum((row["sums"] for row in rows), queries.Sums())
    context = shown.context() | {"rows": rows, "total": total, "is_narrowed": bool(shown.query)}
    list_url = reverse("clients:opportunities")
    context["total_url"] = f"{list_url}?{urlencode(shown.query)}" if shown.query else list_url
    context["left_out_url"] = f"{list_url}?{urlencode(shown.query | {'unpriced': '1'})}"
    context["chart"] = {
        "labels": [row["short"] for row in rows],
        "titles": [row["label"] for row in rows],
        "unit": own,
        "series": [
            {
                "name": _("Weighted"),
                "values": [float(row["sums"].weighted) for row in rows],
                "urls": [r["url"] for r in rows],
            },
            {
                "name": _("Value"),
                "values": [float(row["sums"].value) for row in rows],
                "urls": [r["url"] for r in rows],
                "tone": "grey",
            },
        ],
    }
    return render(request, "clients/opportunities/forecast.html", context)


def _forecast_row(row, query, today):
    url = f"{reverse('clients:opportunities')}?{urlencode(query | row.query)}"
    found = {"sums": row.sums, "url": url, "is_late": row.start is None}
    found["left_out_url"] = f"{url}&unpriced=1"
    if row.start is None:
        return found | {"label": _("Earlier, still open"), "short": _("Earlier")}
    if row.end is None:
        return found | {"label": _("Later"), "short": _("Later")}
    month = str(MONTHS_3[row.start.month]).capitalize()
    return found | {"label": date_format(row.start, "F Y"), "short": f"{month} {row.start:%y}"}
