from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class DigestState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENT = "sent", _("Emailed")
    NOTHING = "nothing", _("Nothing to report")
    READ = "read", _("Read")
    SKIPPED = "skipped", _("Skipped")
    MISSED = "missed", _("Too late")


DIGEST = States(
    {
        DigestState.PLANNED: (
            DigestState.SENT,
            DigestState.NOTHING,
            DigestState.READ,
            DigestState.SKIPPED,
            DigestState.MISSED,
        ),
        DigestState.SKIPPED: (DigestState.PLANNED,),
        DigestState.SENT: (),
        DigestState.NOTHING: (),
        DigestState.READ: (),
        DigestState.MISSED: (),
    },
    refusal=_("This morning email is now “%(now)s”."),
    code="conflict",
    unsent=(DigestState.PLANNED, DigestState.SKIPPED),
)
