"""The sources of the page of scheduled mails: progress emails, surveys, reminders, morning mails, the outbox."""

from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject, TruncDate
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.cover.queries import is_covered
from clients.records.models import Client
from crm.core.base.principals import Principal
from crm.core.firm.queries import firm_zone
from crm.core.mail import kinds
from crm.core.mail.choices import MAIL_UNSENT, MailState
from crm.core.mail.delivery.decisions import cancel_mail
from crm.core.mail.forms import TONES
from crm.core.mail.models import OutboxMail
from crm.core.mail.scheduled import Row, Source
from crm.core.users.choices import Reminders
from crm.core.users.models import User
from interactions import permissions
from interactions.follow_ups.models import FollowUp
from interactions.progress import lists as progress_lists
from interactions.progress.choices import ProgressState
from interactions.progress.flags import reachable
from interactions.progress.models import ProgressEmail
from interactions.progress.services.drafts import skip_progress, unskip_progress
from interactions.reminders.choices import DigestState
from interactions.reminders.models import Digest
from interactions.reminders.services import digests, reminders
from interactions.surveys.choices import InvitationState
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services.mailing import bring_back, skip_invitation

NAMED = 5  # recipients of one email
# Progress emails


def visible_progress(principal: Principal) -> QuerySet:
    return (
        ProgressEmail.objects.visible_to(principal)
        .filter(client__archived_at__isnull=True)
        .select_related("client__owner")
    )


def progress_rows(principal: Principal, now: datetime, mine: bool) -> QuerySet:
    rows = visible_progress(principal).defer("content", "sent_text", "sent_html")
    rows = rows.filter(client__owner=principal.user) if mine else rows
    names = (
        reachable(OuterRef("client_id"))
        .order_by("pk")
        .values(of=JSONObject(a="contact__first_name", b="contact__last_name"))
    )
    rows = rows.annotate(recipients=ArraySubquery(names[:NAMED]))
    return rows.filter(
        Q(pk__in=ProgressEmail.objects.open().values("pk")) | Q(state=ProgressState.SKIPPED, send_at__gt=now)
    )


def show_progress(email: ProgressEmail, principal: Principal, now: datetime) -> Row:
    is_skipped = email.state == ProgressState.SKIPPED
    return Row(
        what=email.client.name,
        to=", ".join(f"{of['a']} {of['b']}".strip() for of in email.recipients) or _("No recipients"),
        state=email.get_state_display(),
        tone=progress_lists.TONES.get(ProgressState(email.state), ""),
        detail=email.skip_reason if is_skipped else "",
        url=reverse("interactions:progress", args=[email.pk]),
        is_skipped=is_skipped,
        may_skip=permissions.may_change_client(principal, email.client),
    )


# Reminders


def visible_reminders(principal: Principal) -> QuerySet:
    """With `reader_name`: who covers on that day, or the assignee."""
    day = TruncDate("remind_at", tzinfo=firm_zone())
    rows = FollowUp.objects.visible_to(principal).select_related("client", "assignee").annotate(remind_day=day)
    rows = rows.with_reader(OuterRef("remind_day"))
    return rows.annotate(reader_name=Subquery(User.objects.filter(pk=OuterRef("reader_id")).values("name")))


def reminder_rows(principal: Principal, now: datetime, mine: bool) -> QuerySet:
    readers = User.objects.active().filter(reminders=Reminders.EACH)
    rows = visible_reminders(principal).open().filter(remind_at__isnull=False, client__archived_at__isnull=True)
    rows = rows.filter(reader_id__in=readers.values("pk"))
    return rows.filter(reader_id=principal.user_id) if mine else rows


def show_reminder(row: FollowUp, principal: Principal, now: datetime) -> Row:
    return Row(
        what=row.title,
        to=row.reader_name,  # type: ignore[attr-defined]
        state=_("Snoozed") if row.snoozed_until and row.snoozed_until > now else _("Planned"),
        detail=row.client.name if row.client else "",
        url=reverse("interactions:follow-up", args=[row.pk]),
        may_skip=permissions.may_change_follow_up(principal, row),
    )


# Morning mails


def visible_digests(principal: Principal) -> QuerySet:
    return Digest.objects.visible_to(principal).select_related("user")


def digest_rows(principal: Principal, now: datetime, mine: bool) -> QuerySet:
    rows = visible_digests(principal).filter(user__reminders=Reminders.DIGEST, user__is_active=True)
    rows = rows.filter(Q(state=DigestState.PLANNED) | Q(state=DigestState.SKIPPED, due_at__gt=now))
    return rows.filter(user=principal.user) if mine else rows


