"""Undo of an import: a job that takes back, record by record, what was not changed since.

A record that the import created goes, with all that the import made for it; of one that it changed, each row gets the values
of before. A record that somebody changed since, or that something of somebody's names, is left whole and listed with the
reason. The rows are read from the history (`journal`), restored as they were, and locked before they are compared.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import pghistory
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal, acting
from crm.core.base.services import service
from crm.core.firm.queries import firm_cached
from crm.core.importing import journal
from crm.core.importing.choices import MoveState
from crm.core.importing.journal import Journal, Key, Reference, Row
from crm.core.importing.kinds import CREATED, UPDATED
from crm.core.importing.parts import checks, followers
from crm.core.importing.permissions import may_import_job
from crm.core.importing.waking import wake_move
from crm.core.notifications.models import Notification
from crm.core.work import leases
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, give_back, release, run_leased, still_mine
from crm.core.work.models import Job
from crm.core.work.stopping import is_stopping

KIND = "undo-import"
CHUNK = 200
MAX_LEFT = 5000  # each chunk writes the whole report
REMOVED, RESTORED, LEFT, SAME, WAITS = "removed", "restored", "left", "same", "waits"
COUNTS = (REMOVED, RESTORED, LEFT)


# Starting


def contexts_of(job: Job) -> list[str]:
    """Under which names the history has what the import wrote."""
    return job.report.get("contexts", [])


def undo_of(job: Job) -> Job | None:
    """The latest undo of an import."""
    return Job.objects.filter(pk=job.report.get("undo") or 0).first()


def may_be_undone(job: Job) -> bool:
    """Whether the import is over, wrote something, and has an undo to start or to go on with."""
    wrote = any(job.report.get("counts", {}).get(name) for name in (CREATED, UPDATED))
    if job.state not in (JobState.DONE, JobState.FAILED, JobState.CANCELLED) or not contexts_of(job) or not wrote:
        return False
    undo = undo_of(job)
    return undo is None or undo.state in (JobState.FAILED, JobState.CANCELLED) or is_partly_done(undo)


def is_partly_done(undo: Job) -> bool:
    """Whether an undo that is over left records which it may try again."""
    return undo.state == JobState.DONE and bool(undo.report.get("left"))


@service(may=may_import_job)
def undo_import(principal: Principal, *, job: Job, now: datetime) -> Job:
    """Queue the undo; after one that stopped, go on with it; after one that left records, try these again. Raises ServiceError
    while the import or its undo runs, or if nothing can be undone.
    """
    job = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    before = undo_of(job)
    if job.state in OPEN:
        raise ServiceError(_("This import is still running. Stop it or wait, then undo it."))
    if before is not None and before.state in OPEN:
        raise ServiceError(_("The undo is already running."))
    if not may_be_undone(job):
        raise ServiceError(_("This import was already undone.") if before else _("There is nothing to undo."))
    if before is not None and before.state != JobState.DONE:
        before.ended_at, before.error = None, ""
        leases.queue(before, now)
        return before
    undo = Job(kind=KIND, user=principal.user, title=job.title, options={"import": job.pk}, report=new_report())
    if before is not None and before.report["counts"][LEFT] <= len(
        before.report["left"]
    ):  # else the list is cut: all once more
        undo.options["only"] = [[label, pk] for label, pk, _why in before.report["left"]]
    leases.queue(undo, now)
    job.report["undo"] = undo.pk
    job.save(update_fields=["report"])
    return undo


def new_report() -> dict[str, Any]:
    """`left`: [label of a model, pk, reason]; `waiting` and, for the round after, `next`: [reason, records of a group] that may go
    once others of the import are gone.
    """
    return {"counts": dict.fromkeys(COUNTS, 0), "left": [], "waiting": [], "next": [], "is_moving": False}


@service(may=may_import_job)
def stop_undo(principal: Principal, *, job: Job, now: datetime) -> None:
    """Stop after the present chunk. What was taken back stays so; the undo can go on."""
    undo = undo_of(job)
    undo = undo and Job.objects.select_for_update(of=("self",)).get(pk=undo.pk)
    if undo is not None and undo.state in OPEN:
        release(undo, JobState.CANCELLED, ended_at=now)


# Running


def run_job(*, job_id: int) -> str:
    """Do a queued undo (`run_leased`)."""
    return run_leased(job_id, _run, _fail, _stopped_words)


def _fail(undo: Job, token: uuid.UUID, message: str) -> None:
    mine = Job.objects.filter(pk=undo.pk, lease_token=token)
    if mine.update(state=JobState.FAILED, error=message, ended_at=timezone.now(), lease_token=None, lease_until=None):
        wake_move(Job.objects.get(pk=undo.options["import"]), state=MoveState.UNDOING)


def _stopped_words(undo: Job) -> str:
    return _("The undo stopped because of an internal error. Undo again to go on where it stopped.")


def _run(undo: Job, token: uuid.UUID) -> None:
    job = Job.objects.get(pk=undo.options["import"])
    principal, written = acting(undo.user), Journal(contexts_of(job))
    if not undo.total:
        undo.total = sum(1 for _group in _groups(undo, written))
        still_mine(undo, token, total=undo.total)
    with pghistory.context(user=undo.user_id, url=f"import {job.pk} undone", undo=job.pk):
        groups = _groups(undo, written, skip=undo.done)
        while chunk := list(islice(groups, CHUNK)):
            if not _step(undo, token, principal, written, chunk, done=undo.done + len(chunk)):
                return
        while waiting := undo.report["waiting"] or _again(undo.report):
            chunk = [[(_model(label), pk) for label, pk in group] for _why, group in waiting[:CHUNK]]
            undo.report["waiting"] = waiting[CHUNK:]
            if not _step(undo, token, principal, written, chunk, done=undo.done):
                return
    _finish(undo, token)


def _groups(undo: Job, written: Journal, skip: int = 0) -> Iterable[list[Key]]:
    if "only" not in undo.options:
        return written.groups(skip)
    return islice((written.group_of((_model(label), pk)) for label, pk in undo.options["only"]), skip, None)


def _model(label: str) -> Any:
    return apps.get_model(label)


def _again(report: dict[str, Any]) -> list:
    """The groups that still wait, as long as the last round took back some of those they waited for; else none: they are left."""
    waiting, report["next"] = report["next"], []
    if waiting and not report["is_moving"]:
        for why, group in waiting:
            _leave(report, group, why)
        return []
    report["is_moving"] = False
    return waiting


def _step(
    undo: Job, token: uuid.UUID, principal: Principal, written: Journal, chunk: list[list[Key]], done: int
) -> bool:
    """Take a chunk back and save the progress with it. False if this worker must stop."""
    if is_stopping():
        give_back(undo, token, JobState.QUEUED)
        return False
    with transaction.atomic():
        if not still_mine(undo, token, lock=True):
            return False
        _take_back(principal, written, chunk, undo.report)
        undo.done = done
        still_mine(undo, token, done=done, report=undo.report)
    return True


def _labels(group: Iterable[Key]) -> list[list[Any]]:
    return [[model._meta.label_lower, pk] for model, pk in group]


def _leave(report: dict[str, Any], group: list[list[Any]], why: str) -> None:
    """A group is called by its last record: the client of a client and its contact."""
    report["counts"][LEFT] += 1
    label, pk = group[-1]
    if len(report["left"]) < MAX_LEFT:
        report["left"].append([label, pk, why])


@firm_cached()
def _take_back(principal: Principal, written: Journal, chunk: list[list[Key]], report: dict[str, Any]) -> None:
    number_of = {key: number for number, group in enumerate(chunk) for key in group}
    every = written.rows(number_of)
    for each in checks:
        if any(row.model is each.model and not row.is_new for row in every):
            each.lock()
    journal.lock(every)
    every, rows_of = _still_there(every, number_of)
    why = _why_left(principal, written, every, number_of)
    ready = [rows for number, rows in rows_of.items() if number not in why]
    for number in rows_of:
        if why.get(number) == WAITS:
            report["next"].append([_("Another record of this import still refers to it."), _labels(chunk[number])])
        elif number in why:
            _leave(report, _labels(chunk[number]), why[number])
    for rows, refusal in _take_back_all(ready, report):
        report["next"].append([refusal, _labels(chunk[number_of[rows[0].owner]])])
    _follow([row for rows in ready for row in rows])


def _still_there(every: list[Row], number_of: dict[Key, int]) -> tuple[list[Row], dict[int, list[Row]]]:
    """Without the rows that are as before the import; and by the number of their group."""
    as_before = journal.restored(every)
    every = [row for row in every if (row.model, row.pk) not in as_before]
    rows_of: dict[int, list[Row]] = defaultdict(list)
    for row in every:
        rows_of[number_of[row.owner]].append(row)
    return every, rows_of


def look_ahead(principal: Principal, written: Journal, chunk: list[list[Key]], report: dict[str, Any]) -> None:
    """Add to the report what an undo would do with these groups now. Records that only wait for others count as taken back."""
    number_of = {key: number for number, group in enumerate(chunk) for key in group}
    every, rows_of = _still_there(written.rows(number_of), number_of)
    why = _why_left(principal, written, every, number_of)
    for number, rows in rows_of.items():
        if why.get(number, WAITS) != WAITS:
            _leave(report, _labels(chunk[number]), why[number])
        else:
            report["counts"][REMOVED if any(_is_new_record(row) for row in rows) else RESTORED] += 1


def _why_left(principal: Principal, written: Journal, rows: list[Row], number_of: dict[Key, int]) -> dict[int, str]:
    """{number of a group: why it is left}; WAITS if something of the import still names it."""
    why: dict[int, str] = {}
    different, hidden, disabled = journal.changed(rows), _hidden(principal, rows), journal.of_the_disabled(rows)
    for row in rows:
        text = ""
        if row.owner in hidden:
            text = _("It was deleted, or you cannot see it.")
        elif row.is_mixed or (row.model, row.pk) in different:
            text = _("Changed since the import.")
        elif not row.is_new and row.before is None:
            text = _("The history no longer has the values from before the import.")
        elif (row.model, row.pk) in disabled:
            text = _("It would go back to somebody who can no longer sign in.")
        if text:
            why.setdefault(number_of[row.owner], text)
    owner_of = {(row.model, row.pk): number_of[row.owner] for row in rows}
    since, within = _named_since(principal, written, rows, owner_of)
    why = {**since, **why}
    while more := {to for by, to in within if by in why and to not in why}:
        why |= dict.fromkeys(more, WAITS)
    return why


def _named_since(
    principal: Principal, written: Journal, rows: list[Row], owner_of: dict[Key, int]
) -> tuple[dict[int, str], set[tuple[int, int]]]:
    """({group: what names it since}, (group, the group of the chunk that it names))."""
    found: dict[int, str] = {}
    within: set[tuple[int, int]] = set()
    others: dict[Any, list[Reference]] = defaultdict(list)
    for reference in journal.references(rows):
        by, to = owner_of.get((reference.model, reference.pk)), owner_of[reference.to]
        if by is not None:
            within.add((by, to))
        elif hasattr(reference.model, "pgh_event_model") and reference.pk in written.new(reference.model):
            found.setdefault(to, WAITS)
        else:
            others[reference.model].append(reference)
    for model, references in others.items():
        seen = _seen(principal, model, {reference.pk for reference in references})
        for reference in references:
            words = _("Something was added to it since the import.")
            if reference.pk in seen:
                words = _("Used since the import: %(thing)s.") % {"thing": str(model._meta.verbose_name)}
            found[owner_of[reference.to]] = words
    return found, within


def _seen(principal: Principal, model: Any, pks: set[int]) -> set[int]:
    rows = model._default_manager
    if not hasattr(rows, "visible_to"):
        return set()
    return {*rows.visible_to(principal).filter(pk__in=pks).values_list("pk", flat=True)}


def _hidden(principal: Principal, rows: list[Row]) -> set[Key]:
    """Records that the principal does not see any more."""
    pks: dict[Any, set[int]] = defaultdict(set)
    for row in rows:
        pks[row.owner[0]].add(row.owner[1])
    found: set[Key] = set()
    for model, some in pks.items():
        if hasattr(model._default_manager, "visible_to"):
            found |= {(model, pk) for pk in some - _seen(principal, model, some)}
    return found


def _take_back_all(ready: list[list[Row]], report: dict[str, Any]) -> list[tuple[list[Row], str]]:
    """Together; if the database refuses that, each group by itself. Takes those out of `ready` that are refused, and returns
    them with the reason.
    """
    refused: list[tuple[list[Row], str]] = []
    try:
        with transaction.atomic():
            rows = [row for group in ready for row in group]
            journal.take_back(rows)
            _look(rows)
    except (IntegrityError, ServiceError):
        refused = [(group, why) for group in ready if (why := _refusal(group))]
        ready[:] = [group for group in ready if not any(group is other for other, _why in refused)]
    for group in ready:
        report["counts"][REMOVED if any(_is_new_record(row) for row in group) else RESTORED] += 1
    report["is_moving"] = report["is_moving"] or bool(ready)
    return refused


def _is_new_record(row: Row) -> bool:
    return row.is_new and row.owner == (row.model, row.pk)


def _refusal(group: list[Row]) -> str:
    """Take back one group; why it was refused, else ""."""

    def take_back() -> None:
        journal.take_back_singly(group)
        _look(group)

    return journal.refusal(take_back)


def _look(rows: list[Row]) -> None:
    for each in checks:
        if pks := [row.pk for row in rows if row.model is each.model and not row.is_new]:
            each.check(pks)


def _follow(rows: list[Row]) -> None:
    for each in followers:
        named = each.model._default_manager.filter(pk__in=journal.named_in(rows, each.model))
        if pks := sorted(named.values_list("pk", flat=True)):
            each.follow(pks, timezone.now())


@transaction.atomic
def _finish(undo: Job, token: uuid.UUID) -> None:
    if not still_mine(undo, token, lock=True):
        return
    release(undo, JobState.DONE, ended_at=timezone.now(), report=undo.report, done=undo.done)
    if wake_move(Job.objects.get(pk=undo.options["import"]), state=MoveState.UNDOING):
        return
    counts = undo.report["counts"]
    text = _("%(title)s was undone: %(removed)d removed, %(restored)d restored, %(left)d left.")
    Notification.objects.get_or_create(
        key=f"import-undone:{undo.pk}",
        defaults={
            "user": undo.user,
            "kind": "import-ended",
            "text": (text % {"title": undo.title, **counts})[:300],
            "url": f"/imports/{undo.options['import']}/undo/",
        },
    )
