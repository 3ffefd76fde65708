"""The status of a client and its history, as an import reads, compares and changes them."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.importing import common
from clients.records.choices import LeavingReason, Status
from clients.records.services.statuses import Span, change_since, change_status
from crm.core.base.reading import PLAIN, Conventions
from crm.core.fields.types import DAY, several
from crm.core.importing.kinds import Plan, Values

UNKNOWN, TODAY = "unknown", "today"
STATUS = ("status", "status_date", "leaving_reason")


def read_since(text: str, conventions: Conventions = PLAIN) -> Any:
    """A day, TODAY, or UNKNOWN for clients whose start date is unknown."""
    word = text.strip().lower()
    return word if word in (UNKNOWN, TODAY) else DAY.read(text, conventions)


def read_history(text: str, conventions: Conventions = PLAIN) -> tuple[Span, ...]:
    """`2020-01-01 prospect; 2021-03-01? active; 2024-02-01 former (price)`; ? marks an unknown start."""
    spans: list[Span] = []
    for part in several(text):
        day, _space, status = part.partition(" ")
        status, _bracket, reason = status.strip(" )").partition(" (")
        start = DAY.read(day.rstrip("?"))
        if status not in Status.values or (reason and reason not in LeavingReason.values):
            raise ValueError(_("“%(text)s” is not a status with its first day.") % {"text": part[:60]})
        if spans:
            if start <= spans[-1].start:
                raise ValueError(_("The dates in the status history are out of order."))
            spans[-1] = replace(spans[-1], end=start)
        spans.append(Span(start, None, status, reason, is_start_unknown=day.endswith("?")))
    return tuple(spans)


def say_history(spans: Any) -> str:
    return "; ".join(
        f"{span.start.isoformat()}{'?' * span.is_start_unknown} {span.status}"
        + (f" ({span.reason})" if span.reason else "")
        for span in spans
    )


def status_given(values: Values, today: date, *, is_new: bool) -> dict[str, Any]:
    if "status_history" in values:
        return {}
    wanted = common.given(values, STATUS, is_new=is_new)
    if wanted.get("status_date") == TODAY:
        wanted["status_date"] = today
    if wanted.get("status_date") == UNKNOWN:
        del wanted["status_date"]
    if is_new:
        wanted.setdefault("status", Status.PROSPECT)
        if wanted["status"] == Status.FORMER:
            wanted.setdefault("leaving_reason", LeavingReason.OTHER)
    if wanted.get("status", Status.FORMER) != Status.FORMER:
        wanted.pop("leaving_reason", None)
    return wanted


def plan_history(plan: Plan, values: Values) -> None:
    spans = values.get("status_history")
    before = plan.write.state.get("status_history", ())
    if spans and spans != before:
        plan.change(gettext_lazy("Status history"), before, spans, say_history)
        if plan.write.new is None:
            plan.write.changes["status_history"] = spans
        plan.write.state["status_history"] = spans


def status_change(changes: dict[str, Any], state: dict[str, Any], today: date) -> tuple[Any, dict[str, Any]]:
    """(the service that makes the change, its arguments)"""
    reason = state.get("leaving_reason") or (LeavingReason.OTHER if state["status"] == Status.FORMER else "")
    if "status" in changes:
        start = changes.get("status_date") or today
        return change_status, {"status": state["status"], "start_date": start, "reason": reason}
    return change_since, {"start_date": state["status_date"], "reason": reason}
