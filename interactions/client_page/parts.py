"""The open follow-ups and commitments that several panels of a client's page show. Each is one cached statement, read
once per client.
"""

from clients.registry import NextStep
from crm.core.base.arrays import IDS, AnyOf
from crm.core.base.kept import Kept, once
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment
from interactions.follow_ups.models import FollowUp

PROMISES_AT_MOST = 4
STEPS_AT_MOST = 4


@Kept
def _promises(principal, *, client_id: int):
    rows = Commitment.objects.visible_to(principal).filter(client=client_id, state=CommitmentState.OPEN)
    return rows.order_by("due_date", "pk")[:PROMISES_AT_MOST]


def promises_of(principal, client) -> list[Commitment]:
    return _promises.rows(principal, client_id=client.pk)


@Kept
def _steps(principal, *, client_id: int):
    rows = FollowUp.objects.visible_to(principal).filter(client=client_id).open().select_related("assignee")
    return rows.by_turn()[:STEPS_AT_MOST]


def steps_of(principal, client) -> list[FollowUp]:
    """The first open ones by date. No query when the client's facts count none."""
    if not client.facts.open_follow_ups:
        return []
    return once(client, "steps", lambda: _steps.rows(principal, client_id=client.pk))


@Kept
def _named(principal, *, ids: tuple[int, ...]):
    rows = FollowUp.objects.visible_to(principal).filter(AnyOf("pk", ids, IDS))
    return rows.only("title", "due_date", "due_time", "due_at", "snoozed_until")


def next_steps(principal, clients) -> dict[int, NextStep]:
    """The clients' next steps by id. For a single client it is among those its page shows."""
    ids = {client.facts.next_step_id for client in clients} - {None}
    if len(clients) == 1 and ids:
        found = _by_id(steps_of(principal, clients[0]))
        if ids <= found.keys():
            return found
    return _by_id(_named.rows(principal, ids=tuple(sorted(ids)))) if ids else {}


def _by_id(steps) -> dict[int, NextStep]:
    return {step.pk: NextStep(step.title, step.due, step.snoozed_until) for step in steps}
