"""States and fixed vocabularies of onboarding."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class VersionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")


VERSION = States({VersionState.DRAFT: (VersionState.PUBLISHED,), VersionState.PUBLISHED: ()})


class OwnerSide(models.TextChoices):
    FIRM = "firm", _("Our side")
    CLIENT = "client", _("Client's side")


class Evidence(models.TextChoices):
    NONE = "", _("No proof needed")
    DOCUMENT = "document", _("A document")
    FORM = "form", _("Answers to questions")
    APPROVAL = "approval", _("Client approval")


class PlanState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PENDING = "pending", _("Not started")
    ACTIVE = "active", _("Running")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


PLAN = States(
    {
        PlanState.DRAFT: (PlanState.PENDING, PlanState.ACTIVE, PlanState.CANCELLED),
        PlanState.PENDING: (PlanState.ACTIVE, PlanState.CANCELLED),
        PlanState.ACTIVE: (PlanState.PAUSED, PlanState.DONE, PlanState.CANCELLED),
        PlanState.PAUSED: (PlanState.ACTIVE, PlanState.CANCELLED),
        PlanState.DONE: (PlanState.ACTIVE,),
        PlanState.CANCELLED: (),
    },
    refusal=_("The plan is %(now_lower)s and cannot become %(to_lower)s."),
    open=(PlanState.DRAFT, PlanState.PENDING, PlanState.ACTIVE, PlanState.PAUSED),
    not_started=(PlanState.DRAFT, PlanState.PENDING),
    worked_on=(PlanState.PENDING, PlanState.ACTIVE),  # tasks can be completed
)


class TaskState(models.TextChoices):
    OPEN = "open", _("Open")
    BLOCKED = "blocked", _("Blocked")
    DONE = "done", _("Done")
    SKIPPED = "skipped", _("Not needed")


TASK = States(
    {
        TaskState.OPEN: (TaskState.BLOCKED, TaskState.DONE, TaskState.SKIPPED),
        TaskState.BLOCKED: (TaskState.OPEN, TaskState.DONE, TaskState.SKIPPED),
        TaskState.DONE: (TaskState.OPEN,),
        TaskState.SKIPPED: (TaskState.OPEN,),
    },
    refusal=_("The task is %(now_lower)s and cannot become %(to_lower)s."),
    finished=(TaskState.DONE, TaskState.SKIPPED),
)


class Track(models.TextChoices):
    ON_TRACK = "on_track", _("On track")
    BEHIND = "behind", _("Behind")
    STUCK = "stuck", _("Stuck")


TRACK_TONES = {Track.ON_TRACK: "green", Track.BEHIND: "amber", Track.STUCK: "red"}
STATE_TONES = {PlanState.DONE: "green", PlanState.PENDING: "blue"}
STATE_MARKS = {PlanState.DONE: "check2", PlanState.PAUSED: "pause"}

STUCK_AFTER_DAYS = 5  # a mandatory task overdue by more than this many working days
