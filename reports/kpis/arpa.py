"""Revenue per account: two KPIs."""

from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from clients.records.choices import ACTIVE_STATUSES
from clients.revenue.choices import MONTHS_IN
from clients.revenue.models import Contract, RevenueLine
from crm.core.ui.formatting import number
from reports.columns import CLIENT, OWNER, TIER, Cell, Column, money_cell
from reports.kpis import presence
from reports.kpis.base import MONEY, Kpi
from reports.periods import Period
from reports.scope import REVENUE

# the number of month ends at which the client was active, without those at which all its contracts in force were free
MONTH_ENDS = f"""bit_count((
    (SELECT coalesce(bit_or({presence.COVERED}), 0) FROM clients_statusperiod WHERE client_id = clients_client.id AND status = ANY(%(statuses)s))
    & ~(SELECT coalesce(bit_or(mask) FILTER (WHERE is_free), 0) & ~coalesce(bit_or(mask) FILTER (WHERE NOT is_free), 0)
        FROM (SELECT is_free, {presence.COVERED} AS mask FROM clients_contract WHERE client_id = clients_client.id AND archived_at IS NULL) AS contract)
    )::bit(64))"""


NOT_ADDED = _("Amounts in a foreign currency without a rate are not added. Their number is shown next to the total.")


class ArpaRealised(Kpi):
    """Revenue booked in the period ÷ mean of active clients at the period's month ends, in the firm's currency; None without
    an active client. ChartMogul; ProfitWell."""

    id = "arpa-realised"
    version = 2  # 2: knows the basis of revenue
    name = _("Revenue per account")
    formula = _("revenue booked in the period ÷ average of active clients at its month ends")
    formulas = {REVENUE: _("revenue booked in the period ÷ clients with revenue in it")}
    counted = (_("Revenue"), _("Accounts"))
    unit = MONEY
    source = _("ChartMogul; ProfitWell")
    series_is_rolling = False
    has_basis = True
    needs_start = True
    edge_rules = [
        _("Basis “revenue”: accounts are the clients with at least one revenue line above zero in the period."),
        _(
            "Revenue: booked in the period, net of tax, in the firm's currency at each line's rate. Refunds are subtracted."
        ),
        NOT_ADDED,
        _(
            "Accounts: the average number of clients active or at notice at each month's end in the period, or on its last day if it has no month's end."
        ),
        _(
            "Clients whose active contracts are all free or trials do not count at that month's end. Clients without contracts do."
        ),
        _("One-off customers and archived records never count, nor does their revenue."),
        _("Owner, team and tier are today's."),
    ]
    columns = (
        CLIENT,
        Column(_("Revenue"), lambda client, firm: money_cell(client.revenue or 0, firm), is_number=True),
        Column(_("Counted"), lambda c, firm: Cell(number(c.month_ends), c.month_ends), is_number=True),
        OWNER,
        TIER,
    )

    def answer(self, scope, period):
        found = self.members(scope, period).order_by().aggregate(booked=Sum("revenue"), counted=Sum("month_ends"))
        without = RevenueLine.objects.without_rate().between(period.start, period.end)
        count = without.filter(client__in=scope.clients().order_by().values("pk")).count()
        return self._made(scope, period, (found["booked"] or 0, count), found["counted"] or 0)

    def series(self, scope, periods):
        clients = scope.clients()
        revenue = presence.revenue_in(clients, periods)
        if scope.basis == REVENUE:
            counted = presence.earning_in(clients, periods)
        else:
            active = presence.paying_at(clients, {day for period in periods for day in period.month_ends()})
            counted = [sum(active[day] for day in period.month_ends()) for period in periods]
        return [self._made(scope, *each) for each in zip(periods, revenue, counted, strict=True)]

    def _made(self, scope, period, booked, counted):
        """`booked`: (revenue, lines without a rate). `counted`: the sum over clients of the month ends at which they
        were active; on the basis of revenue, the number of clients.
        """
        revenue, without = booked
        accounts = counted / (1 if scope.basis == REVENUE else len(period.month_ends()))
        value = float(revenue) / accounts if accounts else None
        return self.made(
            period,
            value=value,
            numerator=float(revenue),
            denominator=accounts,
            n=round(accounts),
            basis=scope.basis,
            parts={"accounts": accounts},
            money=(scope.firm.currency, without),
        )

    def members(self, scope, period, show=""):
        """Clients with revenue in the period or counted at a month's end: `revenue` and `month_ends` of each. Their sums are
        the numerator and, divided by the number of month ends, the denominator."""
        booked = (
            RevenueLine.objects.between(period.start, period.end)
            .filter(client=OuterRef("pk"))
            .order_by()
            .values("client")
        )
        return (
            scope.clients()
            .annotate(
                month_ends=_counted(scope, period),
                revenue=Subquery(
                    booked.annotate(total=Sum("amount_firm")).values("total"),
                    output_field=DecimalField(max_digits=16, decimal_places=2),
                ),
            )
            .filter(Q(month_ends__gt=0) | Q(revenue__isnull=False))
        )


