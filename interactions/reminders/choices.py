from django.db import models
from django.utils.translation import gettext_lazy as _


class DigestState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENT = "sent", _("Mailed")
    NOTHING = "nothing", _("Nothing to tell")
    READ = "read", _("Read already")
    SKIPPED = "skipped", _("Skipped")
    MISSED = "missed", _("Too late")
