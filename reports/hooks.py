"""What reports registers with the kernel."""

from django.utils.translation import gettext_lazy as _

from crm.core.search import sources as search
from crm.core.ui import navigation
from reports.kpis import KPIS
from reports.permissions import may_see_reports

navigation.register(
    navigation.NavEntry(
        "reports", _("Reports"), "reports:dashboard", "bar-chart", 80, letter="r", shown=may_see_reports
    )
)
for kpi in KPIS.values():
    search.palette.register(
        search.Command(
            f"report-{kpi.id}",
            kpi.name,
            "reports:kpi",
            "bar-chart",
            _("report number kpi"),
            order=60,
            args=(kpi.id,),
            shown=may_see_reports,
        )
    )
search.palette.register(
    search.Command(
        "attention",
        _("Needs attention"),
        "reports:attention",
        "bar-chart",
        _("report quiet"),
        order=59,
        shown=may_see_reports,
    )
)
