"""What the files of a move that run earlier bring: so that the preview of a later one knows what its rows belong to."""

from crm.core.base.reading import fold
from crm.core.importing import tabular
from crm.core.importing.models import MoveFile
from crm.core.importing.planner import kind_of, read_job
from crm.core.importing.presets import ids_in
from crm.core.listing.files import unsafe_cell
from crm.core.work.choices import JobState
from crm.core.work.models import Job

NAMED_BY = ("name", "full_name", "title")


def coming_for(job: Job) -> dict[str, dict[str, str]]:
    """{kind of record: {id or folded name: name}} of what the earlier files of the job's move bring and that is not there yet."""
    here = MoveFile.objects.filter(job=job).first()
    if here is None:
        return {}
    turn, system = kind_of(job).turn, job.options.get("system", "")
    found: dict[str, dict[str, str]] = {}
    for each in MoveFile.objects.filter(move=here.move_id).exclude(job=job).select_related("job__file"):
        kind = kind_of(each.job)
        is_earlier = kind.turn < turn and each.job.state != JobState.DONE and kind.of
        if is_earlier and each.job.options.get("system", "") == system:
            found.setdefault(kind.of, {}).update(_brought(each.job, system))
    return found


def _brought(job: Job, system: str) -> dict[str, str]:
    """The names in a file by id and by folded name; none of one that cannot be read."""
    found: dict[str, str] = {}
    try:
        header, rows = read_job(job)
        mapping = job.options["mapping"]
        places = {name: header.index(of) for name, of in mapping.items() if of in header}
        named = next((places[name] for name in NAMED_BY if name in places), None)
        for row in rows:
            if row.problem:
                continue
            name = unsafe_cell(row.cells[named]) if named is not None else ""
            if "name" in places and name:
                found[fold(name)] = name
            if "external_id" in places and (ref := unsafe_cell(row.cells[places["external_id"]])):
                found[ids_in(ref, system)] = name or ref
    except tabular.UnreadableTable:
        return {}
    return found
