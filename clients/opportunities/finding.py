"""Opportunities as the search and the palette find them."""

from typing import Any

from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.gate import among_few, own_q
from clients.opportunities.choices import OpportunityState
from clients.opportunities.queries import opportunities_of
from crm.core.search.branches import WORD, Ask, Found, by_name, found, similar, ways
from crm.core.search.sources import Hit


def _rows(ask: Ask) -> QuerySet:
    rows = opportunities_of(ask.principal).kept()
    return rows.filter(among_few(ask.principal)) if ask.is_few else rows


def _made(rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    """The stage of open ones."""
    stage = Case(When(state=OpportunityState.OPEN, then=F("stage__name")), default=Value(""), output_field=CharField())
    columns = {"at": F("updated_at"), "client": F("client__name"), "state": F("state"), "text": stage}
    return found(rows, "opportunities", rank, **columns, **more)


def find_opportunities(ask: Ask) -> list[QuerySet]:
    """By title; one's own clients first, then the newest."""
    way = ways(ask.typed, name="search_key", key="search_key")
    return by_name(ask, _rows(ask), way, _made, ("-pk",), is_exact_apart=False, own=own_q(ask))


def similar_opportunities(ask: Ask) -> list[QuerySet]:
    return [_made(similar(_rows(ask), ask.typed, key="search_key"), WORD)[: ask.limit]]


def opportunity_hit(row: Found) -> Hit:
    return Hit(
        title=row.title,
        url=reverse("clients:opportunity", args=[row.pk]),
        kind=_("Opportunity"),
        icon="kanban",
        detail=row.text or str(OpportunityState(row.state).label),
        client=row.client,
    )
