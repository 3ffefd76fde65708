"""The latest NPS answer of a client."""

from collections.abc import Iterable

from django.db.models import OuterRef, Subquery

from clients.records.facts import set_facts_of
from interactions.surveys.models import SurveyResponse


def refresh_nps(*, client_ids: Iterable[int]) -> int:
    """From the latest kept NPS answer on the scale 0–10. Returns the number of clients."""
    latest = SurveyResponse.objects.nps().filter(client=OuterRef("pk")).order_by("-answered_at", "-id")
    return set_facts_of(
        client_ids=client_ids,
        nps_score=Subquery(latest.values("score")[:1]),
        nps_at=Subquery(latest.values("answered_at")[:1]),
    )
