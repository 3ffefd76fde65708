"""The last contact of a client."""

from django.db import transaction

from clients.records.facts import lock_facts, set_facts
from interactions.log.models import Interaction


@transaction.atomic
def refresh_last_contact(*, client_id: int) -> None:
    """From the latest kept interaction that was a contact; notes do not count."""
    lock_facts(client_ids=[client_id])
    rows = Interaction.objects.filter(client_id=client_id).kept().contacts_made().order_by("-occurred_at", "-id")
    at, channel = rows.values_list("occurred_at", "channel").first() or (None, "")
    set_facts(client_id=client_id, last_contact_at=at, last_contact_channel=channel)
