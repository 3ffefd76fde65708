"""A progress email whose day is a holiday, of the firm or of the client: sent all the same, moved within its week, or left out."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.urls import reverse

from crm.core.base.principals import acting
from crm.core.firm.models import Holiday
from crm.core.mail.models import OutboxMail
from interactions.progress.choices import OnHoliday, ProgressState
from interactions.progress.models import ProgressEmail
from interactions.progress.services import drafts, schedules, sending
from tools.testing.factories import interactions as make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FRIDAY = date(2026, 11, 27)
FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # 12:00 in Helsinki


@pytest.fixture
def marta():
    make.make_firm()
    return make.make_user()


@pytest.fixture
def northwind(marta):
    return make.make_client(owner=marta, time_zone="Europe/Helsinki")


def closed(*days, name="Office party"):
    for day in days:
        Holiday.objects.create(date=day, name=name)


def schedule(client, now=MONDAY, **fields):
    contact = client.contacts.first() or make.make_person(client)
    return schedules.set_schedule(acting(client.owner), client=client, recipients=[contact], now=now, **fields)


def plan_through_the_week(client, **fields):
    """What the tick of every three hours plans from Monday to Sunday."""
    schedule(client, **fields)
    for step in range(55):
        schedules.plan_progress(MONDAY + step * 3 * HOUR)
    return ProgressEmail.objects.get(client=client, week="2026-W48")


def test_on_a_usual_friday_nothing_moves(northwind):
    email = plan_through_the_week(northwind, on_holiday=OnHoliday.BEFORE)
    assert (email.deadline_at, email.moved_reason, email.state) == (FRIDAY_NOON, "", "planned")


def test_sent_all_the_same_unless_it_is_said_otherwise(northwind):
    closed(FRIDAY)
    email = plan_through_the_week(northwind)
    assert (email.deadline_at, email.moved_reason) == (FRIDAY_NOON, "")


def test_on_the_working_day_before_at_the_same_hour_and_in_time(northwind):
    closed(FRIDAY)
    schedule(northwind, on_holiday=OnHoliday.BEFORE)
    thursday_noon = FRIDAY_NOON - 24 * HOUR
    assert schedules.plan_progress(thursday_noon - 3 * HOUR - 37 * HOUR) == 0
    assert schedules.plan_progress(thursday_noon - 3 * HOUR - 36 * HOUR) == 1, (
        "36 hours before the moved time, not before the usual one"
    )
    email = ProgressEmail.objects.get()
    assert email.deadline_at == thursday_noon
    assert email.moved_reason == "Moved from Fri 27 Nov: Office party (our holiday)"


def test_over_several_holidays_back_to_the_last_working_day(northwind):
    closed(FRIDAY, FRIDAY - timedelta(days=1))
    email = plan_through_the_week(northwind, on_holiday=OnHoliday.BEFORE)
    assert email.deadline_at == FRIDAY_NOON - 48 * HOUR


def test_where_no_working_day_is_left_before_it_the_next_one(northwind):
    closed(date(2026, 11, 23))
    email = plan_through_the_week(northwind, weekday=0, deadline_time=time(16), on_holiday=OnHoliday.BEFORE)
    assert email.deadline_at == datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
    assert email.week == "2026-W48"


def test_in_a_week_without_a_working_day_there_is_none(northwind):
    closed(*(FRIDAY - timedelta(days=n) for n in range(5)))
    email = plan_through_the_week(northwind, on_holiday=OnHoliday.BEFORE)
    assert (email.state, email.skip_reason) == ("skipped", "No email this week: Office party (our holiday)")


def test_left_out_that_week_said_on_the_row_and_brought_back_by_a_person(northwind, marta):
    closed(FRIDAY)
    email = plan_through_the_week(northwind, on_holiday=OnHoliday.SKIP)
    assert (email.state, email.skip_reason) == ("skipped", "No email this week: Office party (our holiday)")
    sending.run_progress(email.send_at)
    assert not OutboxMail.objects.exists()
    back = drafts.unskip_progress(acting(marta), email=email, now=email.send_at - HOUR)
    assert (back.state, back.skip_reason) == (ProgressState.DRAFT, "")


def test_a_holiday_of_the_clients_country_counts_too(marta):
    """Thanksgiving 2026 is the 26th; nobody in Helsinki has it off."""
    denver = make.make_client(owner=marta, time_zone="America/Denver", country="US")
    email = plan_through_the_week(denver, weekday=3, on_holiday=OnHoliday.BEFORE)
    assert email.deadline_at == datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
    assert email.moved_reason == "Moved from Thu 26 Nov: Thanksgiving Day (holiday in United States)"


def test_a_region_counts_where_it_is_named(marta):
    """6 January is a holiday in Bavaria, not in all of Germany."""
    make.make_firm(holiday_country="")
    days = {}
    for region in ("Bayern", "BY", "Hessen", ""):
        client = make.make_client(
            owner=marta, name=f"Client {region}", time_zone="Europe/Berlin", country="DE", region=region
        )
        schedule(client, weekday=2, on_holiday=OnHoliday.SKIP, now=datetime(2027, 1, 4, 8, tzinfo=UTC))
        schedules.plan_progress(datetime(2027, 1, 5, 12, tzinfo=UTC))
        days[region] = ProgressEmail.objects.get(client=client).state
    assert days == {"Bayern": "skipped", "BY": "skipped", "Hessen": "planned", "": "planned"}


@pytest.mark.parametrize("country", ["", "AQ", "XX"])
def test_a_country_that_is_not_known_has_no_holidays(marta, country):
    client = make.make_client(owner=marta, time_zone="UTC", country=country)
    assert plan_through_the_week(client, on_holiday=OnHoliday.BEFORE).moved_reason == ""


def test_a_sunday_that_somebody_chose_is_no_holiday(northwind):
    email = plan_through_the_week(northwind, weekday=6, on_holiday=OnHoliday.SKIP)
    assert email.state == "planned"


def test_a_day_worked_all_the_same_is_no_holiday(northwind):
    Holiday.objects.create(date=date(2026, 12, 25), name="Christmas stocktaking", is_working=True)
    schedule(northwind, on_holiday=OnHoliday.SKIP, now=datetime(2026, 12, 21, 8, tzinfo=UTC))
    schedules.plan_progress(datetime(2026, 12, 24, 8, tzinfo=UTC))
    assert ProgressEmail.objects.get().state == "planned"


def test_one_email_a_week_whatever_is_changed(northwind):
    closed(FRIDAY)
    email = plan_through_the_week(northwind, on_holiday=OnHoliday.BEFORE, is_review_needed=False)
    sending.run_progress(email.send_at)
    schedule(northwind, on_holiday=OnHoliday.SEND, is_review_needed=False, now=email.send_at + HOUR)
    for step in range(20):
        moment = email.send_at + step * 3 * HOUR
        schedules.plan_progress(moment)
        sending.run_progress(moment)
    assert ProgressEmail.objects.filter(week="2026-W48").count() == 1
    assert OutboxMail.objects.filter(kind="progress").count() == 1


def test_one_planned_already_follows_a_new_setting(northwind):
    closed(FRIDAY)
    email = plan_through_the_week(northwind)
    ProgressEmail.objects.update(state="planned")
    schedule(northwind, on_holiday=OnHoliday.SKIP, now=FRIDAY_NOON - 30 * HOUR)
    email.refresh_from_db()
    assert (email.state, email.skip_reason) == ("skipped", "No email this week: Office party (our holiday)")


def test_planning_costs_the_same_for_many_clients(northwind, marta, django_assert_max_num_queries):
    closed(FRIDAY)
    schedule(northwind, on_holiday=OnHoliday.BEFORE)
    for n in range(5):
        client = make.make_client(owner=marta, name=f"Client {n}", time_zone="Europe/Helsinki", country="DE")
        schedule(client, on_holiday=OnHoliday.BEFORE)
    with django_assert_max_num_queries(4):
        schedules.plan_progress(MONDAY)


def test_it_is_set_in_the_browser_and_the_next_ones_are_shown(client, northwind, marta):
    contact = make.make_person(northwind)
    client.force_login(marta)
    url = reverse("interactions:progress_schedule", args=[northwind.pk])
    assert "When that day is a holiday" in client.get(url).text
    values = {
        "is_active": "on",
        "weekday": 4,
        "deadline_time": "12:00",
        "time_zone": "Europe/Helsinki",
        "lead_minutes": 180,
        "when_nothing": "ask",
        "on_holiday": "before",
        "recipients": [contact.pk],
    }
    assert client.post(url, values | {"on_holiday": "never"}).status_code == 422
    assert client.post(url, values).status_code == 302
    northwind.progress_schedule.refresh_from_db()
    assert northwind.progress_schedule.on_holiday == "before"
    tab = client.get(reverse("interactions:client_progress", args=[northwind.pk])).text
    assert "send it on the working day before" in tab
    assert "Upcoming" in tab
