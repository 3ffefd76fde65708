"""Who may see the reports. `visible_to(user)` decides which rows they count."""

from crm.core.base.permissions import may_see_reports

__all__ = ["may_see_reports"]
