"""The rule that asks by itself: once a client and period, in their own zone, on a working day, whatever happens meanwhile."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from clients.records.models import Client
from clients.segments.models import Segment
from clients.segments.services import create_segment, delete_segment, update_segment
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.base.registry import Registry
from crm.core.fields.custom.services import create_field
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.models import Holiday
from crm.core.firm.queries import get_firm
from crm.core.mail.models import BlastQuestion, OutboxMail
from crm.core.mail.services import volume
from crm.core.notifications.models import Notification
from crm.core.work import schedule
from crm.core.work.models import Heartbeat
from interactions.surveys.models import SurveyInvitation, SurveyRule
from interactions.surveys.services import mailing, rules
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import make_client, make_firm, make_user
from tools.testing.factories.interactions import make_person as person
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)  # a Wednesday, 11:00 in Helsinki
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def survey(firm):
    return ensure_nps_survey()


@pytest.fixture
def elina(northwind):
    return person(northwind, "Elina", "Saari", is_primary=True)


def rule(survey, actor, *, now=NOW, **fields):
    values = {"is_active": True, "every_months": 1, "statuses": ["active"]} | fields
    return rules.set_rule(acting(actor), survey=survey, now=now, **values)


def day_of(client, found):
    """The day of the client in the month of NOW and the rule's period."""
    start, end, _name = rules.period_of(date(2026, 12, 15), found.every_months)
    return start + timedelta(days=client.pk % (end - start).days)


def at_utc(day, hour, minute=0):
    return datetime.combine(day, time(hour, minute), UTC)


def test_the_rule_plans_every_client_once_in_a_period(manager, marta, survey):
    clients = [make_client(owner=marta, name=f"Client {n}") for n in range(40)]
    for client in clients:
        person(client, "Pat", str(client.pk), address=f"pat{client.pk}@x.example")
    rule(survey, manager, now=at_utc(date(2026, 11, 30), 9))
    moment, made = at_utc(date(2026, 11, 30), 9), 0
    while moment < at_utc(date(2026, 12, 31), 0):
        made += rules.plan_surveys(moment)
        assert rules.plan_surveys(moment) == 0
        moment += 12 * HOUR
    of_december = SurveyInvitation.objects.filter(period="2026-12+1")
    assert of_december.count() == of_december.values("client").distinct().count() == 40
    assert all(row.key == f"survey:{survey.pk}:{row.contact_id}:2026-12+1" for row in of_december)
    weekdays = {row.send_at.weekday() for row in of_december}
    assert weekdays <= {0, 1, 2, 3, 4}
    assert len({row.send_at.date() for row in of_december}) > 10, "spread over the period"


def test_everything_due_in_36_hours_is_a_row(manager, northwind, elina, survey):
    northwind.time_zone = "Europe/Helsinki"
    northwind.save()
    found = rule(survey, manager, now=at_utc(date(2026, 11, 30), 9))
    workday = WorkingCalendar.of(get_firm()).on_or_after(day_of(northwind, found))
    send_at = at_utc(workday, 8)  # ten in Helsinki
    rules.plan_surveys(send_at - 36 * HOUR)
    row = SurveyInvitation.objects.get()
    assert (row.send_at, row.state, row.source) == (send_at, "planned", "rule")
    mailing.send_due(send_at)
    assert OutboxMail.objects.get().is_automatic


@pytest.mark.parametrize(
    ("zone", "day", "hour", "expected"),
    [
        ("Europe/Helsinki", date(2026, 3, 27), time(10, 0), "2026-03-27 08:00"),
        ("Europe/Helsinki", date(2026, 3, 30), time(10, 0), "2026-03-30 07:00"),  # clocks went forward on Sunday
        ("America/New_York", date(2026, 11, 2), time(10, 0), "2026-11-02 15:00"),  # and back
        ("Africa/Cairo", date(2026, 4, 24), time(0, 30), "2026-04-23 22:30"),  # an hour that does not exist
        ("Asia/Kolkata", date(2026, 3, 27), time(10, 0), "2026-03-27 04:30"),
    ],
)
def test_the_hour_is_the_clients(firm, zone, day, hour, expected):
    found = SurveyRule(send_time=hour)
    assert rules._at(day, found, zone).strftime("%Y-%m-%d %H:%M") == expected


def test_a_holiday_moves_it_to_the_next_working_day(manager, northwind, elina, survey):
    found = rule(survey, manager, now=at_utc(date(2026, 11, 30), 9))
    workday = WorkingCalendar.of(get_firm()).on_or_after(day_of(northwind, found))
    Holiday.objects.create(date=workday, name="Move")
    after = WorkingCalendar.of(get_firm()).on_or_after(workday)
    rules.plan_surveys(at_utc(day_of(northwind, found), 8))
    assert SurveyInvitation.objects.get().send_at == at_utc(after, 8)


