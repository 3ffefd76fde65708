"""Cover on Today: what is due for colleagues who are away, one card each."""

from datetime import datetime
from typing import Any

from clients.cover.queries import covered_by
from crm.core.base.dates import day_start
from crm.core.base.kept import Kept
from interactions.follow_ups.models import FollowUp
from interactions.today.sections import COMING_DAYS

AT_MOST = 30


@Kept
def _covers(principal):
    return covered_by(principal).select_related("absent").order_by("end_date", "pk")


@Kept
def _steps(principal, *, now: datetime):
    rows = FollowUp.objects.visible_to(principal).open().awake(now).due_before(day_start(now, COMING_DAYS + 1))
    rows = rows.filter(assignee__in=covered_by(principal).values("absent"), client__archived_at__isnull=True)
    return rows.select_related("client", "contact", "assignee").order_by("due_at", "id")[: AT_MOST + 1]


def today_section(principal, now: datetime) -> dict[str, Any] | None:
    """Overdue, due today and in the next seven days. A second statement only for somebody who covers."""
    covers = _covers.rows(principal)
    if not covers:
        return None
    found = _steps.rows(principal, now=now)
    cards = [
        {"cover": cover, "rows": [row for row in found[:AT_MOST] if row.assignee_id == cover.absent_id]}
        for cover in covers
    ]
    return {"cards": cards, "has_more": len(found) > AT_MOST}
