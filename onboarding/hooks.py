"""What onboarding registers with the other apps."""

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients import registry
from clients.engagements.models import named_q, no_link_to
from clients.engagements.services.records import sees_engagement
from clients.listing.finding import clients_named
from clients.opportunities.choices import WON
from clients.signals import opportunity_won
from crm.core.base import gate
from crm.core.notifications.models import Notification
from crm.core.search import sources as search
from crm.core.ui import navigation
from crm.core.work.schedule import Job, periodic
from interactions.progress import sections
from interactions.reminders import digest
from interactions.today import sections as today_page
from interactions.today import setup
from onboarding import archive, emails, finding, merging, panels, rollups  # noqa: F401  some register themselves
from onboarding.models import Task, TemplateVersion
from onboarding.services.plans import refresh_due_plans
from onboarding.services.tracking import rebuild_onboarding_facts

# Handlers


def tell_of_win(sender, opportunity, principal, now, **kwargs):
    """The account manager hears of a colleague's win, with the way to a plan: that is where work for the client begins."""
    client = opportunity.client
    if principal.user_id in (None, client.owner_id) or not client.owner.is_active:
        return
    if not sees_engagement(client.owner, opportunity.engagement):
        return
    words = _("%(who)s won “%(title)s”. Start a plan?")
    Notification.objects.get_or_create(
        key=f"{WON}{opportunity.pk}:{opportunity.version}",
        defaults={
            "user": client.owner,
            "client_id": client.pk,
            "kind": "won",
            "text": (words % {"who": principal.user.name, "title": opportunity.title})[:300],
            "url": start_url(opportunity),
        },
    )


def start_url(opportunity):
    return reverse("onboarding:start", args=[opportunity.client_id])


def rebuild_own_facts(client_ids, now):
    rebuild_onboarding_facts(client_ids=client_ids)


def seen_notifications(principal):
    """Notifications that lead to no task of a restricted engagement that is out of the principal's sight."""
    if principal.is_system:
        return Q()
    return no_link_to(Task.objects.exclude(named_q(principal, "plan__engagement")), "/onboarding/tasks/")


# Wiring
registry.naming.register(registry.Naming("onboarding.plan"))
registry.naming.register(registry.Naming("onboarding.task", "plan__engagement"))
gate.rules.register(gate.Rule("onboarding.tasks", "core.Notification", seen_notifications))
opportunity_won.connect(tell_of_win, dispatch_uid="onboarding.tell_of_win")
registry.won_actions.register(registry.WonAction("start-plan", _("Start a plan"), start_url))
periodic.register(Job("onboarding.plans", refresh_due_plans, _("Onboarding plans")))
registry.facts_rebuilders.register(registry.FactsRebuilder("onboarding", rebuild_own_facts))
registry.tabs.register(registry.Tab("onboarding", _("Onboarding"), "onboarding:client", 30))
registry.timeline_sources.register(
    registry.TimelineSource("onboarding", [("onboarding", _("Onboarding"))], panels.timeline_items, 40)
)
today_page.sections.register(today_page.Section("onboarding", 20, "onboarding/parts/today.html", panels.today_section))
digest.writers.register(digest.PartWriter("onboarding", panels.tell_day))
setup.steps.register(
    setup.Step(
        "template",
        60,
        _("Publish an onboarding template"),
        _("The phases and tasks that every new client goes through"),
        "onboarding:templates",
        lambda: TemplateVersion.objects.published().exists(),
    )
)
navigation.register(
    navigation.NavEntry(
        "onboarding",
        _("Onboarding"),
        "onboarding:plans",
        "bar-chart-steps",
        40,
        letter="o",
        also=("/onboarding/tasks/",),
        count=panels.nav_count,
    )
)
navigation.register(
    navigation.NavEntry(
        "templates",
        _("Templates"),
        "onboarding:templates",
        "journal-text",
        10,
        group="setup",
        also=("/onboarding/versions/",),
    )
)
search.register(search.Source("plans", _("Onboarding plans"), 50, finding.find_plans, finding.plan_hit))
search.register(search.Source("templates", _("Templates"), 55, finding.find_templates, finding.template_hit))
search.palette.register(
    search.Command(
        "start-plan",
        _("Start onboarding"),
        "onboarding:start",
        "bar-chart-steps",
        _("new plan begin"),
        order=30,
        about=clients_named,
        title=_("Start onboarding for %(name)s"),
        is_common=True,
    )
)
sections.register("done", "onboarding", emails.finished_tasks, order=40)
sections.register("next", "onboarding", emails.our_tasks, order=40)
sections.register("needed", "onboarding", emails.their_tasks, order=40)
sections.register("milestones", "onboarding-reached", emails.reached, order=10, is_news=True)
sections.register("milestones", "onboarding-expected", emails.expected, order=40)
sections.register("questions", "onboarding", emails.late_tasks, order=40)
