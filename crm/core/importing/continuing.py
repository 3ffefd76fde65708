"""What comes next in a move: after each job, by its task (`crm.core.tasks.continue_move`), and by the periodic job if that was lost."""

from datetime import datetime

from django.utils.translation import gettext as _

from crm.core.base.principals import Principal, acting
from crm.core.base.services import service
from crm.core.importing.choices import MoveState
from crm.core.importing.models import ImportMove
from crm.core.importing.move_undo import undo_next
from crm.core.importing.moves import BUSY, STOPPED, parts_of, pause, start_next
from crm.core.importing.running import ABANDONED
from crm.core.work import jobs
from crm.core.work.leases import OPEN


@service(may=lambda principal: principal.is_system)
def continue_move(principal: Principal, *, move_id: int, now: datetime) -> None:
    """Start the next import, or the next undo, once none is open; end the move after the last. Safe to call twice."""
    move = ImportMove.objects.select_for_update(of=("self",)).select_related("user").filter(pk=move_id).first()
    if move is None or move.state not in BUSY:
        return
    if move.state == MoveState.UNDOING:
        undo_next(acting(move.user), move, now)
        return
    jobs_now = [part.job for part in parts_of(move)]
    if any(job.state in OPEN for job in jobs_now):
        return
    if any(job.state in STOPPED for job in jobs_now):
        pause(move, _("Your move stopped: one file could not be imported completely."), now)
        return
    start_next(acting(move.user), move, now)


def continue_moves(now: datetime) -> int:
    """Periodic: wake moves whose next job was not started, and discard those that nobody started."""
    running = ImportMove.objects.filter(state__in=BUSY).exclude(files__job__state__in=OPEN)
    for move_id in running.values_list("pk", flat=True):
        jobs.enqueue("crm.core.tasks.continue_move", move_id=move_id)
    ImportMove.objects.filter(state=MoveState.DRAFT, files=None, created_at__lt=now - ABANDONED).delete()
    return len(running)
