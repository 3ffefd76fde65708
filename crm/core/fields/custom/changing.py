"""The type of a field changes with all its values, and its undo: what is checked and begun here, a worker does (`conversion_jobs.py`).

The values of the new type are written beside the old ones, in another slot of the rows. Until all of them stand there the field is read
where it was, and nobody may write it; then one short transaction points the field to the other slot. So there is no moment with values of
two types, whatever ends the work in between. The old values are kept for undo until somebody enters a new one.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.models import SLOT, number_of
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.fields.custom.choices import CONVERTED, Kind
from crm.core.fields.custom.converting import Conversion, Converter, Value, conversion
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.models import LONGEST_KEY, CustomField, FieldChange
from crm.core.fields.custom.services import (
    BUSY,
    SETTINGS,
    begin_change,
    check_settled,
    free_label,
    new_row,
    options_of,
)
from crm.core.fields.custom.sql import at
from crm.core.ui.formatting import number
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, queue, release
from crm.core.work.models import Job

KEPT_SETTINGS = [name for name in SETTINGS if name not in ("label", "section", "hint")]
CHANGE, UNDO, TIDY = "change", "undo", "tidy"
JOB = "field:"  # before these, the kind of the job


@service(may=may_administer)
def change_kind(
    principal: Principal,
    *,
    field: CustomField,
    kind: str,
    keeps_aside: bool = False,
    reading: str = "",
    seen_version: int | None = None,
    now: datetime,
) -> FieldChange:
    """Begin to give a field another type, and its values with it. Values without an equivalent are kept in a field of their own, or
    refuse the change. Raises StaleWrite, ServiceError (fields kind, reading, keeps_aside, is_unique)."""
    begin_change()
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=field.pk)
    check_settled(row)
    of = records[row.record]
    if kind not in CONVERTED or row.kind not in CONVERTED or kind == row.kind or row.archived_at is not None:
        raise ServiceError(_("Choose another type."), field="kind")
    found = conversion(principal, row, of.model, Kind(kind), reading)
    _check(found, keeps_aside=keeps_aside, is_answered=bool(reading))
    change = FieldChange(field=row, user=principal.user, from_kind=row.kind, to_kind=kind, created_at=now)
    change.settings = {name: getattr(row, name) for name in KEPT_SETTINGS}
    change.target = {name: getattr(found.to, name) for name in KEPT_SETTINGS} | {"options": _with_keys(found)}
    change.reading, change.from_slot, change.to_slot = found.way, row.slot, _free_slot(row)
    assert change.to_slot != row.held_at
    change.aside = _aside(row, of, now) if found.n_failing else None
    change.save()
    _begin(principal, row, change, CHANGE, found.n_fitting + found.n_failing, now, seen_version)
    return change


def _check(found: Conversion, *, keeps_aside: bool, is_answered: bool) -> None:
    if found.must_ask and not is_answered:
        raise ServiceError(_("Choose how the values are written."), field="reading")
    if found.n_failing and not keeps_aside:
        n = found.n_failing
        words = ngettext("%(n)s value has no equivalent.", "%(n)s values have no equivalent.", n) % {"n": number(n)}
        raise ServiceError(words, field="keeps_aside")
    made = [str(value.becomes).casefold() for value in found.fitting]
    if found.to.is_unique and len(made) != len(set(made)):
        n = len(made) - len(set(made))
        words = _("Values that occur more than once: %(n)d. Change them first.") % {"n": n}
        raise ServiceError(words, field="is_unique")


def _with_keys(found: Conversion) -> list[dict[str, Any]]:
    """The choices of the new type. New ones get their keys."""
    if any(option["key"].startswith("new-") for option in found.to.options):
        return options_of([{"label": option["label"]} for option in found.to.options])
    return found.to.options


def _free_slot(row: CustomField) -> str:
    """One after all that the field and its changes ever had, so that the latest values have the highest number."""
    had = [row.slot, *(slot for slots in row.changes.values_list("from_slot", "to_slot") for slot in slots)]
    slot = f"{row.stem}{SLOT}{max(row.changes.count(), *map(number_of, had)) + 1}"
    if len(slot) > LONGEST_KEY:
        raise ServiceError(_("The type of this field was changed too often."), field="kind")
    return slot


def _aside(row: CustomField, of: Record, now: datetime) -> CustomField:
    """A field for what has no equivalent, beside the other; in the archive until the change is over."""
    label = free_label(of, _("%(name)s (before)") % {"name": row.label[:45]})
    made = new_row(of, label=label, kind=Kind.LONG_TEXT, section=row.section, is_filtered=False)
    return set_archived(made, at=now)[0]


def _begin(
    principal: Principal,
    row: CustomField,
    change: FieldChange,
    what: str,
    total: int,
    now: datetime,
    seen: int | None = None,
) -> None:
    """From here on nobody writes a value of the field, and a worker does the rest."""
    row.pending = change
    save_version(row, fields=["pending"], seen=seen, merges=False)
    change.job_id = queue_job(principal, change, what, total, now).pk
    change.save(update_fields=["job_id", "from_slot"])
    hold(records[row.record])


def queue_job(principal: Principal, change: FieldChange, what: str, total: int, now: datetime, **told: Any) -> Job:
    job = Job(kind=f"{JOB}{what}", user=principal.user, title=change.field.label, total=total)
    job.options = {"change": change.pk, **told}
    queue(job, now)
    return job


def hold(of: Record) -> None:
    """Let nobody write or lock records of the kind until the transaction is over; they are read as always. Who writes next sees the field
    as it is then (`writing.py`). A weaker lock would let somebody lock a record that this waits for, and then wait for this. Raises
    ServiceError if somebody else holds them for too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '5s', true)")
            before = cursor.fetchone()[0]
            cursor.execute(f"LOCK TABLE {table_of(of)} IN EXCLUSIVE MODE")
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    except OperationalError as error:
        raise ServiceError(str(BUSY)) from error


