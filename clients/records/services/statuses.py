"""Status periods: half-open date ranges that follow one another without gap or overlap, in the firm's calendar."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from clients import permissions
from clients.records.choices import ACTIVE_STATUSES, LeavingReason, Status
from clients.records.facts import set_facts
from clients.records.models import Client, ClientFacts, StatusPeriod
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.models import fresh
from crm.core.base.principals import Principal
from crm.core.base.services import service

STATUSES = frozenset(Status.values)


@dataclass(frozen=True)
class Span:
    start: date
    end: date | None
    status: str
    reason: str = ""
    note: str = ""
    pk: int | None = None
    is_start_unknown: bool = False


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def change_status(
    principal: Principal,
    *,
    client: Client,
    status: str,
    start_date: date,
    reason: str = "",
    note: str = "",
    today: date,
) -> StatusPeriod:
    """Set `status` from `start_date` until the next recorded change, else until further notice.

    The start may be in the past (history is corrected) or in the future (planned; `refresh_statuses` applies it on its
    day). Raises ServiceError for an unknown status, a missing reason for leaving, or no change.
    """
    Client.objects.select_for_update().get(pk=client.pk)
    spans = spans_of(client)
    check_status(spans, status=status, start_date=start_date, reason=reason)
    new = Span(start_date, None, status, reason if status == Status.FORMER else "", note.strip())
    _write(client, spans, _insert(spans, new))
    refresh_status_facts(client=client, today=today)
    return StatusPeriod.objects.filter(client=client).covering(start_date).get()


def check_status(spans: list[Span], *, status: str, start_date: date, reason: str) -> None:
    """Raises ServiceError for what `change_status` would refuse of a client with these periods."""
    _check(status, start_date, reason)
    covering = _covering(spans, start_date)
    if covering and covering.status == status and covering.start != start_date:
        text = _("The client has had this status since %(day)s.") % {"day": covering.start.isoformat()}
        raise ServiceError(text, field="status", code="no_change")


@service(may=permissions.may_change_period, why=permissions.IN_TRASH)
def withdraw_status(principal: Principal, *, period: StatusPeriod, today: date) -> None:
    """Undo a change of status: the previous period continues. Raises ServiceError for the first period."""
    Client.objects.select_for_update().get(pk=period.client_id)
    spans = spans_of(period.client)
    at = next((n for n, span in enumerate(spans) if span.pk == period.pk), 0)
    if at == 0:
        raise ServiceError(_("The first status cannot be undone. Change it instead."))
    kept = [*spans[: at - 1], replace(spans[at - 1], end=spans[at].end), *spans[at + 1 :]]
    _write(period.client, spans, _join(kept))
    refresh_status_facts(client=period.client, today=today)


def _check(status: str, start_date: date, reason: str) -> None:
    if status not in Status.values:
        raise ServiceError(_("“%(status)s” is not a status.") % {"status": status}, field="status")
    if not 1900 <= start_date.year <= 2200:
        raise ServiceError(_("This date is too far away."), field="start_date")
    if status == Status.FORMER and not reason:
        raise ServiceError(_("Say why the client left."), field="reason", code="reason_needed")
    if reason and reason not in LeavingReason.values:
        raise ServiceError(_("“%(reason)s” is not a reason for leaving.") % {"reason": reason}, field="reason")


def spans_of(client: Client) -> list[Span]:
    """Its periods, oldest first."""
    rows = StatusPeriod.objects.filter(client=client).order_by("start_date")
    return [Span(p.start_date, p.end_date, p.status, p.reason, p.note, p.pk, p.is_start_unknown) for p in rows]


def _covering(spans: list[Span], day: date) -> Span | None:
    return next((s for s in spans if s.start <= day and (s.end is None or s.end > day)), None)


def _insert(spans: list[Span], new: Span) -> list[Span]:
    """`spans` with `new` from its start to the end of the span that covers it (or to the first span, if it starts
    before all).
    """
    result, placed = [], False
    for span in spans:
        if span.start == new.start:
            result.append(replace(new, end=span.end, pk=span.pk))
            placed = True
        elif span.start < new.start and (span.end is None or span.end > new.start):
            result += [replace(span, end=new.start), replace(new, end=span.end)]
            placed = True
        else:
            result.append(span)
    if not placed:
        result.insert(0, replace(new, end=spans[0].start if spans else None))
    return _join(result)


def _join(spans: list[Span]) -> list[Span]:
    """Merge adjacent periods of the same status; the notes of the earlier one are kept."""
    result: list[Span] = []
    for span in spans:
        last = result[-1] if result else None
        if last and last.status == span.status:
            result[-1] = replace(
                last,
                end=span.end,
                pk=last.pk or span.pk,
                reason=last.reason or span.reason,
                note=last.note or span.note,
            )
        else:
            result.append(span)
    return result


def _write(client: Client, before: list[Span], after: list[Span]) -> None:
    kept = {span.pk for span in after if span.pk}
    StatusPeriod.objects.filter(client=client, pk__in=[span.pk for span in before if span.pk not in kept]).delete()
    old = {span.pk: span for span in before}
    for span in after:
        values = {
            "status": span.status,
            "start_date": span.start,
            "end_date": span.end,
            "reason": span.reason,
            "note": span.note,
            "is_start_unknown": span.is_start_unknown,
        }
        if span.pk is None:
            StatusPeriod.objects.create(client=client, **values)
        elif span != old[span.pk]:
            StatusPeriod.objects.filter(pk=span.pk).update(**values)


def check_since(spans: list[Span], *, start_date: date, reason: str, today: date) -> Span:
    """The current one of these periods. Raises ServiceError for what `change_since` would refuse."""
    present = _covering(spans, today)
    if present is None or start_date > today:
        raise ServiceError(_("The current status cannot start in the future."), field="start_date")
    _check(present.status, start_date, reason)
    return present


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def change_since(
    principal: Principal, *, client: Client, start_date: date, reason: str = "", today: date
) -> StatusPeriod:
    """Set the start of the current status: the period before it is shortened or extended to that day. `reason` is the
    reason for leaving. Raises ServiceError for a day in the future, or before the start of the previous period.
    """
    Client.objects.select_for_update().get(pk=client.pk)
    spans = spans_of(client)
    present = check_since(spans, start_date=start_date, reason=reason, today=today)
    at = spans.index(present)
    reason = reason if present.status == Status.FORMER else ""
    kept = [span for span in spans[:at] if span.start < start_date]
    if kept:
        kept[-1] = replace(kept[-1], end=start_date)
    new = replace(present, start=start_date, reason=reason, is_start_unknown=False)
    _write(client, spans, _join([*kept, new, *spans[at + 1 :]]))
    refresh_status_facts(client=client, today=today)
    return StatusPeriod.objects.filter(client=client).covering(today).get()


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def replace_periods(principal: Principal, *, client: Client, spans: Iterable[Span], today: date) -> None:
    """Replace the client's status history. Raises ServiceError."""
    spans = list(spans)
    check_history(spans, today)
    Client.objects.select_for_update().get(pk=client.pk)
    before = spans_of(client)
    same = {(span.start, span.status): span for span in before}
    kept = [(span, same.get((span.start, span.status))) for span in spans]
    _write(client, before, [replace(span, pk=old.pk, note=old.note) if old else span for span, old in kept])
    refresh_status_facts(client=client, today=today)


