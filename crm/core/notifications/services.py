"""Notifications: what the application tells a user on their own page."""

from datetime import datetime

from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.notifications.models import Notification


@service(may=None)
def mark_read(principal: Principal, *, notification: Notification, now: datetime) -> Notification:
    """Mark one's own notification as read. Keeps the first time."""
    Notification.objects.own(principal).filter(pk=notification.pk, read_at__isnull=True).update(read_at=now)
    notification.refresh_from_db(fields=["read_at"])
    return notification


@service(may=None)
def mark_all_read(principal: Principal, *, now: datetime) -> int:
    return Notification.objects.own(principal).filter(read_at__isnull=True).update(read_at=now)
