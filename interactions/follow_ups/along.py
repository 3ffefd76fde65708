"""Follow-ups that go with the conversation in which they were planned."""

from clients.engagements.models import Engagement
from clients.engagements.services.records import sees_engagement
from crm.core.base.versions import save_version
from interactions.follow_ups.choices import SourceKind
from interactions.follow_ups.facts import refresh_next_step
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction


def take_along(interaction: Interaction, *, before: int | None) -> None:
    """Move the follow-ups that were planned in a conversation to its engagement, within the transaction that corrects it. `before`:
    the id of the former one. They stay in a restricted one: their titles, which nobody saw while correcting, would be read by more
    people. And they stay where their assignee would no longer see them: what was promised would be forgotten.
    """
    if Engagement.objects.filter(pk=before, is_restricted=True).exists():
        return
    planned = FollowUp.objects.filter(source_kind=SourceKind.INTERACTION, source_id=interaction.pk, engagement=before)
    for follow_up in planned.select_related("assignee").select_for_update(of=("self",)).order_by("pk"):
        if sees_engagement(follow_up.assignee, interaction.engagement):
            follow_up.engagement = interaction.engagement
            save_version(follow_up, fields=["engagement"], seen=None)
    refresh_next_step(client_ids=[interaction.client_id])
