"""Derived facts: the app that owns one writes it here, in the causing transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from clients import registry
from clients.records.models import Client, ClientFacts
from clients.signals import rhythm_changed

BATCH = 1000
DECIDE_RHYTHM = frozenset({"status", "status_since", "active_since", "last_contact_at"})


def set_facts(*, client_id: int, **facts) -> None:
    """Write fields of ClientFacts for one client; `create_client` has created the row.

    Raises FieldDoesNotExist for an unknown name.
    """
    _write([client_id], facts)


@transaction.atomic
def set_facts_of(*, client_ids: Iterable[int], **facts) -> int:
    """Write facts of several clients in one statement, as expressions on the client, under their locks. Returns the
    number of clients.
    """
    client_ids = list(client_ids)
    lock_facts(client_ids=client_ids)
    return _write(client_ids, facts)


@transaction.atomic
def _write(client_ids: list[int], facts: dict[str, Any]) -> int:
    count = ClientFacts.objects.filter(pk__in=client_ids).update(**facts)
    if not DECIDE_RHYTHM.isdisjoint(facts):
        rhythm_changed.send(Client, client_ids=client_ids)
    return count


def lock_facts(*, client_ids: Iterable[int]) -> None:
    """Lock the clients' facts in the caller's transaction: a second writer waits and computes from what the first
    committed. Locks in the order of the ids, so that two writers never deadlock.
    """
    rows = ClientFacts.objects.select_for_update(no_key=True).filter(pk__in=list(client_ids)).order_by("pk")
    list(rows.values_list("pk"))


def rebuild_facts(*, now: datetime, client_ids: list[int] | None = None) -> int:
    """Recompute all derived facts (None: of every client), batch by batch. Returns the number of clients."""
    ids = client_ids if client_ids is not None else list(Client.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        _rebuild_batch(ids[start : start + BATCH], now)
    return len(ids)


@transaction.atomic
def _rebuild_batch(ids: list[int], now: datetime) -> None:
    ClientFacts.objects.bulk_create([ClientFacts(client_id=pk) for pk in ids], ignore_conflicts=True)
    for rebuilder in registry.facts_rebuilders:
        rebuilder.rebuild(ids, now)
