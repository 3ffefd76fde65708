"""The client's facts that this app owns, computed anew."""

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from clients.records.models import ClientFacts
from interactions.cadence.services import refresh_contact_due
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyResponse


@transaction.atomic
def rebuild_facts(*, client_ids) -> int:
    """Make these clients' facts anew in one statement; gives how many."""
    contact = Interaction.objects.filter(client=OuterRef("pk")).kept().contacts_made().order_by("-occurred_at", "-id")
    steps = FollowUp.objects.filter(client=OuterRef("pk")).open()
    first = steps.order_by("due_at", "id")
    latest = SurveyResponse.objects.nps().filter(client=OuterRef("pk")).order_by("-answered_at", "-id")
    many = steps.order_by().values("client").annotate(n=Count("pk")).values("n")
    count = ClientFacts.objects.filter(pk__in=client_ids).update(
        last_contact_at=Subquery(contact.values("occurred_at")[:1]),
        last_contact_channel=Coalesce(Subquery(contact.values("channel")[:1]), Value("")),
        next_step_at=Subquery(first.values("due_at")[:1]),
        next_step_id=Subquery(first.values("pk")[:1]),
        open_follow_ups=Coalesce(Subquery(many), Value(0)),
        nps_score=Subquery(latest.values("score")[:1]),
        nps_at=Subquery(latest.values("answered_at")[:1]),
    )
    refresh_contact_due(client_ids=client_ids)
    return count
