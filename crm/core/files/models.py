from django.db import models

from crm.core.base.actors import one_actor
from crm.core.base.querysets import OwnedQuerySet
from crm.core.users.models import User


class StoredFile(models.Model):
    """An upload outside the web root, under a random name."""

    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    contact_id = models.BigIntegerField(null=True, blank=True, help_text="who brought it, when no colleague")
    client_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    name = models.CharField(max_length=255, help_text="as the user called it")
    path = models.CharField(max_length=120, unique=True)
    content_type = models.CharField(max_length=120)
    size = models.BigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [one_actor("user", "contact_id", name="stored_file_one_owner", may_be_system=True)]

    def __str__(self):
        return self.name
