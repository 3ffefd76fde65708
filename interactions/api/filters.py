from crm.core.listing import filters
from crm.core.listing.filters import ListFilters
from interactions.agreements.models import Commitment


class CommitmentApiFilter(ListFilters):
    model = Commitment
    client = filters.Id("client")
    owner = filters.Id("owner")
