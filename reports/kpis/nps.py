"""Net promoter score and its margin."""

from math import sqrt

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.records.nps import BANDS, DETRACTORS, NAMES, PASSIVES, PROMOTERS, TONES, band_sql, in_band
from crm.core.listing.paging import Sort
from crm.core.templatetags.ui import when
from interactions.surveys.models import SurveyResponse
from reports.columns import Cell, Column, client_cell, text_cell
from reports.kpis.base import POINTS, Kpi

SMALL = 40  # below this many answers the plain margin is too narrow
Z_95 = 1.96
COUNTS = ", ".join(f"count(*) FILTER (WHERE {band_sql(band)})" for band in BANDS)

SERIES = """
    WITH answer AS ({answers}),
    latest AS (
        SELECT DISTINCT ON (span.i, answer.person) span.i, answer.score
        FROM unnest(%(numbers)s::int[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span(i, first, last)
        JOIN answer ON answer.answered_at >= span.first AND answer.answered_at < span.last
        ORDER BY span.i, answer.person, answer.answered_at DESC, answer.id DESC
    )
    SELECT i, {counts}
    FROM latest GROUP BY i"""


def score(promoters: float, passives: float, detractors: float) -> float | None:
    """100 · (promoters − detractors) / n; None without an answer. Bain."""
    n = promoters + passives + detractors
    return 100 * (promoters - detractors) / n if n else None


def plain_margin(promoters: float, passives: float, detractors: float) -> float | None:
    """Half the 95 % interval in points: 1.96 · 100 · sqrt((p + d − (p − d)²) / n), the standard error of a difference of two
    proportions of one multinomial."""
    n = promoters + passives + detractors
    if not n:
        return None
    p, d = promoters / n, detractors / n
    return Z_95 * 100 * sqrt((p + d - (p - d) ** 2) / n)


def margin(promoters: int, passives: int, detractors: int) -> float | None:
    """The plain margin, below 40 answers with 0.75 promoters, 0.75 detractors and 1.5 passives added (Bonett and
    Price): otherwise it would be 0 if all agree.
    """
    n = promoters + passives + detractors
    if not n or n >= SMALL:
        return plain_margin(promoters, passives, detractors)
    return plain_margin(promoters + 0.75, passives + 1.5, detractors + 0.75)


class Nps(Kpi):
    """100 · (promoters − detractors) / n, in points from −100 to 100, with its 95 % margin; None below the firm's minimum n."""

    id = "nps"
    name = _("NPS")
    formula = _("100 · (promoters − detractors) ÷ n")
    counted = (_("Promoters less detractors"), _("Answers"))
    unit = POINTS
    has_margin = True
    source = _("Bain & Company; margin: standard error of a difference of multinomial proportions, Bonett and Price")
    edge_rules = [
        _("Promoters answer 9 or 10, detractors 0 to 6. Passives (7 and 8) count in n."),
        _("The latest answer of each person in the period counts. Answers without a named person count one by one."),
        _("Only NPS answers on the 0–10 scale. Scales are never mixed."),
        _("Hidden until there are enough answers (see Settings)."),
        _(
            "Margin (95 %): 1.96 · 100 · √((p + d − (p − d)²) ÷ n); below 40 answers with 0.75 promoters, 0.75 detractors and 1.5 passives added."
        ),
        _("A difference is called a change only if it exceeds √(m₁² + m₂²)."),
        _("One-off customers and archived records never count. Days are in the firm's time zone."),
    ]
    shows = [
        ("", _("All answers")),
        (PROMOTERS, _("Promoters")),
        (PASSIVES, _("Passives")),
        (DETRACTORS, _("Detractors")),
    ]
    noun = _("answers")
    sort = Sort("answered_at", descending=True)
    columns = (
        Column(_("Client"), lambda answer, firm: client_cell(answer.client)),
        Column(_("Contact"), lambda answer, firm: text_cell(str(answer.contact or ""))),
        Column(_("Score"), lambda answer, firm: Cell(answer.score, answer.score), is_number=True),
        Column(_("Group"), lambda answer, firm: Cell(*[str(NAMES[answer.band])] * 2, tone=TONES[answer.band])),
        Column(_("Comment"), lambda answer, firm: text_cell(answer.comment), is_long=True),
        Column(
            _("Answered"),
            lambda answer, firm: Cell(
                when(answer.answered_at, "full"), timezone.localtime(answer.answered_at).isoformat(" ", "minutes")
            ),
        ),
    )
    related = ("client", "contact")

    def working(self, answer, firm):
        if answer.value is None:
            return ""
        return f"100 · ({answer.parts[PROMOTERS]} − {answer.parts[DETRACTORS]}) ÷ {answer.n}"

    def benchmark(self, firm):
        return firm.nps_benchmark

    def answers(self, scope):
        """NPS answers on the usual scale about clients in scope, each with its `person`."""
        return (
            SurveyResponse.objects.visible_to(scope.principal)
            .nps()
            .filter(client__in=scope.clients())
            .annotate(person=Coalesce(F("contact_id"), -F("id")))
        )

    def members(self, scope, period, show=""):
        """The counted answers; `show` narrows them to one band."""
        start, end = period.moments(scope.firm.time_zone)
        newest = Window(RowNumber(), partition_by=F("person"), order_by=[F("answered_at").desc(), F("id").desc()])
        latest = self.answers(scope).between(start, end).order_by().annotate(place=newest).filter(place=1)
        found = SurveyResponse.objects.filter(pk__in=latest.values("pk")).select_related("client", "contact")
        return found.filter(in_band(show)) if show in BANDS else found

    def answer(self, scope, period):
        counts = {band: Count("pk", filter=in_band(band)) for band in BANDS}
        found = self.members(scope, period).order_by().aggregate(**counts)
        return self._made(scope, period, found[PROMOTERS], found[PASSIVES], found[DETRACTORS])

    def series(self, scope, periods):
        bounds = [period.moments(scope.firm.time_zone) for period in periods]
        columns = self.answers(scope).order_by().values("id", "score", "answered_at", "person")
        columns = columns.filter(answered_at__gte=min(b[0] for b in bounds), answered_at__lt=max(b[1] for b in bounds))
        counts = self._counts(columns, bounds)
        return [self._made(scope, period, *counts.get(index, (0, 0, 0))) for index, period in enumerate(periods)]

    def _counts(self, columns, bounds):
        try:
            sql, parameters = columns.query.sql_with_params()
        except EmptyResultSet:
            return {}
        names = [f"p{index}" for index in range(len(parameters))]
        values = dict(zip(names, parameters, strict=True))
        values |= {
            "numbers": list(range(len(bounds))),
            "starts": [b[0] for b in bounds],
            "ends": [b[1] for b in bounds],
        }
        with connection.cursor() as cursor:
            cursor.execute(SERIES.format(answers=sql % tuple(f"%({name})s" for name in names), counts=COUNTS), values)
            return {row[0]: row[1:] for row in cursor.fetchall()}

    def _made(self, scope, period, promoters, passives, detractors):
        n = promoters + passives + detractors
        shown = n >= max(scope.firm.nps_minimum_answers, 1)
        return self.made(
            period,
            value=score(promoters, passives, detractors) if shown else None,
            numerator=promoters - detractors if shown else None,
            denominator=n,
            n=n,
            margin=margin(promoters, passives, detractors) if shown else None,
            parts={PROMOTERS: promoters, PASSIVES: passives, DETRACTORS: detractors} if shown else {},
        )

    def certain_change(self, now, before):
        if now.value is None or before.value is None:
            return False
        return abs(now.value - before.value) > sqrt(now.margin**2 + before.margin**2)
