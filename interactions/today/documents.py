"""Documents on Today: those that have expired lately or soon will."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse

from clients.documents.models import SOON, Document
from clients.documents.queries import expiry_of
from crm.core.base.kept import Kept
from crm.core.firm.queries import firm_today

AT_MOST = 5


@Kept
def _expiring(principal, *, now: datetime):
    today = firm_today(now)
    rows = Document.objects.visible_to(principal).current()
    rows = rows.filter(expiry_date__gte=today - SOON, expiry_date__lte=today + SOON)
    mine = Q(client__owner=principal.user) if principal.is_account_manager else Q()
    return rows.filter(mine).select_related("client").order_by("expiry_date", "pk")[:AT_MOST]


def today_section(principal, now: datetime) -> dict[str, Any] | None:
    """Of an account manager's own clients; for others, of all they may see."""
    rows, today = _expiring.rows(principal, now=now), firm_today(now)
    for row in rows:
        row.expiry_words, row.expiry_tone = expiry_of(row, today)
    own = "&owner=me" if principal.is_account_manager else ""
    url = f"{reverse('clients:documents')}?expiry=dated{own}"
    return {"documents": rows, "url": url} if rows else None
