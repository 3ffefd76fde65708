from datetime import UTC, date, datetime, time, timedelta

import pytest

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import (
    cancel_follow_up,
    complete_follow_up,
    reassign_follow_up,
    reopen_follow_up,
    snooze_follow_up,
    update_follow_up,
)
from tools.testing.factories.interactions import NOW, follow_up, make_user

pytestmark = pytest.mark.django_db


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "at", "due"),
    [
        ("Europe/Helsinki", date(2026, 11, 20), None, utc(2026, 11, 20, 15, 0)),
        ("America/New_York", date(2026, 3, 6), time(12, 0), utc(2026, 3, 6, 17, 0)),
        ("America/New_York", date(2026, 3, 13), time(12, 0), utc(2026, 3, 13, 16, 0)),
        ("Europe/London", date(2026, 3, 29), time(1, 30), utc(2026, 3, 29, 1, 30)),  # does not exist: moves forward
        ("Europe/London", date(2026, 10, 25), time(1, 30), utc(2026, 10, 25, 0, 30)),  # twice: the first
        ("Pacific/Auckland", date(2026, 4, 3), time(12, 0), utc(2026, 4, 2, 23, 0)),
        ("Asia/Kolkata", date(2026, 3, 27), time(12, 0), utc(2026, 3, 27, 6, 30)),
    ],
)
def test_due_is_a_wall_time_in_its_zone(marta, northwind, zone, day, at, due):
    made = follow_up(actor=marta, client=northwind, due_date=day, due_time=at, time_zone=zone, now=utc(2026, 1, 1))
    assert made.due_at == due


def test_without_a_zone_it_is_the_assignees(marta, northwind):
    boston = make_user(name="Bo Boston", time_zone="America/New_York")
    made = follow_up(actor=marta, client=northwind, assignee=boston, due_time=time(9, 0))
    assert (made.time_zone, made.due_at) == ("America/New_York", utc(2026, 11, 20, 14, 0))


def test_the_reminder_is_an_hour_before_or_in_the_morning(marta, northwind):
    assert follow_up(actor=marta, client=northwind, due_time=time(12, 0)).remind_at == utc(2026, 11, 20, 9, 0)
    assert follow_up(actor=marta, client=northwind).remind_at == utc(2026, 11, 20, 6, 0)
    assert follow_up(actor=marta, client=northwind, due_date=date(2026, 11, 18)).remind_at == utc(
        2026, 11, 18, 15, 0
    ), "8:00 has passed, so at 17:00"
    assert follow_up(actor=marta, client=northwind, due_date=date(2026, 11, 1)).remind_at == NOW
    assert follow_up(actor=marta, client=northwind, wants_reminder=False).remind_at is None


def test_somebody_who_may_not_see_the_client_cannot_be_asked(marta, otto, northwind):
    northwind.is_restricted = True
    northwind.save()
    with pytest.raises(ServiceError) as refused:
        follow_up(actor=marta, client=northwind, assignee=otto)
    assert refused.value.field == "assignee"
    made = follow_up(actor=marta, client=northwind)
    with pytest.raises(ServiceError):
        reassign_follow_up(acting(marta), follow_up=made, assignee=otto, now=NOW)


def test_done_with_outcome_moves_the_next_step(marta, northwind):
    first = follow_up(actor=marta, client=northwind, title="First")
    second = follow_up(actor=marta, client=northwind, title="Second", due_date=date(2026, 12, 1))
    done = complete_follow_up(acting(marta), follow_up=first, outcome="Sent.", now=NOW)
    assert (done.state, done.outcome, done.closed_by, done.remind_at) == (FollowUpState.DONE, "Sent.", marta, None)
    northwind.facts.refresh_from_db()
    assert (northwind.facts.next_step_id, northwind.facts.open_follow_ups) == (second.pk, 1)
    reopen_follow_up(acting(marta), follow_up=first, now=NOW)
    northwind.facts.refresh_from_db()
    assert (northwind.facts.next_step_id, northwind.facts.open_follow_ups) == (first.pk, 2)


def test_done_twice_is_done_once(marta, otto, northwind):
    made = follow_up(actor=marta, client=northwind, rrule="FREQ=WEEKLY")
    complete_follow_up(acting(marta), follow_up=made, outcome="Mine.", now=NOW)
    again = complete_follow_up(acting(otto), follow_up=made, outcome="No, mine.", now=NOW)
    assert (again.closed_by, again.outcome) == (marta, "Mine.")
    assert FollowUp.objects.open().count() == 1, "one next occurrence"


def test_cancelled_cannot_be_done(marta, northwind):
    made = follow_up(actor=marta, client=northwind)
    cancel_follow_up(acting(marta), follow_up=made, now=NOW)
    with pytest.raises(ServiceError):
        complete_follow_up(acting(marta), follow_up=made, now=NOW)


