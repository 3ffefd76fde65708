"""Planners that would write far more than usual for a week wait for an admin's word."""

from datetime import UTC, date, datetime, timedelta

import pytest

from crm.core.base.dates import iso_week
from crm.core.base.principals import SYSTEM
from crm.core.mail.models import BlastQuestion
from crm.core.mail.services import volume
from interactions import volume as guards
from interactions.progress.models import ProgressEmail, ProgressSchedule
from interactions.progress.services import schedules
from interactions.progress.services.volume import closed_weeks
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services.volume import may_plan_surveys
from tools.testing.factories.interactions import make_client, make_firm, make_person, make_user

pytestmark = pytest.mark.django_db
THURSDAY = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
WEEK = "2026-W48"


@pytest.fixture
def marta():
    make_firm()
    return make_user()


def with_schedule(owner, count):
    """Clients whose email of this week is due to be planned."""
    for n in range(count):
        client = make_client(owner=owner, name=f"Client {n}", time_zone="Europe/Helsinki")
        ProgressSchedule.objects.create(client=client, time_zone="Europe/Helsinki", next_week=WEEK)


def in_week(client, week, now=THURSDAY):
    return ProgressEmail(
        client=client,
        week=week,
        covers_from=now - timedelta(days=7),
        covers_to=now,
        draft_at=now,
        send_at=now,
        deadline_at=now,
        expires_at=now,
        time_zone="UTC",
    )


def test_the_usual_number_is_planned_without_a_question(marta):
    with_schedule(marta, 3)
    assert schedules.plan_progress(THURSDAY) == 3
    assert not BlastQuestion.objects.exists()


def test_far_more_than_usual_is_not_planned_before_an_admin_said_so(marta, monkeypatch):
    monkeypatch.setattr(volume, "FEW", 2)
    with_schedule(marta, 4)
    assert schedules.plan_progress(THURSDAY) == 0
    question = BlastQuestion.objects.get()
    assert (question.kind, question.week, question.wanted, question.usual) == ("progress", WEEK, 4, 0)
    assert schedules.plan_progress(THURSDAY) == 0
    volume.answer(SYSTEM, question=question, let_through=True, now=THURSDAY)
    assert schedules.plan_progress(THURSDAY) == 4
    assert schedules.plan_progress(THURSDAY) == 0


def test_a_no_leaves_the_week_out_and_the_next_one_is_planned_again(marta, monkeypatch):
    monkeypatch.setattr(volume, "FEW", 2)
    with_schedule(marta, 4)
    schedules.plan_progress(THURSDAY)
    volume.answer(SYSTEM, question=BlastQuestion.objects.get(), let_through=False, now=THURSDAY)
    later = THURSDAY + timedelta(days=7)
    assert schedules.plan_progress(THURSDAY + timedelta(hours=20)) == 0
    monkeypatch.setattr(volume, "FEW", 25)
    assert schedules.plan_progress(later) == 4
    assert set(ProgressEmail.objects.values_list("week", flat=True)) == {"2026-W49"}


def test_the_median_of_the_weeks_before_is_what_counts(marta, monkeypatch):
    monkeypatch.setattr(volume, "FEW", 0)
    clients = [make_client(owner=marta, name=f"Old {n}") for n in range(2)]
    before = guards.weeks_before(WEEK)
    ProgressEmail.objects.bulk_create(in_week(client, week) for client in clients for week in before[-3:])
    assert closed_weeks([WEEK] * 6) == frozenset()  # three weeks of two each: six is three times as many
    assert closed_weeks([WEEK] * 7) == {WEEK}


def test_weeks_before_go_over_the_turn_of_the_year():
    assert guards.weeks_before("2027-W02")[-3:] == ["2026-W52", "2026-W53", "2027-W01"]
    assert iso_week(date(2026, 12, 31)) == "2026-W53"


def test_a_rule_of_a_survey_asks_too(marta, monkeypatch, django_user_model):
    monkeypatch.setattr(volume, "FEW", 1)
    day = date(2026, 11, 27)
    assert may_plan_surveys(day, 1)
    assert not may_plan_surveys(day, 2)
    assert BlastQuestion.objects.get().kind == "survey"
    make_person(make_client(owner=marta, name="Northwind"))
    assert not SurveyInvitation.objects.exists()
