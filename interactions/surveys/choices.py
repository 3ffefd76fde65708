from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class SurveyKind(models.TextChoices):
    NPS = "nps", _("NPS")
    CSAT = "csat", _("CSAT")
    CES = "ces", _("CES")


class Asked(models.TextChoices):
    """Who of a client's people a survey goes to."""

    MAIN = "main", _("the main contact")
    ALL = "all", _("everyone with an address")


class InvitationState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENT = "sent", _("Asked")
    ANSWERED = "answered", _("Answered")
    SKIPPED = "skipped", _("Skipped")
    EXPIRED = "expired", _("Expired")


INVITATION = States(
    {
        InvitationState.PLANNED: (InvitationState.SENT, InvitationState.SKIPPED, InvitationState.EXPIRED),
        InvitationState.SENT: (InvitationState.ANSWERED, InvitationState.SKIPPED, InvitationState.EXPIRED),
        InvitationState.SKIPPED: (InvitationState.PLANNED, InvitationState.SENT),
        InvitationState.ANSWERED: (),
        InvitationState.EXPIRED: (),
    },
    refusal=_("This one is now “%(now)s”."),
    code="conflict",
    open=(InvitationState.PLANNED, InvitationState.SENT),
    asked=(InvitationState.SENT, InvitationState.ANSWERED, InvitationState.EXPIRED),
)


class InvitationSource(models.TextChoices):
    HAND = "hand", _("By hand")
    RULE = "rule", _("By rule")
