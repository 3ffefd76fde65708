"""What progress emails register; `hooks.py` loads it."""

# Handlers
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import registry
from clients.registry import Panel, Tab, TimelineItem, TimelineSource
from crm.core import nav, ticking, wishes
from crm.core.parts import rows_from
from interactions import page_parts, progress_lists, progress_sections, progress_sources, today
from interactions.choices import ProgressState
from interactions.models import ProgressEmail, ProgressSchedule
from interactions.services.progress import plan_progress
from interactions.services.progress_sending import run_progress
from interactions.services.wishes import against_progress, against_survey


def sent_items(user, client, before: datetime | None, limit: int) -> list[TimelineItem]:
    """The first page shows those read along with the client."""
    if before is None and limit <= page_parts.SENT_AT_MOST and hasattr(client, "part_sent"):
        found = rows_from(ProgressEmail, client.part_sent)[:limit]
    else:
        rows = ProgressEmail.objects.visible_to(user).filter(client=client, state=ProgressState.SENT)
        rows = rows.filter(sent_at__lt=before) if before else rows
        found = list(rows.defer("sent_html", "sent_text").order_by("-sent_at")[:limit])
    return [
        TimelineItem(
            at=row.sent_at, key=f"progress-{row.pk}", kind="progress", title=_("Progress email, week %(week)d") % {"week": int(row.week[-2:])},
            icon="envelope-check", template="interactions/progress_item.html", object=row,
        )
        for row in found
    ]  # fmt: skip


def side_panel(user, client, now: datetime):
    """The schedule and the coming email, both read along with the client."""
    schedule = next(iter(rows_from(ProgressSchedule, client.part_schedule)), None)
    coming = next(iter(rows_from(ProgressEmail, client.part_coming)), None) if schedule else None
    return {
        "schedule": schedule,
        "coming": coming,
        "tone": progress_lists.TONES.get(coming.state, "") if coming else "",
    }


# Wiring
ticking.register("progress-plan", plan_progress)
ticking.register("progress-send", run_progress)
progress_sections.register("done", "interactions", progress_sources.shared_interactions, order=10)
progress_sections.register("done", "commitments", progress_sources.kept_promises, order=30)
progress_sections.register("agreed", "decisions", progress_sources.shared_decisions)
progress_sections.register("next", "commitments", progress_sources.our_promises, order=30)
progress_sections.register("needed", "commitments", progress_sources.their_promises, order=30)
progress_sections.register("milestones", "contracts-begun", progress_sources.begun_contracts, order=20, is_news=True)
progress_sections.register("milestones", "contracts", progress_sources.coming_contracts, order=50)
progress_sections.register("questions", "decisions", progress_sources.unconfirmed_decisions, order=20)
progress_sections.register("questions", "commitments", progress_sources.late_promises, order=30)
wishes.register("progress", against_progress)
wishes.register("survey", against_survey)
registry.register_tab(
    Tab(key="progress", label=gettext_lazy("Progress emails"), url_name="interactions:client_progress", order=60)
)
registry.register_panel(
    Panel(key="progress", slot="side", order=60, template="interactions/progress_panel.html", context=side_panel)
)
registry.register_timeline(
    TimelineSource(key="progress", kinds=[("progress", gettext_lazy("Progress emails"))], items=sent_items)
)
today.register(
    today.Section(
        key="progress", order=10, template="interactions/progress_today.html", build=progress_lists.today_section
    )
)
nav.register(
    nav.NavEntry(
        key="progress",
        label=gettext_lazy("Progress emails"),
        url_name="interactions:progress_list",
        icon="envelope",
        order=60,
        count=progress_lists.nav_count,
    )
)
