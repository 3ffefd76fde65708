"""Undo of a move: its imports are undone one after the other, the last one first, since each rests on those before it.

An undo that ends wakes the move, as an import does. `move.undone` names the imports whose undo this one has started, so that
records which are left do not start it again.
"""

from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.importing import moves
from crm.core.importing.choices import MoveState
from crm.core.importing.models import ImportMove
from crm.core.importing.undoing import COUNTS, contexts_of, may_be_undone, stop_undo, undo_import, undo_of
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN
from crm.core.work.models import Job


def may_undo(move: ImportMove, parts: list[moves.Part]) -> bool:
    """Whether the move stands still and an import of it can be taken back."""
    return move.state not in moves.BUSY and any(may_be_undone(part.job) for part in parts)


@service(may=moves.may_change_move)
def undo_move(principal: Principal, *, move: ImportMove, now: datetime) -> ImportMove:
    """Take back all imports of the move. After one that stopped, go on; after one that left records, try these again. Raises
    ServiceError while the move runs, or if nothing can be undone.
    """
    move = moves.locked(move)
    if move.state in moves.BUSY:
        raise ServiceError(_("This move is running. Pause it, then undo it."))
    if not may_undo(move, moves.parts_of(move)):
        raise ServiceError(_("There is nothing to undo."))
    moves.set_state(move, MoveState.UNDOING, undone=[], ended_at=None)
    undo_next(principal, move, now)
    return move


def undo_next(principal: Principal, move: ImportMove, now: datetime) -> None:
    """Start the next undo, once none is open; end the move after the last. Pause it if one stopped."""
    imports = [part.job for part in reversed(moves.parts_of(move))]
    tried = [undo for job in imports if job.pk in move.undone and (undo := undo_of(job))]
    if any(undo.state in OPEN for undo in tried):
        return
    if any(undo.state in moves.STOPPED for undo in tried):
        moves.pause(move, _("The undo of your move stopped. Undo the move again to go on."), now)
        return
    for job in imports:
        if job.pk not in move.undone and may_be_undone(job):
            try:
                with transaction.atomic():
                    undo_import(principal, job=job, now=now)
            except (ServiceError, PermissionDenied) as error:
                moves.pause(move, str(error) or _("You cannot change this."), now)
                return
            moves.set_state(move, MoveState.UNDOING, undone=[*move.undone, job.pk])
            return
    moves.set_state(move, MoveState.UNDONE, ended_at=now)
    text = _("Your move was undone: %(removed)d removed, %(restored)d restored, %(left)d left.")
    moves.tell(move, text % counts(filter(None, map(undo_of, imports))), now)


@service(may=moves.may_change_move)
def stop_undo_of_move(principal: Principal, *, move: ImportMove, now: datetime) -> ImportMove:
    """Stop after the records that are being taken back; `undo_move` goes on after them."""
    move = moves.locked(move)
    if move.state == MoveState.UNDOING:
        moves.set_state(move, MoveState.PAUSED)
        for part in moves.parts_of(move):
            stop_undo(principal, job=part.job, now=now)
    return move


def counts(undos: Iterable[Job]) -> dict[str, int]:
    """What these undos took back and left."""
    reports = [undo.report["counts"] for undo in undos]
    return {name: sum(report[name] for report in reports) for name in COUNTS}


def progress_of(parts: list[moves.Part], undos: dict[int, Job]) -> moves.Progress:
    """Imports undone and to undo."""
    of_move = [part.job for part in parts if contexts_of(part.job)]
    ended = sum(1 for job in of_move if job.pk in undos and undos[job.pk].state == JobState.DONE)
    return moves.Progress(ended, len(of_move), None)