def test_after_an_outage_it_leaves_at_the_next_decent_hour(manager, northwind, elina, survey):
    found = rule(survey, manager, now=at_utc(date(2026, 11, 30), 9))
    late = at_utc(day_of(northwind, found), 20) + 4 * DAY
    rules.plan_surveys(late)
    row = SurveyInvitation.objects.get()
    assert late <= row.send_at <= late + 5 * DAY
    assert (row.send_at.hour, row.period) == (8, "2026-12+1")


def test_the_rule_asks_those_it_is_about(manager, marta, otto, survey):
    def one(name, **fields):
        client = make_client(name=name, **{"owner": marta} | fields)
        person(client, name, "Person", address=f"{name.lower()}@x.example")

    one("Yes", tier="A")
    one("Tier", tier="B")
    one("Owner", tier="A", owner=otto)
    one("Status", tier="A", status="former")
    one("Restricted", tier="A", is_restricted=True)
    one("Archived", tier="A", archived_at=NOW)
    found = rule(survey, manager, tiers=["A"], owner=marta)
    assert [client.name for client in rules.matching_clients(found, NOW)] == ["Yes"]


def test_switched_off_it_takes_back_what_it_planned(manager, northwind, elina, survey):
    found = rule(survey, manager, now=at_utc(date(2026, 11, 30), 9))
    rules.plan_surveys(at_utc(day_of(northwind, found), 6))
    assert SurveyInvitation.objects.get().state == "planned"
    rule(survey, manager, is_active=False)
    assert SurveyInvitation.objects.get().skip_reason == "The rule was turned off."
    assert rules.plan_surveys(at_utc(date(2026, 12, 30), 9)) == 0


def test_a_rule_that_makes_no_sense_is_refused(manager, survey):
    for fields, field in (({"every_months": 0}, "every_months"), ({"statuses": []}, "statuses")):
        with pytest.raises(ServiceError) as refused:
            rule(survey, manager, **fields)
        assert refused.value.field == field


def test_an_idle_tick_is_cheap(manager, survey, northwind, elina, django_assert_num_queries):
    rule(survey, manager)
    rules.plan_surveys(NOW)
    with django_assert_num_queries(3):
        rules.plan_surveys(NOW)
        mailing.send_due(NOW)
        mailing.expire_invitations(NOW)


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_make_one_row():
    make_firm()
    manager, marta = make_user(name="Minna", roles=("manager",)), make_user()
    client, survey = make_client(owner=marta), ensure_nps_survey()
    person(client, "Elina", "Saari")
    found = rule(survey, manager, now=at_utc(date(2026, 11, 30), 9))
    moment = at_utc(day_of(client, found), 6)
    assert sum(at_once(lambda n: rules.plan_surveys(moment), 2)) == 1
    assert SurveyInvitation.objects.count() == 1


def test_the_tick_knows_the_parts(firm):
    did = schedule.run(NOW)
    assert {"surveys-plan", "surveys-send", "surveys-expire"} <= did.keys()


def test_a_week_that_an_admin_left_out_keeps_no_later_one_back(manager, marta, survey, monkeypatch):
    clients = [make_client(owner=marta, name=f"Client {n}") for n in range(31)]
    for client in clients:
        person(client, "Pat", str(client.pk), address=f"pat{client.pk}@x.example")
    start = at_utc(date(2026, 12, 6), 9)  # a Sunday
    rule(survey, manager, now=start)
    monkeypatch.setattr(volume, "FEW", 0)
    rules.plan_surveys(start)
    volume.answer(SYSTEM, question=BlastQuestion.objects.get(), let_through=False, now=start)
    rules.plan_surveys(start + 5 * DAY)
    assert SurveyRule.objects.get().planned_until == date(2026, 12, 13)
    assert set(BlastQuestion.objects.values_list("week", flat=True)) == {"2026-W50"}
    rules.plan_surveys(start + 6 * DAY)
    assert set(BlastQuestion.objects.values_list("week", flat=True)) == {"2026-W50", "2026-W51"}
    assert not SurveyInvitation.objects.exists()


def only(monkeypatch, job):
    monkeypatch.setattr(schedule, "periodic", Registry("periodic job"))
    schedule.periodic.register(job)


def test_invitations_that_wait_while_the_sender_does_nothing_are_shown(
    manager, marta, survey, northwind, elina, monkeypatch
):
    mailing.invite_clients(acting(manager), survey=survey, clients=Client.objects.all(), now=NOW)
    job = schedule.periodic["surveys-send"]
    only(monkeypatch, replace(job, run=lambda now: 0))
    schedule.run(NOW + 5 * HOUR)
    assert "has waited" in Heartbeat.objects.get(name="tick:surveys-send").note
    only(monkeypatch, job)
    schedule.run(NOW + 5 * HOUR)
    assert Heartbeat.objects.get(name="tick:surveys-send").note == ""


def shared_segment(owner, rule=None, **fields):
    rule = rule or {"match": "all", "rules": [{"field": "tier", "op": "is", "values": ["A"]}]}
    return create_segment(acting(owner), name="Key clients", rule=rule, **{"is_shared": True} | fields)


