"""The last contact of a client."""

from collections.abc import Iterable

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from clients.engagements.models import open_to_all_q
from clients.records.facts import set_facts_of
from interactions.log.models import Interaction


def refresh_last_contact(*, client_ids: Iterable[int]) -> int:
    """Set the last contact from the latest interaction that is not archived; notes do not count, nor what names a restricted engagement.
    Returns the number of clients.
    """
    rows = Interaction.objects.filter(open_to_all_q(), client=OuterRef("pk"))
    latest = rows.kept().contacts_made().order_by("-occurred_at", "-id")
    return set_facts_of(
        client_ids=client_ids,
        last_contact_at=Subquery(latest.values("occurred_at")[:1]),
        last_contact_channel=Coalesce(Subquery(latest.values("channel")[:1]), Value("")),
    )
