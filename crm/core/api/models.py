import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.users.models import User


class IdempotencyKey(models.Model):
    """The answer given to an API write, repeated for the same key."""

    user = models.ForeignKey(User, models.CASCADE)
    key = models.CharField(max_length=100)
    token = models.UUIDField(default=uuid.uuid4)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
        verbose_name = _("idempotency key")
