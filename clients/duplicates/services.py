"""The nightly search for duplicates, and what people say about its pairs."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from clients.contacts.models import Contact
from clients.duplicates.finding import likely
from clients.duplicates.models import ClientDuplicate, ContactDuplicate, Duplicate
from clients.duplicates.queries import mark_of, of_clients, of_contacts
from clients.permissions import may_create
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service

LOCK = 7_201_640_261
SEARCHES: tuple[tuple[Any, Any, Any], ...] = (
    (ClientDuplicate, Client, of_clients),
    (ContactDuplicate, Contact, of_contacts),
)


def find_duplicates(now: datetime) -> int:
    """Compare all clients and all contacts that are not archived, and keep the pairs. Returns how many there are; 0 if another
    process is at it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            return sum(_search(pairs, records, details, now) for pairs, records, details in SEARCHES)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _search(pairs: Any, records: Any, details: Any, now: datetime) -> int:
    known = _known(records)
    found = []
    for one, other, alike in likely(details(records.objects.kept())):
        first, second = sorted((one, other), key=lambda each: each.pk)
        if (first.pk, second.pk) not in known:
            found.append(
                pairs(
                    first_id=first.pk,
                    second_id=second.pk,
                    score=alike.score,
                    reasons=list(alike.reasons),
                    mark=mark_of(first, second),
                    found_at=now,
                )
            )
    _keep(pairs, records, found)
    return len(found)


def _known(records: Any) -> set[tuple[int, int]]:
    """Pairs that are two for certain: a client and its parent."""
    if records is not Client:
        return set()
    rows = Client.objects.filter(parent__isnull=False).values_list("pk", "parent_id")
    return {(min(pair), max(pair)) for pair in rows.iterator(chunk_size=5000)}


@transaction.atomic
def _keep(pairs: Any, records: Any, found: list[Any]) -> None:
    """Replace the open pairs. One that was dismissed stays so while both are as they were."""
    # a record that was deleted while the search ran is not named
    there = {
        *records.objects.filter(pk__in={pk for row in found for pk in (row.first_id, row.second_id)}).values_list(
            "pk", flat=True
        )
    }
    rows = [row for row in found if {row.first_id, row.second_id} <= there]
    kept = {(row.first_id, row.second_id) for row in rows}
    old = [
        pk for pk, *pair in pairs.objects.open().values_list("pk", "first_id", "second_id") if tuple(pair) not in kept
    ]
    pairs.objects.filter(pk__in=old).delete()
    pairs.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["first", "second"],
        update_fields=["score", "reasons", "mark"],
        batch_size=2000,
    )
    changed = pairs.objects.filter(dismissed_at__isnull=False).exclude(dismissed_mark=F("mark"))
    changed.update(dismissed_at=None, dismissed_by=None, dismissed_mark="")


@service(may=may_create)
def dismiss_duplicate(principal: Principal, *, pair: Duplicate, now: datetime) -> Duplicate:
    """These are two. They are asked about again only when what identifies one of them changes. Raises ServiceError if that was
    said before.
    """
    pair = type(pair).objects.select_for_update(of=("self",)).get(pk=pair.pk)
    if pair.dismissed_at is not None:
        raise ServiceError(_("Already marked as not a duplicate."))
    pair.dismissed_at, pair.dismissed_by, pair.dismissed_mark = now, principal.user, pair.mark
    pair.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_mark"])
    return pair


@service(may=may_create)
def reopen_duplicate(principal: Principal, *, pair: Duplicate) -> Duplicate:
    """Ask about the two again."""
    pair = type(pair).objects.select_for_update(of=("self",)).get(pk=pair.pk)
    pair.dismissed_at, pair.dismissed_by, pair.dismissed_mark = None, None, ""
    pair.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_mark"])
    return pair
