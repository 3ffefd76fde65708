from django.db import models
from django.utils.translation import gettext_lazy as _


class WhenNothing(models.TextChoices):
    SKIP = "skip", _("send nothing")
    SHORT = "short", _("send a short note")
    ASK = "ask", _("ask the account manager")


class OnHoliday(models.TextChoices):
    """When the day falls on a holiday of the firm or of the client."""

    SEND = "send", _("send it all the same")
    BEFORE = "before", _("send it on the working day before")
    SKIP = "skip", _("send none that week")


class ProgressState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    HELD = "held", _("Held")
    SENT = "sent", _("Sent")
    SKIPPED = "skipped", _("Skipped")
    EXPIRED = "expired", _("Expired")


PROGRESS_MOVES = {
    ProgressState.PLANNED: (ProgressState.DRAFT, ProgressState.HELD, ProgressState.SKIPPED, ProgressState.EXPIRED),
    ProgressState.DRAFT: (
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
        ProgressState.SENT,
        ProgressState.SKIPPED,
        ProgressState.EXPIRED,
    ),
    ProgressState.SKIPPED: (ProgressState.DRAFT,),
    ProgressState.SENT: (),
    ProgressState.EXPIRED: (),
}
PROGRESS_OPEN = (ProgressState.PLANNED, ProgressState.DRAFT, ProgressState.APPROVED, ProgressState.HELD)
