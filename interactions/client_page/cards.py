"""Side cards of the client's page."""

from typing import Any

from django.urls import reverse

from clients.registry import contact_panel, engagement_panel, panel
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment
from interactions.client_page import parts
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import CONTACT_CHANNELS
from interactions.log.models import Interaction
from interactions.log.queries import title_of
from interactions.templatetags.interactions import channel_icon

WITH_CONTACT = 10
ON_CARD = 6


@panel("promises", "side", 30, "interactions/client_page/promises_card.html")
def promises_card(principal, client, now) -> dict[str, Any] | None:
    found = parts.promises_of(principal, client)
    return {"promises": found} if found else None


@panel("follow-ups", "side", 20, "interactions/client_page/follow_ups_card.html")
def follow_ups_card(principal, client, now) -> dict[str, Any]:
    more = max(0, client.facts.open_follow_ups - parts.STEPS_AT_MOST)
    return {"follow_ups": parts.steps_of(principal, client), "more": more}


@engagement_panel("follow-ups", "side", 10, "interactions/client_page/engagement_follow_ups.html")
def engagement_follow_ups(principal, engagement, now) -> dict[str, Any]:
    """The open ones that come up first, and what else was promised."""
    open_ones = FollowUp.objects.visible_to(principal).filter(engagement=engagement.pk).open()
    found = list(open_ones.select_related("assignee").by_turn()[: ON_CARD + 1])
    promised = Commitment.objects.visible_to(principal).filter(engagement=engagement.pk, state=CommitmentState.OPEN)
    return {
        "found": found[:ON_CARD],
        "has_more": len(found) > ON_CARD,
        "promises": list(promised.select_related("owner", "contact").order_by("due_date", "pk")[:ON_CARD]),
        "query": f"?engagement={engagement.pk}",
    }


@contact_panel("log", 10, "interactions/client_page/contact_log.html")
def contact_log(principal, contact, now) -> dict[str, Any]:
    """The latest interactions with one person, at whichever client the reader sees."""
    seen = Interaction.objects.visible_to(principal).kept().filter(contacts=contact, client__archived_at=None)
    rows = list(
        seen.select_related("client", "author", "author_contact").order_by("-occurred_at", "-pk")[:WITH_CONTACT]
    )
    for row in rows:
        row.title, row.icon = title_of(row), channel_icon(row.channel)
    spoken = seen.filter(channel__in=CONTACT_CHANNELS, occurred_at__lte=now).order_by("-occurred_at")
    place = next((place for place in contact.places if not place.left_date and not place.client.archived_at), None)
    log_url = f"{reverse('interactions:log', args=[place.client_id])}?contact={contact.pk}" if place else ""
    return {
        "rows": rows,
        "last": spoken.values_list("occurred_at", flat=True).first(),
        "log_url": log_url,
        "all_url": f"{reverse('interactions:list')}?contact={contact.pk}",
    }
