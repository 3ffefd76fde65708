"""Which progress emails wait for a person, which are coming, which went out."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from crm.core.nav import Counted
from interactions.choices import ProgressState
from interactions.models import ProgressEmail

SOON = timedelta(hours=24)
COUNTED_AT_MOST = 100
TONES = {
    ProgressState.PLANNED: "", ProgressState.DRAFT: "blue", ProgressState.APPROVED: "green", ProgressState.HELD: "amber", ProgressState.SENT: "green",
    ProgressState.SKIPPED: "", ProgressState.EXPIRED: "red",
}  # fmt: skip


def of_user(user, *, whose: str = "all") -> QuerySet:
    rows = ProgressEmail.objects.visible_to(user).filter(client__archived_at__isnull=True)
    return rows.filter(client__owner=user) if whose == "mine" else rows


def to_review(rows: QuerySet) -> QuerySet:
    return rows.filter(Q(state=ProgressState.HELD) | Q(state=ProgressState.DRAFT, is_review_needed=True))


def coming(rows: QuerySet) -> QuerySet:
    return rows.filter(
        Q(state__in=[ProgressState.PLANNED, ProgressState.APPROVED])
        | Q(state=ProgressState.DRAFT, is_review_needed=False)
    )


def sent(rows: QuerySet) -> QuerySet:
    return rows.filter(state=ProgressState.SENT)


def skipped(rows: QuerySet) -> QuerySet:
    return rows.filter(state__in=[ProgressState.SKIPPED, ProgressState.EXPIRED])


PARTS = {"review": to_review, "coming": coming, "sent": sent, "skipped": skipped}


def default_whose(user) -> str:
    return "mine" if user.is_account_manager else "all"


def nav_count(user, now: datetime) -> Counted:
    return [(to_review(of_user(user, whose=default_whose(user))).order_by()[:COUNTED_AT_MOST], "")]


def next_to_review(user, after: ProgressEmail) -> ProgressEmail | None:
    """The next one in the queue of the user, so that they are worked off one after the other."""
    rows = to_review(of_user(user, whose=default_whose(user))).exclude(pk=after.pk)
    return rows.order_by("send_at", "pk").first()


def today_section(user, now: datetime) -> dict[str, Any] | None:
    """Today: progress emails of the user's clients that wait for a reader."""
    rows = list(to_review(of_user(user, whose="mine")).select_related("client").order_by("send_at", "pk")[:6])
    return {"emails": rows[:5], "has_more": len(rows) > 5} if rows else None
