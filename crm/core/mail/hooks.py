"""What the mail room registers."""

# Handlers
from datetime import datetime

from anymail.signals import tracking
from django.utils.translation import gettext_lazy as _

from crm.core.base.permissions import may_administer, may_see_outbox
from crm.core.mail import pages, provider_events
from crm.core.mail.choices import MAIL_TO_DECIDE
from crm.core.mail.delivery import health, settle
from crm.core.mail.models import OutboxMail
from crm.core.ui import banners, navigation
from crm.core.work.schedule import Job, periodic


def count_undecided(principal, now: datetime) -> navigation.Counted:
    return [(OutboxMail.objects.visible_to(principal).filter(state__in=MAIL_TO_DECIDE), "amber")]


# Wiring
tracking.connect(provider_events.on_event, dispatch_uid="core.provider_events")
periodic.register(Job("mail", settle.tick, _("Outbox sweep")))
banners.register(banners.Source("mail", health.banners))
navigation.register(
    navigation.NavEntry(
        key="outbox",
        label=_("Outbox"),
        url_name="core:outbox",
        icon="send",
        order=90,
        also=("/morning-mail/",),
        shown=may_see_outbox,
        count=count_undecided,
    )
)
pages.register(pages.MailPage("outbox", _("Emails"), "core:outbox", 10, may_see_outbox))
pages.register(pages.MailPage("coming", _("Scheduled"), "core:coming", 20, may_see_outbox))
pages.register(pages.MailPage("stopped", _("Suppressed addresses"), "core:mail_stopped", 40, may_administer))
pages.register(pages.MailPage("holds", _("On hold"), "core:mail_holds", 50, may_administer))
