"""Contracts as the search and the palette find them: by name, by their number, and by their ID in another system."""

from datetime import date
from typing import Any

from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat, NullIf
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
        "text": Concat(
            Coalesce(Cast("end_date", TextField()), Value(""), output_field=TextField()),
            Value("|", TextField()),
            Cast("number", TextField()),
        ),
    }
    return found(rows, "contracts", rank, **columns, **more)


def find_contracts(ask: Ask) -> list[QuerySet]:
    """One's own clients first, then those that began last."""
    rows = Contract.objects.visible_to(ask.principal).kept().filter(client__archived_at=None)
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows
    elsewhere = ExternalId.objects.filter(kind="contract", value=ask.typed.text).values("object_id")
    numbered = rows.exclude(number="").alias(number_key=Folded(F("number")))  # an index has it
    by_number = ways(ask.typed, name="number_key", key="number_key")
    named = rows.alias(search_key=Folded(F("name")))  # an index has it
    way = ways(ask.typed, name="search_key", key="search_key")
    order = ("-start_date", "-pk")
    return [
        _made(rows.filter(pk__in=elsewhere), EXACT)[: ask.limit],
        _made(numbered.filter(by_number.prefix | by_number.words), by_number.rank).order_by(*order)[: ask.limit],
        *by_name(ask, named, way, _made, order, is_exact_apart=False, own=own_q(ask)),
    ]


def contract_hit(row: Found) -> Hit:
    end, _bar, number = row.text.partition("|")
    until = _("until %(day)s") % {"day": date_format(date.fromisoformat(end), "j M Y")} if end else ""
    detail = " · ".join(filter(None, [number, until]))
    url = reverse("clients:edit_contract", args=[row.state, row.pk])
    return Hit(
        title=row.title, url=url, kind=_("Contract"), icon="receipt", detail=detail, client=row.client, pk=row.pk
    )
