"""The rows behind each number as a table: what its columns say, on the page and in the CSV."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.records import nps
from clients.records.choices import LeavingReason, Status
from crm.core.listing.paging import Sort
from crm.core.templatetags.ui import when
from crm.core.ui.formatting import money, number
from reports.kpis.retention import KEPT, LEFT, OUTCOMES, PAUSED, REACTIVATED
from reports.queries import reason_label, silent_before_leaving

OUTCOME_TONES = {KEPT: "green", REACTIVATED: "blue", PAUSED: "", LEFT: "red"}
BY_NAME = Sort("name_key")


@dataclass(frozen=True)
class Cell:
    """`text` for the page, `plain` for the CSV."""

    text: Any
    plain: Any
    url: str = ""
    tone: str | None = None
    sub: str = ""


@dataclass(frozen=True)
class Layout:
    """`header`: (label, is a number) each; `cells(row, firm)` in the same order, the first one names the row."""

    noun: Any
    sort: Sort
    header: list[tuple[Any, bool]]
    cells: Callable[[Any, Any], list[Cell]]
    related: tuple[str, ...] = ()


def client_cell(client) -> Cell:
    sub = " · ".join(filter(None, [client.industry, client.city]))
    return Cell(client.name, client.name, client_address(client.pk), sub=sub)


def client_address(pk: int) -> str:
    return reverse("clients:client", kwargs={"client_id": pk})


def _owner(client) -> Cell:
    return Cell(client.owner.name, client.owner.name)


def _retention(client, firm):
    left = reason_label(client.end_status, client.end_reason) if client.outcome == LEFT else ""
    since = client.end_since if not client.is_kept else None
    return [
        client_cell(client),
        Cell(OUTCOMES[client.outcome], str(OUTCOMES[client.outcome]), tone=OUTCOME_TONES.get(client.outcome, "")),
        Cell(left or "—", left),
        Cell(when(since, "full") if since else "—", since or ""),
        _owner(client),
        Cell(client.tier or "—", client.tier),
    ]


def _nps(answer, firm):
    band = str(nps.NAMES[answer.band])
    return [
        Cell(answer.client.name, answer.client.name, client_address(answer.client_id), sub=str(answer.contact or "")),
        Cell(answer.score, answer.score),
        Cell(band, band, tone=nps.TONES[answer.band]),
        Cell(answer.comment or "—", answer.comment),
        Cell(when(answer.answered_at, "full"), answer.answered_at.isoformat()),
    ]


def _arpa(client, firm):
    revenue = client.revenue or 0
    return [
        client_cell(client),
        Cell(money(revenue, firm.currency), revenue),
        Cell(number(client.month_ends), client.month_ends),
        _owner(client),
        Cell(client.tier or "—", client.tier),
    ]


def _recurring(client, firm):
    return [
        client_cell(client),
        Cell(money(round(client.mrr, 2), firm.currency), round(client.mrr, 2)),
        _owner(client),
        Cell(client.tier or "—", client.tier),
    ]


def _active(client, firm):
    return [
        client_cell(client),
        Cell(when(client.since, "full"), client.since or ""),
        _owner(client),
        Cell(client.tier or "—", client.tier),
    ]


def _task(task, firm):
    outcome, tone = (_("On time"), "green") if task.is_on_time else (_("Late"), "red")
    client = task.plan.client
    return [
        Cell(task.title, task.title, sub=task.plan.name),
        Cell(client.name, client.name, client_address(client.pk)),
        Cell(outcome, outcome, tone=tone),
        Cell(when(task.due_date, "full"), task.due_date),
        Cell(when(task.done_date, "full") if task.done_date else "—", task.done_date or ""),
    ]


_CLIENT, _OWNER, _TIER = (
    (gettext_lazy("Client"), False),
    (gettext_lazy("Account manager"), False),
    (gettext_lazy("Tier"), False),
)
_RETENTION = Layout(
    gettext_lazy("clients"),
    BY_NAME,
    [
        _CLIENT,
        (gettext_lazy("Outcome"), False),
        (gettext_lazy("Why"), False),
        (gettext_lazy("Since"), False),
        _OWNER,
        _TIER,
    ],
    _retention,
    ("owner",),
)
LAYOUTS: dict[str, Layout] = {
    "retention": _RETENTION,
    "logo-churn": _RETENTION,
    "nps": Layout(
        gettext_lazy("answers"),
        Sort("answered_at", descending=True),
        [
            _CLIENT,
            (gettext_lazy("Score"), True),
            (gettext_lazy("Group"), False),
            (gettext_lazy("Comment"), False),
            (gettext_lazy("Answered"), False),
        ],
        _nps,
        ("client", "contact"),
    ),
    "arpa-realised": Layout(
        gettext_lazy("clients"),
        BY_NAME,
        [_CLIENT, (gettext_lazy("Revenue"), True), (gettext_lazy("Month ends counted"), True), _OWNER, _TIER],
        _arpa,
        ("owner",),
    ),
    "arpa-recurring": Layout(
        gettext_lazy("clients"),
        BY_NAME,
        [_CLIENT, (gettext_lazy("A month"), True), _OWNER, _TIER],
        _recurring,
        ("owner",),
    ),
    "active-clients": Layout(
        gettext_lazy("clients"), BY_NAME, [_CLIENT, (gettext_lazy("Since"), False), _OWNER, _TIER], _active, ("owner",)
    ),
    "on-time-share": Layout(
        gettext_lazy("tasks"),
        Sort("due_date", descending=True),
        [
            (gettext_lazy("Task"), False),
            _CLIENT,
            (gettext_lazy("Outcome"), False),
            (gettext_lazy("Due"), False),
            (gettext_lazy("Done"), False),
        ],
        _task,
        ("plan__client",),
    ),
}


def narrowed(kpi, members, parameters):
    """The members of one reason of leaving, or of those who left in silence: what the bars and the note of the dashboard open."""
    if kpi.id not in ("retention", "logo-churn"):
        return members
    status, reason = parameters.get("status", ""), parameters.get("reason", "")
    if status in Status.values or reason:
        members = members.filter(end_status=status) if status in Status.values else members
        if status == Status.FORMER and reason:
            members = members.filter(end_reason=reason if reason in LeavingReason.values else "")
    if parameters.get("silent"):
        members = silent_before_leaving(members)
    return members
