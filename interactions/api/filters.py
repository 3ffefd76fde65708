from crm.core.listing import filters
from crm.core.listing.filters import ListFilters
from interactions.agreements.models import Commitment


class CommitmentApiFilter(ListFilters):
    client = filters.Id("client")
    owner = filters.Id("owner")

    class Meta:
        model = Commitment
        fields: list[str] = ["state", "side"]
