"""The worker's part of a change of type: it writes the values beside the old ones, in chunks, each committed with its progress; then it
points the field to them. A worker that is killed loses the chunk it was at."""

import json
import uuid
from collections.abc import Callable
from copy import copy
from typing import Any

import pghistory
from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal, acting
from crm.core.base.versions import save_version
from crm.core.fields.custom.changing import (
    CHANGE,
    JOB,
    KEPT_SETTINGS,
    TIDY,
    UNDO,
    entered_since,
    give_up,
    hold,
    queue_job,
    refuse_failing,
    table_of,
)
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.converting import Converter, as_of, names_for, text_of
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.models import CustomField, FieldChange
from crm.core.fields.custom.services import BUSY, begin_change, free_label, index_again
from crm.core.fields.custom.sql import at
from crm.core.fields.custom.telling import tell_changed
from crm.core.notifications.models import Notification
from crm.core.work.choices import JobState
from crm.core.work.leases import Refused, give_back, release, run_leased, still_mine
from crm.core.work.models import Job
from crm.core.work.stopping import is_stopping

CHUNK = 500
# beside the value, or as text into another field; NULL in both removes what stood beside
WRITE = """
    UPDATE {table} AS here SET
        custom = CASE
            WHEN given.made IS NOT NULL THEN jsonb_set(here.custom, ARRAY[%s], given.made)
            WHEN given.said IS NOT NULL THEN here.custom || jsonb_build_object(%s, given.said)
            ELSE here.custom - %s
        END,
        version = here.version + 1, updated_at = %s
    FROM unnest(%s::bigint[], %s::jsonb[], %s::text[]) AS given (id, made, said)
    WHERE here.id = given.id
"""
REMOVE = """
    UPDATE {table} SET custom = custom - %s::text[], version = version + 1, updated_at = %s WHERE id = ANY(%s)
"""
VALUES = "SELECT DISTINCT (custom -> %s)::text FROM {table} WHERE custom -> %s IS NOT NULL"
# rows in which something else stands than `made` {value as text: what it becomes, null for what has no equivalent} says
OTHERS = """
    SELECT id FROM {table}
    WHERE (custom -> %(old)s IS NOT NULL OR custom -> %(new)s IS NOT NULL) AND (
        custom -> %(new)s IS DISTINCT FROM NULLIF(%(made)s::jsonb -> (custom -> %(old)s)::text, 'null')
        OR NOT jsonb_exists(%(made)s::jsonb, (custom -> %(old)s)::text)
        OR (%(made)s::jsonb -> (custom -> %(old)s)::text = 'null' AND custom -> %(aside)s IS NULL)
    )
"""
Row = tuple[int, Any, str | None]  # its number, the value, or the text for the field aside


Found = tuple[int, Any, Any, Any]


def run_job(*, job_id: int) -> str:
    """Do a queued change of type (`run_leased`)."""
    return run_leased(job_id, _run_in_context, _fail, _stopped_words)


def _run_in_context(job: Job, token: uuid.UUID) -> None:
    with pghistory.context(user=job.user_id):
        _run(job, token)


def _stopped_words(job: Job) -> str:
    return _("The change stopped because of an internal error. The field is unchanged.")


def _run(job: Job, token: uuid.UUID) -> None:
    principal, what = acting(job.user), job.kind.removeprefix(JOB)
    if not may_administer(principal):
        raise Refused(_("Only administrators change the types of fields."))
    step, end = STEPS[what]
    while True:
        if is_stopping():
            return give_back(job, token, JobState.QUEUED)
        with transaction.atomic():
            if not still_mine(job, token, lock=True):
                return None
            after = step(principal, job, _change(job))
            if after is None:
                break
            job.options |= {"after": after}
            still_mine(job, token, done=job.done, options=job.options)
    return _end(principal, job, token, end)


def _end(principal: Principal, job: Job, token: uuid.UUID, end: Callable[..., None]) -> None:
    try:
        with transaction.atomic():
            if still_mine(job, token, lock=True):
                change = _change(job)
                end(principal, job, change)
                release(job, JobState.DONE, ended_at=timezone.now(), done=max(job.done, job.total))
                if job.kind != f"{JOB}{TIDY}":
                    _tell(job, change, _words(change))
    except ServiceError as error:
        if error.message != str(BUSY):
            raise Refused(error.message) from error
        waiting = Job.objects.filter(pk=job.pk, lease_token=token)  # the next tick tries again
        waiting.update(state=JobState.QUEUED, lease_token=None, lease_until=timezone.now())


def _change(job: Job) -> FieldChange:
    """Not locked: who ends the job in between waits for its lock, and `begin_change` comes before any lock of a change."""
    return FieldChange.objects.select_related("field", "aside").get(pk=job.options["change"])


