from itertools import chain

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.core.listing.files import table_file
from crm.core.listing.paging import BadCursor, paginate
from reports.kpis import find
from reports.links import address, members_address
from reports.periods import rolling_years, single_months
from reports.queries import POINTS, chart
from reports.views.common import read_filter
from reports.views.words import basis_text, change_text, facts, period_text, value_text

NARROWING = ("show", "status", "reason", "silent")


@require_safe
def show(request, kpi_id):
    form = read_filter(request)
    kpi = _known(kpi_id)
    if not form.is_valid():
        return render(request, "reports/kpi.html", {"form": form, "kpi": kpi}, status=422)
    scope, period = form.scope, form.period
    answer, members = kpi.answer(scope, period), _members(request, kpi, scope, period)
    try:
        page = paginate(members, sort=kpi.sort, cursor=request.GET.get("page", ""))
    except BadCursor:
        page = paginate(members, sort=kpi.sort)
    kept = {name: request.GET.get(name, "") for name in NARROWING}
    context = {
        "form": form,
        "kpi": kpi,
        "scope": scope,
        "answer": answer,
        "value": value_text(kpi, answer, scope.firm),
        "working": kpi.working(answer, scope.firm),
        "facts": facts(kpi, answer, scope.firm),
        "period": period_text(period),
        "basis": basis_text(scope) if kpi.has_basis else "",
        "change": change_text(kpi, answer, kpi.answer(scope, period.year_before()), scope),
        "unknown": scope.of_unknown_start(period.start).count() if kpi.needs_start else 0,
        "page": page,
        "rows": [kpi.cells(row, scope.firm) for row in page.rows],
        "shows": [
            (label, members_address(kpi.id, scope, period, show=key), key == kept["show"]) for key, label in kpi.shows
        ],
        "hidden": {name: value for name, value in kept.items() if value},
        "is_narrowed": any(kept[name] for name in ("status", "reason", "silent")),
        "export_url": address("reports:export", scope, period, kpi.id, **kept),
        **_series(kpi, scope, period),
    }
    return render(request, "reports/kpi.html", context)


@require_safe
def export(request, kpi_id):
    """Every member, as CSV or (`as=xlsx`) as a workbook."""
    form = read_filter(request)
    kpi = _known(kpi_id)
    if not form.is_valid():
        raise Http404
    scope = form.scope
    members = _members(request, kpi, scope, form.period).order_by("pk")
    header = [[str(column.label) for column in kpi.columns]]
    rows = ([cell.plain for cell in kpi.cells(row, scope.firm)] for row in members.iterator(chunk_size=2000))
    return table_file(chain(header, rows), name=kpi.id, kind="xlsx" if request.GET.get("as") == "xlsx" else "csv")


def _known(kpi_id):
    kpi = find(kpi_id)
    if kpi is None:
        raise Http404
    return kpi


def _members(request, kpi, scope, period):
    members = kpi.members(scope, period, request.GET.get("show", ""))
    return kpi.narrowed(members, request.GET).select_related(*kpi.related)


def _series(kpi, scope, period):
    periods = rolling_years(period.end, POINTS) if kpi.series_is_rolling else single_months(period.end, POINTS)
    answers = kpi.series(scope, periods)
    table = [
        (
            point,
            value_text(kpi, point, scope.firm),
            members_address(kpi.id, scope, point.period),
            [value for _label, value in facts(kpi, point, scope.firm)],
        )
        for point in reversed(answers)
    ]
    return {"chart": chart(kpi, answers, scope), "series": table, "benchmark": kpi.benchmark(scope.firm)}