def check_history(spans: list[Span], today: date) -> None:
    """Raises ServiceError for impossible periods, or periods that do not reach today."""
    for span in spans:
        if not is_plausible(span.start):
            raise ServiceError(_("This date is too far away."), field="status_start")
        _check(span.status, span.start, span.reason or (LeavingReason.OTHER if span.status == Status.FORMER else ""))
    if _covering(spans, today) is None:
        raise ServiceError(_("The status history does not cover today."), field="status_start")


def periods_of(client: Client, spans: Iterable[Span], today: date) -> list[StatusPeriod]:
    """A new client's whole history, not saved yet. Raises ServiceError if it does not reach today."""
    spans = list(spans)
    check_history(spans, today)
    return [
        StatusPeriod(
            client=client,
            status=span.status,
            start_date=span.start,
            end_date=span.end,
            reason=span.reason,
            is_start_unknown=span.is_start_unknown,
        )
        for span in spans
    ]


def first_periods(
    client: Client, *, status: str, start: date, reason: str = "", today: date, is_start_unknown: bool = False
) -> list[StatusPeriod]:
    """The first periods of a new client, not saved yet; with a `start` in the future it is a prospect until then.
    Raises ServiceError.
    """
    if status not in STATUSES:
        raise ServiceError(_("“%(status)s” is not a status.") % {"status": status}, field="status")
    if not is_plausible(start):
        raise ServiceError(_("This date is too far away."), field="status_start")
    reason = (reason or LeavingReason.OTHER) if status == Status.FORMER else ""
    if status == Status.PROSPECT:
        start = min(start, today)
    first = {"status": status, "start_date": start, "reason": reason, "is_start_unknown": is_start_unknown}
    periods = [fresh(StatusPeriod, client=client, **first)]
    if start > today:
        before = {"status": Status.PROSPECT, "start_date": today, "end_date": start}
        periods.insert(0, fresh(StatusPeriod, client=client, **before))
    return periods


