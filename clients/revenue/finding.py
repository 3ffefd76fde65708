"""Contracts as the search and the palette find them: by name, and by their number in another system."""

from datetime import date
from typing import Any

from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.gate import among_few, own_q
from clients.records.models import ExternalId
from clients.revenue.models import Contract
from crm.core.base.models import Folded
from crm.core.search.branches import EXACT, Ask, Found, by_name, found, ways
from crm.core.search.sources import Hit


def _made(rows: QuerySet, rank: Any, **more: Any) -> QuerySet:
    columns = {
        "at": F("created_at"),
        "title": Coalesce(NullIf("name", Value("")), "service__name"),
        "client": F("client__name"),
        "state": Cast("client", TextField()),
        "text": Coalesce(Cast("end_date", TextField()), Value("")),
    }
    return found(rows, "contracts", rank, **columns, **more)


def find_contracts(ask: Ask) -> list[QuerySet]:
    """One's own clients first, then those that began last."""
    rows = Contract.objects.visible_to(ask.principal).kept().filter(client__archived_at=None)
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows
    numbered = ExternalId.objects.filter(kind="contract", value=ask.typed.text).values("object_id")
    named = rows.alias(search_key=Folded(F("name")))  # an index has it
    way = ways(ask.typed, name="search_key", key="search_key")
    order = ("-start_date", "-pk")
    return [
        _made(rows.filter(pk__in=numbered), EXACT)[: ask.limit],
        *by_name(ask, named, way, _made, order, is_exact_apart=False, own=own_q(ask)),
    ]


def contract_hit(row: Found) -> Hit:
    until = _("until %(day)s") % {"day": date_format(date.fromisoformat(row.text), "j M Y")} if row.text else ""
    url = reverse("clients:edit_contract", args=[row.state, row.pk])
    return Hit(title=row.title, url=url, kind=_("Contract"), icon="receipt", detail=until, client=row.client, pk=row.pk)
