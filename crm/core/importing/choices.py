from django.db import models
from django.utils.translation import gettext_lazy as _


class MoveState(models.TextChoices):
    DRAFT = "draft", _("Being prepared")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")
