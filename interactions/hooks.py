"""What this app registers with the kernel and on a client's page."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients import registry, signals
from clients.engagements.models import named_q, no_link_to
from clients.listing.finding import clients_named
from clients.segments import uses as segment_uses
from crm.core.base import gate, open_pages
from crm.core.firm import signals as firm_signals
from crm.core.importing import kinds
from crm.core.mail import pages
from crm.core.mail import scheduled as coming_mails
from crm.core.search import sources as search
from crm.core.ui import navigation, tones
from crm.core.work.schedule import Job, periodic
from interactions import archive, merging, permissions, rollups, scheduled, whole  # noqa: F401  register themselves
from interactions.agreements import finding as agreed
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment
from interactions.cadence.services import DAILY, refresh_all_contact_due, refresh_contact_due
from interactions.client_page import cards, parts, timeline  # noqa: F401  panels register themselves
from interactions.composer import panel  # noqa: F401
from interactions.composer.finding import find_interactions, interaction_hit
from interactions.composer.imports import INTERACTIONS
from interactions.facts import rebuild_facts
from interactions.follow_ups import thanks
from interactions.follow_ups.along import take_along
from interactions.follow_ups.imports import FOLLOW_UPS
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import Channel
from interactions.log.signals import engagement_corrected
from interactions.progress.services import drafts
from interactions.reading.choices import ReadKind
from interactions.reminders import digest
from interactions.reminders.models import Told
from interactions.reminders.services import digests, reminders
from interactions.surveys import today as survey_today
from interactions.surveys.imports import SURVEY_RESPONSES
from interactions.surveys.queries import rules_with
from interactions.surveys.services import mailing, rules
from interactions.today import cover, documents, sections

# Handlers


def open_follow_ups(principal, engagement):
    """How many follow-ups are still open when an engagement is closed, in words."""
    n = FollowUp.objects.visible_to(principal).filter(engagement=engagement.pk).open().count()
    return ngettext("%(n)d follow-up", "%(n)d follow-ups", n) % {"n": n} if n else ""


def open_commitments(principal, engagement):
    rows = Commitment.objects.visible_to(principal).filter(engagement=engagement.pk, state=CommitmentState.OPEN)
    n = rows.count()
    return ngettext("%(n)d commitment", "%(n)d commitments", n) % {"n": n} if n else ""


def seen_reminders(principal):
    """Emails that mention no follow-up of a restricted engagement that is out of the principal's sight."""
    if principal.is_system:
        return Q()
    hidden = FollowUp.objects.exclude(named_q(principal)).order_by().values("pk")
    return ~Q(pk__in=Told.objects.filter(kind=ReadKind.FOLLOW_UP, record_id__in=hidden).values("mail"))


def seen_notifications(principal):
    """Notifications that lead to no follow-up of such an engagement."""
    if principal.is_system:
        return Q()
    return no_link_to(FollowUp.objects.exclude(named_q(principal)), "/follow-ups/")


def forget_engagement(sender, engagement, now, **kwargs):
    """Emails that are not on their way yet no longer say what some of their readers may not know any more."""
    reminders.take_back_read(now)
    digests.take_back_mentions(engagement, now)
    drafts.forget(engagement, now)


def forget_titles(sender, contracts, now, **kwargs):
    drafts.forget_contracts(contracts, now)


def rebuild_own_facts(client_ids, now):
    rebuild_facts(client_ids=client_ids)


def take_follow_ups_along(sender, interaction, before, **kwargs):
    take_along(interaction, before=before)


def rhythm_changed(sender, client_ids, **kwargs):
    refresh_contact_due(client_ids=client_ids)


def firm_changed(sender, fields, **kwargs):
    """A tier's days or the firm's time zone changed: recompute every client's contact due date."""
    if fields & {"cadence_days_a", "cadence_days_b", "cadence_days_c", "time_zone"}:
        refresh_all_contact_due()


def contact_due_daily(today, last):
    """Daily, although nothing depends on the day: corrects rows that were written without the services."""
    return refresh_contact_due()


# Wiring
registry.referral_actions.register(
    registry.ReferralAction("thanks", _("Plan a thank-you"), thanks.thanks_url, thanks.not_thanked)
)
registry.open_ends.register(registry.OpenEnds("follow-ups", open_follow_ups))
for label in ("interaction", "followup", "commitment", "decision"):
    registry.naming.register(registry.Naming(f"interactions.{label}"))
signals.engagement_hidden.connect(forget_engagement, dispatch_uid="interactions.forget_engagement")
signals.titles_forgotten.connect(forget_titles, dispatch_uid="interactions.forget_titles")
registry.open_ends.register(registry.OpenEnds("commitments", open_commitments))
gate.rules.register(gate.Rule("interactions.reminders", "core.OutboxMail", seen_reminders))
gate.rules.register(gate.Rule("interactions.follow-ups", "core.Notification", seen_notifications))
engagement_corrected.connect(take_follow_ups_along, dispatch_uid="interactions.take_follow_ups_along")
signals.rhythm_changed.connect(rhythm_changed, dispatch_uid="interactions.rhythm_changed")
firm_signals.firm_changed.connect(firm_changed, dispatch_uid="interactions.firm_changed")
for source in timeline.SOURCES:
    registry.timeline_sources.register(source)
