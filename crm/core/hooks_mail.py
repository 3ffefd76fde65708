"""What the mail part of the kernel registers; `hooks.py` loads it."""

# Handlers
from datetime import datetime

from anymail.signals import tracking
from django.utils.translation import gettext_lazy as _

from crm.core import banners, mail_pages, nav, provider_events, ticking
from crm.core.choices import MailState
from crm.core.models import OutboxMail
from crm.core.permissions import may_administer, may_see_outbox
from crm.core.services.delivery import health, settle


def count_undecided(user, now: datetime) -> nav.Counted:
    return [(OutboxMail.objects.visible_to(user).filter(state=MailState.UNCERTAIN)[:100], "amber")]


# Wiring
tracking.connect(provider_events.on_event, dispatch_uid="core.provider_events")
ticking.register("mail", settle.tick)
ticking.watch("mail", _("Sweeping the outbox"))
banners.register(health.banners)
nav.register(
    nav.NavEntry(
        key="outbox",
        label=_("Outbox"),
        url_name="core:outbox",
        icon="send",
        order=90,
        shown=may_see_outbox,
        count=count_undecided,
    )
)
mail_pages.register(mail_pages.MailPage("outbox", _("Mails"), "core:outbox", 10, may_see_outbox))
mail_pages.register(mail_pages.MailPage("coming", _("Coming"), "core:coming", 20, may_see_outbox))
mail_pages.register(mail_pages.MailPage("stopped", _("Stopped addresses"), "core:mail_stopped", 40, may_administer))
mail_pages.register(mail_pages.MailPage("holds", _("Holds"), "core:mail_holds", 50, may_administer))
