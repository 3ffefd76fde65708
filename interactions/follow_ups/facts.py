"""The next step of a client."""

from collections.abc import Iterable

from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from clients.records.facts import set_facts_of
from interactions.follow_ups.models import FollowUp


def refresh_next_step(*, client_ids: Iterable[int]) -> int:
    """From the open follow-up that is due first, and how many are open. Returns the number of clients."""
    steps = FollowUp.objects.filter(client=OuterRef("pk")).open()
    first = steps.order_by("due_at", "id")
    many = steps.order_by().values("client").annotate(n=Count("pk")).values("n")
    return set_facts_of(
        client_ids=client_ids,
        next_step_at=Subquery(first.values("due_at")[:1]),
        next_step_id=Subquery(first.values("pk")[:1]),
        open_follow_ups=Coalesce(Subquery(many), Value(0)),
    )
