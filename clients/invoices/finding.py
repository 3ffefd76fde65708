"""Invoices as the search and the palette find them: by number."""

from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.gate import among_few, own_q
from clients.invoices.queries import invoices_of
from crm.core.search.branches import Ask, Found, by_name, found, ways
from crm.core.search.sources import Hit


def _made(rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    return found(rows, "invoices", rank, at=F("created_at"), title=F("number"), client=F("client__name"), **more)


def find_invoices(ask: Ask) -> list[QuerySet]:
    """One's own clients first, then the newest."""
    rows = invoices_of(ask.principal).kept()
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows
    way = ways(ask.typed, name="search_key", key="search_key")
    return by_name(ask, rows, way, _made, ("-invoice_date", "-pk"), is_exact_apart=False, own=own_q(ask))


def invoice_hit(row: Found) -> Hit:
    url = reverse("clients:invoice", args=[row.pk])
    return Hit(title=row.title, url=url, kind=_("Invoice"), icon="receipt", client=row.client, pk=row.pk)
