"""The records of this app in the change feed."""

from typing import Any

from django.db.models import Q

from clients.api.feeds import ENGAGEMENT, events, of_client, was_seen
from clients.engagements.models import named_q
from clients.records.models import Client
from crm.core.api.feeds import Ids
from interactions.api import views
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import Visibility
from interactions.log.models import Interaction, InteractionColleague


def open_interactions(model: Any, principal: Any) -> Any:
    """As the list has them; those for the team of a deleted client by its last version."""
    rows = Interaction.objects.history_visible_to(principal, of_many=True)
    if principal.sees_all or principal.user is None:
        return rows
    their = Q(owner=principal.user) | Q(team__in=principal.user.memberships.values("team_id"))
    gone = events(Client).filter(their, pgh_label="delete").values("pgh_obj_id")
    return rows | events(Interaction).filter(named_q(principal), visibility=Visibility.TEAM, client_id__in=gone)


def seen_interactions(principal: Any, ids: Ids, base: int) -> Ids:
    return was_seen(Interaction, principal, ids, base, read=open_interactions)


def seen_follow_ups(principal: Any, ids: Ids, base: int) -> Ids:
    """Those without a client belong to their assignee and their author."""
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
