"""Filters of lists that follow cover."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clients.cover.queries import in_care_q
from crm.core.listing import filters


class InCare(filters.Yes):
    """One's own rows and those of colleagues one covers for now; `owner` is the column of the colleague."""

    def __init__(self, owner: str = "owner"):
        super().__init__(
            label=_lazy("In my care"),
            help_text=_lazy("My clients, and those of colleagues I cover for"),
            chip=_lazy("Only"),
            said=lambda value, principal: _("those in my care"),
        )
        self.owner = owner

    def filter(self, rows, value):
        return rows.filter(in_care_q(self.parent.principal, self.owner)) if value else rows
