"""How many clients the firm has."""

from django.db.models import Exists, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from clients.records.choices import ACTIVE_STATUSES
from clients.records.models import StatusPeriod
from clients.revenue.models import RevenueLine
from reports.columns import CLIENT, OWNER, TIER, Column, day_cell
from reports.kpis import presence
from reports.kpis.base import Kpi
from reports.scope import REVENUE


class ActiveClients(Kpi):
    """Clients active or at notice at the end of the period: a plain count."""

    id = "active-clients"
    name = _("Active clients")
    version = 2  # 2: knows the basis of revenue
    formula = _("clients active or at notice at the end of the period")
    formulas = {REVENUE: _("clients with revenue booked in the period")}
    unit = "clients"
    source = _("the firm's status history")
    has_basis = True
    needs_start = True
    edge_rules = [
        _("Basis “revenue”: clients with at least one revenue line above zero in the period."),
        _("Paused clients are not active. Clients on a trial are."),
        _(
            "Clients imported without a start date count from the day of the import. The change on last year leaves them out."
        ),
        _("One-off customers and archived records never count."),
        _("Owner, team and tier are today's."),
    ]
    columns = (CLIENT, Column(_("Since"), lambda client, firm: day_cell(client.since, "")), OWNER, TIER)

    def answer(self, scope, period):
        n = self.members(scope, period).count()
        return self.made(period, value=n, numerator=n, denominator=None, n=n, basis=scope.basis)

    def members(self, scope, period, show=""):
        """Clients active at the end, with the start of their status as `since`; on the basis of revenue, those with
        revenue in the period, with the day of their first.
        """
        if scope.basis == REVENUE:
            first = RevenueLine.objects.filter(client=OuterRef("pk"), amount_firm__gt=0).order_by("date", "pk")
            found = scope.clients().filter(Exists(presence.booked_in(period)))
            return found.annotate(since=Subquery(first.values("date")[:1]))
        covering = StatusPeriod.objects.covering(period.end).filter(client=OuterRef("pk"), status__in=ACTIVE_STATUSES)
        return scope.clients().active_at(period.end).annotate(since=Subquery(covering.values("start_date")[:1]))
