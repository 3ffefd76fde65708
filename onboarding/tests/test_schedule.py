"""Working-day arithmetic, without a database."""

from dataclasses import dataclass
from datetime import date

import pytest

from crm.core.firm.calendar import WorkingCalendar
from onboarding import schedule

FINLAND = WorkingCalendar(frozenset(range(5)), "FI")
PLAIN = WorkingCalendar(frozenset(range(5)))
MONDAY = date(2026, 12, 7)


@dataclass
class Row:
    pk: int
    offset_days: int = 0
    after_id: int | None = None
    title: str = ""
    due_date: date | None = None
    is_due_fixed: bool = False
    is_finished: bool = False
    done_date: date | None = None


def chain():
    """Kickoff, letter on day 3, access 1 after it, map 4 after that, run 5 later, review 1 later."""
    rows = [Row(1, 0), Row(2, 3), Row(3, 1, 2), Row(4, 4, 3), Row(5, 5, 4), Row(6, 1, 5)]
    for row in rows:
        row.title = f"Task {row.pk}"
        row.due_date = schedule.due_dates(rows, MONDAY, FINLAND)[row.pk]
    return rows


def test_due_dates_skip_weekends_and_holidays():
    dates = schedule.due_dates(chain(), MONDAY, FINLAND)
    assert dates == {
        1: date(2026, 12, 7),
        2: date(2026, 12, 10),
        3: date(2026, 12, 11),
        4: date(2026, 12, 17),
        5: date(2026, 12, 28),  # the 24th and 25th are holidays there
        6: date(2026, 12, 29),
    }
    assert all(FINLAND.is_working(day) for day in dates.values())


def test_without_holidays_the_same_plan_ends_earlier():
    assert (
        schedule.due_dates(chain(), MONDAY, PLAIN)[6]
        == date(2026, 12, 25)
        < schedule.due_dates(chain(), MONDAY, FINLAND)[6]
    )


def test_kickoff_on_a_holiday_counts_from_the_next_working_day():
    assert schedule.due_dates([Row(1, 0)], date(2026, 12, 25), FINLAND)[1] == date(2026, 12, 28)


def test_order_does_not_matter():
    assert schedule.due_dates(list(reversed(chain())), MONDAY, FINLAND) == schedule.due_dates(chain(), MONDAY, FINLAND)


@pytest.mark.parametrize("circle", [[(1, 1)], [(1, 2), (2, 1)], [(1, 2), (2, 3), (3, 1)]])
def test_circle_is_named(circle):
    rows = [Row(pk, 1, after, f"Task {pk}") for pk, after in circle]
    with pytest.raises(schedule.Cycle) as caught:
        schedule.in_order([Row(9, 0, None, "Start"), *rows])
    assert set(caught.value.titles) == {row.title for row in rows}
    assert caught.value.titles[0] == caught.value.titles[-1]


def test_moving_a_date_moves_open_followers_only():
    rows = chain()
    moved = schedule.moved_dates(rows, 3, date(2026, 12, 15), FINLAND)
    assert set(moved) == {3, 4, 5, 6}
    assert moved[4] == date(2026, 12, 21)
    rows[3].is_due_fixed = True
    assert set(schedule.moved_dates(rows, 3, date(2026, 12, 15), FINLAND)) == {3}
    assert schedule.moved_dates(rows, 3, rows[2].due_date, FINLAND) == {}


def test_forecast_follows_what_really_happened():
    rows = chain()
    assert schedule.forecast_dates(rows, MONDAY, FINLAND)[6] == rows[5].due_date
    rows[1].is_finished, rows[1].done_date = True, date(2026, 12, 8)  # two days early
    assert schedule.forecast_dates(rows, date(2026, 12, 8), FINLAND)[6] < rows[5].due_date
    late = schedule.forecast_dates(rows, date(2026, 12, 21), FINLAND)
    assert late[3] == date(2026, 12, 21) and late[6] > rows[5].due_date


def test_pause_shifts_open_tasks():
    rows = chain()
    rows[0].is_finished = True
    shifted = schedule.shifted_dates(rows, 2, FINLAND)
    assert 1 not in shifted and shifted[2] == date(2026, 12, 14)


def test_holidays_are_told():
    names = schedule.holidays_between(FINLAND, date(2026, 12, 21), date(2026, 12, 31))
    assert date(2026, 12, 25) in dict(names) and all(name for _, name in names)
    assert date(2026, 12, 26) not in dict(names)  # a Saturday: nobody works anyway
