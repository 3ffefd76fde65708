"""The traps of the definitions, each with a test, and the promise that number, list and series say the same."""

import random
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from clients.contacts.models import Contact
from clients.merging.services import merge_clients
from clients.records.models import StatusPeriod
from clients.revenue.models import RevenueLine
from crm.core.base.principals import acting
from crm.core.users.models import Team
from interactions.surveys.models import Survey
from reports.kpis import KPIS, find
from reports.periods import Period, month_end, rolling_years, single_months
from reports.views.words import value_text
from tools.testing.factories.onboarding import make_plan, make_version
from tools.testing.factories.reports import (
    book,
    give_answer,
    make_client,
    make_contract,
    make_firm,
    make_survey,
    make_user,
    scope_of,
)

YEAR = Period(date(2025, 1, 1), date(2026, 1, 1))
LONG_AGO = date(2024, 1, 1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def mira():
    make_firm(nps_minimum_answers=1)
    return make_user("Mira Manager")


def retention(user, period=YEAR, **scope):
    answer = find("retention").answer(scope_of(user, **scope), period)
    return answer.numerator, answer.n


def test_an_empty_s_gives_nothing(mira):
    make_client(mira, ("active", date(2025, 3, 1)))
    answer = find("retention").answer(scope_of(mira), YEAR)
    assert (answer.value, answer.n) == (None, 0)
    assert find("arpa-realised").answer(scope_of(mira), Period(date(2020, 1, 1), date(2021, 1, 1))).value is None


def test_who_joined_and_who_joined_and_left_within_are_not_in_s(mira):
    make_client(mira, ("active", LONG_AGO))
    make_client(mira, ("active", date(2025, 6, 1)))
    make_client(mira, ("active", date(2025, 6, 1)), ("former", date(2025, 9, 1), "price"))
    assert retention(mira) == (1, 1)


def merged(user, kept, away):
    merge_clients(acting(user), kept=kept, away=away, now=datetime(2026, 11, 22, 9, tzinfo=UTC))


def test_a_client_entered_anew_was_no_churn_once_both_are_merged(mira):
    """The kept client holds back in time: it counts since the start of the one that was merged away."""
    old = make_client(mira, ("active", LONG_AGO), ("former", date(2025, 6, 1), "other"))
    new = make_client(mira, ("active", date(2025, 6, 1)))
    assert retention(mira) == (0, 1)
    merged(mira, new, old)
    assert retention(mira) == (1, 1)
    assert list(find("retention").members(scope_of(mira), YEAR)) == [new]


@pytest.mark.parametrize("is_other_way", [False, True])
def test_two_records_of_one_client_count_once_on_every_day(mira, is_other_way):
    one, two = make_client(mira, ("active", LONG_AGO)), make_client(mira, ("active", date(2024, 9, 1)))
    make_client(mira, ("active", LONG_AGO), ("former", date(2025, 4, 1), "price"))
    for client in (one, two):
        book(client, date(2025, 5, 1), Decimal(600))
        make_contract(client, LONG_AGO, Decimal(100))
    revenue = {kpi: find(kpi).answer(scope_of(mira), YEAR).numerator for kpi in ("arpa-realised", "arpa-recurring")}
    assert retention(mira) == (2, 3)
    merged(mira, *((two, one) if is_other_way else (one, two)))
    assert retention(mira) == (1, 2)
    assert {kpi: find(kpi).answer(scope_of(mira), YEAR).numerator for kpi in revenue} == revenue
    rows = RevenueLine.objects.filter(client=two if is_other_way else one)
    assert rows.count() == 2


def test_left_and_came_back_is_retained_and_shown(mira):
    client = make_client(
        mira, ("active", LONG_AGO), ("former", date(2025, 4, 1), "price"), ("active", date(2025, 8, 1))
    )
    assert retention(mira) == (1, 1)
    assert list(find("retention").members(scope_of(mira), YEAR, "reactivated")) == [client]


def test_paused_is_a_bucket_of_its_own(mira):
    make_client(mira, ("active", LONG_AGO), ("paused", date(2025, 11, 1)))
    make_client(mira, ("paused", LONG_AGO), ("active", date(2025, 11, 1)))
    assert retention(mira) == (0, 1)
    assert find("retention").members(scope_of(mira), YEAR)[0].outcome == "paused"


def test_at_notice_is_active_and_the_day_of_leaving_is_not(mira):
    make_client(mira, ("active", LONG_AGO), ("at_notice", date(2025, 12, 1)))
    make_client(mira, ("active", LONG_AGO), ("former", date(2026, 1, 1)))
    make_client(mira, ("active", LONG_AGO), ("former", date(2026, 1, 2)))
    assert retention(mira) == (2, 3)


def test_archived_customers_restricted_and_others_do_not_count(mira):
    otto = make_user("Otto Owner")
    make_client(otto, ("active", LONG_AGO))
    make_client(otto, ("active", LONG_AGO), archived_at=datetime(2025, 1, 1, tzinfo=UTC))
    make_client(otto, ("active", LONG_AGO), relationship="customer")
    make_client(otto, ("active", LONG_AGO), is_restricted=True)
    assert retention(mira) == (1, 1)
    assert retention(otto) == (2, 2)
    assert [a.n for a in find("retention").series(scope_of(mira), [YEAR])] == [1]


def test_the_system_counts_the_whole_firm(mira):
    otto, survey = make_user("Otto Owner"), make_survey()
    for is_restricted in (False, True):
        client = make_client(otto, ("active", LONG_AGO), is_restricted=is_restricted)
        give_answer(survey, client, 9, date(2025, 3, 1))
    assert [find(kpi).answer(scope_of(), YEAR).n for kpi in ("retention", "nps")] == [2, 2]
    assert [find(kpi).answer(scope_of(mira), YEAR).n for kpi in ("retention", "nps")] == [1, 1]


def test_owner_team_and_tier_narrow(mira):
    north, otto = Team.objects.create(name="North"), make_user("Otto")
    make_client(otto, ("active", LONG_AGO), team=north, tier="A")
    make_client(mira, ("active", LONG_AGO), tier="B")
    assert retention(mira, owner=otto) == retention(mira, team=north) == retention(mira, tier="A") == (1, 1)


def test_revenue_basis_a_refund_alone_is_no_revenue(mira):
    client = make_client(mira, ("prospect", LONG_AGO))
    book(client, date(2024, 5, 1), 100)
    book(client, date(2025, 2, 1), -20, kind="refund")
    assert retention(mira, basis="revenue") == (0, 1)
    book(client, date(2025, 12, 31), 1)
    assert retention(mira, basis="revenue") == (1, 1)


def test_leap_days_and_equal_lengths():
    assert Period(date(2024, 1, 1), date(2025, 1, 1)).preceding() == Period(date(2023, 1, 1), date(2024, 1, 1))
    assert Period.year_to(date(2024, 2, 29)) == Period(date(2023, 2, 28), date(2024, 2, 29))
    assert Period(date(2024, 2, 1), date(2024, 3, 1)).preceding() == Period(date(2024, 1, 1), date(2024, 2, 1))
    assert Period(date(2024, 3, 5), date(2024, 3, 15)).preceding() == Period(date(2024, 2, 24), date(2024, 3, 5))


def test_months():
    assert len(YEAR.month_ends()) == 12
    assert Period(date(2026, 11, 3), date(2026, 11, 22)).month_ends() == [date(2026, 11, 22)]
    assert month_end(date(2026, 11, 1), date(2026, 11, 22)) == date(2026, 11, 23)
    assert [p.end for p in rolling_years(date(2026, 11, 23), 3)] == [
        date(2026, 10, 1),
        date(2026, 11, 1),
        date(2026, 11, 23),
    ]
    assert [p.end for p in rolling_years(date(2026, 11, 1), 2)] == [date(2026, 10, 1), date(2026, 11, 1)]
    assert single_months(date(2026, 11, 23), 2)[1] == Period(date(2026, 11, 1), date(2026, 11, 23))


def test_a_months_end_is_the_firms_not_utc(mira):
    make_firm(time_zone="Pacific/Auckland", nps_minimum_answers=1)
    client, survey = make_client(mira, ("active", LONG_AGO)), make_survey()
    give_answer(survey, client, 10, datetime(2025, 12, 31, 10, 59, tzinfo=UTC))  # 23:59 in Auckland
    scope = scope_of(mira)
    assert find("nps").answer(scope, YEAR).n == 1
    give_answer(
        survey, make_client(mira, ("active", LONG_AGO)), 10, datetime(2025, 12, 31, 11, 0, tzinfo=UTC)
    )  # midnight, the new year
    assert find("nps").answer(scope, YEAR).n == 1
    assert [answer.n for answer in find("nps").series(scope, [YEAR])] == [1]


def test_the_latest_answer_of_each_person_counts(mira):
    client, survey = make_client(mira, ("active", LONG_AGO)), make_survey()
    ana, ben = Contact.objects.create(first_name="Ana"), Contact.objects.create(first_name="Ben")
    give_answer(survey, client, 2, date(2025, 3, 1), ana)
    give_answer(survey, client, 10, date(2025, 9, 1), ana)
    give_answer(survey, client, 9, date(2025, 9, 1), ben)
    give_answer(survey, client, 1, date(2025, 9, 1), ben, archived_at=datetime(2025, 9, 2, tzinfo=UTC))
    give_answer(
        Survey.objects.create(name="CSAT", kind="csat", question="?", scale_min=1, scale_max=5),
        client,
        1,
        date(2025, 9, 1),
    )
    answer = find("nps").answer(scope_of(mira), YEAR)
    assert (answer.value, answer.n) == (100.0, 2)


def test_a_change_is_called_one_only_beyond_both_margins(mira):
    nps, scope, survey = find("nps"), scope_of(mira), make_survey()
    for year, good, bad in ((2024, 30, 20), (2025, 35, 15)):
        for number in range(good + bad):
            give_answer(survey, make_client(mira, ("active", LONG_AGO)), 10 if number < good else 2, date(year, 6, 1))
    now, before = nps.answer(scope, YEAR), nps.answer(scope, YEAR.year_before())
    assert (before.value, now.value) == (20.0, 40.0)
    assert not nps.certain_change(now, before)
    for _more in range(60):
        give_answer(survey, make_client(mira, ("active", LONG_AGO)), 10, date(2025, 6, 1))
    assert nps.certain_change(nps.answer(scope, YEAR), before)


def test_free_clients_and_refunds_in_revenue_per_account(mira):
    paying = make_client(mira, ("active", LONG_AGO))
    book(paying, date(2025, 2, 1), 1300)
    book(paying, date(2025, 3, 1), -100, kind="refund")
    trial = make_client(mira, ("active", LONG_AGO))
    free = make_contract(trial, LONG_AGO, 500, is_free=True)
    answer = find("arpa-realised").answer(scope_of(mira), YEAR)
    assert (answer.value, answer.denominator) == (1200.0, 1.0)
    free.end_date = date(2025, 7, 1)  # the trial became a contract in the middle of the year
    free.save()
    make_contract(trial, date(2025, 7, 1), 500)
    answer = find("arpa-realised").answer(scope_of(mira), YEAR)
    assert answer.denominator == 19 / 12


def test_recurring_revenue_brings_every_period_to_a_month(mira):
    client = make_client(mira, ("active", LONG_AGO))
    for value, paid, more in (
        (1200, "year", {}),
        (300, "quarter", {}),
        (50, "month", {}),
        (9000, "once", {}),
        (70, "month", {"is_free": True}),
    ):
        make_contract(client, LONG_AGO, value, period=paid, **more)
    make_client(mira, ("active", LONG_AGO))
    answer = find("arpa-recurring").answer(scope_of(mira), YEAR)
    assert (answer.value, answer.n) == (250.0, 1)


def random_firm(mira, seed):
    """Clients with random lives, revenue, contracts and answers."""
    dice, survey = random.Random(seed), make_survey()
    people = [mira, make_user("Otto"), make_user("Pia")]
    for _client in range(25):
        day, periods = date(2022, 1, 1) + timedelta(dice.randrange(1200)), []
        for _period in range(dice.randrange(1, 6)):
            choices = [
                s
                for s in ("prospect", "onboarding", "active", "active", "at_notice", "paused", "former")
                if not periods or s != periods[-1][0]
            ]
            periods.append((dice.choice(choices), day))
            day += timedelta(dice.randrange(1, 420))
        kinds = {"relationship": "customer"} if dice.random() < 0.1 else {}
        client = make_client(
            dice.choice(people), *periods, is_restricted=dice.random() < 0.15, tier=dice.choice("ABC"), **kinds
        )
        for _line in range(dice.randrange(5)):
            foreign = {"currency": "JPY", "rate": None} if dice.random() < 0.2 else {}
            book(client, date(2022, 1, 1) + timedelta(dice.randrange(1700)), dice.randrange(-50, 400), **foreign)
        if dice.random() < 0.4:
            make_contract(client, date(2023, 1, 1) + timedelta(dice.randrange(900)), 100, is_free=dice.random() < 0.6)
        for _answer in range(dice.randrange(4)):
            give_answer(survey, client, dice.randrange(11), date(2022, 1, 1) + timedelta(dice.randrange(1700)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("basis", ["status", "revenue"])
def test_number_list_and_series_agree_on_random_histories(mira, seed, basis):
    random_firm(mira, seed)
    periods = [*rolling_years(date(2026, 3, 17), 6), Period(date(2024, 2, 29), date(2024, 9, 3))]
    for kpi in KPIS.values():
        for scope in (scope_of(mira, basis=basis), scope_of(mira, basis=basis, tier="A")):
            answers = [kpi.answer(scope, period) for period in periods]
            assert kpi.series(scope, periods) == answers, kpi.id
            for period, answer in zip(periods, answers, strict=True):
                check_members(kpi, scope, period, answer)


def check_members(kpi, scope, period, answer):
    rows = list(kpi.members(scope, period))
    if kpi.id == "arpa-realised":
        assert float(sum(row.revenue or 0 for row in rows)) == answer.numerator
        ends = 1 if scope.basis == "revenue" else len(period.month_ends())
        assert sum(row.month_ends for row in rows) / ends == answer.denominator
        return
    assert len(rows) == answer.n, kpi.id
    if kpi.id == "retention":
        active = {
            status.client_id
            for status in StatusPeriod.objects.covering(period.end).filter(status__in=["active", "at_notice"])
        }
        assert answer.numerator == kpi.members(scope, period, "retained").count()
        assert answer.n - answer.numerator == sum(n for _status, _reason, n in kpi.reasons(scope, period))
        assert scope.basis == "revenue" or answer.numerator == sum(row.pk in active for row in rows)


@pytest.mark.parametrize("kpi_id", ["retention", "logo-churn", "nps", "arpa-realised"])
def test_a_series_is_one_or_two_statements(mira, kpi_id, django_assert_max_num_queries):
    make_client(mira, ("active", LONG_AGO))
    scope = scope_of(mira)
    with django_assert_max_num_queries(2):
        find(kpi_id).series(scope, rolling_years(date(2026, 11, 23), 13))


def test_an_amount_without_a_rate_is_in_no_sum_and_the_answer_says_so(mira):
    client = make_client(mira, ("active", LONG_AGO))
    book(client, date(2025, 5, 5), 100)
    book(client, date(2025, 5, 6), 1_000_000, currency="JPY", rate=None)
    book(client, date(2024, 5, 6), 1_000_000, currency="JPY", rate=None)
    make_contract(client, date(2025, 1, 1), 50)
    make_contract(client, date(2025, 1, 1), 70_000, currency="JPY", rate=None)
    make_contract(client, date(2025, 1, 1), 70_000, currency="JPY", rate=None, is_free=True)
    realised, recurring = (find(name).answer(scope_of(mira), YEAR) for name in ("arpa-realised", "arpa-recurring"))
    assert (realised.numerator, realised.currency, realised.without_rate) == (100, "EUR", 1)
    assert (recurring.numerator, recurring.currency, recurring.without_rate) == (50, "EUR", 1)
    assert find("retention").answer(scope_of(mira), YEAR).currency is None


def test_revenue_without_a_rate_is_a_sign_of_life_all_the_same(mira):
    client = make_client(mira, ("active", LONG_AGO))
    for year in (2024, 2025):
        book(client, date(year, 5, 6), 1_000_000, currency="JPY", rate=None)
    assert retention(mira, basis="revenue") == (1, 1)


def test_a_period_of_many_years_counts_every_month_end(mira):
    """A mask holds some sixty dates; a longer period is made of several."""
    make_client(mira, ("active", date(2010, 1, 1)))
    book(make_client(mira, ("active", date(2020, 1, 1))), date(2019, 5, 5), 1200)
    decade = Period(date(2015, 1, 1), date(2025, 1, 1))
    arpa = find("arpa-realised")
    answer = arpa.answer(scope_of(mira), decade)
    assert answer.denominator == (120 + 61) / 120  # midnights of 1 January 2020 to 1 January 2025
    assert arpa.series(scope_of(mira), [decade])[0].denominator == answer.denominator


def test_periods_out_of_proportion_are_refused_beside_the_field(client, mira):
    client.force_login(mira)
    assert client.get("/reports/", {"start": "2005-01-01", "end": "2026-11-01"}).status_code == 200
    assert client.get("/reports/", {"start": "1975-01-01", "end": "2026-11-01"}).status_code == 422
    assert client.get("/api/v1/reports/arpa-realised", {"start": "1975-01-01", "end": "2026-11-01"}).status_code == 400


def test_without_a_viewer_a_number_is_of_the_whole_firm(mira):
    hidden = make_client(make_user("Otto Other"), ("active", LONG_AGO), is_restricted=True)
    active = find("active-clients")
    assert hidden not in active.members(scope_of(mira), YEAR)
    assert hidden in active.members(scope_of(), YEAR)


def test_by_revenue_every_number_of_the_dashboard_rests_on_revenue(mira):
    """A firm that works by project, its clients imported as active only lately."""
    for number in range(4):
        client = make_client(mira, ("active", date(2026, 11, 1)))
        book(client, date(2024, 6, 1), 50)
        if number:
            book(client, date(2025, 6, 1), 100)
    scope = scope_of(mira, basis="revenue")
    active, arpa = (find(kpi_id).answer(scope, YEAR) for kpi_id in ("active-clients", "arpa-realised"))
    assert (active.value, active.basis) == (3, "revenue")
    assert (arpa.value, arpa.numerator, arpa.denominator, arpa.basis) == (100, 300, 3, "revenue")
    assert "month ends" not in arpa.formula
    assert find("active-clients").answer(scope_of(mira), YEAR).value == 0


@pytest.mark.parametrize("kpi_id", KPIS)
def test_the_operands_shown_give_the_number_shown(mira, kpi_id):
    """As a reader would check them with a calculator."""
    survey, admin = make_survey(), make_user("Ada", "admin")
    for number in range(7):
        left = [("former", date(2025, 3 + number, 1), "price")] if number < 2 else []
        client = make_client(mira, ("active", LONG_AGO), *left)
        book(client, date(2025, 6, 1), Decimal("1234.56") + number)
        make_contract(client, LONG_AGO, 700 + number, period="month")
        give_answer(survey, client, (10, 9, 8, 3)[number % 4], date(2025, 6, 1))
    plan = make_plan(client=client, version=make_version(admin=admin))
    plan.tasks.update(due_date=date(2025, 6, 3))
    done = plan.tasks.first()
    type(done).objects.filter(pk=done.pk).update(state="done", done_at=datetime(2025, 6, 2, tzinfo=UTC), done_by=mira)
    kpi, scope = find(kpi_id), scope_of(mira)
    answer = kpi.answer(scope, YEAR)
    working = kpi.working(answer, scope.firm)
    if not kpi.counted[1]:
        assert working == ""
        return
    sum_ = working.replace("÷", "/").replace("·", "*").replace("−", "-").replace(",", "").replace("€", "")
    shown = re.sub(r"[^0-9.-]", "", value_text(kpi, answer, scope.firm).replace("−", "-"))
    value = eval(sum_) * (100 if kpi.unit == "percent" else 1)
    assert float(shown) == pytest.approx(value, abs=0.5 * 10 ** -len(shown.partition(".")[2]) + 1e-9)


def test_the_open_tasks_of_a_paused_plan_are_not_late(mira):
    admin = make_user("Ada", "admin")
    plan = make_plan(client=make_client(mira, ("active", LONG_AGO)), version=make_version(admin=admin))
    first, second, *others = plan.tasks.all()
    plan.tasks.filter(pk__in=[task.pk for task in others]).update(due_date=date(2030, 1, 1))
    plan.tasks.filter(pk=first.pk).update(due_date=date(2025, 5, 1))
    plan.tasks.filter(pk=second.pk).update(due_date=date(2025, 7, 1))
    kpi, scope = find("on-time-share"), scope_of(mira)
    assert kpi.answer(scope, YEAR).n == 2
    type(plan).objects.filter(pk=plan.pk).update(state="paused", paused_date=date(2025, 6, 1))
    assert list(kpi.members(scope, YEAR, "late")) == [first]
    assert kpi.answer(scope, YEAR).n == 1


def test_answers_without_a_named_person_count_one_by_one(mira):
    survey, one = make_survey(), make_client(mira, ("active", LONG_AGO))
    for score in (9, 9, 9, 3):
        give_answer(survey, one, score, date(2025, 5, 5))
    answer = find("nps").answer(scope_of(mira), YEAR)
    assert (answer.value, answer.n) == (50, 4)
    assert find("nps").series(scope_of(mira), [YEAR])[0].n == 4
