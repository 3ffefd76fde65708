"""A client's plan: started from a published version, paused, resumed, finished, cancelled. The plan's row serves as the
lock.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime

from django.utils.translation import gettext as _

from clients.engagements.models import Engagement
from clients.engagements.services.records import check_engagement_of, sees_engagement
from clients.gate import may_see
from clients.records.choices import ACTIVE_STATUSES, Status
from clients.records.models import Client, ClientFacts
from clients.records.services.statuses import change_status
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.principals import SYSTEM, Principal, acting
from crm.core.base.services import service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import firm_today, get_firm
from crm.core.users.models import User
from onboarding import schedule
from onboarding.choices import PLAN, OwnerSide, PlanState
from onboarding.models import Plan, PlanPhase, Task, TemplateVersion
from onboarding.permissions import ARCHIVED, may_run_plan, may_run_plans
from onboarding.queries.plans import main_contact, plan_tasks, startable_version
from onboarding.services.tracking import refresh_plan

BEFORE_ONBOARDING = (Status.PROSPECT,)
BECOMES_ACTIVE = (Status.PROSPECT, Status.ONBOARDING, Status.FORMER)


@service(may=may_run_plans, why=ARCHIVED)
def start_plan(
    principal: Principal,
    *,
    client: Client,
    version: TemplateVersion,
    kickoff_date: date,
    owner: User | None = None,
    engagement: Engagement | None = None,
    name: str = "",
    today: date,
    now: datetime,
    is_draft: bool = False,
    is_demo: bool = False,
) -> Plan:
    """Copy the version's phases and tasks into a plan of the client, with due dates over the firm's working days.

    The plan runs from its kickoff (until then it is pending and silent); a draft waits for `begin_plan`. Our tasks go
    to the plan's owner (default: the account manager), the client's to the main contact. Raises ServiceError if the
    version is not a published one of an active template, or the owner may not see the client.
    """
    if not startable_version(version):
        raise ServiceError(_("Choose a published version of an active template."), field="version")
    _check_kickoff(kickoff_date)
    owner = owner or client.owner
    check_sees(owner, client, field="owner")
    check_engagement_of(principal, engagement, client)
    if not sees_engagement(owner, engagement):
        raise ServiceError(_("%(name)s cannot see this.") % {"name": owner.name}, field="owner")
    plan = Plan.objects.create(
        client=client,
        engagement=engagement,
        template_version=version,
        name=name.strip() or version.template.name,
        state=PlanState.DRAFT,
        owner=owner,
        kickoff_date=kickoff_date,
        is_demo=is_demo,
    )
    calendar = WorkingCalendar.of(get_firm())
    _copy_tasks(plan, version, calendar)
    if not is_draft:
        with transition(plan, to=_state_at(kickoff_date, today), states=PLAN, is_locked=True):
            pass
    if plan.state == PlanState.ACTIVE:
        _client_is_onboarding(plan, principal, today)
    refresh_plan(plan=plan, now=now, calendar=calendar)
    return plan


@service(may=may_run_plan, why=ARCHIVED)
def begin_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None) -> Plan:
    """Begin a draft: it becomes pending, or active if its kickoff has come."""
    plan = lock_plan(principal, plan=plan)
    to = _state_at(plan.kickoff_date, firm_today(now))
    with _moving(principal, plan, to, now=now, seen=seen_version, only_from=PlanState.DRAFT) as plan:
        return plan


@service(may=may_run_plan, why=ARCHIVED)
def activate_plan(principal: Principal, *, plan: Plan, now: datetime) -> Plan:
    """Activate a pending plan: its kickoff has come, or someone starts it earlier."""
    with _moving(principal, plan, PlanState.ACTIVE, now=now, only_from=PlanState.PENDING) as plan:
        return plan


@service(may=may_run_plan, why=ARCHIVED)
def update_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None, **fields) -> Plan:
    """Change `name`, `owner` or, before it runs, `kickoff_date` (due dates that were not set by hand are recomputed)."""
    plan = lock_plan(principal, plan=plan)
    if "owner" in fields:
        check_sees(fields["owner"], plan.client, field="owner")
    check_engagement_of(principal, fields.get("engagement"), plan.client)
    engagement = fields.get("engagement", plan.engagement)
    owner = fields.get("owner", plan.owner)
    if {"owner", "engagement"} & set(fields) and not sees_engagement(owner, engagement):
        raise ServiceError(_("%(name)s cannot see this.") % {"name": owner.name}, field="owner")
    kickoff = fields.get("kickoff_date", plan.kickoff_date)
    _check_kickoff(kickoff)
    if kickoff != plan.kickoff_date and plan.has_started:
        raise ServiceError(_("The plan has started. Change the due dates of its tasks instead."), field="kickoff_date")
    if "name" in fields and not fields["name"].strip():
        raise ServiceError(_("Enter a plan name."), field="name")
    known = {key: fields[key] for key in ("name", "owner", "kickoff_date", "engagement") if key in fields}
    for key, value in known.items():
        setattr(plan, key, value)
    save_version(plan, fields=list(known), seen=seen_version)
    if "kickoff_date" in known:
        _reschedule(plan)
        if plan.state == PlanState.PENDING and kickoff <= firm_today(now):
            with _moving(principal, plan, PlanState.ACTIVE, now=now) as plan:
                return plan
    refresh_plan(plan=plan, now=now)
    return plan


@service(may=may_run_plan, why=ARCHIVED)
def pause_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None) -> Plan:
    """Pause the plan; on resuming, due dates move by the working days of the pause."""
    with _moving(principal, plan, PlanState.PAUSED, now=now, seen=seen_version) as plan:
        plan.paused_date = firm_today(now)
    return plan


@service(may=may_run_plan, why=ARCHIVED)
def resume_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None) -> Plan:
    """Resume the plan: every open task moves by the working days paused."""
    resumed = _moving(principal, plan, PlanState.ACTIVE, now=now, seen=seen_version, only_from=PlanState.PAUSED)
    with resumed as plan:
        calendar = WorkingCalendar.of(get_firm())
        days = calendar.between(plan.paused_date or firm_today(now), firm_today(now))
        if days:
            write_dates(schedule.shifted_dates(plan_tasks(plan), days, calendar))
        plan.paused_date = None
    return plan


@service(may=may_run_plan, why=ARCHIVED)
def cancel_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None) -> Plan:
    """Cancel the plan. The client's status stays: leaving or staying is a separate decision."""
    with _moving(principal, plan, PlanState.CANCELLED, now=now, seen=seen_version) as plan:
        plan.ended_at, plan.paused_date = now, None
    return plan


