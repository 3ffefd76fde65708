"""Plans: started from a version, kept true by every change, finished."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.records.models import ClientFacts, StatusPeriod
from clients.records.services.clients import archive_client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.firm.calendar import WorkingCalendar
from onboarding.choices import PlanState, Track
from onboarding.models import Plan
from onboarding.services.drafts import remove_task, update_task
from onboarding.services.plans import (
    activate_plan,
    begin_plan,
    cancel_plan,
    finish_plan,
    pause_plan,
    refresh_due_plans,
    reopen_plan,
    resume_plan,
    update_plan,
)
from onboarding.services.tasks import (
    assign_task,
    block_task,
    change_due,
    finish_task,
    preview_due,
    reopen_task,
    skip_task,
)
from onboarding.services.templates import edit_version, publish_version
from onboarding.services.tracking import rebuild_onboarding_facts
from tools.testing.factories.onboarding import (
    MONDAY,
    at,
    finish_mandatory,
    make_client,
    make_contact,
    make_firm,
    make_plan,
    make_user,
    make_version,
    task,
)
from tools.testing.threads import at_once

TUESDAY, WEDNESDAY, FRIDAY = MONDAY + timedelta(1), MONDAY + timedelta(2), MONDAY + timedelta(4)


def facts(client):
    row = ClientFacts.objects.get(pk=client.pk)
    return row.onboarding_state, row.onboarding_done, row.onboarding_total


def status(client):
    return ClientFacts.objects.get(pk=client.pk).status


def test_start_copies_the_version_with_dates_people_and_facts(northwind, payroll, marta, make):
    elina = make_contact(client=northwind)
    plan = make_plan(client=northwind, version=payroll)
    assert (plan.state, plan.name, plan.owner, plan.task_count) == (PlanState.ACTIVE, "Payroll client", marta, 8)
    letter, access = task(plan, "Engagement letter signed"), task(plan, "Access to accounting system")
    assert (letter.due_date, access.due_date, access.after) == (date(2026, 12, 10), date(2026, 12, 11), letter)
    assert (letter.assignee, letter.contact) == (None, elina)
    assert task(plan, "Conflict check").assignee == marta
    assert access.done_when == "Client confirms and names the user"
    calendar = WorkingCalendar(frozenset(range(5)), "FI")
    assert all(calendar.is_working(row.due_date) for row in plan.tasks.all())
    assert plan.forecast_date == task(plan, "Review with client").due_date
    assert facts(northwind) == ("on_track", 0, 8)
    assert status(northwind) == "onboarding"


def test_own_holiday_of_the_firm_moves_the_dates(northwind, payroll):
    from crm.core.firm.models import Holiday

    Holiday.objects.create(date=date(2026, 12, 10), name="Summer party, late")
    assert task(make_plan(client=northwind, version=payroll), "Engagement letter signed").due_date == FRIDAY


def test_who_does_not_see_the_client_runs_no_plan(northwind, payroll, make):
    make_firm(account_managers_see="own")
    with pytest.raises(ServiceError) as caught:
        make_plan(client=northwind, version=payroll, owner=make_user("Otto Other"))
    assert caught.value.field == "owner"


def test_archived_client_and_unpublished_version_start_nothing(northwind, payroll, admin, marta):
    draft = edit_version(acting(admin), template=payroll.template)
    with pytest.raises(ServiceError) as caught:
        make_plan(client=northwind, version=draft)
    assert caught.value.field == "version"
    archive_client(acting(marta), client=northwind, now=at(MONDAY))
    northwind.refresh_from_db()
    with pytest.raises(PermissionDenied):
        make_plan(client=northwind, version=payroll)


def test_a_new_version_leaves_running_plans_alone(plan, payroll, admin):
    before = list(plan.tasks.values_list("key", "title", "due_date"))
    draft = edit_version(acting(admin), template=payroll.template)
    update_task(acting(admin), task=draft.tasks.first(), title="Big kickoff", offset_days=9)
    remove_task(acting(admin), task=draft.tasks.last())
    publish_version(acting(admin), version=draft, now=at(TUESDAY))
    plan.refresh_from_db()
    assert plan.template_version == payroll
    assert list(plan.tasks.values_list("key", "title", "due_date")) == before


def test_pending_until_kickoff_then_the_tick_starts_it(northwind, payroll):
    plan = make_plan(client=northwind, version=payroll, today=MONDAY - timedelta(5))
    assert (plan.state, facts(northwind), status(northwind)) == (PlanState.PENDING, ("", 0, 0), "prospect")
    refresh_due_plans(at(MONDAY - timedelta(1), 20))  # 22:00 on Sunday in Helsinki
    plan.refresh_from_db()
    assert plan.state == PlanState.PENDING
    refresh_due_plans(at(MONDAY - timedelta(1), 23))  # 01:00 on Monday there
    plan.refresh_from_db()
    assert (plan.state, facts(northwind), status(northwind)) == (PlanState.ACTIVE, ("on_track", 0, 8), "onboarding")
    assert refresh_due_plans(at(MONDAY - timedelta(1), 23)) == 0  # a second ring changes nothing


def test_ticking_off_counts_and_reopening_counts_back(plan, marta, northwind):
    row = finish_task(acting(marta), task=task(plan, "Kickoff meeting"), now=at(MONDAY))
    assert (row.state, row.done_by, row.done_at) == ("done", marta, at(MONDAY))
    assert facts(northwind) == ("on_track", 1, 8)
    reopen_task(acting(marta), task=row, now=at(MONDAY))
    row.refresh_from_db()
    assert (row.state, row.done_at, row.done_by) == ("open", None, None)
    assert facts(northwind) == ("on_track", 0, 8)


def test_ticking_a_done_task_again_keeps_who_did_it(plan, marta, admin):
    row = task(plan, "Kickoff meeting")
    finish_task(acting(marta), task=row, now=at(MONDAY), seen_version=1)
    assert finish_task(acting(admin), task=row, now=at(TUESDAY), seen_version=1).done_by == marta


def test_blocking_needs_a_reason_and_makes_the_plan_stuck(plan, marta, northwind):
    row = task(plan, "Access to accounting system")
    with pytest.raises(ServiceError) as caught:
        block_task(acting(marta), task=row, reason=" ", now=at(MONDAY))
    assert caught.value.field == "reason"
    block_task(acting(marta), task=row, reason="their IT is away", now=at(MONDAY))
    plan.refresh_from_db()
    assert (plan.track, plan.track_reason) == (
        Track.STUCK,
        "“Access to accounting system” is blocked: their IT is away",
    )
    assert facts(northwind)[0] == "stuck"
    reopen_task(acting(marta), task=row, now=at(MONDAY))
    plan.refresh_from_db()
    assert (plan.track, plan.track_reason) == (Track.ON_TRACK, "")


def test_mandatory_tasks_are_skipped_only_with_a_reason(plan, marta):
    row = task(plan, "Conflict check")
    with pytest.raises(ServiceError) as caught:
        skip_task(acting(marta), task=row, now=at(MONDAY))
    assert caught.value.field == "reason"
    skip_task(acting(marta), task=row, reason="done last year", now=at(MONDAY))
    skip_task(acting(marta), task=task(plan, "Welcome call with staff"), now=at(MONDAY))
    plan.refresh_from_db()
    assert (plan.done_count, plan.task_count) == (0, 6)
    assert row.comments.get().text == "Skipped: done last year"


def test_late_is_behind_and_very_late_is_stuck_by_the_tick_alone(plan):
    for day, track in (
        (MONDAY, Track.ON_TRACK),
        (TUESDAY, Track.BEHIND),
        (MONDAY + timedelta(7), Track.BEHIND),
        (MONDAY + timedelta(8), Track.STUCK),
    ):
        refresh_due_plans(at(day))
        plan.refresh_from_db()
        assert plan.track == track, day
    assert plan.track_reason == "“Kickoff meeting” is 6 working days late, and 3 more"


def test_forecast_moves_with_what_happens(plan, marta):
    end = plan.forecast_date
    finish_task(acting(marta), task=task(plan, "Engagement letter signed"), now=at(TUESDAY))
    plan.refresh_from_db()
    assert plan.forecast_date < end
    row = task(plan, "Access to accounting system")
    change_due(acting(marta), task=row, due_date=date(2026, 12, 21), now=at(TUESDAY))
    plan.refresh_from_db()
    assert plan.forecast_date > end


def test_changed_date_shows_then_moves_what_depends_on_it(plan, marta):
    row = task(plan, "Access to accounting system")
    shown = preview_due(task=row, due_date=date(2026, 12, 15))
    assert [s.task.title for s in shown] == [
        "Access to accounting system",
        "Chart of accounts mapped",
        "First payroll run",
        "Review with client",
    ]
    row.refresh_from_db()
    assert row.due_date == FRIDAY  # nothing is written yet
    moved = change_due(acting(marta), task=row, due_date=date(2026, 12, 15), now=at(MONDAY), seen_version=row.version)
    assert [(s.task.pk, s.becomes) for s in moved] == [(s.task.pk, s.becomes) for s in shown]
    assert {t.pk: t.due_date for t in plan.tasks.all()}.items() >= {s.task.pk: s.becomes for s in shown}.items()
    with pytest.raises(StaleWrite):
        change_due(acting(marta), task=row, due_date=date(2026, 12, 16), now=at(MONDAY), seen_version=row.version)


def test_pause_shifts_open_tasks_by_its_working_days(plan, marta, northwind):
    finish_task(acting(marta), task=task(plan, "Kickoff meeting"), now=at(MONDAY))
    before = {row.title: row.due_date for row in plan.tasks.all()}
    pause_plan(acting(marta), plan=plan, now=at(WEDNESDAY))
    assert facts(northwind) == ("paused", 1, 8)
    with pytest.raises(ServiceError) as caught:
        finish_task(acting(marta), task=task(plan, "Conflict check"), now=at(FRIDAY))
    assert caught.value.code == "state"
    resume_plan(acting(marta), plan=plan, now=at(WEDNESDAY + timedelta(7)))  # five working days
    calendar = WorkingCalendar(frozenset(range(5)), "FI")
    for row in plan.tasks.all():
        assert row.due_date == (
            before[row.title] if row.title == "Kickoff meeting" else calendar.add(before[row.title], 5)
        )


def test_finishing_needs_the_mandatory_tasks_and_makes_the_client_active(plan, marta, northwind):
    with pytest.raises(ServiceError) as caught:
        finish_plan(acting(marta), plan=plan, now=at(FRIDAY))
    assert caught.value.code == "unfinished"
    finish_mandatory(plan, actor=marta, on=FRIDAY)
    finish_plan(acting(marta), plan=plan, now=at(FRIDAY))
    plan.refresh_from_db()
    assert (plan.state, plan.ended_at) == (PlanState.DONE, at(FRIDAY))
    assert facts(northwind) == ("done", 7, 8)
    assert status(northwind) == "active"
    assert StatusPeriod.objects.get(client=northwind, status="active").start_date == FRIDAY
    reopen_plan(acting(marta), plan=plan, now=at(FRIDAY))
    assert (facts(northwind)[0], status(northwind)) == ("on_track", "active")


def test_finishing_leaves_an_active_client_as_it_is(marta, payroll):
    old = make_client(owner=marta, name="Old Friends", status="active")
    plan = make_plan(client=old, version=payroll)
    finish_mandatory(plan, actor=marta, on=FRIDAY)
    finish_plan(acting(marta), plan=plan, now=at(FRIDAY))
    assert StatusPeriod.objects.get(client=old).status == "active"


def test_only_the_moves_of_the_table(plan, marta):
    cancel_plan(acting(marta), plan=plan, now=at(FRIDAY))
    for move in (
        pause_plan,
        resume_plan,
        cancel_plan,
        reopen_plan,
        begin_plan,
        activate_plan,
    ):
        with pytest.raises(ServiceError) as caught:
            move(acting(marta), plan=plan, now=at(FRIDAY))
        assert caught.value.code == "state", move


def test_draft_waits_for_its_begin_and_moves_its_dates_with_the_kickoff(northwind, payroll, marta):
    plan = make_plan(client=northwind, version=payroll, is_draft=True)
    assert (plan.state, facts(northwind)) == (PlanState.DRAFT, ("", 0, 0))
    update_plan(acting(marta), plan=plan, kickoff_date=MONDAY + timedelta(7), now=at(MONDAY))
    assert task(plan, "Kickoff meeting").due_date == MONDAY + timedelta(7)
    assert begin_plan(acting(marta), plan=plan, now=at(MONDAY)).state == PlanState.PENDING


def test_kickoff_of_a_running_plan_stays(plan, marta):
    with pytest.raises(ServiceError) as caught:
        update_plan(acting(marta), plan=plan, kickoff_date=FRIDAY, now=at(MONDAY))
    assert caught.value.field == "kickoff_date"


def test_assigning_goes_to_people_of_either_side(plan, marta, northwind, make):
    row = task(plan, "Conflict check")
    kai, elina = make_user("Kai Koski"), make_contact(client=northwind)
    assign_task(acting(marta), task=row, assignee=kai, now=at(MONDAY))
    assign_task(acting(marta), task=row, contact=elina, now=at(MONDAY))
    row.refresh_from_db()
    assert (row.assignee, row.contact, row.owner_side) == (None, elina, "client")
    stranger = make_contact(client=make_client(owner=marta, name="Other"), first_name="Olga")
    with pytest.raises(ServiceError) as caught:
        assign_task(acting(marta), task=row, contact=stranger, now=at(MONDAY))
    assert caught.value.field == "contact"


def test_the_worst_running_plan_is_the_clients_state_and_it_can_be_rebuilt(plan, northwind, marta, admin):
    second = make_plan(client=northwind, version=make_version(admin=admin, name="Tax client"))
    block_task(acting(marta), task=task(second, "Kickoff meeting"), reason="nobody there", now=at(MONDAY))
    wanted = facts(northwind)
    assert wanted == ("stuck", 0, 16)
    ClientFacts.objects.filter(pk=northwind.pk).update(onboarding_state="", onboarding_done=5)
    rebuild_onboarding_facts(client_ids=[northwind.pk])
    assert facts(northwind) == wanted
    Plan.objects.all().delete()
    rebuild_onboarding_facts()
    assert facts(northwind) == ("", 0, 0)


def test_the_database_keeps_states_honest(plan):
    for change in ({"state": "done"}, {"state": "blocked"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            plan.tasks.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(state="done")


@pytest.mark.django_db(transaction=True)
def test_two_people_ticking_at_once_are_both_counted(make):
    make.make_firm()
    admin, marta = make.make_admin(), make.make_user()
    plan = make.make_plan(client=make.make_client(owner=marta), version=make.make_version(admin=admin))
    rows = list(plan.tasks.all())

    def tick(number):
        actor, mine = ((marta, rows[0:6]), (admin, rows[2:8]))[number]
        for row in mine:
            finish_task(acting(actor), task=row, now=at(MONDAY), is_out_of_order=True)

    assert at_once(tick, 2) == [None] * 2
    plan.refresh_from_db()
    assert plan.done_count == 8
    assert facts(plan.client)[1] == 8


def test_another_owner_must_see_the_client(plan, marta):
    kai = make_user("Kai Koski")
    assert update_plan(acting(marta), plan=plan, owner=kai, now=at(MONDAY)).owner == kai
    kai.is_active = False
    kai.save()
    with pytest.raises(ServiceError) as refused:
        update_plan(acting(marta), plan=plan, owner=kai, now=at(MONDAY))
    assert refused.value.field == "owner"
