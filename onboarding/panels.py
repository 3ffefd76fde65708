"""Onboarding on other pages: a client's card and timeline, the section of Today, navigation, search."""

from datetime import datetime, time, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.cover.queries import in_care_q, say_for_whom
from clients.registry import EngagementTab, TimelineAsk, TimelineItem, engagement_panel, engagement_tabs, panel
from crm.core.base.dates import local_to_utc
from crm.core.base.kept import Kept
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.navigation import Counted
from interactions.reminders.digest import Line, Part
from onboarding.choices import PlanState, TaskState, Track
from onboarding.models import Plan, Task
from onboarding.queries.plans import client_card, forecast_words, plans_of

TASKS_AT_MOST, PLANS_AT_MOST = 8, 6
ON_CARD = 5
KICKOFF_HOUR = time(9)

engagement_tabs.register(EngagementTab("onboarding", gettext_lazy("Onboarding"), 30))


@panel("onboarding", "side", 10, "onboarding/parts/client_card.html")
def side_card(principal, client, now: datetime) -> dict[str, Any] | None:
    card = client_card(principal, client)
    return {"card": card, "forecast": forecast_words(card.plan, card.end)} if card else None


@engagement_panel("plans", "onboarding", 25, "onboarding/parts/engagement_card.html")
def engagement_plans(principal, engagement, now: datetime) -> dict[str, Any] | None:
    """Its plans, the latest first."""
    rows = Plan.objects.visible_to(principal).filter(engagement=engagement.pk).order_by("-kickoff_date", "-pk")
    found = list(rows[:ON_CARD])
    return {"found": found} if found else None


@Kept
def _tasks_done(
    principal,
    limit: int,
    text: str,
    *,
    client_id: int,
    before: datetime | None,
    user_id: int | None,
    contact_id: int | None,
    engagement_id: int | None,
):
    rows = Task.objects.visible_to(principal).filter(plan__client=client_id, state=TaskState.DONE)
    if before is not None:
        rows = rows.filter(done_at__lt=before)
    if text:
        rows = rows.filter(title__icontains=text)
    if user_id is not None:
        rows = rows.filter(done_by=user_id)
    if contact_id is not None:
        rows = rows.filter(done_by_contact=contact_id)
    if engagement_id is not None:
        rows = rows.filter(plan__engagement=engagement_id)
    return rows.select_related("done_by", "done_by_contact").order_by("-done_at", "-pk")[:limit]


def timeline_items(principal, client, ask: TimelineAsk) -> list[TimelineItem]:
    """Kickoffs, finished tasks and ends of plans; a kickoff is shown at 9:00 of its day in the firm's zone."""
    plans = plans_of(principal, client)
    if ask.engagement_id:
        plans = [plan for plan in plans if plan.engagement_id == ask.engagement_id]
    if not plans:
        return []
    items = [
        _quiet(f"task-{row.pk}", row.done_at, _done_words(row), "onboarding:task", row.pk)
        for row in _tasks_done.rows(principal, ask.limit, ask.text, client_id=client.pk, **ask.given)
    ]
    zone = get_firm().time_zone
    for plan in plans:
        if not plan.has_started or ask.text or ask.user_id or ask.contact_id:
            continue
        begun = local_to_utc(plan.kickoff_date, KICKOFF_HOUR, zone)
        found = [(f"plan-{plan.pk}", begun, _("Onboarding “%(plan)s” started"))]
        if plan.ended_at:
            words = (
                _("Onboarding “%(plan)s” done")
                if plan.state == PlanState.DONE
                else _("Onboarding “%(plan)s” cancelled")
            )
            found.append((f"plan-{plan.pk}-end", plan.ended_at, words))
        for key, at, text in found:
            if ask.before is None or at < ask.before:
                items.append(_quiet(key, at, text % {"plan": plan.name}, "onboarding:plan", plan.pk))
    return sorted(items, key=lambda item: item.at, reverse=True)[: ask.limit]


def _done_words(task):
    words = {"task": task.title, "who": task.done_by_name}
    return (
        _("Onboarding task “%(task)s” finished by %(who)s") % words
        if words["who"]
        else _("Onboarding task “%(task)s” finished") % words
    )


def _quiet(key, at, title, url_name, pk):
    return TimelineItem(
        at=at,
        key=f"onboarding-{key}",
        kind="onboarding",
        title=title,
        icon="check2",
        tone="quiet",
        extra={"url": reverse(url_name, args=[pk])},
    )


@Kept
def _tasks_due(principal, *, now: datetime):
    rows = Task.objects.visible_to(principal).kept().overdue(firm_today(now) + timedelta(days=1))
    rows = rows.filter(in_care_q(principal, "assignee")).select_related("plan__client", "assignee")
    return rows.order_by("due_date", "pk")[: TASKS_AT_MOST + 1]


@Kept
def _plans_in_trouble(principal):
    rows = Plan.objects.visible_to(principal).kept()
    rows = rows.filter(state=PlanState.ACTIVE, track__in=[Track.BEHIND, Track.STUCK])
    if principal.is_account_manager:
        rows = rows.filter(in_care_q(principal))
    return rows.select_related("client", "owner").order_by("forecast_date", "pk")[:PLANS_AT_MOST]


def today_section(principal, now: datetime) -> dict[str, Any] | None:
    """The user's due tasks, and plans in trouble: their own for account managers, all visible ones for others; and those of colleagues
    they cover for.
    """
    today = firm_today(now)
    tasks, plans = _tasks_due.rows(principal, now=now), _plans_in_trouble.rows(principal)
    if not tasks and not plans:
        return None
    say_for_whom(principal, tasks, lambda task: task.assignee)
    say_for_whom(principal, plans if principal.is_account_manager else [], lambda plan: plan.owner)
    return {"tasks": tasks[:TASKS_AT_MOST], "more_tasks": len(tasks) > TASKS_AT_MOST, "plans": plans, "today": today}


def tell_day(data: dict[str, Any]) -> Part | None:
    """For the morning email: due tasks and plans in trouble."""
    lines = [
        Line(task.title, _named(task.plan.client, task), reverse("onboarding:task", args=[task.pk]), task)
        for task in data["tasks"]
    ]
    lines += [
        Line(_named(plan.client, plan), plan.get_track_display(), reverse("onboarding:plan", args=[plan.pk]), plan)
        for plan in data["plans"]
    ]
    return Part(_("Onboarding"), lines, _("in onboarding"), reverse("onboarding:plans") if data["more_tasks"] else "")


def _named(client, row) -> str:
    return " · ".join(filter(None, [client.name, getattr(row, "for_whom", "")]))


def nav_count(principal, now: datetime) -> Counted:
    """Open plans of clients the user may see."""
    return [(Plan.objects.visible_to(principal).kept().open().order_by("forecast_date", "pk"), "")]