def _counted(scope, period: Period) -> Any:
    """How often a client counts as an account: the number of month ends, or (basis revenue) once if it has any."""
    if scope.basis == REVENUE:
        return Case(When(Exists(presence.booked_in(period)), then=Value(1)), default=Value(0))
    return month_ends_of(period)


def month_ends_of(period: Period) -> Any:
    """Summed over groups of dates, because a mask holds only about five years of month ends."""
    first, *more = (_month_ends(days) for days in presence.in_masks(period.month_ends()))
    return sum(more, first)


def _month_ends(days) -> RawSQL:
    values = {"days": days, "statuses": list(ACTIVE_STATUSES)}
    sql, parameters = _positional(MONTH_ENDS, values)
    return RawSQL(sql, parameters, output_field=BigIntegerField())  # nosec B611  a constant; all values are parameters


def _positional(sql, values):
    """Named parameters as positional ones, which RawSQL takes."""
    parts = sql.split("%(")
    text, parameters = parts[0], []
    for part in parts[1:]:
        name, rest = part.split(")s", 1)
        parameters.append(values[name])
        text += "%s" + rest
    return text, parameters


class ArpaRecurring(Kpi):
    """MRR ÷ paying clients at the end of the period, per month, in the firm's currency; None without a paying
    client.
    """

    id = "arpa-recurring"
    name = _("Recurring revenue per account")
    formula = _("MRR ÷ paying clients, at the end of the period")
    counted = (_("MRR"), _("Paying clients"))
    unit = MONEY
    source = _("ChartMogul; ProfitWell")
    edge_rules = [
        _(
            "MRR: active contracts at the end of the period, as a monthly value in the firm's currency at the contract's rate."
        ),
        NOT_ADDED,
        _("Free and trial contracts and those paid once have no MRR; a client without MRR is not a paying client."),
        _("Refunds do not change it. One-off customers and archived records never count."),
    ]
    columns = (
        CLIENT,
        Column(_("A month"), lambda client, firm: money_cell(round(client.mrr, 2), firm), is_number=True),
        OWNER,
        TIER,
    )

    def answer(self, scope, period):
        found = self.members(scope, period).order_by().aggregate(total=Sum("mrr"), n=Count("pk"))
        mrr, n = float(found["total"] or 0), found["n"]
        without = _recurring(period).without_rate().filter(client__in=scope.clients().order_by().values("pk"))
        money = scope.firm.currency, without.count()
        return self.made(period, value=mrr / n if n else None, numerator=mrr, denominator=n, n=n, money=money)

    def members(self, scope, period, show=""):
        """Paying clients at the end of the period with their `mrr`."""
        monthly = Case(*(When(period=paid, then=Value(months)) for paid, months in MONTHS_IN.items()))
        value = ExpressionWrapper(
            F("value") * F("rate") / monthly, output_field=DecimalField(max_digits=20, decimal_places=6)
        )
        contracts = _recurring(period).filter(client=OuterRef("pk"))
        total = contracts.order_by().values("client").annotate(total=Sum(value)).values("total")
        return (
            scope.clients()
            .annotate(mrr=Subquery(total, output_field=DecimalField(max_digits=20, decimal_places=6)))
            .filter(mrr__gt=0)
        )


def _recurring(period: Period):
    """Paid contracts in force at the end of the period."""
    return Contract.objects.in_force_on(period.end).recurring()
