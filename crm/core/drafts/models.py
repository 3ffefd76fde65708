from django.db import models

from crm.core.base.actors import one_actor
from crm.core.base.querysets import PersonalQuerySet
from crm.core.users.models import User


class Draft(models.Model):
    """What a user or a portal contact was typing, per form and record. Deleted only after the form was saved."""

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="drafts")
    contact_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    client_id = models.BigIntegerField(null=True, blank=True)
    record = models.CharField(max_length=40, blank=True, help_text="id of the edited row; empty for a new one")
    data = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PersonalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "contact_id", "kind", "client_id", "record"], name="draft_once", nulls_distinct=False
            ),
            one_actor("user", "contact_id", name="draft_one_owner"),
        ]
