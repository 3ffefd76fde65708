"""What contracts and revenue lines are filtered by: their lists, the calendar of renewals, the table by month, and the API."""

from django.utils.translation import gettext_lazy as _

from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from crm.core.firm.queries import firm_today
from crm.core.listing import filters
from crm.core.users.models import User

STATES = [("current", _("In force")), ("coming", _("Not begun")), ("running", _("Not over")), ("ended", _("Ended"))]

COMES_UP = [("notice", _("Notice")), ("renewal", _("Renewal")), ("end", _("End"))]


def _owner() -> filters.PersonId:
    return filters.PersonId(
        "client__owner",
        label=_("Account manager"),
        chip=_("Account manager is"),
        named=User,
        offers=lambda found: filters.people(found, User.objects.active()),
        any_label=_("Any account manager"),
    )


class RevenueFilters(filters.ListFilters):
    catalogue = REVENUE_FIELDS
    owner = _owner()
    no_service = filters.Yes(
        method="without_service",
        label=_("Without a service"),
        chip=_("Service"),
        said=lambda value, principal: _("none"),
    )
    unrated = filters.Yes(
        method="only_unrated",
        label=_("Not in totals"),
        help_text=_("In a currency without a rate"),
        chip=_("Rate"),
        said=lambda value, principal: _("missing"),
    )

    def without_service(self, rows, name, value: bool):
        return rows.filter(service__isnull=True) if value else rows

    def only_unrated(self, rows, name, value: bool):
        return rows.without_rate() if value else rows


class ContractFilters(filters.TrashFilters):
    catalogue = CONTRACT_FIELDS
    in_force_on = filters.Day(method="in_force", label=_("In force on"))
    owner = _owner()
    state = filters.Choice(
        choices=STATES, method="by_state", label=_("State"), empty_label=_("Any state"), chip=_("State is")
    )

    comes_up = filters.Choice(
        choices=COMES_UP, method="that_come_up", label=_("Comes up"), empty_label=_("Any"), chip=_("Comes up:")
    )

    def that_come_up(self, rows, name, value):
        return rows if value == "end" else rows.that_renew()

    def in_force(self, queryset, name, value):
        return queryset.in_force_on(value)

    def by_state(self, rows, name, value):
        today = firm_today(self.now)
        if value == "current":
            return rows.in_force_on(today)
        if value == "coming":
            return rows.running(today).filter(start_date__gt=today)
        return rows.running(today) if value == "running" else rows.filter(end_date__lte=today)
