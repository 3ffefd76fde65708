"""The client's facts that this app owns."""

from collections.abc import Iterable

from django.db import transaction

from interactions.follow_ups.facts import refresh_next_step
from interactions.log.facts import refresh_last_contact
from interactions.surveys.facts import refresh_nps


@transaction.atomic
def rebuild_facts(*, client_ids: Iterable[int]) -> int:
    """Recompute these clients' facts in a few statements. Returns the number of clients."""
    client_ids = list(client_ids)
    refresh_next_step(client_ids=client_ids)
    refresh_nps(client_ids=client_ids)
    return refresh_last_contact(client_ids=client_ids)
