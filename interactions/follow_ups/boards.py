"""The boards of follow-ups: by when they are due, and by state."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.dates import day_start
from crm.core.base.errors import ServiceError
from crm.core.listing.boards import Board
from crm.core.listing.groups import Group, Part
from crm.core.listing.moving import MoveForm
from crm.core.listing.paging import Sort
from crm.core.listing.selection import CHANGED_SINCE, NO_CHANGE, Action, actions
from crm.core.ui.forms import DateInput, Layout, When
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS
from interactions.follow_ups.models import FollowUp, due_before_q, due_from_q
from interactions.follow_ups.services import (
    CLOSED,
    cancel_follow_up,
    close_as_before,
    complete_follow_up,
    move_due,
    reopen_follow_up,
)

OVERDUE, TODAY, TOMORROW, WEEK, LATER, SNOOZED = "overdue", "today", "tomorrow", "week", "later", "snoozed"
WEEK_ENDS = 8  # days from today on which “later” begins
SPANS = {WEEK: (2, WEEK_ENDS - 1), LATER: (WEEK_ENDS, None)}  # days from today, of columns that ask for one


def due_parts(now: datetime) -> list[Part]:
    """When open follow-ups are due for the reader, whose zone is the current one."""
    asleep = Q(snoozed_until__isnull=False, snoozed_until__gt=now)
    today, tomorrow, after = (day_start(now, n) for n in range(3))
    later = day_start(now, WEEK_ENDS)
    return [
        Part(OVERDUE, _lazy("Overdue"), due_before_q(today) & ~asleep, is_offered=False),
        Part(TODAY, _lazy("Today"), due_from_q(today) & due_before_q(tomorrow) & ~asleep),
        Part(TOMORROW, _lazy("Tomorrow"), due_from_q(tomorrow) & due_before_q(after) & ~asleep),
        Part(WEEK, _lazy("Next 7 days"), due_from_q(after) & due_before_q(later) & ~asleep),
        Part(LATER, _lazy("Later"), due_from_q(later) & ~asleep),
        Part(SNOOZED, _lazy("Snoozed"), asleep, is_offered=False),
    ]


DUE = Group("when", _lazy("Due"), "due_part", parts=due_parts)


def _is_within(day: date, span: tuple[int, int | None]) -> bool:
    days = (day - timezone.localdate()).days
    return days >= span[0] and (span[1] is None or days <= span[1])


class DueMoveForm(MoveForm):
    """To a day; the columns of more than one day ask for it."""

    layout = Layout("to", When(f"to={WEEK} {LATER}", "due_date"))

    due_date = forms.DateField(label=_lazy("Due"), required=False, widget=DateInput())

    def __init__(self, *args: Any, initial: dict[str, Any], **kwargs: Any):
        span = SPANS.get(initial["to"], SPANS[WEEK])
        if not _is_within(initial["due_date"], span):
            initial = initial | {"due_date": timezone.localdate() + timedelta(span[0])}
        super().__init__(*args, initial=initial, **kwargs)

    def clean(self):
        data, day = super().clean(), self.cleaned_data.get("due_date")
        if data.get("to") not in SPANS:
            return data
        if day is None and "due_date" not in self.errors:
            self.add_error("due_date", _("Choose a day."))
        elif day and not _is_within(day, SPANS[data["to"]]):
            self.add_error("due_date", _("This day belongs to another column."))
        return data


def _day(to: str, given: dict[str, Any], now: datetime) -> date:
    if to in SPANS:
        return given["due_date"]
    return timezone.localtime(now).date() + timedelta(1 if to == TOMORROW else 0)


class StateMoveForm(MoveForm):
    layout = Layout("to", When("to=done cancelled", "outcome"))

    outcome = forms.CharField(
        label=_lazy("Outcome"), required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 3})
    )


def _to_state(principal: Any, row: FollowUp, to: str, outcome: str, now: datetime) -> FollowUp:
    if to == FollowUpState.DONE:
        return complete_follow_up(principal, follow_up=row, outcome=outcome, now=now)
    if to == FollowUpState.CANCELLED:
        return cancel_follow_up(principal, follow_up=row, reason=outcome, now=now)
    return reopen_follow_up(principal, follow_up=row, now=now)


def _move(principal: Any, row: FollowUp, values: dict[str, Any], now: datetime) -> Any:
    """What undo needs: the state and outcome before, the version after; of one that was closed, what `open_again` says."""
    if values["state"] == FollowUpState.OPEN:
        return open_again(principal, row, now)
    moved = _to_state(principal, row, values["state"], values.get("outcome", ""), now)
    return [row.state, row.outcome, moved.version]


def open_again(principal: Any, row: FollowUp, now: datetime) -> dict[str, Any]:
    """Reopen it. What undo needs: how it was closed, the occurrence that this took back, the version after."""
    if row.state == FollowUpState.OPEN:
        raise ServiceError(str(NO_CHANGE))
    before = {name: getattr(row, name) for name in ("state", *CLOSED)}
    opened: Any = reopen_follow_up(principal, follow_up=row, now=now)
    fresh = opened.taken_back
    taken_back = fresh and {"pk": fresh.pk, "version": fresh.version, "remind_at": _said(fresh.remind_at)}
    return before | {"closed_at": _said(row.closed_at), "version": opened.version, "taken_back": taken_back}


def _said(moment: datetime | None) -> str | None:
    return moment and moment.isoformat()


def _kept(name: str, values: dict[str, Any]) -> FollowUp:
    """A follow-up with what undo kept of it; `name`: the column of its moment."""
    return FollowUp(**values | {name: values[name] and datetime.fromisoformat(values[name])})


def move_back(principal: Any, row: FollowUp, before: Any, now: datetime) -> None:
    if isinstance(before, dict):  # it was reopened
        kept = dict(before)
        unless_changed(row, kept.pop("version"))
        fresh = kept.pop("taken_back")
        taken_back = _kept("remind_at", fresh) if fresh else None
        close_as_before(principal, follow_up=row, was=_kept("closed_at", kept), taken_back=taken_back)
        return
    state, outcome, version = before
    unless_changed(row, version)
    _to_state(principal, row, state, outcome, now)


def unless_changed(row: FollowUp, version: int | None) -> None:
    """Raises ServiceError if the follow-up was changed since that version (None: a step that did not keep it)."""
    if version is not None and row.version != version:
        raise ServiceError(str(CHANGED_SINCE))


MOVE = actions.register(Action("follow-ups.move", _lazy("Change state"), FollowUp, _move, move_back))
STATE_BOARD = Board(
    group=FOLLOW_UP_FIELDS["state"].in_groups(),
    action=MOVE,
    values=lambda to, given, now: given | {"state": to},
    form=StateMoveForm,
    asks=lambda key: False,
    lifts=("show",),
    sorts=dict.fromkeys(("done", "cancelled"), Sort("closed_at", descending=True)),
)


def _set_due(principal: Any, row: FollowUp, values: dict[str, Any], now: datetime) -> list[Any]:
    """What undo needs: the date and the snooze before, the version after."""
    day, asleep_until = row.date_on(values["day"]), row.snoozed_until
    if day == row.due_date and (asleep_until is None or asleep_until <= now):
        raise ServiceError(str(NO_CHANGE))
    before = [row.due_date.isoformat(), asleep_until and asleep_until.isoformat()]
    seen = row.seen_version  # type: ignore[attr-defined]
    return [*before, move_due(principal, follow_up=row, due_date=day, now=now, seen_version=seen).version]


def _due_back(principal: Any, row: FollowUp, before: list[Any], now: datetime) -> None:
    day, asleep_until, version = before
    unless_changed(row, version)
    until = datetime.fromisoformat(asleep_until) if asleep_until else None
    until = until if until and until > now else None
    move_due(principal, follow_up=row, due_date=date.fromisoformat(day), snoozed_until=until, now=now)


MOVE_DUE = actions.register(Action("follow-ups.due", _lazy("Change due date"), FollowUp, _set_due, _due_back))
DUE_BOARD = Board(
    group=DUE,
    action=MOVE_DUE,
    values=lambda to, given, now: {"day": _day(to, given, now)},
    form=DueMoveForm,
    asks=lambda key: key in SPANS,
    initial=lambda row: {"due_date": row.local_day},
    lifts=("show",),
    narrow=lambda rows: rows.open(),
)
