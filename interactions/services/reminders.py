"""The tick's part: reminders of follow-ups that are due."""

import logging
from datetime import datetime

from django.db import transaction

from interactions.emails import remind_of_follow_up
from interactions.models import FollowUp

log = logging.getLogger(__name__)
AT_ONCE = 200


@transaction.atomic
def send_reminders(now: datetime) -> int:
    """Queue the mails of follow-ups whose reminder is due; gives how many. Rows another run holds are left to it, and
    what is done, snoozed, or out of its assignee's sight is not mailed."""
    due = FollowUp.objects.open().awake(now).filter(remind_at__lte=now)
    rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("client", "assignee", "contact")
    return sum(_guarded(row, now) for row in rows.order_by("remind_at", "id")[:AT_ONCE])


def _guarded(follow_up: FollowUp, now: datetime) -> int:
    """One that cannot be mailed keeps nobody else's back; it loses its turn and is in the log."""
    try:
        with transaction.atomic():
            return _remind(follow_up, now)
    except Exception:
        log.exception("the reminder of follow-up %s could not be written", follow_up.pk)
        FollowUp.objects.filter(pk=follow_up.pk).update(remind_at=None)
        return 0


def _remind(follow_up: FollowUp, now: datetime) -> int:
    follow_up.remind_at = None
    wanted = _is_wanted(follow_up)
    if wanted:
        follow_up.reminder_number += 1
        remind_of_follow_up(follow_up, number=follow_up.reminder_number, now=now)
    follow_up.save(update_fields=["remind_at", "reminder_number"])
    return int(wanted)


def _is_wanted(follow_up: FollowUp) -> bool:
    if not follow_up.assignee.is_active or (follow_up.client and follow_up.client.archived_at):
        return False
    return FollowUp.objects.visible_to(follow_up.assignee).filter(pk=follow_up.pk).exists()
