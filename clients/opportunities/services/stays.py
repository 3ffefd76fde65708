"""An opportunity's stays in stages: where it is, since when, and what it passed through."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from clients.opportunities.models import Opportunity, Stage, StageChange
from crm.core.base.principals import Principal
from crm.core.base.versions import save_version


def put_into(row: Opportunity, stage: Stage, *, now: datetime) -> list[str]:
    """Set the stage and what follows from it; the columns that are to be saved."""
    row.stage, row.pipeline_id, row.stage_since = stage, stage.pipeline_id, now
    if not row.has_own_probability:
        row.probability = stage.probability
    return ["stage", "pipeline", "stage_since", "probability"]


def enter_stage(
    row: Opportunity, stage: Stage, *, by: Principal, now: datetime, seen: int | None = None
) -> Opportunity:
    """Move a row that is locked, and write the stay it leaves and the one it begins. Raises StaleWrite."""
    save_version(row, fields=put_into(row, stage, now=now), seen=seen, merges=False)
    leave_stage([row], now=now)
    begin_stays([row], by=by, now=now)
    return row


def begin_stays(rows: Sequence[Opportunity], *, by: Principal, now: datetime) -> None:
    StageChange.objects.bulk_create(
        StageChange(opportunity=row, stage_id=row.stage_id, entered_at=now, by_id=by.user_id) for row in rows
    )


def leave_stage(rows: Iterable[Opportunity], *, now: datetime) -> None:
    StageChange.objects.filter(opportunity__in=[row.pk for row in rows], left_at=None).update(left_at=now)
