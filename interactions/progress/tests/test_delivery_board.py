"""The delivery board: each client once, in its worst state; the states add up to the clients that should have one."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.records.models import StatusPeriod
from crm.core.base.dates import iso_week, week_day
from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from crm.core.mail.choices import KEPT_HERE
from crm.core.mail.models import OutboxMail
from interactions.progress import board
from interactions.progress.models import ProgressEmail, ProgressSchedule
from tools.testing.factories import interactions
from tools.testing.factories.clients import make_contact

pytestmark = pytest.mark.django_db
LEGAL = {
    "pending": (),
    "retrying": (),
    "sent": ("leased", "sending", "sent"),
    "late": ("leased", "sending", "sent"),
    "stored": ("leased", "sending", "sent"),
    "uncertain": ("leased", "sending", "uncertain"),
    "dead": ("leased", "dead"),
    "expired": ("expired",),
    "cancelled": ("cancelled",),
    "held": ("held",),
}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def week(now, firm):
    """Last week."""
    return iso_week(firm_today(now) - timedelta(days=7))


def email(client, week, state="sent", **fields):
    at = timezone.now() - timedelta(days=6)
    times = {
        "draft_at": at,
        "send_at": at,
        "deadline_at": at + timedelta(hours=3),
        "expires_at": at + timedelta(hours=9),
    }
    covers = {"covers_from": at - timedelta(days=7), "covers_to": at, "sent_at": at if state == "sent" else None}
    return ProgressEmail.objects.create(
        client=client, week=week, state=state, time_zone="UTC", **times, **covers | fields
    )


def mail(client, week, became, contact=1, suffix=""):
    """A mail of the week, moved along legal moves to what became of it."""
    now = timezone.now()
    key = f"progress:{client.pk}:{contact}:{week}{suffix}"
    row = OutboxMail.objects.create(
        key=key,
        kind="progress",
        cause_kind="interactions.progressemail",
        cause_id=ProgressEmail.objects.get(client=client, week=week).pk,
        client_id=client.pk,
        contact_id=contact,
        to_address="elina@northwind.example",
        subject="Week",
        text="T",
        message_id=f"<{key}@example.com>",
        planned_for=now - timedelta(days=6),
        next_attempt_at=now,
        deadline_at=now - timedelta(days=5),
        attempts=int(became == "retrying"),
        reply={"retrying": "451 later", "stored": KEPT_HERE}.get(became, ""),
    )
    sent_at = now - timedelta(days=4 if became == "late" else 6)
    for state in LEGAL[became]:
        OutboxMail.objects.filter(pk=row.pk).update(
            state=state, lease_token="6f2a3c1e-0000-4000-8000-000000000000", lease_until=now, sent_at=sent_at
        )
    return row


def make(owner, name):
    return interactions.make_client(owner=owner, name=name)


def counts(user, week, now):
    row = next(row for row in board.board(acting(user), firm_today(now), now) if row.week == week)
    return {state: number for state, number in row.counts.items() if number}, row.should, row.missing


CASES = [  # (state of the email, what became of its mails, where the client is counted)
    ("planned", (), "planned"),
    ("draft", (), "planned"),
    ("held", (), "decision"),
    ("expired", (), "dead"),
    ("skipped", (), "skipped"),
    ("sent", ("sent", "sent"), "sent"),
    ("sent", ("pending",), "planned"),
    ("sent", ("sent", "retrying"), "retrying"),
    ("sent", ("sent", "late"), "late"),
    ("sent", ("late", "dead"), "dead"),
    ("sent", ("expired",), "dead"),
    ("sent", ("dead", "uncertain"), "decision"),
    ("sent", ("held",), "decision"),
    ("sent", ("sent", "cancelled"), "sent"),
    ("sent", ("cancelled",), "skipped"),
    ("sent", ("sent", "stored"), "stored"),
    ("sent", ("stored", "pending"), "planned"),
    ("sent", (), "sent"),
]


def test_each_client_is_counted_once_in_its_worst_state(marta, week, now):
    expected = {}
    for number, (state, mails, counted) in enumerate(CASES):
        client = make(marta, f"Client {number:02}")
        email(client, week, state)
        for contact, became in enumerate(mails):
            mail(client, week, became, contact)
        expected[client.name] = counted
    rows = board.clients_of(acting(marta), week, now)
    assert {row.name: row.board_state for row in rows} == expected
    found, should, missing = counts(marta, week, now)
    assert (sum(found.values()), should, missing) == (len(CASES), len(CASES), 0)


def test_every_number_opens_exactly_its_clients(client, marta, week, now):
    for number, (state, mails, _counted) in enumerate(CASES):
        row = make(marta, f"Client {number:02}")
        email(row, week, state)
        for contact, became in enumerate(mails):
            mail(row, week, became, contact)
    client.force_login(marta)
    found, should, _missing = counts(marta, week, now)
    for state, number in (found | {"all": should}).items():
        page = client.get(reverse("interactions:delivery-clients", args=[week, state])).context["page"]
        assert page.total == number, state
        assert state == "all" or {row.board_state for row in page.rows} == {state}


def test_a_column_for_what_was_not_sent_stands_only_where_there_is_some(client, marta, northwind, week):
    client.force_login(marta)
    url = reverse("interactions:delivery-board")
    email(northwind, week)
    mail(northwind, week, "sent")
    assert "Not sent" not in client.get(url).context["states"]
    OutboxMail.objects.update(reply=KEPT_HERE)
    shown = client.get(url)
    assert (
        "Not sent" in shown.context["states"]
        and reverse("interactions:delivery-clients", args=[week, "stored"]) in shown.text
    )


def test_one_that_was_sent_again_counts_as_the_newer(marta, northwind, week, now):
    email(northwind, week)
    mail(northwind, week, "dead")
    mail(northwind, week, "sent", suffix="#2")
    assert counts(marta, week, now)[0] == {"sent": 1}


def test_mails_of_other_weeks_do_not_count(marta, northwind, week, now):
    following = iso_week(week_day(week, 0) + timedelta(days=7))
    email(northwind, week)
    email(northwind, following)
    mail(northwind, week, "sent")
    mail(northwind, following, "dead", suffix="")
    assert counts(marta, week, now)[0] == {"sent": 1}


def schedule(client, **fields):
    return ProgressSchedule.objects.create(client=client, time_zone="UTC", **{"weekday": 4} | fields)


def test_the_coming_week_has_those_whose_row_is_not_written_yet(marta, northwind, now):
    schedule(northwind)
    coming = board.weeks(firm_today(now))[0]
    assert counts(marta, coming, now) == ({"planned": 1}, 1, 0)
    ProgressSchedule.objects.update(is_active=False)
    assert counts(marta, coming, now) == ({}, 0, 0)


@pytest.mark.as_owner
def test_a_client_that_should_have_one_and_has_none_is_missing(client, marta, northwind, week, now):
    row = schedule(northwind)
    assert counts(marta, week, now) == ({}, 0, 0), "the schedule is younger than the week"
    history = ProgressSchedule.pgh_event_model.objects.filter(pgh_obj_id=row.pk)
    history.update(pgh_created_at=now - timedelta(days=60))
    assert counts(marta, week, now) == ({}, 1, 1)
    client.force_login(marta)
    page = client.get(reverse("interactions:delivery-board")).text
    assert "1 missing" in page
    assert northwind.name in client.get(reverse("interactions:delivery-clients", args=[week, "missing"])).text


@pytest.mark.as_owner
def test_neither_a_former_client_nor_a_schedule_that_was_off_is_missing(marta, northwind, week, now):
    row = schedule(northwind)
    history = ProgressSchedule.pgh_event_model.objects.filter(pgh_obj_id=row.pk)
    history.update(pgh_created_at=now - timedelta(days=60))
    StatusPeriod.objects.create(client=northwind, status="former", start_date=week_day(week, 0) - timedelta(days=30))
    assert counts(marta, week, now) == ({}, 0, 0)
    StatusPeriod.objects.all().delete()
    ProgressSchedule.objects.update(is_active=False)
    assert counts(marta, week, now)[1] == 1, "it was switched off after the week"
    history.filter(pgh_label="update").update(pgh_created_at=now - timedelta(days=50))
    assert counts(marta, week, now) == ({}, 0, 0)


def test_through_the_gate(client, marta, manager, northwind, week, now):
    email(northwind, week)
    northwind.is_restricted = True
    northwind.save()
    assert counts(marta, week, now)[1] == 1
    assert counts(manager, week, now)[1] == 0
    client.force_login(manager)
    assert northwind.name not in client.get(reverse("interactions:delivery-clients", args=[week, "all"])).text


def test_addresses_that_lead_nowhere(client, marta, week):
    client.force_login(marta)
    for bad in ((week, "nonsense"), ("2026-W99", "all"), ("abc", "all"), ("9999-W52", "sent")):
        assert client.get(reverse("interactions:delivery-clients", args=bad)).status_code == 404, bad
    assert client.get(reverse("interactions:delivery-clients", args=[week, "all"]), {"cursor": "x"}).status_code == 302


def test_what_it_costs(client, marta, week, now, django_assert_max_num_queries):
    for number in range(30):
        row = make(marta, f"Client {number:02}")
        email(row, week)
        mail(row, week, "sent")
    client.force_login(marta)
    for url in (reverse("interactions:delivery-board"), reverse("interactions:delivery-clients", args=[week, "all"])):
        with django_assert_max_num_queries(9):
            assert client.get(url).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_in_the_browser(page, live_server, sign_in, assert_accessible, marta, northwind, week):
    make_contact(actor=marta, client=northwind, is_primary=True, emails=[("work", "elina@northwind.example")])
    email(northwind, week)
    mail(northwind, week, "dead")
    sign_in(marta)
    page.goto(live_server.url + reverse("interactions:delivery-board"))
    assert_accessible(page)
    page.get_by_role("link", name="Failed: 1").click()
    page.get_by_role("link", name=northwind.name).wait_for()
    assert_accessible(page)
