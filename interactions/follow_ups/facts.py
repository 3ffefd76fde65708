"""The next step of a client."""

from django.db import transaction

from clients.records.facts import lock_facts, set_facts
from interactions.follow_ups.models import FollowUp


@transaction.atomic
def refresh_next_step(*, client_id: int | None) -> None:
    """Set the next step from the open follow-up that is due first, and count the open ones. Nothing for None (no client)."""
    if client_id is None:
        return
    lock_facts(client_ids=[client_id])
    rows = FollowUp.objects.filter(client_id=client_id).open()
    first = rows.order_by("due_at", "id").first()
    set_facts(
        client_id=client_id,
        next_step_at=first.due_at if first else None,
        next_step_id=first.pk if first else None,
        open_follow_ups=rows.count(),
    )
