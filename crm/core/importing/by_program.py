"""An import as a program asks for it, by the API or `manage.py import_csv`: what is not said is as the pages would suggest it."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.files.models import StoredFile
from crm.core.importing import kinds, moves, planner, tabular, undoing
from crm.core.importing import services as imports
from crm.core.importing.journal import Journal
from crm.core.importing.recognising import suggestions, understood
from crm.core.work.models import Job

SETTINGS = ("mapping", "defaults", "system", "answers", "zone", "encoding", "delimiter", "values", "mode")
OBJECTS = ("mapping", "defaults", "answers", "values")  # the SETTINGS that are no texts
PREVIEWED = 2_000  # groups of records that the preview of an undo looks at


def is_texts(name: str, value: Any) -> bool:
    """Whether one of OBJECTS is an object of texts; `values` has one for each vocabulary."""
    if name not in OBJECTS:
        return True
    if not isinstance(value, dict):
        return False
    inner = value.values() if name == "values" else [value]
    return all(isinstance(each, dict) and all(isinstance(text, str) for text in each.values()) for each in inner)


def begin(principal: Principal, *, file: StoredFile, kind: str = "", table: str = "") -> Job:
    """An import of the file, or of one of its tables, as what it looks like unless `kind` says it. Raises ServiceError (fields file, kind,
    table)."""
    tables = imports.tables_of(file)
    chosen = kind or _recognised(principal, tables, table)
    return imports.create_import(principal, kind=kind_of(chosen), file=file, table=table, found=tables)


def kind_of(key: str) -> kinds.ImportKind:
    """Raises ServiceError (field kind)."""
    try:
        return kinds.get(key)
    except KeyError as error:
        names = ", ".join(kind.key for kind in kinds.kinds())
        raise ServiceError(_("Use one of: %(names)s.") % {"names": names}, field="kind") from error


def _recognised(principal: Principal, tables: list[Any], key: str) -> str:
    some = [table for table in tables if not key or key in (table.key, table.title)]
    known = suggestions(some[0].header, principal) if len(some) == 1 else []
    found = (some[0].kind if len(some) == 1 else "") or (known[0].kind if known else "")
    if not found:
        raise ServiceError(
            _("Rapport does not know this kind of file. Choose what it contains."), field="kind", code="kind_needed"
        )
    return found


def settle(principal: Principal, job: Job, given: Mapping[str, Any], *, owner: str = "", asks: bool = True) -> Job:
    """Take over what was understood, changed by what is `given` (SETTINGS). In `mapping`, {field: column}, "" takes a field from its
    column. `owner`: whose the rows are that name nobody. `asks`: what the pages ask about must be said (`needs`). Raises ServiceError
    (fields map_…, default_…, encoding, system …).
    """
    if job.options.get("table", "") is None:
        titles = ", ".join(title for _key, title, _total, _kind in job.options["tables"])
        raise ServiceError(
            _("The file holds several tables. Choose one: %(names)s.") % {"names": titles}, field="table"
        )
    options, kind = job.options, planner.kind_of(job)
    dialect = {key: given[key] for key in ("encoding", "delimiter") if given.get(key)}
    known = options.get("dialect", {})
    dialect = known | dialect if known else {}
    mapping = options["mapping"]
    if dialect != known:
        job.options = options | {"dialect": dialect}
        mapping = understood(kind, _header(job), principal)["mapping"]
    defaults = {"owner": owner or principal.user.email} if owner or "owner" in kind.must_ask else {}
    defaults |= options.get("defaults", {}) | dict(given.get("defaults", {}))
    mapping = _mapping(kind, mapping, given.get("mapping", {}), _header(job))
    if wrong := sorted(given.get("defaults", {}).keys() - {*kind.defaults}):
        raise ServiceError(_("This field has no value for all rows."), field=f"default_{wrong[0]}")
    job = imports.set_options(
        principal,
        job=job,
        dialect=dialect,
        mapping=mapping,
        defaults={name: str(value) for name, value in defaults.items() if value not in (None, "")},
        system=given.get("system", options.get("system", "")),
        answers=options.get("answers", {}) | dict(given.get("answers", {})),
        zone=given.get("zone", options.get("zone", "")),
        mode=given.get("mode", options.get("mode", "")),
    )
    if values := given.get("values"):
        job = imports.set_values(principal, job=job, values=values)
    if asks and (problem := moves.unsaid_of(kind, job.options["mapping"], job.options["defaults"])):
        job.options |= {"problem": problem}
        job.save(update_fields=["options"])
    return job


def _header(job: Job) -> list[str]:
    try:
        return imports.read_job(job)[0]
    except tabular.UnreadableTable as error:
        raise ServiceError(str(error), field="encoding") from error


def _mapping(
    kind: kinds.ImportKind, known: dict[str, str], given: Mapping[str, str], header: list[str]
) -> dict[str, str]:
    """The columns that were understood, without those that `given` uses for another field."""
    fields = {column.name for column in kind.columns}
    for field, column in given.items():
        if field not in fields:
            names = ", ".join(sorted(fields))
            raise ServiceError(
                _("Unknown field. Use one of: %(names)s.") % {"names": names}, field=f"map_{field}", code="field"
            )
        if column and column not in header:
            names = ", ".join(header)
            raise ServiceError(
                _("The file has no such column; it has: %(names)s.") % {"names": names},
                field=f"map_{field}",
                code="column",
            )
    used = {*given.values()}
    return {field: column for field, column in known.items() if column not in used} | dict(given)


def needs(job: Job) -> str:
    """What must be said before the import can run, in words; "" if nothing."""
    return moves.needs_of(job)


def preview_undo(principal: Principal, job: Job) -> dict[str, Any]:
    """What an undo would take back and leave now, and why: of the first records, if these are many (`is_partial`)."""
    written = Journal(undoing.contexts_of(job))
    report: dict[str, Any] = {"counts": dict.fromkeys(undoing.COUNTS, 0), "left": []}
    groups, seen = written.groups(), 0
    while seen < PREVIEWED and (chunk := list(islice(groups, undoing.CHUNK))):
        seen += len(chunk)
        undoing.look_ahead(principal, written, chunk, report)
    return report | {"is_partial": next(groups, None) is not None}
