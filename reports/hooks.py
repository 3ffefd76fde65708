"""What reports offers to the kernel."""

# Handlers

# Wiring
from django.utils.translation import gettext_lazy as _

from crm.core import nav
from reports.permissions import may_see_reports

nav.register(nav.NavEntry("reports", _("Reports"), "reports:dashboard", "bar-chart", 80, shown=may_see_reports))
