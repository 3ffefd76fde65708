"""What the page of one interaction shows."""

from typing import Any

from crm.core.fields.custom.entries import all_facts
from interactions.agreements.models import Decision
from interactions.client_page.timeline import with_timeline_parts
from interactions.follow_ups.models import FollowUp
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import Interaction
from interactions.log.queries import history, title_of


def interaction_page(principal, interaction, *, may_edit: bool = False) -> dict[str, Any]:
    """The interaction with its people, decisions, follow-ups and corrections, newest first."""
    full = with_timeline_parts(Interaction.objects.filter(pk=interaction.pk)).select_related("client", "author").get()
    return {
        "interaction": full,
        "title": title_of(full),
        "participants": list(full.participants.all()),
        "decisions": list(Decision.objects.visible_to(principal).filter(interaction=full)),
        "follow_ups": list(
            FollowUp.objects.visible_to(principal)
            .filter(source_kind="interaction", source_id=full.pk)
            .select_related("assignee")
        ),
        "facts": all_facts(principal, INTERACTION_FIELDS, full, may_edit=may_edit),
        "history": history(principal, full),
    }
