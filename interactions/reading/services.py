"""What a user has read: an email about it is not sent, or cancelled while it still waits."""

from datetime import datetime

from crm.core.users.choices import Reminders
from crm.core.users.models import User
from interactions.reading.choices import ReadKind
from interactions.reading.models import ReadMark


def note_today_read(*, user: User, now: datetime) -> None:
    """Note that a user with a morning email opened Today, which shows all that it would contain."""
    if user.reminders == Reminders.DIGEST:
        mark_read(user, ReadKind.TODAY, 0, now)


def mark_read(user: User, kind: ReadKind, record_id: int, now: datetime) -> None:
    ReadMark.objects.bulk_create(
        [ReadMark(user=user, kind=kind, record_id=record_id, read_at=now)],
        update_conflicts=True,
        unique_fields=["user", "kind", "record_id"],
        update_fields=["read_at"],
    )
