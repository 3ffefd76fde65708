"""Referrals on the pages of client and contact; `clients/hooks.py` imports it."""

from django.utils.translation import gettext_lazy as _

from clients import permissions, registry
from clients.referrals.queries import brought_by, referrals_of
from crm.core.search import sources as search
from crm.core.ui import navigation

ON_CARD = 8


@registry.panel("referrals", "side", 85, "clients/referrals/card.html", is_late=True, title=_("Referrals"))
def referrals_card(principal, client, now):
    """Who referred the client, and whom it brought."""
    found = list(referrals_of(principal, client.pk)[:ON_CARD])
    actions = registry.referral_actions.shown(principal) if found and permissions.may_edit(principal, client) else []
    offered = {action.key: action.offered(found) for action in actions}
    for row in found:
        row.actions = [
            {"label": action.label, "url": action.url(row)} for action in actions if row.pk in offered[action.key]
        ]
    return {"found": found, "brought": list(brought_by(principal, by_client=client.pk)[: ON_CARD + 1])}


@registry.contact_panel("referrals", 60, "clients/referrals/contact_card.html")
def contact_card(principal, contact, now):
    return {"brought": list(brought_by(principal, by_contact=contact.pk)[: ON_CARD + 1])}


# Wiring
navigation.register(navigation.NavEntry("referrals", _("Referrals"), "clients:referrals", "trophy", 58))
search.palette.register(
    search.Command("referrers", _("Value by referrer"), "clients:referrers", "trophy", _("referral source recommended"))
)
