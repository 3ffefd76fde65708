"""The next step of a client."""

from collections.abc import Iterable

from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Greatest

from clients.engagements.models import open_to_all_q
from clients.records.facts import set_facts_of
from interactions.follow_ups.models import FollowUp


def refresh_next_step(*, client_ids: Iterable[int]) -> int:
    """Set the next step from the open follow-up that comes up first, and the number of open ones. A snoozed one comes up when its
    snooze ends. What names a restricted engagement does not count. Returns the number of clients.
    """
    steps = FollowUp.objects.filter(open_to_all_q(), client=OuterRef("pk")).open()
    first = steps.by_turn()
    many = steps.order_by().values("client").annotate(n=Count("pk")).values("n")
    return set_facts_of(
        client_ids=client_ids,
        next_step_at=Subquery(first.values(turn=Greatest("due_at", "snoozed_until"))[:1]),
        next_step_id=Subquery(first.values("pk")[:1]),
        open_follow_ups=Coalesce(Subquery(many), Value(0)),
    )
