"""Today, the page a day starts with. Other apps register their sections in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clients.cover.queries import in_care_q, say_for_whom
from clients.records.models import Client
from crm.core.base.arrays import Within
from crm.core.base.dates import day_start
from crm.core.base.kept import Kept
from crm.core.base.querysets import CountOf
from crm.core.base.registry import Registry
from crm.core.firm.queries import firm_today
from crm.core.ui.formatting import capped
from crm.core.ui.navigation import Counted
from crm.core.users.models import User
from interactions.cadence.queries import cadence_days, going_quiet
from interactions.follow_ups.models import FollowUp
from interactions.today import setup

COMING_DAYS = 7
OVERDUE_AT_MOST, COMING_AT_MOST, QUIET_AT_MOST = 25, 30, 8
COUNTED_AT_MOST = 1000


@dataclass(frozen=True)
class Figure:
    """A number at the head of Today: how many `rows(principal, now)` there are. The list at `url(principal)` shows the same rows."""

    label: Any
    rows: Callable[[Any, datetime], QuerySet]
    url: Callable[[Any], str]
    note: Any


@dataclass(frozen=True)
class Section:
    """A part of Today. `build(principal, now)` gives the variables of `template`, or None when there is nothing to show; at
    most two indexed queries, and only what the principal may see. `column`: "main" or "side"."""

    key: str
    order: int
    template: str
    build: Callable[[Any, datetime], dict[str, Any] | None]
    column: str = "side"
    figure: Figure | None = None


sections: Registry[Section] = Registry("section of Today")


def mine(principal, now: datetime):
    return FollowUp.objects.visible_to(principal).open().awake(now).filter(assignee=principal.user)


def overdue(principal, now: datetime) -> QuerySet:
    return mine(principal, now).order_by("due_at").due_before(day_start(now))


def due_within(principal, now: datetime, first: int, days: int) -> QuerySet:
    """Due on one of so many days, starting `first` days from today."""
    rows = mine(principal, now).order_by("due_at")
    return rows.due_from(day_start(now, first)).due_before(day_start(now, first + days))


def nav_count(principal, now: datetime) -> Counted:
    """The overdue follow-ups, in red; without any, those due today."""
    late, due = overdue(principal, now), due_within(principal, now, 0, 1)
    return [(late, "red"), (due, "")]


@Kept
def _follow_ups(principal, *, now: datetime):
    rows, start = mine(principal, now).order_by("due_at", "id").values("pk"), day_start(now)
    late = rows.due_before(start)[: OVERDUE_AT_MOST + 1]
    coming = rows.due_from(start).due_before(day_start(now, COMING_DAYS + 1))[: COMING_AT_MOST + 1]
    chosen = FollowUp.objects.filter(pk__in=late.union(coming, all=True))
    return chosen.select_related("client", "contact", "assignee").order_by("due_at", "id")


def follow_up_groups(principal, now: datetime) -> dict[str, Any]:
    """{"overdue", "more_overdue", "today", "coming": [(day, rows)], "more_coming"}; one query, each group with its own limit."""
    found, today = _follow_ups.rows(principal, now=now), timezone.localtime(now).date()
    overdue = [row for row in found if row.local_day < today]
    ahead = [row for row in found if row.local_day >= today]
    days: dict[Any, list[FollowUp]] = {}
    for row in sorted(ahead[:COMING_AT_MOST], key=lambda row: row.local_day):
        if row.local_day > today:
            days.setdefault(row.local_day, []).append(row)
    return {
        "overdue": overdue[:OVERDUE_AT_MOST],
        "more_overdue": len(overdue) > OVERDUE_AT_MOST,
        "today": [row for row in ahead if row.local_day == today],
        "coming": list(days.items()),
        "more_coming": len(ahead) > COMING_AT_MOST,
    }


def quiet_clients(principal, now: datetime) -> QuerySet:
    """An account manager's own clients, and those they cover for, that are going quiet; for others, all they may see."""
    clients = Client.objects.visible_to(principal).kept()
    return going_quiet(clients.filter(in_care_q(principal)) if principal.is_account_manager else clients, now)


def counted_quiet(principal, now: datetime) -> QuerySet:
    """The same rows to be counted: from the few clients to their facts, where the first ones are found along all facts that are due."""
    rows = quiet_clients(principal, now)
    if not principal.is_account_manager:
        return rows
    mine = Client.objects.kept().filter(in_care_q(principal)).order_by().values("pk")
    return rows.filter(Within("facts__client_id", mine))


def quiet_url(principal) -> str:
    """The list of clients with the same rows."""
    own = "&in_care=1" if principal.is_account_manager else ""
    return f"{reverse('clients:list')}?quiet=1{own}&sort=contact"


@Kept
def _quiet_clients(principal, *, now: datetime):
    return quiet_clients(principal, now).select_related("facts", "owner", "cadence")[:QUIET_AT_MOST]


def quiet_section(principal, now: datetime) -> dict[str, Any] | None:
    rows, today = _quiet_clients.rows(principal, now=now), firm_today(now)
    for row in rows:
        row.silent_days = row.facts.days_since_contact(today)
        row.cadence_limit = cadence_days(row)
    say_for_whom(principal, rows if principal.is_account_manager else [], lambda row: row.owner)
    return {"clients": rows, "url": quiet_url(principal)} if rows else None


QUIET = Figure(_lazy("Going quiet"), counted_quiet, quiet_url, _lazy("past their contact target"))


def build(principal, now: datetime) -> dict[str, Any]:
    """{"setup", "groups", "figures", "main", "side"}; a section of a column is {"template", "key", "data"}."""
    built = [(section, section.build(principal, now)) for section in sections]
    columns: dict[str, list] = {"main": [], "side": []}
    for section, context in built:
        if context is not None:
            columns[section.column].append({"template": section.template, "key": section.key, "data": context})
    return {
        "setup": setup.build(principal, now),
        "groups": follow_up_groups(principal, now),
        "figures": figures(principal, now),
        **columns,
    }


def _own_figures() -> list[Figure]:
    listed = reverse("interactions:follow-ups")
    due_today = partial(due_within, first=0, days=1)
    return [
        Figure(_("Overdue"), overdue, lambda principal: f"{listed}?show=overdue", _("follow-ups")),
        Figure(_("Due today"), due_today, lambda principal: f"{listed}?show=today", ""),
    ]


@Kept
def _counted(principal, *, now: datetime):
    rows = [figure.rows(principal, now) for figure in _all_figures()]
    rows.append(due_within(principal, now, 1, COMING_DAYS))
    return User.objects.filter(pk=principal.user_id).values_list(
        *(CountOf(some[: COUNTED_AT_MOST + 1]) for some in rows)
    )


def _all_figures() -> list[Figure]:
    return _own_figures() + [section.figure for section in sections if section.figure]


def figures(principal, now: datetime) -> list[dict[str, Any]]:
    """[{label, value, url, note}], counted in one statement, up to 1 000 each."""
    *counts, coming = _counted.rows(principal, now=now)[0]
    cells = [
        {
            "label": figure.label,
            "value": capped(count, COUNTED_AT_MOST),
            "url": figure.url(principal),
            "note": figure.note,
        }
        for figure, count in zip(_all_figures(), counts, strict=True)
    ]
    cells[1]["note"] = _("%(n)s more this week") % {"n": capped(coming, COUNTED_AT_MOST)}
    return cells
