"""What this app offers to the kernel and shows on a client's page."""

# Handlers
from django.utils.translation import gettext_lazy as _

from clients import registry
from crm.core import coming as coming_mails
from crm.core import imports, mail_pages, nav, ticking
from interactions import (
    agreed,
    coming,
    composer,
    delivery_board,
    digest,
    page_parts,
    permissions,
    services,
    timeline,
    today,
)
from interactions.imports import KINDS
from interactions.services import digests, reminders, survey_mailing, survey_rules


def rebuild_own_facts(client_ids, now):
    services.rebuild_facts(client_ids=client_ids)


# Wiring
for source in timeline.SOURCES:
    registry.register_timeline(source)
registry.register_panel(registry.Panel("composer", "main", 10, "interactions/composer.html", composer.panel))
registry.register_panel(
    registry.Panel("follow-ups", "side", 20, "interactions/parts/follow_ups_card.html", agreed.follow_ups_card)
)
registry.register_panel(
    registry.Panel("promises", "side", 30, "interactions/parts/promises_card.html", agreed.promises_card)
)
registry.register_tab(registry.Tab("agreed", _("Agreed"), "interactions:agreed", 20))
registry.register_tab(registry.Tab("surveys", _("Surveys"), "interactions:client-surveys", 70))
registry.register_list_action(
    registry.ListAction("survey", _("Send survey"), "interactions:survey-send", permissions.may_send_surveys)
)
registry.register_page_part("interactions", page_parts.annotations)
registry.register_facts_rebuilder("interactions", rebuild_own_facts)
ticking.register("interactions.reminders", reminders.send_reminders)
ticking.register("interactions.digests", digests.run_digests)
ticking.register("surveys-plan", survey_rules.plan_surveys)
ticking.register("surveys-send", survey_mailing.send_due)
ticking.register("surveys-expire", survey_mailing.expire_invitations)
ticking.watch("interactions.reminders", _("Reminders"), reminders.oldest_due)
ticking.watch("interactions.digests", _("Morning mails"), digests.oldest_due)
ticking.watch("progress-plan", _("Planning of progress emails"))
ticking.watch("progress-send", _("Sending of progress emails"), delivery_board.oldest_due)
ticking.watch("surveys-plan", _("Planning of surveys"))
ticking.watch("surveys-send", _("Sending of surveys"), survey_mailing.oldest_due)
for source in coming.SOURCES:
    coming_mails.register(source)
mail_pages.register(mail_pages.MailPage("board", _("Delivery board"), "interactions:delivery-board", 30))
digest.register("quiet", digest.tell_quiet)
digest.register("progress", digest.tell_progress)
nav.register(nav.NavEntry("today", _("Today"), "interactions:today", "calendar-check", 10, count=today.nav_count))
nav.register(nav.NavEntry("follow-ups", _("Follow-ups"), "interactions:follow-ups", "check2", 50))
nav.register(nav.NavEntry("surveys", _("Surveys"), "interactions:surveys", "emoji-smile", 65))
today.register(today.Section("quiet", 30, "interactions/parts/quiet.html", today.quiet_section))
from interactions import hooks_progress  # noqa: E402, F401  progress emails

for kind in KINDS:
    imports.register(kind)
