from datetime import time

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.gate import visible_q
from clients.records.choices import Status
from clients.records.models import Client
from crm.core.base.models import Versioned, tracked
from crm.core.base.principals import Principal, by_link
from crm.core.base.zones import validate_zone
from crm.core.firm.choices import Weekday
from crm.core.users.models import User
from interactions.progress.choices import PROGRESS, OnHoliday, ProgressState, WhenNothing


class ClientRowQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))


class ProgressScheduleQuerySet(ClientRowQuerySet):
    def running(self):
        """Active schedules of clients that are neither former nor archived."""
        return self.filter(is_active=True, client__archived_at__isnull=True).exclude(
            client__facts__status=Status.FORMER
        )


@tracked
class ProgressSchedule(Versioned):
    """When and to whom a client's weekly progress email goes, in the client's own zone."""

    client = models.OneToOneField(Client, models.CASCADE, related_name="progress_schedule")
    is_active = models.BooleanField(_("send a progress email every week"), default=True)
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday, default=Weekday.FRIDAY)
    deadline_time = models.TimeField(_("deliver by"), default=time(12, 0))
    time_zone = models.CharField(_("in the time zone"), max_length=64, validators=[validate_zone])
    lead_minutes = models.PositiveSmallIntegerField(
        _("minutes before"), default=180, validators=[MaxValueValidator(1440)]
    )
    is_review_needed = models.BooleanField(_("I review it before it is sent"), default=True)
    when_nothing = models.CharField(
        _("when nothing happened"), max_length=6, choices=WhenNothing, default=WhenNothing.SHORT
    )
    on_holiday = models.CharField(
        _("if the day is a holiday (ours or theirs)"),
        max_length=6,
        choices=OnHoliday,
        default=OnHoliday.SEND,
        db_default=OnHoliday.SEND.value,
    )
    next_week = models.CharField(
        max_length=8, blank=True, editable=False, help_text="first local ISO week not planned yet, such as 2026-W48"
    )

    unsaid = ("next_week",)
    objects = ProgressScheduleQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(weekday__lte=6), name="progress_schedule_weekday")]


@tracked
class ProgressRecipient(models.Model):
    """A contact who gets a client's progress emails. `stopped_at` is their opt-out; `salt` derives the link."""

    schedule = models.ForeignKey(ProgressSchedule, models.CASCADE, related_name="recipients")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    salt = models.CharField(max_length=43, editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "contact"], name="progress_recipient_once")]

    @property
    def link_principal(self) -> Principal:
        """Who acts through the link of the emails."""
        return by_link(contact_id=self.contact_id, client_id=self.schedule.client_id)


class ProgressEmailQuerySet(ClientRowQuerySet):
    def open(self):
        return self.filter(state__in=PROGRESS.open)


@tracked
class ProgressEmail(Versioned):
    """The progress email of one client and local week. Covers `[covers_from, covers_to)`; `content` holds the editable
    parts: {"summary": str, "sections": [{"key", "title", "items": [str]}], "closing": str}. The mails themselves are outbox
    rows with the keys progress:{client}:{contact}:{week}."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="progress_emails")
    week = models.CharField(
        max_length=8, validators=[RegexValidator(r"^\d{4}-W\d{2}$")], help_text="local ISO week, such as 2026-W48"
    )
    state = models.CharField(max_length=10, choices=ProgressState, default=ProgressState.PLANNED)
    covers_from = models.DateTimeField()
    covers_to = models.DateTimeField(help_text="the cut-off: the send time")
    draft_at = models.DateTimeField(help_text="when the draft is made: the day before")
    send_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64)
    is_review_needed = models.BooleanField(default=True)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    content = models.JSONField(default=dict, blank=True)
    told_rows = models.JSONField(
        null=True,
        editable=False,
        help_text="what the lines of the draft were made of, [[label of the model, id]]; None for one written before this was kept",
    )
    is_empty = models.BooleanField(default=False, help_text="nothing happened in the time covered")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when it was handed to the outbox")
    skip_reason = models.CharField(max_length=200, blank=True)
    moved_reason = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="why it is promised on another day than usual"
    )
    problem = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="what a person must mend: why it is held, or who could not be written to",
    )
    sent_text = models.TextField(blank=True, help_text="as sent")
    sent_html = models.TextField(blank=True)
    is_demo = models.BooleanField(default=False, editable=False)

    unsaid = ("told_rows",)
    objects = ProgressEmailQuerySet.as_manager()

    class Meta:
        verbose_name = _("progress email")
        ordering = ["-send_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["client", "week"], name="progress_email_once_a_week"),
            models.CheckConstraint(condition=Q(covers_to__gt=F("covers_from")), name="progress_email_covers_time"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="progress_email_sent_at"
            ),
        ]
        indexes = [
            models.Index(
                fields=["send_at"],
                name="progress_email_open",
                condition=Q(state__in=["planned", "draft", "approved", "held"]),
            ),
            models.Index(fields=["client", "-send_at"], name="progress_email_client"),
            models.Index(fields=["week"], name="progress_email_week"),
        ]

    def get_absolute_url(self) -> str:
        return reverse("interactions:progress", args=[self.pk])

    @property
    def is_edited(self) -> bool:
        """Whether someone edited it: `version` counts people's edits only."""
        return self.version > 1