def show_digest(row: Digest, principal: Principal, now: datetime) -> Row:
    return Row(
        what=_("Today's overview"),
        to=row.user.name,
        state=row.get_state_display(),
        detail=row.note,
        url=reverse("interactions:digest", args=[row.pk]) if row.user_id == principal.user_id else "",
        is_skipped=row.state == DigestState.SKIPPED,
        may_skip=permissions.may_change_digest(principal, row),
    )


# Surveys


def visible_surveys(principal: Principal) -> QuerySet:
    rows = SurveyInvitation.objects.visible_to(principal).filter(client__archived_at__isnull=True)
    rows = rows.annotate(is_covered=is_covered(principal, "client__owner"))
    return rows.select_related("survey", "client", "contact")


def survey_rows(principal: Principal, now: datetime, mine: bool) -> QuerySet:
    rows = visible_surveys(principal).filter(client__owner=principal.user) if mine else visible_surveys(principal)
    planned = Q(state=InvitationState.PLANNED)
    return rows.filter(planned | Q(state=InvitationState.SKIPPED, sent_at__isnull=True, send_at__gt=now))


def show_survey(row: SurveyInvitation, principal: Principal, now: datetime) -> Row:
    is_skipped = row.state == InvitationState.SKIPPED
    row.client.is_covered = row.is_covered  # type: ignore[attr-defined]
    return Row(
        what=f"{row.survey.name}: {row.client.name}",
        to=row.contact.name,
        state=row.get_state_display(),
        detail=row.skip_reason if is_skipped else row.get_source_display(),
        url=reverse("interactions:survey-invitation", args=[row.pk]),
        is_skipped=is_skipped,
        may_skip=permissions.may_ask(principal, row.client),
    )


# Unsent mails in the outbox


def visible_mails(principal: Principal) -> QuerySet:
    return OutboxMail.objects.visible_to(principal).defer("text", "html", "headers", "links")


def mail_rows(principal: Principal, now: datetime, mine: bool) -> QuerySet:
    rows = visible_mails(principal).filter(state__in=MAIL_UNSENT)
    if mine:
        rows = rows.filter(
            Q(user=principal.user) | Q(client_id__in=Client.objects.filter(owner=principal.user).values("pk"))
        )
    return rows


def show_mail(mail: OutboxMail, principal: Principal, now: datetime) -> Row:
    return Row(
        what=mail.subject,
        to=mail.to_name or mail.to_address,
        state=mail.get_state_display(),
        tone=TONES.get(MailState(mail.state), ""),
        detail=kinds.label_of(mail.kind),
        url=reverse("core:outbox_mail", args=[mail.pk]),
        may_skip=True,
    )


def skip_mail(principal: Principal, mail: OutboxMail, now: datetime) -> None:
    cancel_mail(principal, mail=OutboxMail.objects.get(pk=mail.pk))


SOURCES = (
    Source(
        "outbox",
        gettext_lazy("In the outbox"),
        10,
        "next_attempt_at",
        mail_rows,
        visible_mails,
        show_mail,
        skip_mail,
    ),
    Source(
        "progress",
        gettext_lazy("Progress emails"),
        20,
        "send_at",
        progress_rows,
        visible_progress,
        show_progress,
        lambda principal, row, now: skip_progress(principal, email=row, now=now),
        lambda principal, row, now: unskip_progress(principal, email=row, now=now),
    ),
    Source(
        "surveys",
        gettext_lazy("Surveys"),
        25,
        "send_at",
        survey_rows,
        visible_surveys,
        show_survey,
        lambda principal, row, now: skip_invitation(principal, invitation=row, now=now),
        lambda principal, row, now: bring_back(principal, invitation=row, now=now),
    ),
    Source(
        "reminders",
        gettext_lazy("Reminders"),
        30,
        "remind_at",
        reminder_rows,
        visible_reminders,
        show_reminder,
        lambda principal, row, now: reminders.skip_reminder(principal, follow_up=row, now=now),
        lambda principal, row, now: reminders.restore_reminder(principal, follow_up=row, now=now),
    ),
    Source(
        "digests",
        gettext_lazy("Morning emails"),
        40,
        "due_at",
        digest_rows,
        visible_digests,
        show_digest,
        lambda principal, row, now: digests.skip_digest(principal, row=row, now=now),
        lambda principal, row, now: digests.restore_digest(principal, row=row, now=now),
    ),
)
