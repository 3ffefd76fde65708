from django.db import models
from django.db.models import Q

from crm.core.base.actors import one_actor
from crm.core.base.querysets import PersonalQuerySet
from crm.core.users.models import User


class Notification(models.Model):
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="notifications")
    contact_id = models.BigIntegerField(null=True, blank=True, help_text="whom it is for, when no colleague")
    client_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, unique=True)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = PersonalQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [one_actor("user", "contact_id", name="notification_one_addressee")]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_unread", condition=Q(read_at__isnull=True))
        ]
