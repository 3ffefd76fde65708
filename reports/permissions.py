"""Who may do what with the numbers. Of which rows they are made is `visible_to(user)`."""

from crm.core.base.permissions import may_see_reports

__all__ = ["may_see_reports"]
