from clients.revenue.models import Contract, RevenueLine
from crm.core.listing import filters
from crm.core.listing.filters import ListFilters


class RevenueApiFilter(ListFilters):
    model = RevenueLine
    client = filters.Id("client")
    service = filters.Id("service")
    date_from = filters.Day("date", "gte")
    date_before = filters.Day("date", "lt")


class ContractApiFilter(ListFilters):
    model = Contract
    client = filters.Id("client")
    service = filters.Id("service")
    in_force_on = filters.Day(method="in_force")
    renewal_before = filters.Day("renewal_date", "lt")

    def in_force(self, queryset, name, value):
        return queryset.in_force_on(value)
