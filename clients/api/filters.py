from clients.catalogue.models import Service, Tag
from clients.revenue.models import Contract, RevenueLine
from crm.core.listing import filters
from crm.core.listing.filters import ListFilters, TrashFilters


class RevenueApiFilter(ListFilters):
    client = filters.Id("client")
    service = filters.Id("service")
    date_from = filters.Day("date", "gte")
    date_before = filters.Day("date", "lt")

    class Meta:
        model = RevenueLine
        fields: list[str] = ["kind", "currency", "reference"]


class ContractApiFilter(TrashFilters):
    client = filters.Id("client")
    service = filters.Id("service")
    in_force_on = filters.Day(method="in_force")
    renewal_before = filters.Day("renewal_date", "lt")

    class Meta:
        model = Contract
        fields: list[str] = []

    def in_force(self, queryset, name, value):
        return queryset.in_force_on(value)


class TagApiFilter(ListFilters):
    class Meta:
        model = Tag
        fields: list[str] = ["name"]


class ServiceApiFilter(TrashFilters):
    class Meta:
        model = Service
        fields: list[str] = ["name", "code"]