@service(may=may_run_plan, why=ARCHIVED)
def finish_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None) -> Plan:
    """Close the plan and make the client active. Raises ServiceError while a mandatory task is open."""
    plan = lock_plan(principal, plan=plan)
    missing = list(plan.tasks.unfinished().filter(is_mandatory=True).values_list("title", flat=True)[:3])
    if missing:
        raise ServiceError(
            _("Mandatory tasks are still open: %(tasks)s.") % {"tasks": ", ".join(missing)}, code="unfinished"
        )
    with _moving(principal, plan, PlanState.DONE, now=now, seen=seen_version) as plan:
        plan.ended_at = now
    _client_is_active(plan, principal, firm_today(now))
    return plan


@service(may=may_run_plan, why=ARCHIVED)
def reopen_plan(principal: Principal, *, plan: Plan, now: datetime, seen_version: int | None = None) -> Plan:
    """Reopen a finished plan. The client's status stays."""
    with _moving(principal, plan, PlanState.ACTIVE, now=now, seen=seen_version, only_from=PlanState.DONE) as plan:
        plan.ended_at = None
    return plan


def refresh_due_plans(now: datetime, *, most: int = 500) -> int:
    """Start pending plans whose kickoff has come; recompute running ones whose `check_date` has come. Returns the number of plans."""
    today = firm_today(now)
    due = Plan.objects.kept().filter(check_date__lte=today, state__in=PLAN.worked_on).order_by("check_date", "pk")
    calendar = WorkingCalendar.of(get_firm())
    rows = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("owner", "client")[:most])
    for plan in rows:
        if plan.state == PlanState.PENDING:
            with _moving(SYSTEM, plan, PlanState.ACTIVE, now=now):
                pass
        else:
            refresh_plan(plan=plan, now=now, calendar=calendar)
    return len(rows)


