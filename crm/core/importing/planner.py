"""Turns the rows of a file into intended writes, taking earlier rows into account. The preview shows them, the run
applies them: both use the same generator.
"""

import hashlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.reading import Conventions, fold
from crm.core.files.models import StoredFile
from crm.core.files.services import open_file, read_bytes
from crm.core.firm.queries import firm_cached, firm_today, firm_zone, get_firm
from crm.core.importing import kinds, readers, tabular
from crm.core.importing.kinds import (
    BOTH,
    CREATE,
    CREATED,
    PEOPLE,
    UNCHANGED,
    UPDATE,
    UPDATED,
    Column,
    Context,
    ImportKind,
    Plan,
    Values,
    Waits,
)
from crm.core.importing.presets import SKIPPED, ids_in
from crm.core.importing.readers.keeping import kept_rows
from crm.core.importing.recognising import joined
from crm.core.importing.repeats import Repeats
from crm.core.listing.files import unsafe_cell
from crm.core.work.models import Job

log = logging.getLogger(__name__)
CHUNK = 1000
KEPT = 4096  # different texts of a column whose reading is kept,
SHORT = 200  # of at most so many characters
UNNAMED_SYSTEM = "csv"  # for a file without ids: its rows are recognised by their content


def kind_of(job: Job) -> ImportKind:
    return kinds.get(job.kind.removeprefix("import:"))


def read_job(job: Job) -> tuple[list[str], Iterator[tabular.Row]]:
    """(header, rows) of the job's table. Raises UnreadableTable."""
    if job.file is None:
        raise tabular.UnreadableTable(_("The file of this import no longer exists."))
    key = job.options.get("table", "")
    if key is None:
        raise tabular.UnreadableTable(_("The file holds several tables. Choose one."))
    if kept := job.options.get("rows"):
        return kept_rows(StoredFile.objects.get(pk=kept))
    if not key:
        return tabular.read_stream(partial(open_file, job.file), dialect_of(job) or tabular.Dialect())
    table = readers.table(job.file.name, read_bytes(job.file), key, dialect_of(job))
    return table.header, table.read()


def dialect_of(job: Job) -> tabular.Dialect | None:
    """How the job's text is read; None for what is no text."""
    given = job.options["dialect"]
    names = [name for name in ("encoding", "delimiter") if name in given]
    return tabular.Dialect(**{name: given[name] for name in names}) if given else None


def conventions_of(job: Job) -> dict[str, Conventions]:
    """{field: how its column is written}."""
    zone = ZoneInfo(job.options["zone"]) if job.options.get("zone") else firm_zone()
    base = Conventions(zone=zone, currency=get_firm().currency)
    decided = job.options.get("conventions", {})
    return {column.name: replace(base, **decided.get(column.name, {})) for column in kind_of(job).columns}


def make_context(job: Job) -> Context:
    """State for the whole file: `mapped` are the fields that a column fills, `rows` how many there are about; `survey` counts the values
    of some columns, `cache` is emptied with every chunk, `memory` holds the results of earlier rows. `begun_in`: for an import that goes
    on, with what its history names the part that is done.
    """
    options, now = job.options, timezone.now()
    return {
        "system": options.get("system") or UNNAMED_SYSTEM,
        "defaults": options.get("defaults", {}),
        "people": {name: email for name, email in values_of(job).get(PEOPLE, {}).items() if email},
        "now": now,
        "today": firm_today(now),
        "currency": get_firm().currency,
        "job_id": job.pk,
        "mode": options.get("mode", BOTH),
        "begun_in": job.report.get("contexts", []) if job.report.get("at") else [],
        "survey": {},
        "cache": {},
        "memory": {},
    }


def values_of(job: Job) -> dict[str, dict[str, str]]:
    """{vocabulary: {folded word of the file: what it means here}}, as it was when the file was checked: what others say since for
    its system changes no import that somebody has seen. Jobs from before have the colleagues apart."""
    people = {fold(name): email for name, email in job.options.get("people", {}).items()}
    return joined({PEOPLE: people}, job.options.get("values", {}))


