from datetime import date, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import firm_today, forget_firm
from crm.core.ui import navigation
from interactions.cadence import queries as cadence
from interactions.cadence.services import set_cadence
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import snooze_follow_up
from tools.testing.factories.interactions import NOW, follow_up, log, make_client, make_firm, make_user

pytestmark = pytest.mark.django_db
URL = "/today/"


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


def day(n):
    return firm_today(timezone.now()) + timedelta(days=n)


def number(user, now):
    """What the navigation says beside Today."""
    return navigation.numbers(acting(user), now).get("today")


def test_overdue_today_and_coming_each_in_their_place(web, marta, northwind):
    for title, n in (("Late", -2), ("Now", 0), ("Soon", 3), ("Far", 30)):
        follow_up(actor=marta, client=northwind, title=title, due_date=day(n), now=timezone.now())
    page = web.get(URL).content.decode()
    overdue, due, coming = page.index('id="overdue"'), page.index('id="due-today"'), page.index('id="coming"')
    assert overdue < page.index(">Late<") < due < page.index(">Now<") < coming < page.index(">Soon<")
    assert ">Far<" not in page


def test_snoozed_done_and_others_work_is_not_there(web, marta, otto, northwind):
    follow_up(actor=marta, client=northwind, title="Ottos", assignee=otto, due_date=day(0), now=timezone.now())
    row = follow_up(actor=marta, client=northwind, title="Snoozed", due_date=day(0), now=timezone.now())
    FollowUp.objects.filter(pk=row.pk).update(snoozed_until=timezone.now() + timedelta(days=2))
    page = web.get(URL).content.decode()
    assert "Ottos" not in page and ">Snoozed<" not in page and "Nothing due" in page


def test_a_client_that_became_restricted_takes_its_follow_ups_along(web, marta, otto):
    theirs = make_client(owner=otto, name="Secret Oy")
    follow_up(actor=otto, client=theirs, title="Hidden", assignee=marta, due_date=day(0), now=timezone.now())
    theirs.is_restricted = True
    theirs.save()
    assert "Hidden" not in web.get(URL).content.decode()
    assert number(marta, timezone.now()) is None


def test_going_quiet_follows_own_cadence_then_tier(marta):
    a = make_client(owner=marta, name="A, 20 days", tier="A")
    b = make_client(owner=marta, name="B, 20 days", tier="B")
    own = make_client(owner=marta, name="C with 10 days", tier="C")
    prospect = make_client(owner=marta, name="Prospect", tier="A", status="prospect")
    never = make_client(owner=marta, name="Never", tier="C")
    set_cadence(acting(marta), client=own, days=10)
    for row in (a, b, own, prospect):
        log(actor=marta, client=row, occurred_at=NOW - timedelta(days=20))
        log(actor=marta, client=row, channel="note", body="A note is no contact", occurred_at=NOW - timedelta(days=1))
    from clients.records.models import Client

    quiet = list(cadence.going_quiet(Client.objects.visible_to(acting(marta)), NOW))
    assert quiet == [never, own, a]
    assert [cadence.cadence_days(row) for row in quiet] == [90, 10, 14]
    for row in (a, b, own, prospect, never):
        row.facts.refresh_from_db()
        assert row.facts.is_quiet(NOW.date()) == (row in quiet)


def test_the_page_costs_the_same_with_a_hundred_rows(web, marta, northwind, django_assert_max_num_queries):
    for n in range(30):
        follow_up(actor=marta, client=northwind, title=f"Step {n}", due_date=day(n % 9 - 2), now=timezone.now())
    with django_assert_max_num_queries(13):
        web.get(URL)


def test_the_number_in_the_navigation_is_red_when_late(marta, northwind):
    now = timezone.now()
    with timezone.override("Europe/Helsinki"):
        assert number(marta, now) is None
        follow_up(actor=marta, client=northwind, due_date=day(0), now=now)
        assert number(marta, now) == (1, "")
        follow_up(actor=marta, client=northwind, due_date=day(-1), now=now)
        assert number(marta, now) == (1, "red")


def test_whose_today_it_is(marta, northwind):
    """23:30 UTC on the 18th is the 19th in Helsinki."""
    marta.time_zone = "Europe/Helsinki"
    follow_up(actor=marta, client=northwind, due_date=date(2026, 11, 18))
    late = NOW.replace(hour=23, minute=30)
    with timezone.override("Europe/Helsinki"):
        assert number(marta, late) == (1, "red")
    with timezone.override("UTC"):
        assert number(marta, late) == (1, "")


