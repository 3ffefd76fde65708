"""Today, the page a day starts with. Other apps register their sections in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clients.records.models import Client
from crm.core.base.dates import day_start, days_between
from crm.core.base.kept import Kept
from crm.core.base.registry import Registry
from crm.core.ui.navigation import Counted
from interactions.cadence.queries import cadence_days, going_quiet
from interactions.follow_ups.models import FollowUp

COMING_DAYS = 7
OVERDUE_AT_MOST, COMING_AT_MOST, QUIET_AT_MOST = 25, 30, 8
COUNTED_AT_MOST = 1000


@dataclass(frozen=True)
class Section:
    """A part of Today. `build(principal, now)` gives the variables of `template`, or None when there is nothing to show; at
    most two indexed queries, and only what the principal may see. `column`: "main" or "side"."""

    key: str
    order: int
    template: str
    build: Callable[[Any, datetime], dict[str, Any] | None]
    column: str = "side"


sections: Registry[Section] = Registry("section of Today")


def mine(principal, now: datetime):
    return FollowUp.objects.visible_to(principal).open().awake(now).filter(assignee=principal.user)


def nav_count(principal, now: datetime) -> Counted:
    """The overdue follow-ups, in red; without any, those due today. Counts up to 1 000."""
    rows, start = mine(principal, now).order_by("due_at"), day_start(now)
    late, due = rows.filter(due_at__lt=start), rows.filter(due_at__gte=start, due_at__lt=day_start(now, 1))
    return [(late[:COUNTED_AT_MOST], "red"), (due[:COUNTED_AT_MOST], "")]


@Kept
def _follow_ups(principal, *, now: datetime):
    rows, start = mine(principal, now).order_by("due_at", "id").values("pk"), day_start(now)
    late = rows.filter(due_at__lt=start)[: OVERDUE_AT_MOST + 1]
    coming = rows.filter(due_at__gte=start, due_at__lt=day_start(now, COMING_DAYS + 1))[: COMING_AT_MOST + 1]
    chosen = FollowUp.objects.filter(pk__in=late.union(coming, all=True))
    return chosen.select_related("client", "contact", "assignee").order_by("due_at", "id")


def follow_up_groups(principal, now: datetime) -> dict[str, Any]:
    """{"overdue", "more_overdue", "today", "coming": [(day, rows)], "more_coming"}; one query, each group with its own limit."""
    found, start = _follow_ups.rows(principal, now=now), day_start(now)
    overdue = [row for row in found if row.due_at < start]
    ahead = [row for row in found if row.due_at >= start]
    tomorrow = day_start(now, 1)
    days: dict[Any, list[FollowUp]] = {}
    for row in ahead[:COMING_AT_MOST]:
        if row.due_at >= tomorrow:
            days.setdefault(timezone.localtime(row.due_at).date(), []).append(row)
    return {
        "overdue": overdue[:OVERDUE_AT_MOST],
        "more_overdue": len(overdue) > OVERDUE_AT_MOST,
        "today": [row for row in ahead if row.due_at < tomorrow],
        "coming": list(days.items()),
        "more_coming": len(ahead) > COMING_AT_MOST,
    }


@Kept
def _quiet_clients(principal, *, now: datetime):
    clients = Client.objects.visible_to(principal).kept()
    if principal.is_account_manager:
        clients = clients.filter(owner=principal.user)
    return going_quiet(clients, now).select_related("facts", "owner", "cadence")[:QUIET_AT_MOST]


def quiet_section(principal, now: datetime) -> dict[str, Any] | None:
    """Clients going quiet: an account manager's own; for others, all they may see."""
    rows = _quiet_clients.rows(principal, now=now)
    for row in rows:
        last = row.facts.last_contact_at
        row.silent_days = days_between(last, now) if last else None
        row.cadence_limit = cadence_days(row)
    return {"clients": rows} if rows else None


def build(principal, now: datetime) -> dict[str, Any]:
    """{"groups", "figures", "main", "side"}; a section of a column is {"template", "key", "data"}."""
    built = [(section, section.build(principal, now)) for section in sections]
    columns: dict[str, list] = {"main": [], "side": []}
    for section, context in built:
        if context is not None:
            columns[section.column].append({"template": section.template, "key": section.key, "data": context})
    groups = follow_up_groups(principal, now)
    return {"groups": groups, "figures": figures(groups, columns["side"]), **columns}


def figures(groups: dict[str, Any], side: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """[{label, value, url, note}] from what the page has loaded; a value that reached its limit ends in +."""
    data = {section["key"]: section["data"] for section in side}
    listed, quiet, letters = reverse("interactions:follow-ups"), data.get("quiet", {}), data.get("progress", {})
    silent, waiting = len(quiet.get("clients", ())), len(letters.get("emails", ()))
    late, coming = len(groups["overdue"]), sum(len(rows) for _day, rows in groups["coming"])
    ahead = _("%(n)s more within seven days") % {"n": _up_to(coming, groups["more_coming"])}
    rows = (
        (_("Overdue"), _up_to(late, groups["more_overdue"]), f"{listed}?show=overdue", _("follow-ups")),
        (_("Due today"), str(len(groups["today"])), f"{listed}?show=today", ahead),
        (
            _("Progress emails to read"),
            _up_to(waiting, letters.get("has_more")),
            reverse("interactions:progress-emails"),
            _("before they leave"),
        ),
        (
            _("Going quiet"),
            _up_to(silent, silent == QUIET_AT_MOST),
            reverse("clients:list") + "?quiet=1&sort=contact",
            _("longer silent than agreed"),
        ),
    )
    return [{"label": label, "value": value, "url": url, "note": note} for label, value, url, note in rows]


def _up_to(count: int, is_more: bool | None) -> str:
    return f"{count}+" if is_more else str(count)
