from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast, Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.cover.queries import covering_where_seen
from clients.engagements.models import NamesEngagement, engagement_key, named_q, open_to_all_q
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.actors import actor_name, one_actor
from crm.core.base.dates import local_to_utc
from crm.core.base.models import Versioned, tracked
from crm.core.base.zones import validate_zone
from crm.core.users.models import User
from interactions.follow_ups.choices import FOLLOW_UP, FollowUpState, Priority, SourceKind

ZONES_APART = timedelta(hours=26)  # so that the index on `due_at` still helps if the day decides


def due_before_q(midnight: datetime) -> Q:
    """Due before a midnight of the reader. Without a time it is due on its day, in every zone."""
    by_day = Q(due_time__isnull=True, due_date__lt=midnight.date())
    by_hour = Q(due_time__isnull=False, due_at__lt=midnight)
    return (by_day | by_hour) & Q(due_at__lt=midnight + ZONES_APART)


def due_from_q(midnight: datetime) -> Q:
    by_day = Q(due_time__isnull=True, due_date__gte=midnight.date())
    by_hour = Q(due_time__isnull=False, due_at__gte=midnight)
    return (by_day | by_hour) & Q(due_at__gte=midnight - ZONES_APART)


class FollowUpQuerySet(NamesEngagement):
    def visible_to(self, principal):
        """Follow-ups of clients and engagements the principal may see; those without a client only for assignee and author."""
        seen = Q(client__isnull=False) & visible_q(principal, "client__")
        if principal.user is not None:
            seen |= Q(client__isnull=True) & (Q(assignee=principal.user) | Q(author=principal.user))
        return self.filter(seen).filter(named_q(principal))

    def with_reader(self, day):
        """Annotate `reader_id`, who is reminded of it on the firm's day (a date or an expression): its assignee; during their absence whoever
        covers, of the clients whose account manager the assignee is.
        """
        instead = covering_where_seen("assignee", day, also=Q(client__owner=F("assignee")) & open_to_all_q())
        return self.annotate(reader_id=Coalesce(instead, Cast("assignee", models.BigIntegerField())))

    def open(self):
        return self.filter(state__in=FOLLOW_UP.open)

    def awake(self, now):
        return self.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))

    def due_before(self, midnight):
        return self.filter(due_before_q(midnight))

    def due_from(self, midnight):
        return self.filter(due_from_q(midnight))

    def by_turn(self):
        """In the order in which they come up; a snoozed one comes up when its snooze ends."""
        return self.order_by(Greatest("due_at", "snoozed_until"), "pk")


@tracked
class FollowUp(Versioned):
    """Something to do for a client by a local wall time. `due_at` is that time in UTC, computed by the service from
    `due_date`, `due_time` (None: end of the working day, 17:00) and `time_zone`."""

    client = models.ForeignKey(Client, models.CASCADE, null=True, blank=True, related_name="follow_ups")
    engagement = engagement_key("follow_ups")
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("with")
    )
    title = models.CharField(_("what"), max_length=200)
    note = models.TextField(_("note"), blank=True)
    assignee = models.ForeignKey(User, models.PROTECT, related_name="follow_ups", verbose_name=_("who"))
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    author_contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    due_date = models.DateField(_("due"))
    due_time = models.TimeField(_("at"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_zone])
    due_at = models.DateTimeField(editable=False)
    rrule = models.CharField(_("repeats"), max_length=200, blank=True, help_text="RFC 5545 RRULE, without DTSTART")
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    state = models.CharField(_("state"), max_length=10, choices=FollowUpState, default=FollowUpState.OPEN)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    outcome = models.TextField(_("outcome"), blank=True)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    closed_by_contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    source_kind = models.CharField(max_length=20, choices=SourceKind, blank=True)
    source_id = models.BigIntegerField(null=True, blank=True)
    remind_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="when the reminder mail is due; None once it is queued or not wanted",
    )
    reminder_number = models.PositiveSmallIntegerField(default=0, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    unsaid = ("due_at", "remind_at", "reminder_number")  # the history tells of the date, time and zone
    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow-up")
        ordering = ["due_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(title=""),
                name="follow_up_title_given",
                violation_error_message=_("Say what needs doing."),
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | ~Q(state="open") & Q(closed_at__isnull=False),
                name="follow_up_closed_at",
            ),
            one_actor("author", "author_contact", name="follow_up_author_is_one", may_be_system=True),
            one_actor("closed_by", "closed_by_contact", name="follow_up_closed_by_one", may_be_system=True),
        ]
        indexes = [
            models.Index(fields=["assignee", "due_at"], name="follow_up_assignee_open", condition=Q(state="open")),
            models.Index(fields=["client", "due_at"], name="follow_up_client_open", condition=Q(state="open")),
            models.Index(
                fields=["engagement", "due_at"],
                name="follow_up_engagement",
                condition=Q(engagement__isnull=False),
            ),
            models.Index(
                fields=["remind_at"], name="follow_up_reminders", condition=Q(state="open", remind_at__isnull=False)
            ),
            models.Index(fields=["source_id"], name="follow_up_referral", condition=Q(source_kind="referral")),
            models.Index(fields=["due_at", "id"], name="follow_up_due_open", condition=Q(state="open")),
            models.Index(fields=["client", "-closed_at"], name="follow_up_client_closed", condition=~Q(state="open")),
            models.Index(fields=["-closed_at", "-id"], name="follow_up_closed", condition=~Q(state="open")),
            models.Index(
                fields=["client", "-created_at"],
                name="follow_up_client_made",
                condition=Q(source_kind__in=[SourceKind.MANUAL, SourceKind.RULE]),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def due(self) -> date | datetime:
        """The date, or the datetime if it has a time."""
        return self.due_date if self.due_time is None else self.due_at

    @property
    def local_day(self) -> date:
        """The day it is due on for the reader."""
        return self.due_date if self.due_time is None else timezone.localtime(self.due_at).date()

    def date_on(self, day: date) -> date:
        """The date in its own zone on which it is due on this day of the reader."""
        if self.due_time is None:
            return day
        dates = (day + timedelta(n) for n in (0, -1, 1))
        moments = ((each, local_to_utc(each, self.due_time, self.time_zone)) for each in dates)
        return next((each for each, moment in moments if timezone.localtime(moment).date() == day), day)

    author_name = actor_name("author", "author_contact")
    closed_by_name = actor_name("closed_by", "closed_by_contact")
