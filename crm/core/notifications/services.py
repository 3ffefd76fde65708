"""What the application tells its users on their own page."""

from datetime import datetime

from crm.core.notifications.models import Notification
from crm.core.users.models import User


def mark_read(*, actor: User, notification: Notification, now: datetime) -> Notification:
    """The actor has read it; the first time counts."""
    Notification.objects.filter(pk=notification.pk, user=actor, read_at__isnull=True).update(read_at=now)
    notification.refresh_from_db(fields=["read_at"])
    return notification


def mark_all_read(*, actor: User, now: datetime) -> int:
    return Notification.objects.filter(user=actor, read_at__isnull=True).update(read_at=now)
