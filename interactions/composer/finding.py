"""Interactions as the search finds them: by the words of subject and summary."""

from django.db.models import F, QuerySet
from django.urls import reverse

from clients.gate import among_few
from crm.core.search.branches import IN_TEXT, Ask, Found, by_text, found, says
from crm.core.search.sources import Hit
from crm.core.search.typed import read
from interactions.log.choices import Channel
from interactions.log.models import Interaction
from interactions.templatetags.interactions import channel_icon


def with_words(rows: QuerySet, text: str) -> QuerySet:
    """Those whose words begin like all that were typed."""
    said = read(text).said
    return rows.filter(says(*said)) if said else rows.none()


def find_interactions(ask: Ask) -> list[QuerySet]:
    """The newest first."""
    if not ask.typed.said:
        return []
    rows = Interaction.objects.visible_to(ask.principal).kept().filter(client__archived_at=None)
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows
    return by_text(ask, rows, _made, recent="occurred_at")


def _made(rows: QuerySet) -> QuerySet:
    columns = {"title": F("subject"), "client": F("client__name"), "state": F("channel"), "text": F("body")}
    return found(rows, "interactions", IN_TEXT, at=F("occurred_at"), **columns)


def interaction_hit(row: Found) -> Hit:
    label = str(Channel(row.state).label)
    return Hit(
        title=row.title or label,
        url=reverse("interactions:detail", args=[row.pk]),
        kind=label,
        icon=channel_icon(row.state),
        client=row.client,
        text=row.text,
        at=row.at,
    )
