from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.users.models import User


class BulkChange(models.Model):
    """One bulk action on selected rows, with the values before it, so that it can be undone in one step."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    action = models.CharField(max_length=60, help_text="registered name, such as clients.archive")
    rows = models.JSONField(default=list, help_text="[[number of the row, what its undo needs]]")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("bulk change")
        indexes = [models.Index(fields=["created_at"], name="bulk_change_recent")]

    def __str__(self):
        return self.action
