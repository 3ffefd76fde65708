"""Data of the dashboard."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.records.choices import LeavingReason, Status
from clients.records.models import StatusPeriod
from crm.core.listing.counting import count_capped
from crm.core.ui.formatting import number
from reports import attention
from reports.kpis import find
from reports.kpis.base import MONEY, PERCENT, Kpi, KpiAnswer
from reports.kpis.retention import LEFT, reason_label, silent_before_leaving
from reports.links import address, members_address
from reports.periods import Period, rolling_years, single_months
from reports.scope import REVENUE, Scope

POINTS = 13
ATTENTION_SHOWN = 6


@dataclass(frozen=True)
class Measure:
    """A KPI, with its value a year before."""

    now: KpiAnswer
    before: KpiAnswer
    url: str
    is_certain: bool
    is_comparable: bool = True

    @property
    def change(self):
        return (
            None
            if not self.is_comparable or self.now.value is None or self.before.value is None
            else self.now.value - self.before.value
        )


@dataclass(frozen=True)
class Reason:
    label: str
    value: int
    url: str
    text: str


@dataclass(frozen=True)
class Silence:
    """Of those who left for the top reason: how many had no contact for weeks before."""

    label: str
    lost: int
    silent: int
    url: str


@dataclass(frozen=True)
class Dashboard:
    unknown: int
    retention: Measure
    nps: Measure
    arpa: Measure
    active: Measure
    retention_series: list[KpiAnswer]
    nps_series: list[KpiAnswer]
    months: list[KpiAnswer]
    reasons: list[Reason]
    resting: list[Reason]
    uncounted: int
    lost_url: str
    silence: Silence | None
    needs: list[attention.Need]
    needs_count: int


def dashboard(scope: Scope, period: Period, now: datetime) -> Dashboard:
    """Everything on the page, in about a dozen statements for any number of clients."""
    rolling = rolling_years(period.end, POINTS)
    before = period.year_before()
    retention, nps, arpa, active = (find(kpi_id) for kpi_id in ("retention", "nps", "arpa-realised", "active-clients"))
    kept = retention.series(scope, [*rolling, period, before])
    scores = nps.series(scope, [*rolling, period, before])
    earned = arpa.series(scope, [*single_months(period.end, POINTS - 1), period, before])
    lost = retention.reasons(scope, period)
    left = [row for row in lost if row[0] == Status.FORMER or scope.basis == REVENUE]
    needing = attention.needing(scope, now)
    unknown = scope.of_unknown_start(before.end).count()
    return Dashboard(
        unknown=unknown,
        retention=_measure(retention, scope, kept),
        nps=_measure(nps, scope, scores),
        arpa=_measure(arpa, scope, earned, unknown=unknown),
        active=_measure(active, scope, [active.answer(scope, period), active.answer(scope, before)], unknown=unknown),
        retention_series=kept[:-2],
        nps_series=scores[:-2],
        months=earned[:-2],
        reasons=_reasons(retention, scope, period, left),
        resting=_reasons(retention, scope, period, [row for row in lost if row not in left]),
        uncounted=retention.gone_uncounted(scope, period).count(),
        lost_url=members_address(retention.id, scope, period, show=LEFT),
        silence=_silence(retention, scope, period, lost),
        needs=[attention.explain(client, now) for client in needing.order_by("-urgency", "-pk")[:ATTENTION_SHOWN]],
        needs_count=count_capped(needing)[0],
    )


def _measure(kpi, scope, answers, unknown=0):
    now, before = answers[-2:]
    return Measure(
        now, before, members_address(kpi.id, scope, now.period), kpi.certain_change(now, before), not unknown
    )


def _reasons(kpi, scope, period, rows):
    return [
        Reason(
            _("No revenue, still a client")
            if scope.basis == REVENUE and status in (Status.ACTIVE, Status.AT_NOTICE)
            else reason_label(status, reason),
            n,
            members_address(
                kpi.id,
                scope,
                period,
                show=LEFT,
                status=status,
                reason=reason or ("none" if status == Status.FORMER else ""),
            ),
            number(n),
        )
        for status, reason, n in rows
    ]


def _silence(kpi, scope, period, rows):
    """None unless at least three left for the top reason, most of them without recent contact."""
    top = next((row for row in rows if row[0] == Status.FORMER and row[1]), None)
    if top is None or top[2] < 3:
        return None
    status, reason, lost = top
    # by period instead of end_status: find the few who left first, then check their contacts
    left = StatusPeriod.objects.covering(period.end).filter(status=status, reason=reason).values("client_id")
    silent = silent_before_leaving(kpi.members(scope, period, LEFT).filter(pk__in=left)).count()
    if silent * 2 < lost:
        return None
    label = str(LeavingReason(reason).label)
    return Silence(
        label, lost, silent, members_address(kpi.id, scope, period, show=LEFT, status=status, reason=reason, silent="1")
    )


def chart(kpi: Kpi, answers: list[KpiAnswer], scope: Scope) -> dict:
    """The data of a chart: a point opens the rows behind it."""
    unit, benchmark = {PERCENT: "%", MONEY: scope.firm.currency}.get(kpi.unit, ""), kpi.benchmark(scope.firm)
    digits = 1 if kpi.unit == PERCENT else kpi.digits
    values = [None if answer.value is None else round(answer.value, digits) for answer in answers]
    known = [value for value in values if value is not None]
    series = {
        "name": str(kpi.name),
        "values": values,
        "urls": [members_address(kpi.id, scope, answer.period) for answer in answers],
        "notes": [f"n = {number(answer.n)}" if kpi.counted[1] else "" for answer in answers],
    }
    data: dict[str, Any] = {
        "has_data": bool(known),
        "labels": _month_labels(answers),
        "titles": [_point_words(kpi, answer.period) for answer in answers],
        "unit": unit,
        "series": [series],
    }
    if not kpi.series_is_rolling and answers[-1].period.is_cut:
        series["unfinished"] = len(answers) - 1
    if kpi.has_margin:
        band = [(a.value - a.margin, a.value + a.margin) if a.value is not None else (None, None) for a in answers]
        series["low"], series["high"] = (
            [edge and round(edge, 1) for edge in edges] for edges in zip(*band, strict=True)
        )
        known += [edge for edges in band for edge in edges if edge is not None]
    if benchmark is not None:
        known += [float(benchmark)] if known else []
        data["benchmark"] = {"value": float(benchmark), "label": _("benchmark")}
    if known and kpi.unit != MONEY:
        room = max(1, (max(known) - min(known)) * 0.15)
        data |= {
            "min": min(known) - room,
            "max": min(max(known) + room, 100) if kpi.unit == PERCENT else max(known) + room,
        }
    return data


def _month_labels(answers: list[KpiAnswer]) -> list[list[str]]:
    """The month under each point; with the year on a second line at the first point and each January."""
    days = [answer.period.last_day for answer in answers]
    return [
        [date_format(day, "M"), date_format(day, "Y")] if n == 0 or day.month == 1 else [date_format(day, "M")]
        for n, day in enumerate(days)
    ]


def _point_words(kpi: Kpi, period: Period) -> str:
    """“Twelve months to 27 Nov 2026”, or for a single month “Nov 2026”."""
    day = date_format(period.last_day, "j M Y" if period.is_cut else "M Y")
    return _("Twelve months to %(day)s") % {"day": day} if kpi.series_is_rolling else day


def attention_address(scope: Scope, period: Period) -> str:
    return address("reports:attention", scope, period)