def test_done_from_the_page_comes_back_to_it(web, marta, northwind):
    row = follow_up(actor=marta, client=northwind, due_date=day(0), now=timezone.now())
    answer = web.post(reverse("interactions:follow-up-done", args=[row.pk]), {"outcome": "", "next": URL})
    assert answer.status_code == 302 and answer["Location"] == URL
    row.refresh_from_db()
    assert row.state == "done"
    web.post(reverse("interactions:follow-up-reopen", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "open"


def test_a_day_stays_a_day_for_a_reader_in_another_zone(client, marta, otto, northwind, time_machine):
    """17:00 in Helsinki is 04:00 of the next day in Auckland; what is due on a day is due on that day for both."""
    time_machine.move_to("2026-11-25 23:30:00+00:00", tick=False)  # the 26th in both places
    otto.time_zone = "Pacific/Auckland"
    otto.save()
    row = follow_up(
        actor=marta, client=northwind, title="Day", due_date=date(2026, 11, 26), time_zone="Europe/Helsinki"
    )
    at = follow_up(
        actor=marta,
        client=northwind,
        title="Hour",
        due_date=date(2026, 11, 26),
        due_time=time(17),
        time_zone="Europe/Helsinki",
    )
    FollowUp.objects.update(assignee=otto)
    client.force_login(otto)
    page = client.get(URL)
    assert page.context["groups"]["today"] == [row] and page.context["groups"]["coming"] == [(date(2026, 11, 27), [at])]
    assert [client.get(f"/follow-ups/?show={part}").context["page"].rows for part in ("today", "coming")] == [
        [row],
        [at],
    ]
    for url in (
        reverse("interactions:follow-up", args=[row.pk]),
        northwind.get_absolute_url(),
        reverse("clients:list"),
    ):
        shown = client.get(url).text
        assert ">Today<" in shown and "Tomorrow 17:00" not in shown and "05:00" not in shown.split("Hour")[0], url


def test_a_snoozed_step_is_quiet_everywhere(client, marta, northwind, time_machine):
    time_machine.move_to("2026-11-26 10:00:00+00:00", tick=False)
    row = follow_up(actor=marta, client=northwind, title="Old", due_date=date(2026, 1, 5))
    client.force_login(marta)
    assert "325 days late" in client.get(reverse("clients:list")).text
    snooze_follow_up(
        acting(marta), follow_up=row, until=timezone.now() + timedelta(days=4, hours=-3), now=timezone.now()
    )
    pages = (
        reverse("clients:list"),
        northwind.get_absolute_url(),
        reverse("interactions:follow-up", args=[row.pk]),
        "/follow-ups/?show=snoozed",
    )
    for url in pages:
        shown = client.get(url).text
        assert "Snoozed until Mon 09:00" in shown and "days late" not in shown, url
    assert not client.get("/clients/?step=overdue").context["page"].rows
    time_machine.move_to("2026-11-30 10:00:00+00:00", tick=False)
    assert "329 days late" in client.get(reverse("clients:list")).text


def test_a_new_firms_admin_sees_the_first_steps_with_ticks(client, marta, northwind):
    firm = make_firm(is_set_up=True)
    admin = make_user(name="Ada", roles=("admin",))
    client.force_login(admin)
    setup = client.get(URL).context["setup"]
    assert [(step["key"], step["is_done"]) for step in setup["steps"]] == [
        ("firm", True),
        ("days", True),
        ("email", False),
        ("people", True),
        ("clients", True),
        ("template", False),
    ]
    assert "4 of 6 done" in client.get(URL).content.decode()
    for step in setup["steps"]:
        assert client.get(step["url"]).status_code == 200
    client.force_login(marta)
    assert client.get(URL).context["setup"] is None
    FirmSettings.objects.filter(pk=firm.pk).update(created_at=timezone.now() - timedelta(days=90))
    forget_firm()
    client.force_login(admin)
    assert client.get(URL).context["setup"] is None


def test_an_empty_firm_shows_its_first_steps_and_no_zeros(client):
    make_firm(is_set_up=True, holiday_country="")
    client.force_login(make_user(name="Ada", roles=("admin",)))
    page = client.get(URL).content.decode()
    assert "Set up Rapport" in page and "metric-strip" not in page and "Nothing due" not in page
