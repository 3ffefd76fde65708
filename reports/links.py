"""Addresses of the pages of numbers: a number's link says exactly of which period and clients it was made."""

from urllib.parse import urlencode

from django.urls import reverse

from reports.periods import Period
from reports.scope import Scope


def address(name: str, scope: Scope, period: Period, *args, **extra) -> str:
    """The address of a page of the reports with exactly this period and these filters."""
    values = {
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "basis": scope.basis if scope.basis != scope.firm.retention_basis else "",
        "team": scope.team.pk if scope.team else "",
        "owner": scope.owner.pk if scope.owner else "",
        "tier": scope.tier,
        **extra,
    }
    return f"{reverse(name, args=args)}?{urlencode({key: value for key, value in values.items() if value not in ('', None)})}"


def members_address(kpi_id: str, scope: Scope, period: Period, **extra) -> str:
    """The page of a number, with the rows it was made of."""
    return address("reports:kpi", scope, period, kpi_id, **extra)
