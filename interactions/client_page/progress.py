"""Progress emails on the client's page: timeline and side card."""

from datetime import datetime

from django.utils.translation import gettext as _

from clients.registry import TimelineItem
from crm.core.base.parts import rows_from
from interactions.client_page import parts
from interactions.progress import lists as progress_lists
from interactions.progress.choices import ProgressState
from interactions.progress.models import ProgressEmail, ProgressSchedule


def sent_items(principal, client, before: datetime | None, limit: int) -> list[TimelineItem]:
    """Sent progress emails; the first page uses the rows loaded with the client."""
    if before is None and limit <= parts.SENT_AT_MOST and hasattr(client, "part_sent"):
        found = rows_from(ProgressEmail, client.part_sent)[:limit]
    else:
        rows = ProgressEmail.objects.visible_to(principal).filter(client=client, state=ProgressState.SENT)
        rows = rows.filter(sent_at__lt=before) if before else rows
        found = list(rows.defer("sent_html", "sent_text").order_by("-sent_at")[:limit])
    return [
        TimelineItem(
            at=row.sent_at,
            key=f"progress-{row.pk}",
            kind="progress",
            title=_("Progress email, week %(week)d") % {"week": int(row.week[-2:])},
            icon="envelope-check",
            template="interactions/progress/item.html",
            object=row,
        )
        for row in found
    ]


def side_panel(principal, client, now: datetime):
    """The schedule and the next email, both loaded with the client."""
    schedule = next(iter(rows_from(ProgressSchedule, client.part_schedule)), None)
    coming = next(iter(rows_from(ProgressEmail, client.part_coming)), None) if schedule else None
    return {
        "schedule": schedule,
        "coming": coming,
        "tone": progress_lists.TONES.get(coming.state, "") if coming else "",
    }
