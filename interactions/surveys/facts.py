"""The latest NPS answer of a client."""

from django.db import transaction

from clients.records.facts import lock_facts, set_facts
from interactions.surveys.models import SurveyResponse


@transaction.atomic
def refresh_nps(*, client_id: int) -> None:
    """From the latest kept NPS answer on the scale 0–10."""
    lock_facts(client_ids=[client_id])
    rows = SurveyResponse.objects.nps().filter(client_id=client_id)
    score, at = rows.order_by("-answered_at", "-id").values_list("score", "answered_at").first() or (None, None)
    set_facts(client_id=client_id, nps_score=score, nps_at=at)
