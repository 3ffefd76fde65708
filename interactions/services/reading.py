"""What somebody has read: a mail about it is left out, or taken back while it still waits."""

from datetime import datetime

from crm.core.choices import Reminders
from crm.core.models import User
from interactions.choices import FollowUpState, ReadKind
from interactions.models import FollowUp, ReadMark


def note_follow_up_read(*, user: User, follow_up: FollowUp, now: datetime) -> None:
    """Its assignee opened it. Bookkeeping, written while the page is read; for others there is nothing to note."""
    if follow_up.assignee_id == user.pk and follow_up.state == FollowUpState.OPEN:
        _mark(user, ReadKind.FOLLOW_UP, follow_up.pk, now)


def note_today_read(*, user: User, now: datetime) -> None:
    """Whoever has a morning mail opened Today, which shows all that would stand in it."""
    if user.reminders == Reminders.DIGEST:
        _mark(user, ReadKind.TODAY, 0, now)


def _mark(user: User, kind: ReadKind, record_id: int, now: datetime) -> None:
    ReadMark.objects.bulk_create(
        [ReadMark(user=user, kind=kind, record_id=record_id, read_at=now)],
        update_conflicts=True,
        unique_fields=["user", "kind", "record_id"],
        update_fields=["read_at"],
    )
