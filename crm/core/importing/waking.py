"""How a job tells its move that it has ended."""

from crm.core.importing.models import MoveFile
from crm.core.work import jobs
from crm.core.work.models import Job


def wake_move(job: Job, **move: str) -> bool:
    """Let the move of an import go on, if it has one with these values. It says when all is done, so the job need not."""
    where = {f"move__{name}": value for name, value in move.items()}
    move_id = MoveFile.objects.filter(job=job, **where).values_list("move", flat=True).first()
    if move_id is not None:
        jobs.enqueue("crm.core.tasks.continue_move", move_id=move_id)
    return move_id is not None