class Words:
    """What the words of a file mean in the columns that say one of a few; counts those that nobody knows."""

    def __init__(self, job: Job, context: Context):
        self.values, self.unknown = values_of(job), context["survey"].setdefault("unknown", {})
        self._known: dict[str, set[str]] = {}
        self.misses = 0  # words that nobody knew, so far

    def read(self, column: Column, text: str) -> str:
        """The text with its words replaced by what they mean here."""
        vocabulary = column.vocabulary
        if vocabulary is None or not text:
            return text
        given = self.values.get(vocabulary.key, {})
        if vocabulary.key == PEOPLE:  # `find_user` looks them up, and counts those that nobody knows
            return text
        parts = vocabulary.split(text) if vocabulary.split else [text]
        return "; ".join(filter(None, (self._word(column, part, given) for part in parts)))

    def _word(self, column: Column, text: str, given: dict[str, str]) -> str:
        if (said := given.get(fold(text)[:200])) is not None:
            return said
        if not self._is_known(column, text):
            self.misses += 1
            self.unknown.setdefault(column.vocabulary.key, Counter())[text[:100]] += 1  # type: ignore[union-attr]
        return text

    def _is_known(self, column: Column, text: str) -> bool:
        vocabulary: Any = column.vocabulary
        if vocabulary.key not in self._known:
            words = {str(word) for pair in vocabulary.options() for word in pair} | {*vocabulary.also}
            self._known[vocabulary.key] = {fold(word) for word in words}
        if fold(text) in self._known[vocabulary.key]:
            return True
        try:
            return bool(vocabulary.is_read and column.parse and (column.parse(text, Conventions()), True))
        except ValueError:
            return False


EMPTY, GIVEN, DEFAULT, UNREADABLE = range(4)
Said = tuple[int, Any]  # what a cell says: one of these, and its value or what is wrong with it


class Cells:
    """Reads the cells of a column. What a text says is found out once, since most columns repeat themselves."""

    def __init__(self, column: Column, place: int | None, planner: "Planner"):
        self.column, self.place = column, place
        self._words, self._system = planner.words, planner.context["system"]
        self._default = str(planner.context["defaults"].get(column.name) or "")
        self._conventions = planner.conventions[column.name]
        self._kept: dict[str, Said] = {}

    @property
    def is_always_empty(self) -> bool:
        """Nothing fills the column, and nothing has to."""
        return self.place is None and not self._default and not self.column.is_required

    def said(self, cells: list[str]) -> Said:
        text = cells[self.place] if self.place is not None else ""
        if (found := self._kept.get(text)) is None:
            misses = self._words.misses
            found = self._read(text)
            if (
                len(text) <= SHORT
                and len(self._kept) < KEPT
                and misses == self._words.misses
                and not isinstance(found[1], list | dict | set)
            ):
                self._kept[text] = found
        return found

    def _read(self, text: str) -> Said:
        column, is_default = self.column, False
        if self.place is not None:
            text = self._words.read(column, cell_text(column.name, text, self._system))
        if not text and (text := self._default):
            is_default = True
        if not text:
            return EMPTY, None
        try:
            value = column.parse(text, self._conventions) if column.parse else text
        except ValueError as error:
            return UNREADABLE, (f"{column.label}: {error}", is_default)
        return DEFAULT if is_default else GIVEN, value


def cell_text(name: str, text: str, system: str) -> str:
    text = unsafe_cell(text)
    return ids_in(text, system) if text and name.endswith("external_id") else text


class Skipped:
    """Rows that a preset leaves out (`presets.Skip`), by the places of the file's columns."""

    def __init__(self, place: dict[str, int], name: str, of: dict[str, Any]):
        self.place, self.values, self.why, self.is_except = place[name], {*of["values"]}, of["why"], of.get("is_except")
        self.along = [(place[other], {*values}) for other, values in of.get("along", {}).items() if other in place]

    def takes(self, cells: list[str]) -> bool:
        is_one = cells[self.place].strip().casefold() in self.values
        return is_one != bool(self.is_except) and all(cells[at].strip().casefold() in some for at, some in self.along)


