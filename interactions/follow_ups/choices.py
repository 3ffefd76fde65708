from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class FollowUpState(models.TextChoices):
    OPEN = "open", _("Open")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


FOLLOW_UP = States(
    {
        FollowUpState.OPEN: (FollowUpState.DONE, FollowUpState.CANCELLED),
        FollowUpState.DONE: (FollowUpState.OPEN,),
        FollowUpState.CANCELLED: (FollowUpState.OPEN,),
    },
    refusal=_("This follow-up is closed. Reopen it first."),
    code="closed",
    open=(FollowUpState.OPEN,),
)


class Priority(models.IntegerChoices):
    HIGH = 1, _("High")
    NORMAL = 2, _("Normal")
    LOW = 3, _("Low")


class SourceKind(models.TextChoices):
    """The source of a follow-up; not a foreign key, because sources are in higher apps."""

    MANUAL = "", _("Entered")
    INTERACTION = "interaction", _("Interaction")
    TASK = "task", _("Onboarding task")
    SURVEY = "survey_response", _("Survey answer")
    RULE = "rule", _("Rule")
    REFERRAL = "referral", _("Referral")


REPEATS = [
    ("", _("Never")),
    ("FREQ=DAILY", _("Every working day")),
    ("FREQ=WEEKLY", _("Every week")),
    ("FREQ=WEEKLY;INTERVAL=2", _("Every two weeks")),
    ("FREQ=MONTHLY", _("Every month")),
    ("FREQ=MONTHLY;INTERVAL=3", _("Every quarter")),
    ("FREQ=YEARLY", _("Every year")),
]
