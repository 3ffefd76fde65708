"""How many clients the firm has."""

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from clients.records.choices import ACTIVE_STATUSES
from clients.records.models import StatusPeriod
from reports.columns import CLIENT, OWNER, TIER, Column, day_cell
from reports.kpis.base import Kpi


class ActiveClients(Kpi):
    """Clients active or at notice at the end of the period: a plain count."""

    id = "active-clients"
    name = _("Active clients")
    formula = _("clients active or at notice at the end of the period")
    unit = "clients"
    source = _("the firm's status history")
    edge_rules = [
        _("A paused client is not active. A client on a trial is."),
        _("One-off customers and archived records count nowhere."),
        _("Owner, team and tier are those of today."),
    ]
    columns = (CLIENT, Column(_("Since"), lambda client, firm: day_cell(client.since, "")), OWNER, TIER)

    def answer(self, scope, period):
        n = self.members(scope, period).count()
        return self.made(period, value=n, numerator=n, denominator=None, n=n)

    def members(self, scope, period, show=""):
        """Clients active at the end, each with the day the status began as `since`."""
        covering = StatusPeriod.objects.covering(period.end).filter(client=OuterRef("pk"), status__in=ACTIVE_STATUSES)
        return scope.clients().active_at(period.end).annotate(since=Subquery(covering.values("start_date")[:1]))
