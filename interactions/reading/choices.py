from django.db import models
from django.utils.translation import gettext_lazy as _


class ReadKind(models.TextChoices):
    FOLLOW_UP = "follow-up", _("Follow-up")
    NOTIFICATION = "notification", _("Notification")
    TODAY = "today", _("Today")
