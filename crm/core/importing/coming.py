"""What the files of a move that run earlier bring: so that the preview of a later one knows what its rows belong to."""

from crm.core.base.reading import fold
from crm.core.importing import tabular
from crm.core.importing.models import MoveFile
from crm.core.importing.planner import kind_of, read_job
from crm.core.importing.presets import ids_in
from crm.core.listing.files import unsafe_cell
from crm.core.work.choices import JobState
from crm.core.work.models import Job


def coming_for(job: Job) -> dict[str, set[str]]:
    """{kind of record: ids and folded names} that the earlier files of the job's move bring and that are not there yet."""
    here = MoveFile.objects.filter(job=job).first()
    if here is None:
        return {}
    turn, system = kind_of(job).turn, job.options.get("system", "")
    found: dict[str, set[str]] = {}
    for each in MoveFile.objects.filter(move=here.move_id).exclude(job=job).select_related("job__file"):
        kind = kind_of(each.job)
        is_earlier = kind.turn < turn and each.job.state != JobState.DONE and kind.of
        if is_earlier and each.job.options.get("system", "") == system:
            found.setdefault(kind.of, set()).update(_brought(each.job, system))
    return found


def _brought(job: Job, system: str) -> set[str]:
    """The ids and names in a file; none of one that cannot be read."""
    try:
        header, rows = read_job(job)
        mapping = job.options["mapping"]
        places = {name: header.index(mapping[name]) for name in ("external_id", "name") if mapping.get(name) in header}
        return {
            ids_in(text, system) if name == "external_id" else fold(text)
            for row in rows
            if not row.problem
            for name, place in places.items()
            if (text := unsafe_cell(row.cells[place]))
        }
    except tabular.UnreadableTable:
        return set()
