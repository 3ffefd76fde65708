"""What people, settings and search register."""

# Handlers
from datetime import datetime

from allauth.account import signals
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.api.idempotency import forget_old_keys
from crm.core.base import kept
from crm.core.base.permissions import may_administer
from crm.core.drafts.services import forget_discarded
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.selection import forget_old_steps
from crm.core.notifications.models import Notification
from crm.core.people import emails  # noqa: F401  the kinds of mail that open an account: workers load no views
from crm.core.people.services import colleagues
from crm.core.search import sources as search
from crm.core.ui import navigation
from crm.core.work.schedule import Job, periodic


def count_unread(principal, now: datetime) -> navigation.Counted:
    return [(Notification.objects.visible_to(principal).filter(read_at__isnull=True).order_by(), "red")]


def password_changed(user, **_given) -> None:
    """A new password, set in the profile or by an emailed link, also revokes the API tokens; the login library ends the
    other sessions.
    """
    colleagues.revoke_tokens(user=user, now=timezone.now())


# Wiring
signals.password_changed.connect(password_changed, dispatch_uid="core.password_changed")
signals.password_reset.connect(password_changed, dispatch_uid="core.password_reset")
kept.depends_on(get_firm)
kept.day_is(lambda: firm_today(timezone.now()))
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
periodic.register(Job("drafts.discarded", forget_discarded))
for command in (
    search.Command("users", _("Colleagues"), "core:users", "people", _("users people roles"), shown=may_administer),
    search.Command("invite", _("Invite a colleague"), "core:invite", "plus-lg", _("new user"), shown=may_administer),
    search.Command("teams", _("Teams"), "core:teams", "people", shown=may_administer),
    search.Command("new-team", _("New team"), "core:team_new", "plus-lg", _("create"), shown=may_administer),
    search.Command("days", _("Working days"), "core:days", "calendar-check", _("holidays"), shown=may_administer),
    search.Command("history", _("History"), "core:history", "clock", _("audit changes"), shown=may_administer),
    search.Command("profile", _("Profile"), "core:profile", "person-circle", _("my account settings zone")),
    search.Command("tokens", _("API tokens"), "core:api_tokens", "key"),
    search.Command("password", _("Change password"), "account_change_password", "key"),
    search.Command("two-step", _("Two-step sign-in"), "mfa_index", "lock", _("security 2fa mfa")),
    search.Command(
        "light", _("Switch theme: light"), "core:set_theme", "sun", _("mode"), order=90, fields={"theme": "light"}
    ),
    search.Command(
        "dark", _("Switch theme: dark"), "core:set_theme", "moon", _("mode night"), order=90, fields={"theme": "dark"}
    ),
    search.Command(
        "system",
        _("Switch theme: same as device"),
        "core:set_theme",
        "circle-half",
        _("mode system"),
        order=90,
        fields={"theme": "system"},
    ),
    search.Command("sign-out", _("Sign out"), "account_logout", "box-arrow-right", _("log out"), order=95, fields={}),
):
    search.palette.register(command)
