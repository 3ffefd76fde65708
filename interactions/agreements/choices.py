from django.db import models
from django.utils.translation import gettext_lazy as _


class Side(models.TextChoices):
    FIRM = "firm", _("Ours")
    CLIENT = "client", _("Theirs")


class CommitmentState(models.TextChoices):
    OPEN = "open", _("Open")
    KEPT = "kept", _("Kept")
    BROKEN = "broken", _("Broken")
    WITHDRAWN = "withdrawn", _("Withdrawn")
