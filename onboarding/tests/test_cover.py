"""Cover on Today: whatever it shows of the absent colleague's clients is there for the one who covers, with the name."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from clients.cover.services import arrange_cover, end_cover
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm
from interactions.progress.models import ProgressEmail
from interactions.progress.services.drafts import draft_progress
from interactions.progress.services.schedules import plan_progress, set_schedule
from interactions.reminders import digest
from onboarding.choices import PlanState, Track
from onboarding.models import Plan, Task
from tools.testing.factories.documents import make_document
from tools.testing.factories.interactions import log, make_person

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 10, 10, tzinfo=UTC)
START, END = date(2026, 12, 1), date(2026, 12, 20)
CARDS = {
    "Going quiet": "days without contact",
    "Documents expiring": "Passport",
    "Onboarding": "Two tasks are late",
    "Progress emails to review": "Northwind Advisory",
}


@pytest.fixture(autouse=True)
def that_day(firm, time_machine):
    time_machine.move_to(NOW, tick=False)
    FirmSettings.objects.update(account_managers_see=AccountManagersSee.OWN)
    forget_firm()


@pytest.fixture
def otto(firm, make):
    return make.make_user("Otto Berg")


@pytest.fixture
def cover(marta, otto):
    return arrange_cover(acting(marta), absent=marta, covering=otto, start_date=START, end_date=END, now=NOW)


@pytest.fixture
def trouble(marta, northwind, plan, make):
    """Something for each card, of a client of the absent colleague."""
    log(actor=marta, client=northwind, occurred_at=NOW - timedelta(days=100), now=NOW)
    make_document(actor=marta, client=northwind, name="Passport.pdf", expiry_date=NOW.date() + timedelta(days=9))
    Plan.objects.update(state=PlanState.ACTIVE, track=Track.BEHIND, track_reason="Two tasks are late")
    Task.objects.filter(pk=Task.objects.order_by("pk").first().pk).update(assignee=marta, due_date=NOW.date())
    elina = make_person(northwind)
    weekday = (NOW + timedelta(hours=20)).weekday()
    set_schedule(acting(marta), client=northwind, recipients=[elina], weekday=weekday, now=NOW - timedelta(days=3))
    plan_progress(NOW)
    for email in ProgressEmail.objects.all():
        draft_progress(email=email, now=NOW)


def card_of(page: str, heading: str) -> str:
    return re.split(rf"<h2[^>]*>\s*{heading}\s*</h2>", page)[1].partition("</section>")[0]


def test_every_card_of_today_has_the_clients_one_covers(client, marta, otto, trouble, cover):
    client.force_login(otto)
    page = client.get("/today/")
    text = page.content.decode()
    for heading, words in CARDS.items():
        card = card_of(text, heading)
        assert words in card and "for Marta Kallio" in card, heading
    for figure in page.context["figures"]:
        listed = client.get(figure["url"]).context["page"]
        assert int(figure["value"]) == len(listed.rows), figure["label"]
    listed = client.get("/documents/?in_care=1&expiry=soon")
    assert [row.title for row in listed.context["page"].rows] == ["Passport"]
    end_cover(acting(marta), cover=cover, now=NOW)
    assert "Northwind" not in client.get("/today/").content.decode()


def test_the_morning_email_has_them_too(marta, otto, trouble, cover):
    told = {
        part.title: " ".join(f"{line.text} {line.sub}" for line in part.lines)
        for part in digest.build(acting(otto), NOW)
    }
    for title in ("Going quiet", "Onboarding", "Progress emails to review"):
        assert "for Marta Kallio" in told[title], title


def test_who_is_away_keeps_them_and_reads_no_name(client, marta, trouble, cover):
    client.force_login(marta)
    page = client.get("/today/").content.decode()
    for words in CARDS.values():
        assert words in page
    assert "for Marta Kallio" not in page


def test_managers_who_see_all_read_no_names(client, marta, make, trouble):
    client.force_login(make.make_user("Mira Aalto", "manager"))
    page = client.get("/today/").content.decode()
    assert "Passport" in page and "for Marta Kallio" not in page
