from django.shortcuts import render
from django.views.decorators.http import require_safe

from reports.kpis import KPIS
from reports.links import members_address
from reports.views.common import read_filter
from reports.views.words import basis_text, change_text, period_text, value_text


@require_safe
def show(request):
    """Every KPI, with its operands."""
    form = read_filter(request)
    if not form.is_valid():
        return render(request, "reports/numbers.html", {"form": form}, status=422)
    scope, period = form.scope, form.period
    rows, unknown = [], scope.of_unknown_start(period.start).count()
    for kpi in KPIS.values():
        answer, before = kpi.answer(scope, period), kpi.answer(scope, period.year_before())
        rows.append(
            {
                "kpi": kpi,
                "answer": answer,
                "url": members_address(kpi.id, scope, period),
                "value": value_text(kpi, answer, scope.firm),
                "working": kpi.working(answer, scope.firm),
                "change": change_text(kpi, answer, before, scope),
                "basis": basis_text(scope) if kpi.has_basis else "",
            }
        )
    return render(
        request, "reports/numbers.html", {"form": form, "rows": rows, "period": period_text(period), "unknown": unknown}
    )
