"""Progress emails on the client's page: timeline and side card."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.registry import TimelineAsk, TimelineItem, panel
from crm.core.base.kept import Kept
from interactions.progress import lists as progress_lists
from interactions.progress.choices import ProgressState
from interactions.progress.flags import with_state
from interactions.progress.models import ProgressEmail, ProgressSchedule


@Kept
def _sent(principal, limit: int, *, client_id: int, before: datetime | None):
    rows = ProgressEmail.objects.visible_to(principal).filter(client=client_id, state=ProgressState.SENT)
    rows = rows.filter(sent_at__lt=before) if before else rows
    return with_state(rows).defer("sent_html", "sent_text").order_by("-sent_at")[:limit]


def sent_items(principal, client, ask: TimelineAsk) -> list[TimelineItem]:
    if ask.is_narrowed:
        return []
    return [
        TimelineItem(
            at=row.sent_at,
            key=f"progress-{row.pk}",
            kind="progress",
            title=_("Progress email, week %(week)d") % {"week": int(row.week[-2:])},
            icon="envelope-check",
            template="interactions/progress/item.html",
            object=row,
            extra={"state": progress_lists.state_of(row)[0]},
        )
        for row in _sent.rows(principal, ask.limit, client_id=client.pk, before=ask.before)
    ]


@Kept
def _schedules(principal, *, client_id: int):
    return ProgressSchedule.objects.visible_to(principal).filter(client=client_id)


@Kept
def _coming(principal, *, client_id: int):
    rows = ProgressEmail.objects.visible_to(principal).filter(client=client_id).open()
    return rows.defer("sent_html", "sent_text").order_by("send_at")[:1]


@panel("progress", "side", 60, "interactions/progress/panel.html", title=gettext_lazy("Progress email"))
def side_panel(principal, client, now: datetime):
    """The schedule and the next email."""
    schedule = next(iter(_schedules.rows(principal, client_id=client.pk)), None)
    coming = next(iter(_coming.rows(principal, client_id=client.pk)), None) if schedule else None
    return {
        "schedule": schedule,
        "coming": coming,
        "tone": progress_lists.TONES.get(coming.state, "") if coming else "",
    }
