from django.db import models

from crm.core.users.models import User
from interactions.reading.choices import ReadKind


class ReadMark(models.Model):
    """When a user last opened something that an email would mention (bookkeeping; written during a GET)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=ReadKind)
    record_id = models.BigIntegerField(default=0, help_text="0 for a page that is there once")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "record_id"], name="read_mark_once")]