@transaction.atomic
def _fail(job: Job, token: uuid.UUID, message: str) -> None:
    ended = {"state": JobState.FAILED, "ended_at": timezone.now(), "lease_token": None, "lease_until": None}
    if not Job.objects.filter(pk=job.pk, lease_token=token).update(error=message, **ended):
        return
    if job.kind != f"{JOB}{TIDY}":
        change = _change(job)
        give_up(acting(job.user), change, timezone.now())
        words = _("The type of “%(name)s” was not changed. %(why)s") % {"name": change.field.label, "why": message}
        _tell(job, change, words)


def _words(change: FieldChange) -> str:
    name = change.field.label
    if change.undone_at:
        return _("“%(name)s” is of the type “%(kind)s” again") % {"name": name, "kind": change.get_from_kind_display()}
    return _("“%(name)s” is now of the type “%(kind)s”") % {"name": name, "kind": change.get_to_kind_display()}


def _tell(job: Job, change: FieldChange, text: str) -> None:
    told = {"user": job.user, "kind": "field", "text": text[:300]}
    told["url"] = reverse("core:field_change", args=[change.pk])
    Notification.objects.get_or_create(key=f"field:{job.pk}", defaults=told)


# The steps: each writes the next rows and returns the number of the last one, None where there are no more


def _convert(principal: Principal, job: Job, change: FieldChange) -> int | None:
    found = _rows(change, job.options.get("after", 0), CHUNK)
    if not found:
        return None
    _write(records[change.field.record], change.to_slot, _converted(change, found), _aside_of(change))
    job.done += len(found)
    return found[-1][0]


def _rows(change: FieldChange, after: int, limit: int) -> list[Found]:
    """Those that have a value, or something beside it, after a row."""
    rows = _placed(change).filter(pk__gt=after)
    rows = rows.filter(Q(old__isnull=False) | Q(new__isnull=False))
    return list(rows.select_for_update(of=("self",))[:limit])


def _placed(change: FieldChange) -> Any:
    """(number, value, what stands beside it, what stands in the field aside) of rows."""
    field, model = change.field, records[change.field.record].model
    rows: Any = model._default_manager.order_by("pk")
    rows = rows.annotate(old=at(field.held_at), new=at(change.to_slot), aside=at(_aside_of(change) or change.to_slot))
    return rows.values_list("pk", "old", "new", "aside")


def _made_of_all(change: FieldChange) -> str:
    """What each value becomes, for `OTHERS`."""
    forth, table, slot = Converter.forth(change, change.field), _table(change), change.field.held_at
    with connection.cursor() as cursor:
        cursor.execute(VALUES.format(table=table), [slot, slot])
        texts = [text for (text,) in cursor.fetchall()]
    found = ((text, forth(json.loads(text))) for text in texts)
    return json.dumps({text: None if value.why else value.becomes for text, value in found})


def _others(change: FieldChange, made: str) -> list[Found]:
    """What was written past the services since its chunk: rows that do not have what they should."""
    told: dict[str, Any] = {
        "old": change.field.held_at,
        "new": change.to_slot,
        "aside": _aside_of(change),
        "made": made,
    }
    with connection.cursor() as cursor:
        cursor.execute(OTHERS.format(table=_table(change)), told)
        pks = [pk for (pk,) in cursor.fetchall()]
    return list(_placed(change).filter(pk__in=pks)) if pks else []


def _table(change: FieldChange) -> str:
    return table_of(records[change.field.record])


def _converted(change: FieldChange, found: list[Found]) -> list[Row]:
    """What is still to be written for these rows. Raises Refused for a value without an equivalent that has no place."""
    forth, made = Converter.forth(change, change.field), []
    for pk, old, new, aside in found:
        value = forth(old) if old is not None else None
        becomes, said = (value.becomes, value.text if value.why else None) if value else (None, None)
        if said is not None and change.aside is None:
            raise Refused(_("Somebody entered a value that cannot be converted. Nothing was changed."))
        if new != becomes or (said is not None and said != aside):
            made.append((pk, becomes, said))
    return made


def _aside_of(change: FieldChange) -> str:
    return change.aside.key if change.aside else ""


def _write(of: Record, slot: str, rows: list[Row], aside: str = "") -> None:
    if not rows:
        return
    made = [None if value is None else json.dumps(value) for _pk, value, _said in rows]
    given: list[Any] = [slot, aside, slot, timezone.now()]
    with connection.cursor() as cursor:
        told: list[Any] = [[pk for pk, _value, _said in rows], made, [said for _pk, _value, said in rows]]
        cursor.execute(WRITE.format(table=table_of(of)), [*given, *told])


