"""URLs of report pages: a KPI's link holds exactly its period and clients."""

from urllib.parse import urlencode

from django.urls import reverse

from reports.periods import Period
from reports.scope import Scope


def address(name: str, scope: Scope, period: Period, *args, **extra) -> str:
    """The URL of a report page with exactly this period and these filters."""
    values = {
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "basis": scope.basis if scope.basis != scope.firm.retention_basis else "",
        "team": scope.team.pk if scope.team else "",
        "owner": scope.owner.pk if scope.owner else "",
        "tier": scope.tier,
        "segment": scope.segment.pk if scope.segment else "",
        **extra,
    }
    return f"{reverse(name, args=args)}?{urlencode({key: value for key, value in values.items() if value not in ('', None)})}"


def members_address(kpi_id: str, scope: Scope, period: Period, **extra) -> str:
    """The page of a KPI, with the rows it counts."""
    return address("reports:kpi", scope, period, kpi_id, **extra)
