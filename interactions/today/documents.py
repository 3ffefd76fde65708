"""Documents on Today: those that expire within 30 days."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from clients.cover.queries import in_care_q, say_for_whom
from clients.documents.choices import Expiry
from clients.documents.models import Document
from clients.documents.queries import expiry_of
from crm.core.base.kept import Kept
from crm.core.firm.queries import firm_today

AT_MOST = 5


@Kept
def _expiring(principal, *, now: datetime):
    rows = Document.objects.visible_to(principal).current().expiring(firm_today(now))
    mine = in_care_q(principal, "client__owner") if principal.is_account_manager else Q()
    return rows.filter(mine).select_related("client__owner").order_by("expiry_date", "pk")[:AT_MOST]


def today_section(principal, now: datetime) -> dict[str, Any] | None:
    """Of an account manager's own clients and those they cover for; for others, of all they may see."""
    rows, today = _expiring.rows(principal, now=now), firm_today(now)
    for row in rows:
        row.expiry_words, row.expiry_tone = expiry_of(row, today)
    say_for_whom(principal, rows if principal.is_account_manager else [], lambda row: row.client.owner)
    own = {"in_care": "1"} if principal.is_account_manager else {}
    url = f"{reverse('clients:documents')}?{urlencode({'expiry': Expiry.SOON, **own})}"
    return {"documents": rows, "url": url} if rows else None