def test_a_rule_asks_the_clients_of_its_segment_as_it_is_on_the_day(manager, marta, survey):
    one, other = (make_client(owner=marta, name=name, tier=tier) for name, tier in (("One", "A"), ("Other", "B")))
    segment = shared_segment(manager)
    found = rule(survey, manager, segment=segment)
    assert [*rules.matching_clients(found, NOW)] == [one]
    Client.objects.filter(pk=other.pk).update(tier="A")
    assert {*rules.matching_clients(found, NOW)} == {one, other}
    assert {*rules.matching_clients(rule(survey, manager, segment=segment, owner=manager), NOW)} == set()


@pytest.mark.parametrize("what", ["deleted", "unshared", "broken"])
def test_while_its_segment_is_gone_a_rule_asks_nobody_and_tells_once(client, manager, marta, survey, what):
    northwind = make_client(owner=marta, name="One", tier="A")
    person(northwind, "Elina", "Saari", is_primary=True)
    segment = shared_segment(manager)
    found = rule(survey, manager, segment=segment, now=at_utc(date(2026, 11, 30), 9))
    if what == "deleted":
        delete_segment(acting(manager), segment=segment, now=NOW, is_in_use_too=True)
    elif what == "unshared":
        Segment.objects.filter(pk=segment.pk).update(is_shared=False)
    else:
        rotten = {"match": "all", "rules": [{"field": "gone", "label": "Size", "op": "is", "values": ["A"]}]}
        Segment.objects.filter(pk=segment.pk).update(rule=rotten)
    found.refresh_from_db()
    moment = at_utc(day_of(northwind, found), 8)
    assert rules.plan_surveys(moment) == 0 and rules.plan_surveys(moment) == 0
    told = Notification.objects.filter(kind="survey_rule")
    assert [row.user for row in told] == [manager] and "Key clients" in told.get().text
    assert not SurveyInvitation.objects.exists() and not rules.matching_clients(found, NOW).exists()
    client.force_login(manager)
    page = client.get("/surveys/settings/")
    assert "Key clients" in page.text and f'value="{segment.pk}" selected' in page.text
    segment.refresh_from_db()
    with pytest.raises(ServiceError, match="Key clients"):
        rule(survey, manager, segment=segment)
    rule(survey, manager, segment=segment, is_active=False)


def test_a_segment_that_asks_a_roll_up_surveys_nobody(manager, marta, survey):
    """What its owner may see, or the system, would be told by who is surveyed."""
    person(make_client(owner=marta, name="One", tier="A"), "Elina", "Saari", is_primary=True)
    rolled_up = {"source": "interactions", "how": "count", "value": "", "where": [], "days": 0}
    create_field(
        acting(make_user(name="Ines Vaara", roles=("admin",))),
        record="client",
        label="Talks",
        kind="rollup",
        rollup=rolled_up,
    )
    segment = shared_segment(manager)
    found = rule(survey, manager, segment=segment)
    asks = {"match": "none", "rules": [{"field": "cf_talks", "op": "at_least", "values": ["1"]}]}
    update_segment(acting(manager), segment=segment, name="Key clients", rule=asks, is_shared=True)
    found.refresh_from_db()
    assert not rules.matching_clients(found, NOW).exists()
    assert rules.plan_surveys(at_utc(date(2026, 12, 31), 9)) == 0
    assert "asks “Talks”" in Notification.objects.get(kind="survey_rule", user=manager).text
    with pytest.raises(ServiceError, match="asks “Talks”"):
        rule(survey, manager, segment=found.segment)


def test_a_segment_that_broke_again_is_told_again(manager, marta, survey):
    segment = shared_segment(manager)
    rule(survey, manager, segment=segment, now=at_utc(date(2026, 11, 30), 9))
    sound, rotten = segment.rule, {"match": "all", "rules": [{"field": "gone", "op": "is", "values": ["A"]}]}
    for day, kept in ((1, rotten), (2, rotten), (3, sound), (4, rotten), (5, rotten)):
        Segment.objects.filter(pk=segment.pk).update(rule=kept)
        rules.plan_surveys(at_utc(date(2026, 12, day), 9))
    assert Notification.objects.filter(kind="survey_rule").count() == 2


def test_a_rule_goes_on_where_it_stood_once_another_segment_is_chosen(manager, marta, survey):
    northwind = make_client(owner=marta, name="One", tier="A")
    person(northwind, "Elina", "Saari", is_primary=True)
    segment = shared_segment(manager)
    found = rule(survey, manager, segment=segment, now=at_utc(date(2026, 11, 30), 9))
    delete_segment(acting(manager), segment=segment, now=NOW, is_in_use_too=True)
    day = day_of(northwind, found)
    rules.plan_surveys(at_utc(day, 8))
    rule(survey, manager, segment=None, now=at_utc(day, 9))
    assert rules.plan_surveys(at_utc(day, 9) + 2 * DAY) == 1, "a day that passed is caught up"
