"""The revenue lines of a client as a list; what revenue and contracts are filtered by in the API."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.page.queries import load_client
from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from crm.core.listing import filters
from crm.core.listing.filters import ListFilters
from crm.core.listing.pages import Column, ListPage


class RevenueFilters(ListFilters):
    catalogue = REVENUE_FIELDS


class ContractFilters(ListFilters):
    catalogue = CONTRACT_FIELDS
    in_force_on = filters.Day(method="in_force", label=_("In force on"))

    def in_force(self, queryset, name, value):
        return queryset.in_force_on(value)


LINES = ListPage(
    url_name="clients:revenue",
    title=_("Revenue"),
    template="clients/revenue/lines.html",
    nav_key="clients",
    rows=lambda principal, client_id: load_client(principal, client_id).revenue_lines.all(),
    select=lambda rows: rows.select_related("service"),
    filters=RevenueFilters,
    default_sort=lambda values: "-date",
    columns=(
        REVENUE_FIELDS["date"].in_list(first="desc"),
        REVENUE_FIELDS["service"].in_list(_("For"), file_label=_("Service")),
        REVENUE_FIELDS["kind"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["reference"].in_list(),
        REVENUE_FIELDS["note"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["amount"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["currency"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["amount_firm"].in_list(
            _("Net of tax"), css="num", file_label=REVENUE_FIELDS["amount_firm"].label
        ),
        Column("menu", _("Actions"), css="col-actions", is_quiet=True),
    ),
    noun=lambda n, text: ngettext("%(n)s line", "%(n)s lines", n) % {"n": text},
    file_name="revenue",
)
