"""Reads of engagements. All start from rows that are visible to the principal."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from clients import registry
from clients.engagements.choices import ENGAGEMENT_TONES, EngagementState
from clients.engagements.models import Engagement, EngagementTeam
from clients.engagements.words import is_on
from crm.core.base.kept import Kept, once
from crm.core.templatetags.ui import badge
from crm.core.ui.formatting import money_round

OFFERED = 200


def engagements_of(principal) -> QuerySet:
    """Those the principal sees, of clients in use."""
    return Engagement.objects.visible_to(principal).filter(client__archived_at=None)


def has_restricted(client_id: int) -> bool:
    """Whether some colleagues who see the client do not see all of it."""
    return Engagement.objects.filter(client=client_id, is_restricted=True).exists()


def owner_sees_q() -> Q:
    """The condition that the account manager of its client sees a row that may name an engagement: a restricted one only as its lead or on its
    team.
    """
    hidden = Engagement.objects.filter(is_restricted=True, pk=OuterRef("engagement"))
    hidden = hidden.exclude(lead=OuterRef("client__owner"))
    seats = EngagementTeam.objects.filter(engagement=OuterRef("pk"), user=OuterRef(OuterRef("client__owner")))
    return Q(engagement__isnull=True) | ~Q(Exists(hidden.exclude(Exists(seats))))


def rows_naming(engagement: Engagement, rows: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of these rows, (label of the model, id), that name the engagement now: one statement for each of `registry.naming`."""
    ids: dict[str, list[int]] = {}
    for label, pk in rows:
        ids.setdefault(label, []).append(pk)
    known = ((each, ids[each.key]) for each in registry.naming if each.key in ids)
    return {
        (each.key, pk)
        for each, asked in known
        for pk in apps.get_model(each.key)
        ._base_manager.filter(**{each.path: engagement, "pk__in": asked})
        .values_list("pk", flat=True)
    }


@Kept
def _current(principal, *, client_id: int) -> QuerySet:
    rows = Engagement.objects.visible_to(principal).kept().current().filter(client=client_id)
    return rows.select_related("lead").order_by("-created_at", "-pk")[:OFFERED]


def current_of(principal, client) -> list[Engagement]:
    """The client's current ones, the newest first; read once for the client of a page."""
    if not is_on():
        return []
    return once(client, f"engagements {principal.user_id}", lambda: _current.rows(principal, client_id=client.pk))


def decorate(rows: list[Any]) -> None:
    """Set what a row shows: `state_badge`, `budget_words`, `lock`."""
    badges = {
        value: badge(label, ENGAGEMENT_TONES.get(value, "green"), dot=value != EngagementState.CLOSED)
        for value, label in EngagementState.choices
    }
    restricted = badge(_("Restricted"), "amber", icon_name="lock")
    for row in rows:
        row.state_badge = badges[row.state]
        row.budget_words = money_round(row.budget, row.currency) if row.budget is not None else ""
        row.lock = restricted if row.is_restricted else ""