def test_a_repeat_skips_the_holiday_and_keeps_its_weekday(marta, northwind):
    # Friday 18 December; the 25th is a holiday in Finland and so is the 1st of January
    made = follow_up(actor=marta, client=northwind, due_date=date(2026, 12, 18), rrule="FREQ=WEEKLY", now=NOW)
    complete_follow_up(acting(marta), follow_up=made, now=utc(2026, 12, 18, 10, 0))
    second = FollowUp.objects.open().get()
    assert second.due_date == date(2026, 12, 28), "the first working day after Christmas"
    complete_follow_up(acting(marta), follow_up=second, now=utc(2026, 12, 28, 10, 0))
    assert FollowUp.objects.open().get().due_date == date(2027, 1, 4), "Friday 1 January is a holiday, then Monday"


def test_a_late_repeat_starts_from_today(marta, northwind):
    made = follow_up(
        actor=marta, client=northwind, due_date=date(2026, 10, 5), rrule="FREQ=WEEKLY", now=utc(2026, 10, 1)
    )
    complete_follow_up(acting(marta), follow_up=made, now=NOW)
    assert FollowUp.objects.open().get().due_date == date(2026, 11, 23)


def test_a_count_runs_out(marta, northwind):
    follow_up(actor=marta, client=northwind, rrule="FREQ=DAILY;COUNT=2")
    complete_follow_up(acting(marta), follow_up=FollowUp.objects.open().get(), now=NOW)
    complete_follow_up(acting(marta), follow_up=FollowUp.objects.open().get(), now=utc(2026, 11, 23, 12, 0))
    assert not FollowUp.objects.open().exists()


def test_the_end_of_the_month_stays_the_end(marta, northwind):
    made = follow_up(
        actor=marta, client=northwind, due_date=date(2026, 8, 31), rrule="FREQ=MONTHLY", now=utc(2026, 8, 1)
    )
    complete_follow_up(acting(marta), follow_up=made, now=utc(2026, 8, 31, 9, 0))
    assert FollowUp.objects.open().get().due_date == date(2026, 9, 30)


def test_reopening_takes_the_untouched_next_occurrence_back(marta, northwind):
    made = follow_up(actor=marta, client=northwind, rrule="FREQ=WEEKLY")
    complete_follow_up(acting(marta), follow_up=made, now=NOW)
    reopen_follow_up(acting(marta), follow_up=made, now=NOW)
    assert list(FollowUp.objects.open()) == [made]


@pytest.mark.parametrize(
    "rule",
    ["every day", "FREQ=SECONDLY", "FREQ=WEEKLY;INTERVAL=0", "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY\nDTSTART:20200101"],
)
def test_a_rule_that_is_none_is_refused(marta, northwind, rule):
    with pytest.raises(ServiceError) as refused:
        follow_up(actor=marta, client=northwind, rrule=rule)
    assert refused.value.field == "rrule"


def test_snoozed_keeps_its_due_time(marta, northwind):
    made = follow_up(actor=marta, client=northwind)
    snoozed = snooze_follow_up(acting(marta), follow_up=made, until=NOW + timedelta(days=5), now=NOW)
    assert (snoozed.due_at, snoozed.remind_at) == (made.due_at, NOW + timedelta(days=5))
    assert not FollowUp.objects.awake(NOW).exists()
    with pytest.raises(ServiceError):
        snooze_follow_up(acting(marta), follow_up=made, until=NOW, now=NOW)


def test_another_day_means_another_reminder(marta, northwind):
    made = follow_up(actor=marta, client=northwind, due_time=time(9, 0))
    moved = update_follow_up(acting(marta), follow_up=made, due_date=date(2026, 11, 25), now=NOW, seen_version=1)
    assert (moved.due_at, moved.remind_at, moved.version) == (utc(2026, 11, 25, 7, 0), utc(2026, 11, 25, 6, 0), 2)
    with pytest.raises(StaleWrite):
        update_follow_up(acting(marta), follow_up=made, due_date=date(2026, 11, 27), now=NOW, seen_version=1)
    merged = update_follow_up(acting(marta), follow_up=made, title="Call them", now=NOW, seen_version=1)
    assert (merged.title, merged.due_at) == ("Call them", utc(2026, 11, 25, 7, 0))


def test_two_people_move_and_rename_it_and_both_count(marta, otto, northwind):
    row = follow_up(actor=marta, client=northwind)
    update_follow_up(acting(marta), follow_up=row, title="Send the offer", now=NOW, seen_version=1)
    row = update_follow_up(acting(marta), follow_up=row, due_date=date(2026, 12, 4), now=NOW, seen_version=1)
    assert (row.title, row.due_at.date(), row.version) == ("Send the offer", date(2026, 12, 4), 3)


def test_two_people_move_it_and_the_second_is_asked_about_the_date_alone(marta, northwind):
    row = follow_up(actor=marta, client=northwind)
    update_follow_up(acting(marta), follow_up=row, due_date=date(2026, 12, 4), now=NOW, seen_version=1)
    with pytest.raises(StaleWrite) as stale:
        update_follow_up(acting(marta), follow_up=row, due_date=date(2026, 12, 7), now=NOW, seen_version=1)
    assert stale.value.fields == ["due_date"]
