"""The client's facts that this app owns: last contact, next step, open follow-ups, latest NPS answer."""

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from clients.models import ClientFacts
from clients.services import lock_facts, set_facts
from interactions.choices import SurveyKind
from interactions.models import FollowUp, Interaction, SurveyResponse


@transaction.atomic
def refresh_last_contact(*, client_id: int) -> None:
    """From the latest kept interaction that was a contact; notes do not count."""
    lock_facts(client_ids=[client_id])
    rows = Interaction.objects.filter(client_id=client_id).kept().contacts_made().order_by("-occurred_at", "-id")
    at, channel = rows.values_list("occurred_at", "channel").first() or (None, "")
    set_facts(client_id=client_id, last_contact_at=at, last_contact_channel=channel)


@transaction.atomic
def refresh_next_step(*, client_id: int | None) -> None:
    """From the open follow-up that is due first, and how many are open. None (a follow-up of no client) is fine."""
    if client_id is None:
        return
    lock_facts(client_ids=[client_id])
    rows = FollowUp.objects.filter(client_id=client_id).open()
    first = rows.order_by("due_at", "id").first()
    set_facts(
        client_id=client_id,
        next_step_at=first.due_at if first else None,
        next_step_text=first.title if first else "",
        next_step_id=first.pk if first else None,
        open_follow_ups=rows.count(),
    )


@transaction.atomic
def refresh_nps(*, client_id: int) -> None:
    """From the latest kept NPS answer on the scale 0–10."""
    lock_facts(client_ids=[client_id])
    rows = SurveyResponse.objects.filter(
        client_id=client_id, archived_at=None, survey__kind=SurveyKind.NPS, scale_min=0, scale_max=10
    )
    score, at = rows.order_by("-answered_at", "-id").values_list("score", "answered_at").first() or (None, None)
    set_facts(client_id=client_id, nps_score=score, nps_at=at)


@transaction.atomic
def rebuild_facts(*, client_ids) -> int:
    """Make these clients' facts anew in one statement; gives how many."""
    contact = Interaction.objects.filter(client=OuterRef("pk")).kept().contacts_made().order_by("-occurred_at", "-id")
    steps = FollowUp.objects.filter(client=OuterRef("pk")).open()
    first = steps.order_by("due_at", "id")
    nps = SurveyResponse.objects.filter(
        client=OuterRef("pk"), archived_at=None, survey__kind=SurveyKind.NPS, scale_min=0, scale_max=10
    )
    latest = nps.order_by("-answered_at", "-id")
    many = steps.order_by().values("client").annotate(n=Count("pk")).values("n")
    return ClientFacts.objects.filter(pk__in=client_ids).update(
        last_contact_at=Subquery(contact.values("occurred_at")[:1]),
        last_contact_channel=Coalesce(Subquery(contact.values("channel")[:1]), Value("")),
        next_step_at=Subquery(first.values("due_at")[:1]),
        next_step_text=Coalesce(Subquery(first.values("title")[:1]), Value("")),
        next_step_id=Subquery(first.values("pk")[:1]),
        open_follow_ups=Coalesce(Subquery(many), Value(0)),
        nps_score=Subquery(latest.values("score")[:1]),
        nps_at=Subquery(latest.values("answered_at")[:1]),
    )
