"""Cards of an engagement's page that list its rows: the newest, a link that adds one, and one to all of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from clients.engagements.models import Engagement
from clients.registry import EngagementPanel, engagement_panels

TEMPLATE = "clients/engagements/list_card.html"
Rows = Callable[[Any, Engagement, datetime], QuerySet | str | None]


def list_card(
    key: str,
    slot: str,
    order: int,
    rows: str,
    *,
    title: Any,
    all_of_them: str,
    empty: Any = "",
    add: str = "",
    add_text: Any = "",
    add_to: str = "",
    shown: int = 10,
    describe: Callable[[list[Any], datetime], None] | None = None,
) -> Callable[[Rows], Rows]:
    """Decorator: the function returns the rows of the engagement in their order, a text that says why there are none, or None to show
    nothing. `rows` is the template of the list's items, over `found`; `describe(found, now)` sets what they show. `all_of_them` and `add`
    are names of URLs: of a list that filters by engagement, and of a page for the client's id, at its part `add_to`. Without `empty` the card
    is not shown when there are no rows.
    """

    def declared(found_by: Rows) -> Rows:
        def context(principal: Any, engagement: Engagement, now: datetime) -> dict[str, Any] | None:
            found = found_by(principal, engagement, now)
            card = {"title": title, "card": "side_card" if slot.endswith("side") else "card", "rows": rows}
            if found is None or isinstance(found, str):
                return None if found is None else card | {"why_none": found}
            listed = list(found[: shown + 1])
            if not listed and not empty:
                return None
            if describe is not None:
                describe(listed, now)
            query = f"?engagement={engagement.pk}"
            return card | {
                "found": listed[:shown],
                "has_more": len(listed) > shown,
                "empty": empty,
                "all_url": reverse(all_of_them) + query,
                "add_url": f"{reverse(add, args=[engagement.client_id])}{query}{add_to}" if add else "",
                "add_text": add_text,
            }

        engagement_panels.register(EngagementPanel(key, slot, order, TEMPLATE, context))
        return found_by

    return declared
