"""Notes that an assignee opened a follow-up, so that no mail about it is sent."""

from datetime import datetime

from crm.core.users.models import User
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.models import FollowUp
from interactions.reading.choices import ReadKind
from interactions.reading.services import mark_read


def note_follow_up_read(*, user: User, follow_up: FollowUp, now: datetime) -> None:
    """Note that the assignee opened an open follow-up; does nothing for anybody else. Written on GET."""
    if follow_up.assignee_id == user.pk and follow_up.state == FollowUpState.OPEN:
        mark_read(user, ReadKind.FOLLOW_UP, follow_up.pk, now)
