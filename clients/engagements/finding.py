"""Engagements as the search and the palette find them."""

from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Lower
from django.urls import reverse

from clients.engagements.choices import EngagementState
from clients.engagements.queries import engagements_of
from clients.engagements.words import one
from clients.gate import among_few, own_q
from crm.core.base.kept import Kept
from crm.core.search.branches import EXACT, WORD, Ask, Found, by_name, found, similar, ways
from crm.core.search.sources import Hit

OFFERED = 20  # in a combobox


def _rows(ask: Ask) -> QuerySet:
    rows = engagements_of(ask.principal).kept()
    return rows.filter(among_few(ask.principal)) if ask.is_few else rows


def _made(rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    title = Concat("number", Value(" · "), "title")
    columns = {"at": F("created_at"), "title": title, "client": F("client__name"), "state": F("state")}
    return found(rows, "engagements", rank, **columns, **more)


def find_engagements(ask: Ask) -> list[QuerySet]:
    """By number and title; one's own clients first, then the newest."""
    rows, way = _rows(ask), ways(ask.typed, name="search_key", key="search_key")
    numbered = rows.alias(folded_number=Lower("number")).filter(folded_number=Lower(Value(ask.typed.text)))
    return [
        _made(numbered, EXACT),
        *by_name(ask, rows, way, _made, ("-created_at", "-pk"), is_exact_apart=False, own=own_q(ask)),
    ]


def offered_engagements(principal) -> list[Hit]:
    """What a combobox offers before anything is typed: the newest."""
    return [engagement_hit(Found(*row)) for row in _newest.rows(principal)]


@Kept
def _newest(principal) -> QuerySet:
    return _made(engagements_of(principal).kept(), EXACT).order_by("-created_at", "-pk")[:OFFERED]


def similar_engagements(ask: Ask) -> list[QuerySet]:
    return [_made(similar(_rows(ask), ask.typed, key="search_key"), WORD)[: ask.limit]]


def engagement_hit(row: Found) -> Hit:
    return Hit(
        title=row.title,
        url=reverse("clients:engagement", args=[row.pk]),
        kind=one(),
        icon="briefcase",
        pk=row.pk,
        detail=str(EngagementState(row.state).label),
        client=row.client,
    )
