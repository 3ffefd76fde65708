from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class Side(models.TextChoices):
    FIRM = "firm", _("Ours")
    CLIENT = "client", _("Theirs")


class CommitmentState(models.TextChoices):
    OPEN = "open", _("Open")
    KEPT = "kept", _("Kept")
    BROKEN = "broken", _("Broken")
    WITHDRAWN = "withdrawn", _("Withdrawn")


SETTLED = (CommitmentState.KEPT, CommitmentState.BROKEN, CommitmentState.WITHDRAWN)
COMMITMENT = States(
    {CommitmentState.OPEN: SETTLED} | dict.fromkeys(SETTLED, (CommitmentState.OPEN,)),
    refusal=_("This commitment is closed. Reopen it first."),
    code="closed",
    open=(CommitmentState.OPEN,),
)