def table_of(of: Record) -> str:
    return connection.ops.quote_name(of.model._meta.db_table)


# Undo


@service(may=may_administer)
def undo_change(principal: Principal, *, change: FieldChange, now: datetime) -> FieldChange:
    """Begin to give the field its type back, and each row the value it had. A value that was entered since then is converted; if one
    cannot be, nothing changes. Raises ServiceError."""
    begin_change()
    change = FieldChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=change.field_id)
    check_settled(row)
    newest = FieldChange.objects.filter(field=row, undone_at__isnull=True, applied_at__isnull=False).first()
    if change.undone_at is not None or newest != change or row.kind != change.to_kind:
        raise ServiceError(_("The field was changed again since then. Undo the latest change first."))
    if change.rows:  # of before there were slots: the values that it had come out of the change
        change.from_slot = _free_slot(row)
    entered = entered_since(change, row)
    refuse_failing(principal, row, (value for _pk, value in entered))
    _begin(principal, row, change, UNDO, len(entered), now)
    return change


def entered_since(change: FieldChange, row: CustomField, after: int = 0, limit: int | None = None) -> list[Any]:
    """(number of the row, `Value` of the old type) of rows that have none of it: those with a value that was entered since the change,
    and those whose value stands in the change itself."""
    model: Any = records[row.record].model
    now, before = at(row.held_at), at(change.from_slot or row.key)
    given = {int(pk): values for pk, values in change.rows.items() if int(pk) > after}
    found = model._default_manager.filter(pk__gt=after).annotate(now=now, before=before).filter(before__isnull=True)
    found = found.filter(Q(now__isnull=False) | Q(pk__in=given)).order_by("pk").values_list("pk", "now")[:limit]
    to_old = Converter.back(change, row)
    made = []
    for pk, kept in found:
        stands = given.get(pk)
        if stands is not None and stands[1] == kept:
            made.append((pk, Value(kept, "", 1, becomes=stands[0])))
        elif kept is not None:
            made.append((pk, replace(to_old(kept), n=1)))
    return made


def refuse_failing(principal: Principal, row: CustomField, values: Iterable[Value]) -> None:
    """Raises ServiceError where a value that was entered since the change has no equivalent. It quotes none that the principal does not
    see."""
    failing = next((value for value in values if value.why), None)
    if failing is None:
        return
    manager: Any = records[row.record].model._default_manager
    seen = manager.visible_to(principal).annotate(now=at(row.held_at)).filter(now=failing.kept)
    if not seen.exists():
        raise ServiceError(
            _(
                "A value of a record that you cannot see was entered since then and has no equivalent. Nothing was changed."
            )
        )
    words = _("“%(what)s” was entered since then and has no equivalent: %(why)s Nothing was changed.")
    raise ServiceError(words % {"what": failing.text[:40], "why": failing.why})


# Its end, other than by being done


@service(may=may_administer)
def stop_change(principal: Principal, *, change: FieldChange, now: datetime) -> FieldChange:
    """Stop a change of type, or its undo, that is not over yet: the field stays as it is. What was written beside its values is removed."""
    job = Job.objects.select_for_update().filter(pk=change.job_id or 0, state__in=OPEN).first()
    if job is not None:
        release(job, JobState.CANCELLED, ended_at=now)
        give_up(principal, change, now)
    return change


def give_up(principal: Principal, change: FieldChange, now: datetime) -> None:
    """Let the field be written again, with the type that it has."""
    begin_change()
    change = FieldChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
    row = CustomField.objects.select_for_update(of=("self",)).filter(pk=change.field_id, pending=change).first()
    if row is None:
        return
    row.pending = None
    save_version(row, fields=["pending"], seen=None)
    if change.applied_at is None:
        slots = [change.to_slot, *([change.aside.key] if change.aside else [])]
        queue_job(principal, change, TIDY, 0, now, slots=slots)
