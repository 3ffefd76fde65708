"""What people, settings and search register."""

# Handlers
from datetime import datetime

from allauth.account import signals
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.api.idempotency import forget_old_keys
from crm.core.base import kept
from crm.core.base.permissions import may_administer
from crm.core.firm.queries import get_firm
from crm.core.listing.selection import forget_old_steps
from crm.core.notifications.models import Notification
from crm.core.people.services import colleagues
from crm.core.search import sources as search
from crm.core.ui import navigation
from crm.core.work.schedule import Job, periodic

UNREAD_AT_MOST = 100


def count_unread(principal, now: datetime) -> navigation.Counted:
    return [
        (Notification.objects.visible_to(principal).filter(read_at__isnull=True).order_by()[:UNREAD_AT_MOST], "red")
    ]


def password_changed(user, **_given) -> None:
    """A new password, by oneself or by a mailed link, ends the API tokens too: the login library ends the other sessions."""
    colleagues.revoke_tokens(user=user, now=timezone.now())


# Wiring
signals.password_changed.connect(password_changed, dispatch_uid="core.password_changed")
signals.password_reset.connect(password_changed, dispatch_uid="core.password_reset")
kept.depends_on(get_firm)
navigation.register(
    navigation.NavEntry(
        key="settings",
        label=_("Settings"),
        url_name="core:settings",
        icon="gear",
        order=20,
        group="setup",
        shown=may_administer,
    )
)
navigation.register(
    navigation.NavEntry(
        "notifications", _("Notifications"), "core:notifications", "bell", 10, group="bell", count=count_unread
    )
)
periodic.register(Job("api.idempotency_keys", forget_old_keys))
periodic.register(Job("listing.bulk_changes", forget_old_steps))
for action in (
    search.Action(_("People"), "core:users", "people", _("users colleagues roles"), shown=may_administer),
    search.Action(_("Invite a colleague"), "core:invite", "plus-lg", _("new user"), shown=may_administer),
    search.Action(_("Teams"), "core:teams", "people", shown=may_administer),
    search.Action(_("Working days"), "core:days", "calendar-check", _("holidays"), shown=may_administer),
    search.Action(_("History"), "core:history", "clock", _("audit changes"), shown=may_administer),
    search.Action(_("Profile"), "core:profile", "person-circle", _("my account theme zone dark light")),
    search.Action(_("Notifications"), "core:notifications", "bell"),
    search.Action(_("API tokens"), "core:api_tokens", "key"),
):
    search.register_action(action)
