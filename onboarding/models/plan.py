from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.engagements.models import Engagement, NamesEngagement, named_q
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.actors import actor_name, one_actor
from crm.core.base.models import Versioned, tracked
from crm.core.users.models import User
from onboarding import choices
from onboarding.models.template import TemplateVersion


class PlanQuerySet(NamesEngagement):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__")).filter(named_q(principal))

    def kept(self):
        """Without those of archived clients."""
        return self.filter(client__archived_at__isnull=True)

    def open(self):
        return self.filter(state__in=choices.PLAN.open)

    def running(self):
        return self.filter(state=choices.PlanState.ACTIVE)


@tracked
class Plan(Versioned):
    """A client's onboarding, pinned to one version of a template; it copies the version's rows."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="plans")
    engagement = models.ForeignKey(
        Engagement,
        models.RESTRICT,
        null=True,
        blank=True,
        db_index=False,
        related_name="plans",
        verbose_name=_("engagement"),
    )
    template_version = models.ForeignKey(TemplateVersion, models.PROTECT, related_name="plans")
    name = models.CharField(_("name"), max_length=160)
    state = models.CharField(_("state"), max_length=10, choices=choices.PlanState, default=choices.PlanState.DRAFT)
    owner = models.ForeignKey(User, models.PROTECT, related_name="plans", verbose_name=_("owner"))
    kickoff_date = models.DateField(_("kickoff"))
    forecast_date = models.DateField(_("forecast end"), null=True, blank=True, editable=False)
    track = models.CharField(max_length=10, choices=choices.Track, default=choices.Track.ON_TRACK, editable=False)
    track_reason = models.CharField(max_length=200, blank=True, editable=False)
    done_count = models.PositiveSmallIntegerField(default=0, editable=False)
    task_count = models.PositiveSmallIntegerField(default=0, editable=False)
    check_date = models.DateField(
        null=True, blank=True, editable=False, help_text="from this date on track and forecast are to be computed anew"
    )
    paused_date = models.DateField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    unsaid = ("check_date", "done_count", "task_count")
    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("onboarding plan")
        ordering = ["forecast_date", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["done", "cancelled"], ended_at__isnull=False)
                | ~Q(state__in=["done", "cancelled"]) & Q(ended_at__isnull=True),
                name="plan_ended_at",
            )
        ]
        indexes = [
            models.Index(fields=["client", "-kickoff_date"], name="plan_client"),
            models.Index(fields=["engagement"], name="plan_engagement", condition=Q(engagement__isnull=False)),
            models.Index(
                fields=["forecast_date", "id"],
                name="plan_open",
                condition=Q(state__in=["draft", "pending", "active", "paused"]),
            ),
            models.Index(
                fields=["owner", "forecast_date", "id"],
                name="plan_owner_open",
                condition=Q(state__in=["draft", "pending", "active", "paused"]),
            ),
            models.Index(
                fields=["forecast_date", "id"],
                name="plan_in_trouble",
                condition=Q(state="active", track__in=["behind", "stuck"]),
            ),
            models.Index(fields=["check_date"], name="plan_to_check", condition=Q(state__in=["pending", "active"])),
        ]

    def __str__(self):
        return self.name

    @property
    def is_open(self) -> bool:
        return self.state in choices.PLAN.open

    @property
    def is_worked_on(self) -> bool:
        """Whether its tasks can be completed."""
        return self.state in choices.PLAN.worked_on

    @property
    def has_started(self) -> bool:
        return self.state not in choices.PLAN.not_started

    @property
    def tone(self) -> str:
        """The tone of its badge: its track while it runs, else its state."""
        if self.state == choices.PlanState.ACTIVE:
            return choices.TRACK_TONES[choices.Track(self.track)]
        return choices.STATE_TONES.get(choices.PlanState(self.state), "")

    @property
    def mark(self) -> str:
        """The icon of its badge."""
        return choices.STATE_MARKS.get(choices.PlanState(self.state), "")


class PlanPhase(models.Model):
    plan = models.ForeignKey(Plan, models.CASCADE, related_name="phases")
    key = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="plan_phase_key")]


class TaskQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "plan__client__")).filter(named_q(principal, "plan__engagement"))

    def kept(self):
        """Without those of archived clients."""
        return self.filter(plan__client__archived_at__isnull=True)

    def unfinished(self):
        return self.exclude(state__in=choices.TASK.finished)

    def overdue(self, today):
        return self.unfinished().filter(due_date__lt=today, plan__state=choices.PlanState.ACTIVE)


@tracked
class Task(Versioned):
    """A task of a plan: its assignee, due date and state."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="tasks")
    phase = models.ForeignKey(PlanPhase, models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=40)
    title = models.CharField(_("task"), max_length=200)
    position = models.PositiveSmallIntegerField(default=0)
    owner_side = models.CharField(
        _("assignee"), max_length=6, choices=choices.OwnerSide, default=choices.OwnerSide.FIRM
    )
    owner_role = models.CharField(_("role"), max_length=60, blank=True)
    assignee = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="onboarding_tasks", verbose_name=_("assigned to")
    )
    contact = models.ForeignKey(
        Contact,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="onboarding_tasks",
        verbose_name=_("client's person"),
    )
    offset_days = models.PositiveSmallIntegerField(default=0)
    after = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="followers")
    due_date = models.DateField(_("due"), null=True, blank=True)
    is_due_fixed = models.BooleanField(default=False, help_text="set by hand: no recomputing")
    is_mandatory = models.BooleanField(_("mandatory"), default=True)
    is_client_visible = models.BooleanField(_("visible to client"), default=False)
    evidence = models.CharField(max_length=10, choices=choices.Evidence, blank=True)
    done_when = models.CharField(_("done when"), max_length=200, blank=True)
    instructions = models.TextField(_("instructions"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=choices.TaskState, default=choices.TaskState.OPEN)
    blocked_reason = models.CharField(_("blocked because"), max_length=200, blank=True)
    done_at = models.DateTimeField(null=True, blank=True, editable=False)
    done_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    done_by_contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )

    objects = TaskQuerySet.as_manager()
    done_date: date | None = None  # done_at in the firm's zone; set by `queries.plan_tasks`

    class Meta:
        verbose_name = _("onboarding task")
        ordering = ["phase__position", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "key"], name="task_key"),
            models.CheckConstraint(
                condition=Q(state__in=["done", "skipped"], done_at__isnull=False)
                | ~Q(state__in=["done", "skipped"]) & Q(done_at__isnull=True),
                name="task_done_at",
            ),
            models.CheckConstraint(
                condition=~Q(state="blocked") | ~Q(blocked_reason=""),
                name="task_blocked_says_why",
                violation_error_message=_("Say what it is waiting for."),
            ),
            one_actor("done_by", "done_by_contact", name="task_done_by_one", may_be_system=True),
        ]
        indexes = [
            models.Index(
                fields=["assignee", "due_date"], name="task_assignee_open", condition=Q(state__in=["open", "blocked"])
            ),
            models.Index(fields=["plan", "due_date"], name="task_plan_due"),
            models.Index(fields=["due_date"], name="task_due_open", condition=Q(state__in=["open", "blocked"])),
        ]

    def __str__(self):
        return self.title

    @property
    def is_finished(self) -> bool:
        return self.state in choices.TASK.finished

    done_by_name = actor_name("done_by", "done_by_contact")


class TaskCommentQuerySet(models.QuerySet):
    def visible_to(self, principal):
        seen = named_q(principal, "task__plan__engagement")
        return self.filter(visible_q(principal, "task__plan__client__")).filter(seen)


class TaskComment(models.Model):
    task = models.ForeignKey(Task, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    author_contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    text = models.TextField(_("comment"))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TaskCommentQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="task_comment_text_given"),
            one_actor("author", "author_contact", name="task_comment_author"),
        ]

    author_name = actor_name("author", "author_contact")
