"""Segments: what people keep, and the daily note of who joined and left."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import only_known
from clients.records.models import Client
from clients.segments import rules
from clients.segments.compile import mark_of, narrow, reader_of
from clients.segments.models import Segment, SegmentChange, SegmentMember, SegmentNote
from clients.segments.uses import question
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, Principal, acting
from crm.core.base.services import service
from crm.core.base.versions import save_version

log = logging.getLogger(__name__)
MOST_SEGMENTS = 200  # of one person
BATCH = 2_000
CHANGES_KEPT = timedelta(days=400)
EDITED = ("name", "is_shared", "rule")


@service(may=permissions.may_keep_segments)
def create_segment(principal: Principal, *, name: str, rule: Any, is_shared: bool = False) -> Segment:
    """Raises ServiceError (fields name, rule)."""
    row = Segment(owner=principal.user, name=_clean(name), is_shared=is_shared, rule=checked(rule))
    if Segment.objects.kept().filter(owner=principal.user).count() >= MOST_SEGMENTS:
        raise ServiceError(_("You can have up to %(n)d segments. Delete one first.") % {"n": MOST_SEGMENTS})
    _check(row)
    row.save()
    return row


@service(may=permissions.may_change_segment)
def update_segment(
    principal: Principal, *, segment: Segment, seen_version: int | None = None, **fields: Any
) -> Segment:
    """Change name, rule, or whether it is shared. Raises ServiceError (fields name, rule), StaleWrite."""
    only_known(fields, EDITED)
    row = Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
    for name, value in fields.items():
        setattr(row, name, _clean(value) if name == "name" else checked(value) if name == "rule" else value)
    _check(row)
    save_version(row, fields=fields, seen=seen_version)
    return row


@service(may=permissions.may_change_segment)
def delete_segment(principal: Principal, *, segment: Segment, now: datetime, is_in_use_too: bool = False) -> Segment:
    """It is gone for everyone; `restore_segment` brings it back. Raises ServiceError (code question) where something uses it, unless
    `is_in_use_too`: it holds no clients then."""
    if (asked := question(segment)) and not is_in_use_too:
        raise ServiceError(asked, field="is_in_use_too", code="question")
    return set_archived(segment, at=now)[0]


@service(may=permissions.may_change_segment)
def restore_segment(principal: Principal, *, segment: Segment) -> Segment:
    """Undo of deleting. Raises ServiceError where another segment has its name by now."""
    return set_archived(segment, at=None)[0]


def checked(rule: Any) -> dict[str, Any]:
    """The rule as it is kept. Raises ServiceError (field rule) for all that is wrong with it."""
    parsed = rules.read(rule)
    if parsed.problems:
        raise ServiceError(" ".join(parsed.messages[:10]), field="rule")
    return parsed.root.as_json()


def _clean(name: str) -> str:
    return " ".join(name.split())


def _check(row: Segment) -> None:
    try:
        row.clean_fields(exclude={field.name for field in row._meta.fields} - {"name"})
        row.validate_constraints()
    except ValidationError as error:
        raise ServiceError(error.messages[0], field="name") from error


# Who joined and left


@service(may=permissions.is_system)
def note_members(principal: Principal, *, segment: Segment, today: date, now: datetime) -> int:
    """Note who joined and left since the members were last noted, one row for each client and day; how many there were. Noting a day
    again changes nothing. The members by a rule that was changed since are noted without anybody having joined or left.
    A rule that says something is gone is left as it was.
    """
    parsed = rules.read(segment.rule)
    if not parsed.is_sound or segment.is_archived:
        return 0
    reader, clients = reader_of(SYSTEM, now, me=segment.owner_id), Client.objects.kept()
    if parsed.is_personal and segment.owner is not None:
        reader = replace(reader, principal=acting(segment.owner))  # a roll-up counts what the owner sees
        clients = clients.visible_to(reader.principal)
    inside = set(narrow(clients, parsed, reader).order_by().values_list("pk", flat=True))
    before = set(SegmentMember.objects.filter(segment=segment).values_list("client_id", flat=True))
    mark, moved = mark_of(segment.rule), 0
    for ids in _batches(inside - before):
        members = [SegmentMember(segment=segment, client_id=pk) for pk in ids]
        SegmentMember.objects.bulk_create(members, ignore_conflicts=True)
    for ids in _batches(before - inside):
        SegmentMember.objects.filter(segment=segment, client_id__in=ids).delete()
    if SegmentNote.objects.filter(segment=segment, rule_mark=mark).exists():
        moved = _note_changes(segment, today, joined=inside - before, left=before - inside)
    SegmentNote.objects.update_or_create(segment=segment, defaults={"day": today, "rule_mark": mark})
    return moved


def _note_changes(segment: Segment, today: date, *, joined: set[int], left: set[int]) -> int:
    for ids, has_joined in ((joined, True), (left, False)):
        for some in _batches(ids):
            changes = [SegmentChange(segment=segment, client_id=pk, day=today, has_joined=has_joined) for pk in some]
            SegmentChange.objects.bulk_create(
                changes,
                update_conflicts=True,
                unique_fields=["segment", "day", "client"],
                update_fields=["has_joined"],
            )
    return len(joined) + len(left)


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    rows = sorted(ids)
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def note_all_members(today: date, now: datetime) -> int:
    """Of every segment that was not noted on this day yet; one that fails does not keep the others from it."""
    SegmentChange.objects.filter(day__lt=today - CHANGES_KEPT).delete()
    noted = 0
    for segment in Segment.objects.kept().exclude(note__day=today).order_by("pk"):
        try:
            with transaction.atomic():
                noted += note_members(SYSTEM, segment=segment, today=today, now=now)
        except DatabaseError:
            log.exception("members of segment %s were not noted", segment.pk)
    return noted