def lock_plan(principal: Principal, *, plan: Plan) -> Plan:
    """Lock the plan's row: every change of a plan or its tasks takes this lock first. Raises PermissionDenied."""
    plan = Plan.objects.select_for_update(of=("self",)).select_related("client", "owner").get(pk=plan.pk)
    require(may_run_plan(principal, plan), str(ARCHIVED))
    return plan


def check_sees(user: User, client: Client, *, field: str) -> None:
    """Raises ServiceError unless the user may work with the client."""
    if not user.is_active or not may_see(acting(user), client):
        raise ServiceError(_("%(name)s cannot see this client.") % {"name": user.name}, field=field)


def _check_kickoff(day: date) -> None:
    if not is_plausible(day):
        raise ServiceError(_("This date is too far away."), field="kickoff_date")


def write_dates(dates: Mapping[int, date | None]) -> None:
    for pk, day in dates.items():
        Task.objects.filter(pk=pk).update(due_date=day)


def _copy_tasks(plan, version, calendar):
    phases = {
        phase.pk: PlanPhase.objects.create(plan=plan, key=phase.key, name=phase.name, position=phase.position)
        for phase in version.phases.all()
    }
    originals = list(version.tasks.all())
    dates = schedule.due_dates(originals, plan.kickoff_date, calendar)
    contact = main_contact(plan.client)
    copies = {}
    for row in schedule.in_order(originals):
        ours = row.owner_side == OwnerSide.FIRM
        copies[row.pk] = Task.objects.create(
            plan=plan,
            phase=phases[row.phase_id],
            key=row.key,
            title=row.title,
            position=row.position,
            owner_side=row.owner_side,
            owner_role=row.owner_role,
            assignee=plan.owner if ours else None,
            contact=None if ours else contact,
            offset_days=row.offset_days,
            after=copies.get(row.after_id),
            due_date=dates[row.pk],
            is_mandatory=row.is_mandatory,
            is_client_visible=row.is_client_visible,
            evidence=row.evidence,
            done_when=row.done_when,
            instructions=row.instructions,
        )


def _reschedule(plan):
    tasks = plan_tasks(plan)
    dates = schedule.due_dates(tasks, plan.kickoff_date, WorkingCalendar.of(get_firm()))
    write_dates({task.pk: dates[task.pk] for task in tasks if not task.is_finished and not task.is_due_fixed})


def _state_at(kickoff_date, today):
    return PlanState.ACTIVE if kickoff_date <= today else PlanState.PENDING


@contextmanager
def _moving(principal, plan, to, *, now, seen=None, only_from=None) -> Iterator[Plan]:
    """A transition of the plan, which then updates the client's status and the plan's progress."""
    fresh = lock_plan(principal, plan=plan)
    with transition(fresh, to=to, states=PLAN, seen=seen, only_from=only_from, is_locked=True):
        yield fresh
    if to == PlanState.ACTIVE:
        _client_is_onboarding(fresh, principal, firm_today(now))
    refresh_plan(plan=fresh, now=now)


def _client_is_onboarding(plan, principal, today):
    facts = ClientFacts.objects.get(pk=plan.client_id)
    if facts.status in BEFORE_ONBOARDING:
        change_status(
            principal, client=plan.client, status=Status.ONBOARDING, start_date=_from(facts, today), today=today
        )


def _client_is_active(plan, principal, today):
    facts = ClientFacts.objects.get(pk=plan.client_id)
    if facts.status not in ACTIVE_STATUSES and facts.status in BECOMES_ACTIVE:
        change_status(principal, client=plan.client, status=Status.ACTIVE, start_date=_from(facts, today), today=today)


def _from(facts, today):
    """Today, or the start of the current status if later (a plan entered after the fact)."""
    return max(today, facts.status_since) if facts.status_since else today
