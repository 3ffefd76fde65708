import django_filters as filters

from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import find_contacts
from clients.listing.filters import search
from clients.records.choices import Status, Tier
from clients.records.models import Client
from clients.revenue.models import Contract, RevenueLine


class ClientApiFilter(filters.FilterSet):
    q = filters.CharFilter(method="find", label="name, city, website, mail or phone")
    status = filters.MultipleChoiceFilter(field_name="facts__status", choices=Status.choices)
    owner = filters.NumberFilter("owner")
    team = filters.NumberFilter("team")
    tier = filters.MultipleChoiceFilter(choices=Tier.choices)
    tag = filters.NumberFilter("tags")
    updated_from = filters.IsoDateTimeFilter("updated_at", "gte")
    archived = filters.BooleanFilter(method="in_trash", label="those in the trash instead")

    class Meta:
        model = Client
        fields: list[str] = ["country", "industry", "relationship", "kind"]

    def find(self, queryset, name, value):
        return search(queryset, value.replace("\0", "")[:100])

    def in_trash(self, queryset, name, value):
        return queryset.archived() if value else queryset


class ContactApiFilter(filters.FilterSet):
    q = filters.CharFilter(method="find", label="name, mail or phone")
    client = filters.NumberFilter(method="at_client")
    email = filters.CharFilter("emails__address", "iexact")
    updated_from = filters.IsoDateTimeFilter("updated_at", "gte")

    class Meta:
        model = Contact
        fields: list[str] = []

    def find(self, queryset, name, value):
        return find_contacts(queryset, value.replace("\0", "")[:100])

    def at_client(self, queryset, name, value):
        """A filter does not reveal affiliations with clients the caller does not see."""
        places = Affiliation.objects.visible_to(self.request.principal).filter(client=value)
        return queryset.filter(pk__in=places.values("contact_id"))


class RevenueApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    service = filters.NumberFilter("service")
    date_from = filters.DateFilter("date", "gte")
    date_before = filters.DateFilter("date", "lt")

    class Meta:
        model = RevenueLine
        fields: list[str] = ["kind", "currency", "reference"]


class ContractApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    service = filters.NumberFilter("service")
    in_force_on = filters.DateFilter(method="in_force")
    renewal_before = filters.DateFilter("renewal_date", "lt")

    class Meta:
        model = Contract
        fields: list[str] = []

    def in_force(self, queryset, name, value):
        return queryset.in_force_on(value)
