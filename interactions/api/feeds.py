"""The records of this app in the change feed."""

from typing import Any

from django.db.models import Q

from clients.api.feeds import ENGAGEMENT, of_client, was_seen
from crm.core.api.feeds import Ids
from interactions.api import views
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction, InteractionColleague


def open_interactions(model: Any, principal: Any) -> Any:
    return Interaction.objects.history_visible_to(principal)


def seen_interactions(principal: Any, ids: Ids, base: int) -> Ids:
    return was_seen(Interaction, principal, ids, base, read=open_interactions)


def seen_follow_ups(principal: Any, ids: Ids, base: int) -> Ids:
    """Those without a client belong to whoever does or planned them."""
    mine = Q(assignee=principal.user_id) | Q(author=principal.user_id)
    return was_seen(FollowUp, principal, ids, base, without=Q(client_id__isnull=True) & mine)


of_client(
    "interactions",
    views.InteractionViewSet,
    ENGAGEMENT,
    was_seen=seen_interactions,
    openers=(InteractionColleague,),
)
of_client("follow-ups", views.FollowUpViewSet, ENGAGEMENT, was_seen=seen_follow_ups)
of_client("survey-responses", views.SurveyResponseViewSet)
