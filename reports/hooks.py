"""What reports offers to the kernel."""

# Handlers

# Wiring
from django.utils.translation import gettext_lazy as _

from crm.core.ui import navigation
from reports.permissions import may_see_reports

navigation.register(
    navigation.NavEntry(
        "reports", _("Reports"), "reports:dashboard", "bar-chart", 80, letter="r", shown=may_see_reports
    )
)
