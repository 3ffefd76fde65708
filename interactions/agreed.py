"""What was agreed with a client: the tab, the side card and the number on the tab."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from interactions import page_parts
from interactions.choices import CommitmentState
from interactions.models import Commitment, Decision, FollowUp

PAGE_AT_MOST = 200


def page(user, client, now) -> dict[str, Any]:
    decisions = (
        Decision.objects.visible_to(user).filter(client=client).select_related("author", "contact", "interaction")
    )
    promises = Commitment.objects.visible_to(user).filter(client=client).select_related("owner", "contact")
    rows = list(promises.order_by("due_date", "pk")[:PAGE_AT_MOST])
    return {
        "decisions": list(decisions[:PAGE_AT_MOST]),
        "open_promises": [row for row in rows if row.state == CommitmentState.OPEN],
        "settled_promises": [row for row in rows if row.state != CommitmentState.OPEN],
        "settle_words": [
            (CommitmentState.KEPT, _("Kept")),
            (CommitmentState.BROKEN, _("Broken")),
            (CommitmentState.WITHDRAWN, _("Withdrawn")),
        ],
        "day": timezone.localtime(now).date(),
    }


def promises_card(user, client, now) -> dict[str, Any] | None:
    """The open promises read along with the client."""
    found = page_parts.promises_of(client)
    return {"promises": found[: page_parts.PROMISES_AT_MOST]} if found else None


def follow_ups_card(user, client, now) -> dict[str, Any] | None:
    """Open follow-ups of the client: those read along with it. No query where the client's facts say there is none."""
    if not client.facts.open_follow_ups:
        return {"follow_ups": [], "more": 0}
    if hasattr(client, "part_steps"):
        return {
            "follow_ups": page_parts.steps_of(client),
            "more": max(0, client.facts.open_follow_ups - page_parts.STEPS_AT_MOST),
        }
    rows = (
        FollowUp.objects.visible_to(user)
        .filter(client=client)
        .open()
        .select_related("assignee")
        .order_by("due_at", "pk")
    )
    return {
        "follow_ups": list(rows[: page_parts.STEPS_AT_MOST]),
        "more": max(0, client.facts.open_follow_ups - page_parts.STEPS_AT_MOST),
    }