registry.tabs.register(registry.Tab("agreed", _("Agreed"), "interactions:agreed", 20))
registry.tabs.register(registry.Tab("surveys", _("Surveys"), "interactions:client-surveys", 70))
registry.list_actions.register(
    registry.ListAction("survey", _("Send survey"), "interactions:survey-send", permissions.may_send_surveys)
)
registry.facts_rebuilders.register(registry.FactsRebuilder("interactions", rebuild_own_facts))
registry.next_steps.register(registry.NextSteps("follow-ups", parts.next_steps))
periodic.register(Job("interactions.contact-due", contact_due_daily, _("Contact due dates"), daily=DAILY))
periodic.register(Job("interactions.reminders", reminders.send_reminders, _("Reminders"), reminders.oldest_due))
periodic.register(Job("interactions.digests", digests.run_digests, _("Morning emails"), digests.oldest_due))
periodic.register(Job("surveys-plan", rules.plan_surveys, _("Survey scheduling")))
periodic.register(Job("surveys-send", mailing.send_due, _("Survey sending"), mailing.oldest_due))
periodic.register(Job("surveys-expire", mailing.expire_invitations))
for source in scheduled.SOURCES:
    coming_mails.register(source)
# a recipient opts out of progress emails, answers a survey or opts out of surveys: each needs the email's secret link
open_pages.declare("interactions:progress_stop", "interactions:progress_stopping")
open_pages.declare("interactions:survey-answer", "interactions:survey-answer-link")
open_pages.declare("interactions:survey-stop", "interactions:survey-stop-link")
pages.register(pages.MailPage("board", _("Delivery board"), "interactions:delivery-board", 30))
digest.writers.register(digest.PartWriter("quiet", digest.quiet_part))
digest.writers.register(digest.PartWriter("cover", digest.cover_part))
digest.writers.register(digest.PartWriter("progress", digest.progress_part))
navigation.register(
    navigation.NavEntry(
        "today", _("Today"), "interactions:today", "calendar-check", 10, letter="t", count=sections.nav_count
    )
)
tones.declare(open="blue", done="green")
navigation.register(
    navigation.NavEntry("follow-ups", _("Follow-ups"), "interactions:follow-ups", "check2", 50, letter="f")
)
navigation.register(
    navigation.NavEntry("interactions", _("Interactions"), "interactions:list", "chat-left-text", 55, letter="i")
)
navigation.register(navigation.NavEntry("surveys", _("Surveys"), "interactions:surveys", "emoji-smile", 65))
sections.sections.register(
    sections.Section("detractors", 5, "interactions/surveys/today.html", survey_today.today_section)
)
sections.sections.register(
    sections.Section("cover", 10, "interactions/today/cover.html", cover.today_section, column="main")
)
sections.sections.register(
    sections.Section("quiet", 30, "interactions/today/quiet.html", sections.quiet_section, figure=sections.QUIET)
)
sections.sections.register(
    sections.Section("documents", 40, "interactions/today/documents.html", documents.today_section)
)
from interactions.progress import hooks as progress_hooks  # noqa: E402, F401  progress emails

for command in (
    search.Command(
        f"log-{channel}",
        label,
        "interactions:log",
        icon,
        order=20 + number,
        query={"channel": channel},
        about=clients_named,
        title=title,
        is_common=channel == Channel.CALL,
    )
    for number, (channel, label, title, icon) in enumerate(
        (
            (Channel.CALL, _("Log a call"), _("Log a call with %(name)s"), "telephone"),
            (Channel.MEETING, _("Log a meeting"), _("Log a meeting with %(name)s"), "people"),
            (Channel.EMAIL, _("Log an email"), _("Log an email with %(name)s"), "envelope"),
            (Channel.NOTE, _("Write a note"), _("Write a note about %(name)s"), "chat-left-text"),
        )
    )
):
    search.palette.register(command)
search.palette.register(
    search.Command(
        "new-follow-up",
        _("New follow-up"),
        "interactions:follow-up-create",
        "check2",
        _("next step task todo add create"),
        order=28,
        about=clients_named,
        title=_("New follow-up for %(name)s"),
        is_dialog=True,
        is_common=True,
    )
)
search.palette.register(
    search.Command(
        "send-survey",
        _("Send survey"),
        "interactions:survey-send",
        "emoji-smile",
        _("nps"),
        order=40,
        shown=permissions.may_send_surveys,
    )
)
for source in (
    search.Source("decisions", _("Decisions"), 60, agreed.find_decisions, agreed.decision_hit, step=search.TEXTS),
    search.Source(
        "commitments", _("Commitments"), 65, agreed.find_commitments, agreed.commitment_hit, step=search.TEXTS
    ),
    search.Source(
        "interactions",
        _("Interactions"),
        70,
        find_interactions,
        interaction_hit,
        step=search.TEXTS,
        list_url="interactions:list",
    ),
):
    search.register(source)
for kind in (INTERACTIONS, SURVEY_RESPONSES, FOLLOW_UPS):
    kinds.register(kind)
segment_uses.finders.register(segment_uses.UseFinder("surveys", rules_with, 10))
