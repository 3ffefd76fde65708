from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from clients.records.nps import BANDS, LABELS
from crm.core.listing.paging import BadCursor, paginate
from crm.core.ui.formatting import number, percent, signed
from reports import attention
from reports.columns import client_address
from reports.kpis import find
from reports.links import members_address
from reports.queries import attention_address, chart, dashboard
from reports.scope import REVENUE
from reports.templatetags.report_words import money_whole
from reports.views.common import read_filter
from reports.views.words import basis_text


@require_safe
def show(request):
    now = timezone.now()
    form = read_filter(request, now)
    if not form.is_valid():
        return render(request, "reports/dashboard.html", {"form": form}, status=422)
    scope, period = form.scope, form.period
    found = dashboard(scope, period, now)
    context = {
        "form": form,
        "scope": scope,
        "period": period,
        "found": found,
        "basis": basis_text(scope),
        "by_revenue": scope.basis == REVENUE,
        "cards": _cards(found, scope),
        "retention_chart": chart(find("retention"), found.retention_series, scope),
        "nps_chart": chart(find("nps"), found.nps_series, scope),
        "arpa_chart": chart(find("arpa-realised"), found.months, scope),
        "months": [
            (answer, members_address("arpa-realised", scope, answer.period)) for answer in reversed(found.months)
        ],
        "bands": _bands(found.nps, scope),
        "most_lost": max((reason.value for reason in found.reasons), default=1),
        "needs": [(need, client_address(need.client.pk)) for need in found.needs],
        "attention_url": attention_address(scope, period),
        "kpis": {kpi_id.replace("-", "_"): find(kpi_id) for kpi_id in ("retention", "nps", "arpa-realised")},
    }
    return render(request, "reports/dashboard.html", context)


@require_safe
def list_attention(request):
    now = timezone.now()
    form = read_filter(request, now)
    if not form.is_valid():
        return render(request, "reports/attention.html", {"form": form}, status=422)
    scope = form.scope
    try:
        page = paginate(attention.needing(scope, now), sort=attention.BY_URGENCY, cursor=request.GET.get("page", ""))
    except BadCursor:
        page = paginate(attention.needing(scope, now), sort=attention.BY_URGENCY)
    rows = [(attention.explain(client, now), client_address(client.pk)) for client in page.rows]
    return render(request, "reports/attention.html", {"form": form, "page": page, "rows": rows})


def _cards(found, scope):
    """The four cards at the top: value, sample, and the change if there is one."""
    retention, nps, arpa, active = found.retention, found.nps, found.arpa, found.active
    spread = f"± {number(nps.now.margin)}" if nps.now.margin is not None else ""
    return [
        {
            "label": _("Client retention"),
            "value": percent(retention.now.value),
            "url": retention.url,
            "delta": _("%(points)s points") % {"points": signed(retention.change)}
            if retention.change is not None
            else "",
            "tone": _tone(retention),
            "note": _joined(
                _("on last year") if retention.change is not None else "",
                _("%(kept)s of %(all)s") % {"kept": number(retention.now.numerator), "all": number(retention.now.n)},
            ),
        },
        {
            "label": _("NPS"),
            "value": number(nps.now.value),
            "unit": spread,
            "url": nps.url,
            "delta": _("%(points)s on last year") % {"points": signed(nps.change, 0)} if nps.is_certain else "",
            "tone": _tone(nps),
            "note": _nps_note(nps, scope),
        },
        {
            "label": _("Revenue per account"),
            "value": money_whole(arpa.now.value, scope.firm.currency),
            "url": arpa.url,
            "delta": _relative(arpa),
            "tone": _tone(arpa),
            "note": _joined(
                _("on last year") if _relative(arpa) else "", find("arpa-realised").working(arpa.now, scope.firm)
            ),
        },
        {
            "label": _("Active clients"),
            "value": number(active.now.value),
            "url": active.url,
            "delta": signed(active.change, 0) if active.change else "",
            "tone": _tone(active),
            "note": _active_note(active, scope),
        },
    ]


def _joined(*texts) -> str:
    return " · ".join(filter(None, texts))


def _active_note(active, scope) -> str:
    change = _("on last year") if active.change else _("same as last year")
    if active.change is None:
        change = _("no comparison with last year")
    return _joined(change, _("with revenue in the period") if scope.basis == REVENUE else "")


def _nps_note(nps, scope):
    answers = ngettext("%(n)s answer", "%(n)s answers", nps.now.n) % {"n": number(nps.now.n)}
    if nps.now.value is None:
        return answers + " · " + _("shown from %(n)d") % {"n": scope.firm.nps_minimum_answers}
    return answers + ("" if nps.is_certain or nps.before.value is None else " · " + _("no certain change"))


def _bands(nps, scope):
    if nps.now.value is None:
        return []
    return [
        {
            "label": LABELS[band],
            "value": nps.now.parts[band],
            "text": number(nps.now.parts[band]),
            "url": members_address("nps", scope, nps.now.period, show=band),
        }
        for band in BANDS
    ]


def _tone(measure):
    """Neutral for small numbers."""
    return "flat" if not measure.change or not measure.is_certain else "good" if measure.change > 0 else "bad"


def _relative(measure):
    if measure.change is None or not measure.before.value:
        return ""
    return f"{signed(100 * measure.change / measure.before.value)}\u202f%"
