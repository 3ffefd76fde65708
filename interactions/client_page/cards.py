"""Cards at the side of the client's page."""

from typing import Any

from interactions.client_page import parts


def promises_card(principal, client, now) -> dict[str, Any] | None:
    found = parts.promises_of(principal, client)
    return {"promises": found} if found else None


def follow_ups_card(principal, client, now) -> dict[str, Any]:
    more = max(0, client.facts.open_follow_ups - parts.STEPS_AT_MOST)
    return {"follow_ups": parts.steps_of(principal, client), "more": more}
