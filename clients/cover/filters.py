"""The filter of lists that follow cover."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clients.cover.queries import in_care_q
from crm.core.listing import filters


def in_care(owner: str = "owner") -> filters.Yes:
    """The filter of a list with `InCare`; `owner` is the column of the colleague."""
    return filters.Yes(
        owner,
        method="of_my_care",
        label=_lazy("In my care"),
        help_text=_lazy("My clients, and those of colleagues I cover for"),
        chip=_lazy("Only"),
        said=lambda value, principal: _("those in my care"),
    )


class InCare:
    """The filters of a list of which one's own rows, and those of colleagues one covers for, can be chosen."""

    principal: Any

    def of_my_care(self, rows, name, value: bool):
        return rows.filter(in_care_q(self.principal, name)) if value else rows
