"""What every report page begins with."""

from django.utils import timezone

from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today, get_firm
from reports.filters import ReportFilter
from reports.permissions import may_see_reports


def read_filter(request, now=None) -> ReportFilter:
    """The validated filter from the URL. Raises PermissionDenied (403) if the user may not see reports."""
    require(may_see_reports(request.principal))
    form = ReportFilter(
        request.GET, principal=request.principal, firm=get_firm(), today=firm_today(now or timezone.now())
    )
    if form.is_valid():
        form.offer()
    return form