class Planner:
    """`chunks(skip)` yields lists of plans in file order; the first `skip` rows are only remembered and come as empty
    lists. Apply a chunk before asking for the next one. `is_preview`: a kind may look for more that people should know before
    they start, such as near-duplicates. `coming`: for a preview, the ids and names of what the files that run earlier bring,
    {kind of record: {id or folded name: name}}.
    """

    def __init__(self, job: Job, *, is_preview: bool = False, coming: dict[str, dict[str, str]] | None = None):
        self.job, self.kind, self.principal = job, kind_of(job), acting(job.user)
        self.context, self.conventions = make_context(job), conventions_of(job)
        self.context["is_preview"] = is_preview
        self.context["coming"] = coming or {}
        self.header, _rows = read_job(job)
        place = {name: index for index, name in enumerate(self.header)}
        mapping = job.options["mapping"]
        columns = [(column, place.get(mapping.get(column.name))) for column in self.kind.columns]
        skip = job.options.get("skip", {})
        self.skips = [Skipped(place, name, of) for name, of in skip.items() if name in place]
        self.words = Words(job, self.context)
        cells = (Cells(column, place, self) for column, place in columns)
        self.cells = [each for each in cells if not each.is_always_empty]
        self.context["mapped"] = {each.column.name for each in self.cells if each.place is not None}
        self.context["rows"] = job.total
        self._seen: Counter[bytes] = Counter()
        self._repeats = Repeats(job.total)
        self._survey()

    def _survey(self) -> None:
        """Let the kind see what it looks for in all rows before the first is planned."""
        system = self.context["system"]
        used = [
            (c.column.name, c.place) for c in self.cells if c.place is not None and c.column.name in self.kind.surveyed
        ]
        for row in read_job(self.job)[1]:
            self._repeats.note(tuple(row.cells))
            if not row.problem:
                self.kind.survey(
                    {name: cell_text(name, row.cells[place], system) for name, place in used}, self.context
                )

    def chunks(self, skip: int = 0) -> Iterator[list[Plan]]:
        rows = read_job(self.job)[1]
        done = 0
        while batch := list(itertools.islice(rows, CHUNK if done >= skip else min(CHUNK, skip - done))):
            done += len(batch)
            self.context["is_past"] = done <= skip
            plans = self._plan(batch)
            yield plans if done > skip else []

    @firm_cached()  # settings and custom fields stay the same within a chunk
    def _plan(self, batch: list[tabular.Row]) -> list[Plan]:
        parsed = [(row, *self._values(row)) for row in batch]
        wanted = [values for _row, values, problems in parsed if not problems and "skipped" not in values]
        is_ready = self._prepare(wanted)
        return [self._plan_row(row, values, problems, is_ready=is_ready) for row, values, problems in parsed]

    def _prepare(self, values: list[Values]) -> bool:
        """Look up what the rows may refer to. False on an error: then each row is looked up by itself, so that only the
        bad one fails.
        """
        self.context["cache"].clear()
        try:
            self.kind.prepare(self.principal, values, self.context)
        except OperationalError:
            raise
        except Exception:
            log.exception("rows of import %s could not be looked up together", self.job.pk)
            return False
        return True

    def _plan_row(self, row: tabular.Row, values: Values, problems: list[str], *, is_ready: bool) -> Plan:
        if problems:
            return Plan(row.number).fail(*problems)
        if why := values.get("skipped"):
            return Plan(row.number, UNCHANGED, warnings=[str(SKIPPED[why])])

        def make() -> Plan:
            if not is_ready:
                self.context["cache"].clear()
                self.kind.prepare(self.principal, [values], self.context)
            return self.kind.plan(self.principal, values, self.context)

        plan = guarded(make, self.job, row.number)
        plan.number, plan.values = row.number, values
        if plan.waits:
            plan.changes.extend(self._said(row))
        plan.warnings += values["left_out"]
        return self._as_wanted(plan)

    def _as_wanted(self, plan: Plan) -> Plan:
        """An import that only creates leaves the records there are, but takes all that its rows say of those that it creates; one
        that only updates adds none, nor what later rows say of it.
        """
        mode = self.context["mode"]
        if mode == UPDATE and plan.outcome == CREATED:
            plan.is_left_out = True
            return Plan(
                plan.number, UNCHANGED, warnings=[_("Not here. This import adds no records.")], target=plan.target
            )
        if mode == CREATE and plan.outcome in (UPDATED, UNCHANGED):
            plan.is_left_out = not plan.is_of_new
        if plan.is_left_out and plan.outcome == UPDATED:
            why = _("Already here. This import changes no records.")
            return Plan(plan.number, UNCHANGED, warnings=[why], target=plan.target, url=plan.url)
        return plan

    def _said(self, row: tabular.Row) -> list[tuple[Any, Any, Any, Any]]:
        """The cells of a row as changes, without the ids that join it to others."""
        said = [
            (each.column, cell_text(each.column.name, row.cells[each.place], self.context["system"]))
            for each in self.cells
            if each.place is not None and each.column.name not in self.kind.ids
        ]
        return [(column.label, None, text, str) for column, text in said if text]

    def _values(self, row: tabular.Row) -> tuple[Values, list[str]]:
        """(values by field, problems) of one row; an empty cell takes the answer for all rows."""
        if row.problem:
            return {}, [row.problem]
        for skipped in self.skips:
            if skipped.takes(row.cells):
                return {"skipped": skipped.why}, []
        values: Values = {}
        problems: list[str] = []
        left_out: list[str] = []
        defaulted: set[str] = set()
        for cells in self.cells:
            column = cells.column
            if row.faults and cells.place in row.faults:
                problems.append(f"{column.label}: {row.faults[cells.place]}")
                continue
            kind, said = cells.said(row.cells)
            if kind == EMPTY:
                if column.is_required:
                    problems.append(_("%(field)s is empty.") % {"field": column.label})
            elif kind == UNREADABLE:
                (left_out if column.is_lenient else problems).append(said[0])
                if said[1]:
                    defaulted.add(column.name)
            else:
                values[column.name] = said
                if kind == DEFAULT:
                    defaulted.add(column.name)
        values["left_out"], values["defaulted"] = left_out, defaulted
        values["row_key"] = self._row_key(row)
        return values, problems

    def _row_key(self, row: tabular.Row) -> str:
        """The row's content and its number among equal rows: three equal fees are three fees."""
        content = hashlib.sha256(json.dumps([row.cells], ensure_ascii=False).encode())
        if not self._repeats.may_repeat(tuple(row.cells)):
            return content.hexdigest()
        self._seen[content.digest()] += 1
        occurrence = self._seen[content.digest()]
        return content.hexdigest() if occurrence == 1 else f"{content.hexdigest()}:{occurrence}"


def guarded(make: Any, job: Job, number: int) -> Plan:
    """The plan that `make` returns; a failed plan if the row is refused or our code raises."""
    try:
        return make()
    except OperationalError:
        raise  # the database is away: not the row's fault
    except Waits as waits:
        return Plan(target=_("%(name)s (comes with an earlier file)") % {"name": waits.target}, waits=True)
    except Exception as error:
        return Plan().fail(*why(error, job, number))


def why(error: Exception, job: Job, number: int) -> list[str]:
    """The message for an error in a row. An unexpected error is logged with the reference in the message."""
    if isinstance(error, ValidationError):
        return error.messages
    if isinstance(error, ServiceError) and isinstance(error.__cause__, ValidationError):  # which names no field
        labels = {column.name: column.label for column in kind_of(job).columns}
        return [f"{labels[error.field]}: {error}" if error.field in labels else str(error)]
    if isinstance(error, ServiceError | PermissionDenied):
        return [str(error) or _("You cannot change this.")]
    reference = f"{job.pk}-{number}"
    log.error("import row %s failed", reference, exc_info=error)
    return [_("This row could not be imported. Reference for support: %(reference)s.") % {"reference": reference}]
