from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class WhenNothing(models.TextChoices):
    SKIP = "skip", _("send nothing")
    SHORT = "short", _("send a short note")
    ASK = "ask", _("ask the account manager")


class OnHoliday(models.TextChoices):
    """When the day falls on a holiday of the firm or of the client."""

    SEND = "send", _("send it anyway")
    BEFORE = "before", _("send it on the working day before")
    SKIP = "skip", _("skip that week")


class ProgressState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    HELD = "held", _("Held")
    SENT = "sent", _("Sent")
    SKIPPED = "skipped", _("Skipped")
    EXPIRED = "expired", _("Expired")


PROGRESS = States(
    {
        ProgressState.PLANNED: (ProgressState.DRAFT, ProgressState.HELD, ProgressState.SKIPPED, ProgressState.EXPIRED),
        ProgressState.DRAFT: (
            ProgressState.DRAFT,  # written again
            ProgressState.APPROVED,
            ProgressState.HELD,
            ProgressState.SENT,
            ProgressState.SKIPPED,
            ProgressState.EXPIRED,
        ),
        ProgressState.APPROVED: (
            ProgressState.DRAFT,
            ProgressState.HELD,
            ProgressState.SENT,
            ProgressState.SKIPPED,
            ProgressState.EXPIRED,
        ),
        ProgressState.HELD: (
            ProgressState.DRAFT,
            ProgressState.APPROVED,
            ProgressState.HELD,  # for another reason
            ProgressState.SENT,
            ProgressState.SKIPPED,
            ProgressState.EXPIRED,
        ),
        ProgressState.SKIPPED: (ProgressState.DRAFT,),
        ProgressState.SENT: (ProgressState.DRAFT,),  # taken back within seconds, before a mail of it left
        ProgressState.EXPIRED: (),
    },
    refusal=_("This progress email is now “%(now)s”."),
    code="conflict",
    open=(ProgressState.PLANNED, ProgressState.DRAFT, ProgressState.APPROVED, ProgressState.HELD),
    decidable=(ProgressState.DRAFT, ProgressState.APPROVED, ProgressState.HELD),
    undecided=(ProgressState.DRAFT, ProgressState.HELD),
    ready=(ProgressState.DRAFT, ProgressState.APPROVED),
    over=(ProgressState.SENT, ProgressState.SKIPPED, ProgressState.EXPIRED),
    left_out=(ProgressState.SKIPPED, ProgressState.EXPIRED),
)
