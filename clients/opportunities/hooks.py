"""What opportunities offer to the kernel and to the client's page; `clients/hooks.py` imports it."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients import permissions, registry
from clients.engagements.cards import list_card
from clients.engagements.models import named_q, no_key_of, no_link_to
from clients.opportunities import timeline
from clients.opportunities.choices import OPPORTUNITY_TONES, WON
from clients.opportunities.finding import find_opportunities, opportunity_hit, similar_opportunities
from clients.opportunities.lists import decorate_one
from clients.opportunities.models import Opportunity
from clients.opportunities.queries import opportunities_of
from clients.opportunities.services.outcomes import forget_won_titles
from clients.opportunities.services.records import reassign_opportunities
from clients.opportunities.services.renewals import refresh_renewals
from clients.revenue.services.rates import DAY_OF
from clients.signals import engagement_hidden, titles_forgotten
from crm.core.base import gate
from crm.core.base.kept import Kept
from crm.core.base.principals import SYSTEM
from crm.core.people import reassignment
from crm.core.search import sources as search
from crm.core.ui import navigation, tones
from crm.core.work.schedule import Job, periodic

ON_CARD = 5

# Handlers


@Kept
def _open_of(principal, *, client_id: int):
    rows = Opportunity.objects.visible_to(principal).kept().open().filter(client=client_id)
    return rows.select_related("stage", "owner").order_by("expected_close", "pk")[: ON_CARD + 1]


@registry.panel("opportunities", "side", 65, "clients/opportunities/card.html")
def opportunities_card(principal, client, now):
    """The open ones that close first."""
    found = _open_of.rows(principal, client_id=client.pk)
    for row in found:
        decorate_one(row, now)
    may_edit = permissions.may_edit(principal, client)
    return {"found": found[:ON_CARD], "has_more": len(found) > ON_CARD} if found or may_edit else None


def decorate_all(found, now):
    for row in found:
        decorate_one(row, now)


@list_card(
    "opportunities",
    "finance-side",
    30,
    "clients/opportunities/engagement_rows.html",
    title=_("Opportunities"),
    empty=_("No opportunities yet."),
    all_of_them="clients:opportunities",
    add="clients:opportunity_new_for",
    add_text=_("Add"),
    shown=ON_CARD,
    describe=decorate_all,
)
def engagement_opportunities(principal, engagement, now):
    rows = Opportunity.objects.visible_to(principal).kept().filter(engagement=engagement.pk)
    return rows.select_related("stage", "owner").order_by("-expected_close", "-pk")


def seen_notifications(principal):
    """Notifications that tell of no opportunity of a restricted engagement that is out of the principal's sight."""
    if principal.is_system:
        return Q()
    hidden = Opportunity.objects.exclude(named_q(principal)).order_by()
    return no_link_to(hidden, "/opportunities/") & no_key_of(hidden, WON)


def forget_titles(sender, engagement, now, **kwargs):
    if contracts := forget_won_titles(engagement):
        titles_forgotten.send(type(contracts[0]), contracts=contracts, now=now)


def count_owned(principal, user):
    return opportunities_of(principal).kept().open().filter(owner=user).count()


def reassign_owned(principal, user, to, now):
    return reassign_opportunities(SYSTEM, owner=user, to=to)


# Wiring
engagement_hidden.connect(forget_titles, dispatch_uid="clients.forget_won_titles")
DAY_OF[Opportunity] = "opened_date"
periodic.register(Job("clients.renewals", refresh_renewals, _("Renewals"), daily="clients:renewals"))
tones.declare(**OPPORTUNITY_TONES)
navigation.register(navigation.NavEntry("opportunities", _("Opportunities"), "clients:opportunities", "kanban", 35))
navigation.register(
    navigation.NavEntry(
        "pipelines",
        _("Pipelines"),
        "clients:pipelines",
        "kanban",
        4,
        group="settings",
        also=("/settings/stages/",),
        shown=lambda user: user.is_admin,
    )
)
search.register(
    search.Source(
        "opportunities",
        _("Opportunities"),
        35,
        find_opportunities,
        opportunity_hit,
        similar_opportunities,
        list_url="clients:opportunities",
    )
)
for command in (
    search.Command(
        "opportunity-board", _("Opportunity board"), "clients:opportunity_board", "kanban", _("pipeline deals kanban")
    ),
    search.Command(
        "opportunity-forecast", _("Forecast"), "clients:opportunity_forecast", "bar-chart", _("pipeline sales weighted")
    ),
    search.Command(
        "new-opportunity",
        _("New opportunity"),
        "clients:opportunity_new",
        "plus-lg",
        _("add create deal renewal upsell"),
        order=20,
        shown=permissions.may_create,
    ),
):
    search.palette.register(command)
gate.rules.register(gate.Rule("clients.opportunities", "core.Notification", seen_notifications))
reassignment.register(
    reassignment.Reassignable("opportunities", _("Open opportunities"), 15, count_owned, reassign_owned)
)
registry.timeline_sources.register(timeline.SOURCE)
