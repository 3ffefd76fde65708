from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class EngagementState(models.TextChoices):
    INTAKE = "intake", _("Intake")
    OPEN = "open", _("Open")
    CLOSING = "closing", _("Closing")
    CLOSED = "closed", _("Closed")


class PartyRole(models.TextChoices):
    """What somebody has to do with an engagement."""

    CLIENT = "client", _("For the client")
    OTHER_SIDE = "other_side", _("Other side")
    COUNSEL = "counsel", _("Counsel of the other side")
    ADVISER = "adviser", _("Adviser or expert")
    AUTHORITY = "authority", _("Court or authority")
    PARTNER = "partner", _("Partner or supplier")
    OTHER = "other", _("Other")


ENGAGEMENT = States(
    {
        EngagementState.INTAKE: (EngagementState.OPEN, EngagementState.CLOSED),
        EngagementState.OPEN: (EngagementState.CLOSING, EngagementState.CLOSED),
        EngagementState.CLOSING: (EngagementState.OPEN, EngagementState.CLOSED),
        EngagementState.CLOSED: (EngagementState.OPEN,),
    },
    current=(EngagementState.INTAKE, EngagementState.OPEN, EngagementState.CLOSING),
    opened=(EngagementState.OPEN, EngagementState.CLOSING),
)
ENGAGEMENT_TONES = {"intake": "blue", "closing": "amber", "closed": ""}
