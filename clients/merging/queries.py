"""Where a record that was merged away is now, and what a merge would move."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from clients.contacts.models import Contact
from clients.merging.models import ClientMerge, ContactMerge, Merge
from clients.merging.relations import relations_of
from clients.merging.statuses import united
from clients.records.choices import ACTIVE_STATUSES, Status
from clients.records.models import Client
from clients.records.services.statuses import spans_of

MERGES: dict[Any, type[Merge]] = {Client: ClientMerge, Contact: ContactMerge}
LONGEST_CHAIN = 100
MOST_SHOWN = 50


def successor(model: Any, pk: int) -> int:
    """The record into which this one was merged, at the end of the chain; itself if it was not."""
    merges, now = MERGES[model].objects.standing(), pk
    for _step in range(LONGEST_CHAIN):
        after = merges.filter(away=now).values_list("kept", flat=True).first()
        if after is None:
            break
        now = after
    return now


def successors_of(model: Any, pks: list[int]) -> dict[int, int]:
    """{record: the one into which it was merged}, of those that were."""
    merged = MERGES[model].objects.standing().filter(away__in=pks).values_list("away", flat=True)
    return {pk: successor(model, pk) for pk in merged}


def seen_successor(principal: Any, model: Any, pk: int) -> Any:
    """The record that took the place of this one, if the principal sees it; None if there is none."""
    now = successor(model, pk)
    return model.objects.visible_to(principal).filter(pk=now).first() if now != pk else None


def merged_into(principal: Any, model: Any, pk: int) -> list[Any]:
    """The merges into this record that stand, newest first, as far as the principal sees both records."""
    rows = MERGES[model].objects.visible_to(principal).standing()
    return list(rows.filter(kept=pk).select_related("kept", "away")[:MOST_SHOWN])


def contexts_of(model: Any, pk: int) -> list[Any]:
    """Under which names the history has what the merges of this record and their undo wrote."""
    rows = MERGES[model].objects.filter(Q(kept=pk) | Q(away=pk)).values_list("context", "undo_context")
    return [context for pair in rows for context in pair if context]


def time_within(pk: int) -> list[tuple[int, datetime, datetime]]:
    """(client, from, until) of the merges of this client into another that were undone."""
    rows = ClientMerge.objects.filter(away=pk, undone_at__isnull=False)
    return list(rows.values_list("kept", "at", "undone_at"))


@dataclass(frozen=True)
class Moving:
    label: str
    count: int


def what_moves(principal: Any, away: Any) -> list[Moving]:
    """How many rows of each kind that the principal sees would go to the kept record."""
    found = [
        (relation.label, relation.counted(principal, away)) for relation in relations_of(type(away)) if relation.label
    ]
    return [Moving(str(label), count) for label, count in found if count]


@dataclass(frozen=True)
class StatusAfter:
    """`label` of the status that the kept client will have; `since`: the start of its time as a client, None for one that is none."""

    label: str
    since: date | None


def status_after(kept: Client, away: Client, today: date) -> StatusAfter:
    spans = united(spans_of(kept), spans_of(away), today)
    past = [span for span in spans if span.start <= today]
    since = None
    for span in reversed(past):
        if span.status not in ACTIVE_STATUSES:
            break
        since = span.start
    return StatusAfter(str(Status(past[-1].status).label) if past else "", since)
