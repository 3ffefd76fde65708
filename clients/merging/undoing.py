"""Undo of a merge, from the history: what the merge wrote goes back to what it was, but for what was changed since."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pghistory
from django.apps import apps
from django.utils.translation import gettext as _

from clients import permissions
from clients.contacts.models import Contact
from clients.merging.following import APART, follow
from clients.merging.models import ClientMerge, ContactMerge, Merge, places_of
from clients.merging.services import locked
from clients.records.facts import rebuild_facts
from clients.records.models import Client, StatusPeriod
from clients.records.services.clients import lock_parents
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.importing import journal, parts, reverting
from crm.core.importing.journal import Journal, Row
from crm.core.users.models import User

MOST_LEFT = 1000


@service(may=permissions.may_undo_merge, why=permissions.MERGE)
def undo_client_merge(principal: Principal, *, merge: ClientMerge, now: datetime) -> ClientMerge:
    """Make two clients of one again. Raises ServiceError if it was undone, or if one of the two was merged further since."""
    lock_parents()
    merge = _take_back(principal, merge, now)
    if merge.kept.is_restricted and not merge.away.is_restricted:
        _restrict(merge)
    rebuild_facts(now=now, client_ids=[merge.kept_id, merge.away_id])
    return merge


def _restrict(merge: ClientMerge) -> None:
    """What went with a client that was restricted since the merge does not come into everybody's sight by the undo."""
    away = Client.objects.get(pk=merge.away_id)
    away.is_restricted = True
    save_version(away, fields=["is_restricted"], seen=None)
    merge.left.append([Client._meta.label_lower, away.pk, _("Restricted, as the client it was merged into.")])
    merge.save(update_fields=["left"])


def may_undo_contacts(principal: Principal, merge: ContactMerge) -> bool:
    """Who sees all clients where the contact merged away had a place, managers and admins."""
    if not permissions.may_undo_contact_merge(principal, merge):
        return False
    if principal.is_manager or principal.is_admin or principal.is_system:
        return True
    places = places_of(merge.context)
    return not places.exclude(pk__in=places.visible_to(principal).values("pk")).exists()


@service(may=may_undo_contacts, why=permissions.UNDO_MERGE)
def undo_contact_merge(principal: Principal, *, merge: ContactMerge, now: datetime) -> ContactMerge:
    """Make two contacts of one again. Raises as `undo_client_merge`."""
    return _take_back(principal, merge, now)


def _take_back(principal: Principal, merge: Any, now: datetime) -> Any:
    merges: Any = type(merge)
    merge = merges.objects.select_for_update(of=("self",)).select_related("kept", "away").get(pk=merge.pk)
    if merge.undone_at is not None:
        raise ServiceError(_("This merge was already undone."), code="conflict")
    if merges.objects.standing().filter(away=merge.kept).exists():
        text = _("%(kept)s was merged into another record since. Undo that merge first.") % {"kept": merge.kept}
        raise ServiceError(text, code="conflict")
    locked(merges.records(), merge.kept, merge.away)
    rows = [row for row in Journal([str(merge.context)]).every_row() if _is_merged(row)]
    _check_history(merge, rows)
    journal.lock(rows)
    parents = _parents(rows)
    left = reverting.revert(rows, whole=[StatusPeriod])
    left += _leave_rings(merge, rows, parents)
    _move_back(merge)
    merge.undone_at, merge.undone_by = now, principal.user
    apart = follow(merge.kept_id, merge.away_id) if merges is ClientMerge else []
    told = _told(left) + [[model._meta.label_lower, pk, str(APART)] for model, pk in apart]
    merge.left = told[:MOST_LEFT]
    with pghistory.context() as context:
        merge.undo_context = context.id
        merge.save(update_fields=["undone_at", "undone_by", "undo_context", "left"])
    return merge


def _check_history(merge: Any, rows: list[Row]) -> None:
    """Raises ServiceError if the history has lost what the record merged away was, or most of what moved: after an archive without history
    was restored, say. The undo would give nothing back, and end the merge.
    """
    own = [row for row in rows if (row.model, row.pk) == (type(merge.away), merge.away_id)]
    lost = sum(reverting.is_lost(row) for row in rows)
    if not own or reverting.is_lost(own[0]) or lost * 2 > len(rows):
        text = _("The history no longer has what %(away)s was before the merge, so the merge cannot be undone.")
        raise ServiceError(text % {"away": merge.away}, code="conflict")


def _parents(rows: list[Row]) -> dict[int, int | None]:
    pks = [row.pk for row in rows if row.model is Client]
    return dict(Client.objects.filter(pk__in=pks).values_list("pk", "parent_id"))


def _leave_rings(merge: Any, rows: list[Row], before: dict[int, int | None]) -> list[tuple[Row, str]]:
    """A client whose earlier parent was put below it since the merge keeps the parent it has. Returns those."""
    after = {pk: parent for pk, parent in _parents(rows).items() if before.get(pk) != parent}
    if not _breaks(after):
        return []
    for pk in after:
        Client.objects.filter(pk=pk).update(parent=before.get(pk))
    left = {}
    for pk, parent in sorted(after.items(), key=lambda pair: pair[0] != merge.away_id):
        Client.objects.filter(pk=pk).update(parent=parent)
        if why := _breaks([pk]):
            Client.objects.filter(pk=pk).update(parent=before.get(pk))
            left[pk] = why
    return [(row, left[row.pk]) for row in rows if row.model is Client and row.pk in left]


def _breaks(pks: Iterable[int]) -> str:
    """Which rule of clients these break that the database does not know; "" for none."""
    try:
        for check in parts.checks:
            if check.model is Client:
                check.check([*pks])
    except ServiceError as error:
        return error.message
    return ""


def _is_merged(row: Row) -> bool:
    """Not the merge itself, nor what the request wrote for its own, such as when a token of the API was last used."""
    return not issubclass(row.model, Merge) and row.model._meta.app_label != User._meta.app_label


def _told(left: Iterable[tuple[Row, str]]) -> list[list[Any]]:
    return [[row.model._meta.label_lower, row.pk, why] for row, why in left]


def _move_back(merge: Any) -> None:
    """Give rows without a history back, those that are still where the merge put them."""
    for label, column, pks in merge.moved:
        rows = apps.get_model(label)._base_manager.filter(pk__in=pks, **{column: merge.kept_id})
        rows.update(**{column: merge.away_id})


UNDO = {Client: undo_client_merge, Contact: undo_contact_merge}
