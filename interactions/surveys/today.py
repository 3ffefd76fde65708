"""Detractors on Today: contacts who answered 6 or less and have not been contacted since."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from clients.records import nps
from crm.core.base.kept import Kept
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyResponse

FOR = timedelta(days=14)
AT_MOST = 5


@Kept
def _detractors(principal, *, since: datetime):
    spoken = Interaction.objects.kept().filter(client=OuterRef("client"), occurred_at__gt=OuterRef("answered_at"))
    rows = SurveyResponse.objects.visible_to(principal).nps().filter(nps.in_band(nps.DETRACTORS))
    rows = rows.filter(~Exists(spoken), answered_at__gte=since, client__archived_at=None)
    mine = Q(client__owner=principal.user) if principal.is_account_manager else Q()
    return rows.filter(mine).select_related("client", "contact").order_by("-answered_at", "-id")[:AT_MOST]


def today_section(principal, now: datetime) -> dict[str, Any] | None:
    """An account manager's own clients; for others, all they may see."""
    rows = _detractors.rows(principal, since=now - FOR)
    return {"answers": rows} if rows else None
