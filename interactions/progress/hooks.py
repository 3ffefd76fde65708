"""What progress emails register; `hooks.py` loads it."""

from django.urls import reverse
from django.utils.translation import gettext_lazy

from clients import registry
from clients.registry import Tab, TimelineSource
from crm.core.ui import navigation
from crm.core.work.schedule import Job, periodic
from interactions.client_page.progress import sent_items
from interactions.progress import board, sections
from interactions.progress import lists as progress_lists
from interactions.progress import sources as progress_sources
from interactions.progress.services.schedules import plan_progress
from interactions.progress.services.sending import run_progress
from interactions.today import sections as today

# Wiring
periodic.register(Job("progress-plan", plan_progress, gettext_lazy("Progress email scheduling")))
periodic.register(Job("progress-send", run_progress, gettext_lazy("Progress email sending"), board.oldest_due))
sections.register("done", "interactions", progress_sources.shared_interactions, order=10)
sections.register("done", "commitments", progress_sources.kept_commitments, order=30)
sections.register("agreed", "decisions", progress_sources.shared_decisions)
sections.register("next", "commitments", progress_sources.our_commitments, order=30)
sections.register("needed", "commitments", progress_sources.their_commitments, order=30)
sections.register("milestones", "contracts-begun", progress_sources.begun_contracts, order=20, is_news=True)
sections.register("milestones", "contracts", progress_sources.upcoming_contracts, order=50)
sections.register("questions", "decisions", progress_sources.unconfirmed_decisions, order=20)
sections.register("questions", "commitments", progress_sources.late_commitments, order=30)
registry.tabs.register(
    Tab(key="progress", label=gettext_lazy("Progress emails"), url_name="interactions:client_progress", order=60)
)
registry.timeline_sources.register(
    TimelineSource(key="progress", kinds=[("progress", gettext_lazy("Progress emails"))], items=sent_items, order=30)
)
today.sections.register(
    today.Section(
        key="progress",
        order=10,
        template="interactions/progress/today.html",
        build=progress_lists.today_section,
        figure=today.Figure(
            gettext_lazy("Progress emails to review"),
            progress_lists.waiting,
            lambda principal: reverse("interactions:progress-emails"),
            gettext_lazy("before they are sent"),
        ),
    )
)
navigation.register(
    navigation.NavEntry(
        key="progress",
        label=gettext_lazy("Progress emails"),
        url_name="interactions:progress-emails",
        icon="envelope",
        order=60,
        count=progress_lists.nav_count,
    )
)
