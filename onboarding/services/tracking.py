"""Updates what is derived from a plan (counts, forecast, track, the client's facts), on every change and daily."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from clients.engagements.models import open_to_all_q
from clients.records.choices import OnboardingState
from clients.records.facts import lock_facts, set_facts
from clients.records.models import ClientFacts
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import firm_today, get_firm
from onboarding import tracking
from onboarding.choices import PlanState, Track
from onboarding.models import Plan
from onboarding.queries.plans import plan_tasks

BADNESS = {Track.ON_TRACK: 0, Track.BEHIND: 1, Track.STUCK: 2}


def refresh_plan(*, plan: Plan, now: datetime, calendar: WorkingCalendar | None = None) -> Plan:
    """Recompute the plan's counts, forecast and track, and write the client's facts. The caller has locked the plan."""
    calendar = calendar or WorkingCalendar.of(get_firm())
    progress = tracking.progress_of(plan, plan_tasks(plan), firm_today(now), calendar)
    values = {
        "done_count": progress.done,
        "task_count": progress.total,
        "forecast_date": progress.forecast,
        "track": progress.track,
        "track_reason": progress.reason,
        "check_date": progress.check_date,
    }
    if any(getattr(plan, name) != value for name, value in values.items()):
        Plan.objects.filter(pk=plan.pk).update(**values)
        for name, value in values.items():
            setattr(plan, name, value)
    refresh_onboarding_facts(client_id=plan.client_id)
    return plan


@transaction.atomic
def refresh_onboarding_facts(*, client_id: int) -> None:
    """onboarding_state, _done and _total of one client: the worst of its running plans and the sum of their tasks; else
    paused ones; else the last one done; else empty."""
    lock_facts(client_ids=[client_id])
    set_facts(
        client_id=client_id, **_facts(list(_open_to_all().filter(client_id=client_id).order_by("-ended_at", "pk")))
    )


@transaction.atomic
def rebuild_onboarding_facts(*, client_ids: Iterable[int] | None = None) -> int:
    """Recompute the facts of the given clients, or of all. Returns the number of clients with a plan."""
    plans = _open_to_all().order_by("client_id", "-ended_at", "pk")
    facts = ClientFacts.objects.all()
    if client_ids is not None:
        wanted = list(client_ids)
        plans, facts = plans.filter(client_id__in=wanted), facts.filter(pk__in=wanted)
    by_client: dict[int, list[Plan]] = {}
    for plan in plans.iterator(chunk_size=2000):
        by_client.setdefault(plan.client_id, []).append(plan)
    facts.exclude(pk__in=list(by_client)).exclude(onboarding_state="", onboarding_total=0).update(**_facts([]))
    for client_id, rows in by_client.items():
        set_facts(client_id=client_id, **_facts(rows))
    return len(by_client)


def _open_to_all():
    """Everyone who sees the client reads its facts: plans of restricted engagements are not in them."""
    return Plan.objects.filter(open_to_all_q())


def _facts(plans):
    running = [plan for plan in plans if plan.state == PlanState.ACTIVE]
    paused = [plan for plan in plans if plan.state == PlanState.PAUSED]
    done = [plan for plan in plans if plan.state == PlanState.DONE][:1]
    if running:
        state = OnboardingState(max((plan.track for plan in running), key=BADNESS.__getitem__))
    elif paused:
        state = OnboardingState.PAUSED
    else:
        state = OnboardingState.DONE if done else OnboardingState.NONE
    counted = running + paused or done
    return {
        "onboarding_state": state.value,
        "onboarding_done": sum(plan.done_count for plan in counted),
        "onboarding_total": sum(plan.task_count for plan in counted),
    }
