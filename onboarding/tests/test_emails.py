"""Lines of the progress email: what happened and what is coming, only what the client may see."""

from datetime import timedelta

import pytest

from crm.core.base.principals import acting
from interactions.progress import sections as progress_sections
from onboarding import emails
from onboarding.services.plans import activate_plan, pause_plan
from onboarding.services.tasks import block_task, finish_task
from tools.testing.factories.onboarding import MONDAY, at, make_contact, make_plan, task

FRIDAY = at(MONDAY + timedelta(4))
LAST_FRIDAY = FRIDAY - timedelta(7)


@pytest.fixture
def running(northwind, payroll):
    make_contact(client=northwind)
    return make_plan(client=northwind, version=payroll)


def test_finished_and_coming_tasks_with_days_and_people(running, northwind, marta):
    finish_task(acting(marta), task=task(running, "Kickoff meeting"), now=at(MONDAY))
    finish_task(acting(marta), task=task(running, "Conflict check"), now=at(MONDAY))
    assert emails.finished_tasks(northwind, LAST_FRIDAY, FRIDAY) == [
        "Kickoff meeting"
    ]  # the conflict check is internal
    assert emails.finished_tasks(northwind, at(MONDAY) + timedelta(seconds=1), FRIDAY) == []
    needed = emails.their_tasks(northwind, LAST_FRIDAY - timedelta(1), FRIDAY - timedelta(1))
    assert needed == [
        "Engagement letter signed (Elina Saari), by Thu 10 Dec",
        "Access to accounting system (Elina Saari), by Fri 11 Dec",
    ]
    assert all(
        "Chart of accounts" not in line for line in emails.our_tasks(northwind, LAST_FRIDAY, FRIDAY + timedelta(14))
    )
    assert emails.our_tasks(northwind, LAST_FRIDAY, FRIDAY + timedelta(14)) == [
        "First payroll run (Marta Kallio), by Mon 28 Dec",
        "Review with client (Marta Kallio), by Tue 29 Dec",
    ]


def test_pending_and_paused_plans_are_silent(northwind, payroll, marta):
    pending = make_plan(client=northwind, version=payroll, today=MONDAY - timedelta(3))
    assert emails.their_tasks(northwind, LAST_FRIDAY, FRIDAY) == []
    activate_plan(acting(marta), plan=pending, now=at(MONDAY))
    assert emails.their_tasks(northwind, LAST_FRIDAY, FRIDAY)
    pause_plan(acting(marta), plan=pending, now=at(MONDAY))
    assert emails.their_tasks(northwind, LAST_FRIDAY, FRIDAY) == []


def test_they_are_part_of_the_email(running, northwind, marta):
    finish_task(acting(marta), task=task(running, "Kickoff meeting"), now=at(MONDAY))
    built = progress_sections.build(northwind, LAST_FRIDAY, FRIDAY)
    lines = {section["key"]: section["items"] for section in built.sections}
    assert built.is_news and "Kickoff meeting" in lines["done"]
    assert (len(lines["needed"]), len(lines["questions"])) == (1, 1)


def test_phases_and_the_end_of_the_plan_with_their_days(running, northwind, marta):
    """Only of phases in which the client sees something; what has been reached is news."""
    expected = emails.expected(northwind, LAST_FRIDAY, FRIDAY)
    assert expected == [
        "Thu 10 Dec: Agree expected to be complete",
        "Thu 17 Dec: Set up expected to be complete",
        "Tue 29 Dec: First run expected to be complete",
        f"Tue 29 Dec: {running.name} expected to be complete",
    ]
    for row in running.tasks.filter(phase__name="Agree"):
        finish_task(acting(marta), task=row, now=at(MONDAY))
    assert emails.reached(northwind, LAST_FRIDAY, FRIDAY) == ["Mon 7 Dec: Agree is complete"]
    assert all("Agree" not in line for line in emails.expected(northwind, LAST_FRIDAY, FRIDAY))
    assert emails.reached(northwind, FRIDAY, FRIDAY + timedelta(7)) == [], "reported once"
    running.tasks.filter(phase__name="Agree").update(is_client_visible=False)
    assert emails.reached(northwind, LAST_FRIDAY, FRIDAY) == []


def test_milestones_of_a_plan_of_which_the_client_sees_nothing(running, northwind):
    running.tasks.update(is_client_visible=False)
    assert emails.expected(northwind, LAST_FRIDAY, FRIDAY) == []


def test_what_is_late_or_waits_on_their_side_is_a_question(running, northwind, marta):
    block_task(
        acting(marta),
        task=task(running, "Engagement letter signed"),
        reason="their board meets on the 12th.",
        now=at(MONDAY),
    )
    late = FRIDAY + timedelta(days=10)
    assert emails.late_tasks(northwind, LAST_FRIDAY, FRIDAY) == [
        "Engagement letter signed (Elina Saari) is on hold: their board meets on the 12th. How do we move it on?"
    ]
    asked = emails.late_tasks(northwind, LAST_FRIDAY, late)
    assert asked[1] == ("Access to accounting system (Elina Saari), due Fri 11 Dec. When can we expect it?")
    assert emails.their_tasks(northwind, LAST_FRIDAY, late) == [], "a question, and not also a request"
