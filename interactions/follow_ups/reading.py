"""That an assignee opened a follow-up: a mail about it is left out."""

from datetime import datetime

from crm.core.users.models import User
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.models import FollowUp
from interactions.reading.choices import ReadKind
from interactions.reading.services import mark_read


def note_follow_up_read(*, user: User, follow_up: FollowUp, now: datetime) -> None:
    """Its assignee opened it. Bookkeeping, written while the page is read; for others there is nothing to note."""
    if follow_up.assignee_id == user.pk and follow_up.state == FollowUpState.OPEN:
        mark_read(user, ReadKind.FOLLOW_UP, follow_up.pk, now)
