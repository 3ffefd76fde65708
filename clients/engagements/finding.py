"""Engagements as the search and the palette find them."""

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat, Lower
from django.urls import reverse

from clients.engagements.choices import EngagementState
from clients.engagements.queries import engagements_of
from clients.engagements.words import one
from clients.gate import among_few
from crm.core.search.branches import WORD, Found, by_title, found, similar, together
from crm.core.search.sources import Ask, Hit


def _rows(ask: Ask) -> QuerySet:
    rows = engagements_of(ask.principal).kept().alias(folded_number=Lower("number"))
    return rows.filter(among_few(ask.principal)) if ask.is_few else rows


def _made(ask: Ask, rows: QuerySet, rank: int) -> QuerySet:
    title = Concat("number", Value(" · "), "title")
    return found(rows, "engagements", rank, at=F("created_at"), title=title, client=F("client__name"), state=F("state"))


def find_engagements(ask: Ask) -> list[QuerySet]:
    """By number and title; the newest first."""
    exact = Q(folded_number=Lower(Value(ask.typed.text)))
    ways, rows = by_title(ask.typed, key="search_key", exact=exact), _rows(ask)
    each = [_made(ask, rows.filter(way), rank).order_by("-created_at", "-pk")[: ask.limit] for rank, way in ways]
    return [together(each, ask.limit)]


def similar_engagements(ask: Ask) -> list[QuerySet]:
    return [_made(ask, similar(_rows(ask), ask.typed, key="search_key"), WORD)[: ask.limit]]


def engagement_hit(row: Found) -> Hit:
    return Hit(
        title=row.title,
        url=reverse("clients:engagement", args=[row.pk]),
        kind=one(),
        icon="briefcase",
        detail=str(EngagementState(row.state).label),
        client=row.client,
    )
