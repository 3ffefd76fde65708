"""Documents as the search and the palette find them."""

from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse

from clients.documents.choices import DocumentKind
from clients.documents.models import Document
from clients.gate import among_few, own_q
from crm.core.files.contents import icon_of
from crm.core.search.branches import WORD, Ask, Found, by_name, found, similar, ways
from crm.core.search.sources import Hit


def _rows(ask: Ask) -> QuerySet:
    rows = Document.objects.visible_to(ask.principal).current()
    return rows.filter(among_few(ask.principal)) if ask.is_few else rows


def _made(rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    columns: dict[str, Any] = {"client": F("client__name"), "state": F("kind"), "text": F("file__content_type")}
    return found(rows, "documents", rank, at=F("uploaded_at"), **columns, **more)


def find_documents(ask: Ask) -> list[QuerySet]:
    """By title; one's own clients first, then the newest."""
    way = ways(ask.typed, name="search_key", key="search_key")
    return by_name(ask, _rows(ask), way, _made, ("-uploaded_at", "-pk"), is_exact_apart=False, own=own_q(ask))


def similar_documents(ask: Ask) -> list[QuerySet]:
    return [_made(similar(_rows(ask), ask.typed, key="search_key"), WORD)[: ask.limit]]


def document_hit(row: Found) -> Hit:
    return Hit(
        title=row.title,
        url=reverse("clients:document", args=[row.pk]),
        kind=DocumentKind(row.state).label,
        icon=icon_of(row.text),
        client=row.client,
    )
