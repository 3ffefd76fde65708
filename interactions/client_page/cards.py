"""Cards at the side of the client's page."""

from typing import Any

from interactions.client_page import parts
from interactions.follow_ups.models import FollowUp


def promises_card(principal, client, now) -> dict[str, Any] | None:
    """The open promises loaded with the client."""
    found = parts.promises_of(client)
    return {"promises": found[: parts.PROMISES_AT_MOST]} if found else None


def follow_ups_card(principal, client, now) -> dict[str, Any] | None:
    """The client's open follow-ups, loaded with the client if possible. No query if the client's facts count none."""
    if not client.facts.open_follow_ups:
        return {"follow_ups": [], "more": 0}
    if hasattr(client, "part_steps"):
        return {
            "follow_ups": parts.steps_of(client),
            "more": max(0, client.facts.open_follow_ups - parts.STEPS_AT_MOST),
        }
    rows = (
        FollowUp.objects.visible_to(principal)
        .filter(client=client)
        .open()
        .select_related("assignee")
        .order_by("due_at", "pk")
    )
    return {
        "follow_ups": list(rows[: parts.STEPS_AT_MOST]),
        "more": max(0, client.facts.open_follow_ups - parts.STEPS_AT_MOST),
    }
