"""In whose place a colleague acted, for the history."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clients.cover.models import Cover
from clients.records.models import Client
from crm.core.base.dates import local_date
from crm.core.firm.queries import get_firm

Owners = list[tuple[datetime, int, bool]]


def say_who_was_covered(pairs: list[tuple[Any, Any]]) -> None:
    """Set `for_whom` on what somebody did with a client of the colleague they covered for at that time."""
    covers = defaultdict(list)
    for cover in Cover.objects.filter(covering__in={entry.user_id for _row, entry in pairs}).select_related("absent"):
        covers[cover.covering_id].append(cover)
    if not covers:
        return
    zone = get_firm().time_zone
    found = [
        (_client_of(row), entry, cover)
        for row, entry in pairs
        for cover in covers.get(entry.user_id, ())
        if _client_of(row) and cover.ran_at(entry.at, local_date(entry.at, zone))
    ]
    owners = _owners({client_id for client_id, _entry, _cover in found})
    for client_id, entry, cover in found:
        if (cover.absent_id, False) == _owner_at(owners[client_id], entry.at):
            entry.for_whom = _("covering for %(name)s") % {"name": cover.absent.name}


def _client_of(row: Any) -> int | None:
    return row.pgh_obj_id if row.pgh_tracked_model is Client else getattr(row, "client_id", None)


def _owners(client_ids: set[int]) -> dict[int, Owners]:
    """Who was account manager of these clients, and whether they were restricted, the oldest first."""
    found: dict[int, Owners] = defaultdict(list)
    events: Any = Client.pgh_event_model  # type: ignore[attr-defined]
    rows = events.objects.filter(pgh_obj_id__in=client_ids).order_by("pgh_id") if client_ids else events.objects.none()
    for client_id, *version in rows.values_list("pgh_obj_id", "pgh_created_at", "owner_id", "is_restricted"):
        found[client_id].append(tuple(version))
    return found


def _owner_at(versions: Owners, moment: datetime) -> tuple[int, bool] | None:
    """As it was before what happened at this moment, so that a reassignment is its former account manager's."""
    before = [(owner, is_restricted) for at, owner, is_restricted in versions if at < moment]
    return before[-1] if before else next(((owner, secret) for _at, owner, secret in versions), None)
