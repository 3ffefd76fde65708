"""The status history of two clients that are one."""

from dataclasses import replace
from datetime import date

from clients.records.choices import Status
from clients.records.services.statuses import Span

COUNTS = {Status.ACTIVE: 4, Status.AT_NOTICE: 3, Status.ONBOARDING: 2, Status.PAUSED: 2}  # the others: 1


def united(kept: list[Span], away: list[Span], today: date) -> list[Span]:
    """On each day up to today the status that counts more, of two that count the same the kept client's; from then on what was
    planned for the one whose status counts today. So the kept client counts since the earlier start, and no day counts twice.
    """
    ahead = away if _more(_on(kept, today), _on(away, today)) is _on(away, today) else kept
    starts = {span.start for span in [*kept, *away] if span.start <= today} | {
        span.end for span in [*kept, *away] if span.end and span.end <= today
    }
    found: list[Span] = []
    for day in sorted(starts):
        span = _more(_on(kept, day), _on(away, day))
        if span is not None:
            _add(found, replace(span, start=day, end=None, pk=None))
    for span in ahead:
        if span.start > today:
            _add(found, replace(span, pk=None))
    if found and ahead and ahead[-1].end is not None:
        found[-1] = replace(found[-1], end=ahead[-1].end)
    return found


def _add(found: list[Span], span: Span) -> None:
    if found and found[-1].status == span.status:
        return
    if found:
        found[-1] = replace(found[-1], end=span.start)
    found.append(replace(span, end=None))


def _on(spans: list[Span], day: date) -> Span | None:
    return next((span for span in spans if span.start <= day and (span.end is None or span.end > day)), None)


def _more(own: Span | None, other: Span | None) -> Span | None:
    if own is None or other is None:
        return own or other
    return other if COUNTS.get(Status(other.status), 1) > COUNTS.get(Status(own.status), 1) else own
