"""Lines of the progress email: what happened and what is coming, only what the client may see."""

from datetime import timedelta

import pytest

from interactions import progress_sections
from onboarding import emails, services
from onboarding.tests.factories import MONDAY, at, make_contact, make_plan, task

FRIDAY = at(MONDAY + timedelta(4))
LAST_FRIDAY = FRIDAY - timedelta(7)


@pytest.fixture
def running(northwind, payroll):
    make_contact(client=northwind)
    return make_plan(client=northwind, version=payroll)


def test_finished_and_coming_tasks_with_days_and_people(running, northwind, marta):
    services.finish_task(actor=marta, task=task(running, "Kickoff meeting"), now=at(MONDAY))
    services.finish_task(actor=marta, task=task(running, "Conflict check"), now=at(MONDAY))
    assert emails.finished_tasks(northwind, LAST_FRIDAY, FRIDAY) == [
        "Kickoff meeting"
    ]  # the conflict check is internal
    assert emails.finished_tasks(northwind, at(MONDAY) + timedelta(seconds=1), FRIDAY) == []
    needed = emails.their_tasks(northwind, LAST_FRIDAY, FRIDAY)
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
    services.activate_plan(actor=marta, plan=pending, now=at(MONDAY))
    assert emails.their_tasks(northwind, LAST_FRIDAY, FRIDAY)
    services.pause_plan(actor=marta, plan=pending, now=at(MONDAY))
    assert emails.their_tasks(northwind, LAST_FRIDAY, FRIDAY) == []


def test_they_are_part_of_the_email(running, northwind, marta):
    services.finish_task(actor=marta, task=task(running, "Kickoff meeting"), now=at(MONDAY))
    sections, is_news = progress_sections.build(northwind, LAST_FRIDAY, FRIDAY)
    lines = {section["key"]: section["items"] for section in sections}
    assert is_news and "Kickoff meeting" in lines["done"] and len(lines["needed"]) == 2
