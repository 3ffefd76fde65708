"""What engagements offer to the kernel and to the client's page; `clients/hooks.py` imports it."""

from django.utils.translation import gettext_lazy as _

from clients import permissions, registry
from clients.engagements.choices import ENGAGEMENT_TONES
from clients.engagements.finding import engagement_hit, find_engagements, similar_engagements
from clients.engagements.models import Engagement
from clients.engagements.queries import current_of, decorate, engagements_of
from clients.engagements.services.records import reassign_engagements
from clients.engagements.words import MANY, Said, in_words, is_on, many
from crm.core.base.principals import SYSTEM
from crm.core.people import reassignment
from crm.core.search import sources as search
from crm.core.ui import navigation, tones

ON_CARD = 5
RESTRICTED_AT_MOST = 500

# Handlers


@registry.panel("engagements", "side", 62, "clients/engagements/card.html", shown=lambda principal: is_on())
def engagements_card(principal, client, now):
    """The current ones, the newest first."""
    found = current_of(principal, client)
    decorate(found[:ON_CARD])
    may_edit = permissions.may_edit(principal, client)
    return {"found": found[:ON_CARD], "n": len(found), "words": many()} if found or may_edit else None


def restricted_names():
    """By name alone: admins may lift a restriction whose lead is gone."""
    rows = Engagement.objects.filter(is_restricted=True).kept().select_related("client", "lead")
    found = list(rows.order_by("number", "pk")[:RESTRICTED_AT_MOST])
    return {"found": found, "title": in_words(_("Restricted %(many)s"))} if found and is_on() else None


def count_led(principal, user):
    return engagements_of(principal).kept().current().filter(lead=user).count()


def reassign_led(principal, user, to, now):
    return reassign_engagements(SYSTEM, lead=user, to=to)


# Wiring
registry.restricted_names.register(
    registry.RestrictedNames("engagements", "clients/engagements/restricted.html", restricted_names)
)
tones.declare(**ENGAGEMENT_TONES)
navigation.register(
    navigation.NavEntry("engagements", MANY, "clients:engagements", "briefcase", 33, shown=lambda principal: is_on())
)
navigation.register(
    navigation.NavEntry(
        "engagement-kinds",
        Said(_("Kinds of %(many)s")),
        "clients:engagement_kinds",
        "briefcase",
        4,
        group="settings",
        shown=lambda user: user.is_admin and is_on(),
    )
)
search.register(
    search.Source(
        "engagements",
        MANY,
        30,
        find_engagements,
        engagement_hit,
        similar_engagements,
        list_url="clients:engagements",
        shown=lambda principal: is_on(),
    )
)
search.palette.register(
    search.Command(
        "new-engagement",
        Said(_("New %(one)s")),
        "clients:engagement_new",
        "plus-lg",
        _("add create matter mandate job project engagement"),
        order=21,
        shown=lambda principal: permissions.may_create(principal) and is_on(),
    )
)
reassignment.register(
    reassignment.Reassignable("engagements", Said(_("Current %(many)s")), 14, count_led, reassign_led)
)
