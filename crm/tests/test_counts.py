"""Each number that is shown is the number of rows behind its link: head of Today, navigation, the lists, attention."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from crm.core.listing.pages import list_pages
from crm.core.ui import navigation
from crm.core.users.models import User
from interactions.follow_ups.models import FollowUp
from interactions.progress.models import ProgressEmail
from interactions.progress.services.drafts import draft_progress
from interactions.progress.services.schedules import plan_progress, set_schedule
from interactions.today import sections
from tools.testing.factories import interactions
from tools.testing.factories.clients import make_contact

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)  # the 27th in Helsinki, where the firm is; the 26th in New York


@pytest.fixture
def firm(db, time_machine):
    """More than a part of Today shows: own and others' quiet clients, overdue, snoozed and coming follow-ups, a progress email."""
    time_machine.move_to(NOW, tick=False)
    interactions.make_firm(time_zone="Europe/Helsinki")
    marta = interactions.make_user(name="Marta Kallio", time_zone="America/New_York")
    otto = interactions.make_user(name="Otto Berg")
    interactions.make_user(name="Mira Aalto", roles=("manager",))
    for number in range(13):
        owner = marta if number < 10 else otto
        client = interactions.make_client(owner=owner, name=f"Quiet {number}", tier="A")
        interactions.log(actor=owner, client=client, occurred_at=NOW - timedelta(days=15 + number, hours=1), now=NOW)
    for number in range(40):
        day = firm_today(NOW) + timedelta(days=number - 30)
        interactions.follow_up(actor=marta, client=client, title=f"Step {number}", due_date=day, now=NOW)
    FollowUp.objects.filter(title__in=["Step 3", "Step 31"]).update(snoozed_until=NOW + timedelta(days=1))
    interactions.follow_up(actor=otto, client=client, due_date=firm_today(NOW), now=NOW)
    for owner, name in ((marta, "Northwind"), (otto, "Alder")):
        client = interactions.make_client(owner=owner, name=name)
        interactions.log(actor=owner, client=client, occurred_at=NOW - timedelta(hours=1), now=NOW)
        elina = make_contact(actor=owner, client=client, is_primary=True, emails=[("work", f"elina@{name}.example")])
        day = firm_today(NOW).weekday()
        set_schedule(acting(owner), client=client, recipients=[elina], weekday=day, now=NOW - timedelta(days=3))
    plan_progress(NOW)
    for email in ProgressEmail.objects.all():
        draft_progress(email=email, now=NOW)


PEOPLE = ["Marta Kallio", "Otto Berg", "Mira Aalto"]


@pytest.mark.parametrize("name", PEOPLE)
def test_each_figure_of_today_is_the_number_of_rows_behind_it(client, firm, name):
    client.force_login(User.objects.get(name=name))
    figures = client.get(reverse("interactions:today")).context["figures"]
    shown = [int(figure["value"]) for figure in figures]
    assert shown == [client.get(figure["url"]).context["page"].total for figure in figures]
    if name == "Marta Kallio":
        assert shown[0] > sections.OVERDUE_AT_MOST and shown[-1] == 10 > sections.QUIET_AT_MOST


@pytest.mark.parametrize("name", PEOPLE)
def test_each_number_of_the_navigation_is_that_of_its_page(client, firm, name):
    user = User.objects.get(name=name)
    client.force_login(user)
    page = client.get(reverse("interactions:today"))
    late, today = (int(figure["value"]) for figure in page.context["figures"][:2])
    counted = {
        item["key"]: item["count"]
        for name, group in page.context["nav"].items()
        if name in ("main", "setup", "settings", "bell")
        for item in group
        if item["count"]
    }
    assert counted.pop("today", 0) == (late or today)
    assert counted or name != "Marta Kallio"
    for key, count in counted.items():
        entry = navigation.entries[key]
        assert entry.url_name in list_pages, key
        assert client.get(entry.url).context["page"].total == count, key


def test_quiet_is_one_rule_and_its_days_are_the_same_everywhere(client, firm):
    """On Today, in the list, on the client's page and under attention, also for somebody whose day is another one."""
    User.objects.update(time_zone="America/New_York")
    mira = User.objects.get(name="Mira Aalto")
    client.force_login(mira)
    listed = {
        row.name: row.facts.days_since_contact(firm_today(NOW))
        for row in client.get("/clients/?quiet=1").context["page"].rows
    }
    assert len(listed) == 13 and listed["Quiet 0"] == 16
    found = client.get(reverse("reports:attention")).context["rows"]
    said = {need.client.name: " ".join(need.reasons) for need, _url in found}
    assert said == {name: f"No contact for {days} days" for name, days in listed.items()}
    today = " ".join(client.get(reverse("interactions:today")).text.split())
    for row in sections.quiet_section(acting(mira), NOW)["clients"]:
        assert f"{listed[row.name]} days without contact" in today
        assert f"{listed[row.name]} days ago" in client.get(row.get_absolute_url()).text