def status_facts(periods: Iterable[StatusPeriod], today: date) -> dict[str, Any]:
    """{fact: value} computed from a client's periods in order; empty if none covers `today`."""
    spans = [Span(p.start_date, p.end_date, p.status, p.reason, p.note, p.pk) for p in periods]
    present = _covering(spans, today)
    if present is None:
        return {}
    return {"status": present.status, "status_since": present.start, "active_since": _active_since(spans, present)}


def refresh_status_facts(*, client: Client, today: date) -> bool:
    """Update the facts from the periods as of `today`. Returns whether they changed."""
    values = status_facts(client.status_periods.order_by("start_date"), today)
    facts = ClientFacts.objects.get(pk=client.pk)
    if all(getattr(facts, name) == value for name, value in values.items()):
        return False
    set_facts(client_id=client.pk, **values)
    return True


def _active_since(spans: list[Span], present: Span) -> date | None:
    """Start of the unbroken run of active or at notice that ends with the current period."""
    since = None
    for span in reversed(spans[: spans.index(present) + 1]):
        if span.status not in ACTIVE_STATUSES:
            break
        since = span.start
    return since


def refresh_statuses(*, today: date) -> int:
    """Apply planned status changes that are due. Returns the number. Safe to run at any time."""
    differs = (
        ~Q(client__facts__status=F("status"))
        | ~Q(client__facts__status_since=F("start_date"))
        | Q(client__facts__status_since=None)
    )
    rows = StatusPeriod.objects.covering(today).filter(differs, client__facts__isnull=False)
    changed = 0
    for client_id in rows.order_by("client_id").values_list("client_id", flat=True):
        with transaction.atomic():
            client = Client.objects.select_for_update().get(pk=client_id)
            changed += refresh_status_facts(client=client, today=today)
    return changed


def rebuild_status_facts(client_ids: list[int], today: date) -> None:
    """Recompute the facts from the periods."""
    periods = StatusPeriod.objects.filter(client_id__in=client_ids).order_by("client_id", "start_date")
    grouped = itertools.groupby(periods, key=lambda period: period.client_id)
    found = {pk: status_facts(rows, today) for pk, rows in grouped}
    rows = [ClientFacts(client_id=pk, **facts) for pk, facts in found.items() if facts]
    ClientFacts.objects.bulk_update(rows, ["status", "status_since", "active_since"], batch_size=500)