def _convert_back(principal: Principal, job: Job, change: FieldChange) -> int | None:
    found = entered_since(change, change.field, job.options.get("after", 0), CHUNK)
    if not found:
        return None
    _write_back(principal, change, found)
    job.done += len(found)
    return found[-1][0]


def _write_back(principal: Principal, change: FieldChange, found: list[Any]) -> None:
    try:
        refuse_failing(principal, change.field, (value for _pk, value in found))
    except ServiceError as error:
        raise Refused(error.message) from error
    rows: list[Row] = [(pk, value.becomes, None) for pk, value in found]
    _write(records[change.field.record], change.from_slot or change.field.key, rows)


def _tidy(principal: Principal, job: Job, change: FieldChange) -> int | None:
    """Remove what no field reads any more."""
    of, slots, aside = records[change.field.record], job.options["slots"], job.options.get("aside", "")
    after, manager = job.options.get("after", 0), of.model._default_manager
    rows = manager.filter(pk__gt=after, custom__has_any_keys=[*slots, *([aside] if aside else [])]).order_by("pk")
    found = list(rows.select_for_update(of=("self",)).values_list("pk", "custom")[:CHUNK])
    if not found:
        return None
    is_copy = _copies(change, aside)
    copies = [pk for pk, custom in found if is_copy(custom)]
    others = [pk for pk, custom in found if not is_copy(custom) and not custom.keys().isdisjoint(slots)]
    with connection.cursor() as cursor:
        for gone, pks in (([*slots, aside], copies), (slots, others)):
            cursor.execute(REMOVE.format(table=table_of(of)), [gone, timezone.now(), pks])
    job.done += len(found)
    return found[-1][0]


def _copies(change: FieldChange, aside: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a row has in the field aside what the change wrote there, and not what somebody entered since."""
    before, slot = as_of(change.field, change.from_kind, change.settings), change.from_slot or change.field.key
    names = names_for(before)

    def is_copy(custom: dict[str, Any]) -> bool:
        return aside in custom and slot in custom and custom[aside] == text_of(before, custom[slot], names)

    return is_copy


# Their ends


def _apply(principal: Principal, job: Job, change: FieldChange) -> None:
    """Switch the field to its new type. First convert what was written past the services."""
    made = _made_of_all(change)  # before others have to wait
    row, of = _locked(change)
    _write(of, change.to_slot, _converted(change, _others(change, made)), _aside_of(change))
    _become(row, of, change.to_kind, change.to_slot, change.target)
    if change.aside is not None:
        change.aside.label = free_label(of, change.aside.label)
        set_archived(change.aside, at=None, label=change.aside.label)
    change.applied_at = timezone.now()
    change.save(update_fields=["applied_at"])
    tell_changed(principal, of, row, change.from_kind)


def _apply_back(principal: Principal, job: Job, change: FieldChange) -> None:
    row, of = _locked(change)
    _write_back(principal, change, entered_since(change, change.field))
    slots, aside = [row.held_at], ""
    _become(row, of, change.from_kind, change.from_slot, change.settings)
    if change.aside is not None:
        aside = change.aside.held_at if change.aside.kind == Kind.LONG_TEXT else ""
        set_archived(change.aside, at=timezone.now())
    change.undone_at = timezone.now()
    change.save(update_fields=["undone_at"])
    tell_changed(principal, of, row, change.to_kind)
    queue_job(principal, change, TIDY, 0, timezone.now(), slots=slots, aside=aside)


def _locked(change: FieldChange) -> tuple[CustomField, Record]:
    begin_change()
    row = CustomField.objects.select_for_update(of=("self",)).get(pk=change.field_id)
    of = records[row.record]
    hold(of)
    change.field = copy(row)  # as it is until now
    return row, of


def _become(row: CustomField, of: Record, kind: str, slot: str, settings: dict[str, Any]) -> None:
    for name, value in {**settings, "kind": kind, "slot": slot, "pending": None}.items():
        setattr(row, name, value)
    save_version(row, fields=["kind", "slot", "pending", *KEPT_SETTINGS], seen=None)
    index_again(row, of)


def _tidied(principal: Principal, job: Job, change: FieldChange) -> None:
    """The field aside of a change that was given up goes: it never was one."""
    if change.applied_at is None and change.aside is not None:
        begin_change()
        change.aside.delete()


STEPS: dict[str, tuple[Callable[..., int | None], Callable[..., None]]] = {
    CHANGE: (_convert, _apply),
    UNDO: (_convert_back, _apply_back),
    TIDY: (_tidy, _tidied),
}
