"""Opportunities in a client's timeline: opened, won and lost."""

from datetime import time

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.opportunities.choices import OpportunityState
from clients.opportunities.models import Opportunity
from clients.registry import TimelineAsk, TimelineItem, TimelineSource
from crm.core.base.dates import local_to_utc
from crm.core.base.kept import Kept
from crm.core.firm.queries import get_firm

AT_MOST = 500  # opportunities of one client
OPENED_HOUR = time(9)


@Kept
def _opportunities(principal, text: str, *, client_id: int, user_id: int | None, engagement_id: int | None):
    rows = Opportunity.objects.visible_to(principal).filter(client=client_id).kept()
    if text:
        rows = rows.filter(title__icontains=text)
    if user_id is not None:
        rows = rows.filter(owner=user_id)
    if engagement_id is not None:
        rows = rows.filter(engagement=engagement_id)
    return rows.select_related("owner").order_by("-pk")[:AT_MOST]


def opportunity_items(principal, client, ask: TimelineAsk) -> list[TimelineItem]:
    if ask.contact_id:
        return []
    zone, items = get_firm().time_zone, []
    given = {"client_id": client.pk, "user_id": ask.user_id, "engagement_id": ask.engagement_id}
    for row in _opportunities.rows(principal, ask.text, **given):
        said = {"what": row.title, "who": row.owner.name, "why": row.get_reason_display()}
        events = [
            (local_to_utc(row.opened_date, OPENED_HOUR, zone), "opened", _("Opportunity “%(what)s” opened for %(who)s"))
        ]
        if row.state == OpportunityState.WON:
            events.append((row.closed_at, "won", _("Opportunity “%(what)s” won")))
        elif row.state == OpportunityState.LOST:
            events.append((row.closed_at, "lost", _("Opportunity “%(what)s” lost: %(why)s")))
        items += [
            TimelineItem(
                at=at,
                key=f"opportunity-{row.pk}-{what}",
                kind="opportunity",
                title=words % said,
                icon="kanban",
                tone="quiet",
                extra={"url": row.get_absolute_url(), "text": "" if what == "opened" else row.outcome_note},
            )
            for at, what, words in events
            if ask.before is None or at < ask.before
        ]
    return sorted(items, key=lambda item: item.at, reverse=True)[: ask.limit]


SOURCE = TimelineSource("opportunities", [("opportunity", gettext_lazy("Opportunities"))], opportunity_items, 50)
