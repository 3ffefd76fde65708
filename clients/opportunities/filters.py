"""What opportunities are filtered by: list, files, selected rows, board, forecast and API."""

from django.utils.translation import gettext_lazy as _

from clients.opportunities.choices import OpportunityState
from clients.opportunities.fields import OPPORTUNITY_FIELDS
from clients.records.queries import matching
from crm.core.listing import filters

SHOWN = [("open", _("Open")), ("won", _("Won")), ("lost", _("Lost")), ("all", _("All"))]


class OpportunityFilters(filters.TrashFilters):
    catalogue = OPPORTUNITY_FIELDS
    q = filters.Search(method="search", label=_("title"))
    show = filters.Choice(choices=SHOWN, method="of_part", label=_("Which"))
    rotting = filters.Yes(
        method="only_rotting",
        label=_("Rotting"),
        help_text=_("In their stage for longer than it allows"),
        chip=_("Stage"),
        said=lambda value, principal: _("rotting"),
    )
    unpriced = filters.Yes(
        method="only_unpriced",
        label=_("Not in totals"),
        help_text=_("Without a value, or in a currency without a rate"),
        chip=_("Value"),
        said=lambda value, principal: _("not in the sums"),
    )

    def search(self, rows, name, value):
        return matching(rows, value)

    def of_part(self, rows, name, value):
        return rows if value == "all" else rows.filter(state=OpportunityState(value))

    def only_rotting(self, rows, name, value: bool):
        return rows.rotting(self.now) if value else rows

    def only_unpriced(self, rows, name, value: bool):
        return rows.unpriced() if value else rows
