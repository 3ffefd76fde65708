"""Cover during an absence: Today, follow-ups, timeline, reminders and the morning email."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clients.cover.services import arrange_cover, end_cover
from clients.records.services.clients import restrict_client
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm
from crm.core.mail.choices import MailState
from crm.core.mail.models import OutboxMail
from crm.core.users.choices import Reminders
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import reassign_follow_up
from interactions.reminders import digest
from interactions.reminders.services.reminders import send_reminders
from tools.testing.factories.interactions import follow_up, log, make_client

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 2, 10, tzinfo=UTC)
START, END = date(2026, 12, 1), date(2026, 12, 5)


@pytest.fixture(autouse=True)
def own(firm, time_machine):
    time_machine.move_to(NOW, tick=False)
    FirmSettings.objects.update(account_managers_see=AccountManagersSee.OWN)
    forget_firm()


@pytest.fixture
def cover(marta, otto):
    return arrange_cover(acting(marta), absent=marta, covering=otto, start_date=START, end_date=END, now=NOW)


@pytest.fixture
def step(marta, northwind):
    return follow_up(actor=marta, client=northwind, due_date=date(2026, 12, 2), now=NOW - timedelta(days=2))


def reminded():
    return [
        (mail.to_address.split("@")[0], mail.state)
        for mail in OutboxMail.objects.filter(kind="follow-up").order_by("pk")
    ]


def test_today_shows_what_is_due_for_the_absent_colleague(client, marta, otto, northwind, step, cover):
    secret = make_client(owner=marta, name="Secret Oy")
    follow_up(actor=marta, client=secret, title="Hidden", due_date=date(2026, 12, 2), now=NOW)
    restrict_client(acting(marta), client=secret)
    client.force_login(otto)
    page = client.get("/today/").content.decode()
    assert "Covering for Marta Kallio until 5 Dec" in page and step.title in page and "Hidden" not in page
    listed = client.get("/follow-ups/?who=all&covered=1").content.decode()
    assert step.title in listed and "Hidden" not in listed
    end_cover(acting(marta), cover=cover, now=NOW)
    assert "Covering for" not in client.get("/today/").content.decode()
    assert step.title not in client.get("/follow-ups/?who=all&covered=1").content.decode()


def test_today_of_others_has_no_such_card(client, marta, step, cover):
    client.force_login(marta)
    page = client.get("/today/").content.decode()
    assert "Covering for" not in page and step.title in page, "whoever is away keeps their day"


def test_the_timeline_says_in_whose_place(client, marta, otto, northwind, cover):
    log(actor=otto, client=northwind, body="Called back", occurred_at=NOW, now=NOW)
    log(actor=otto, client=northwind, body="Long ago", occurred_at=NOW - timedelta(days=9), now=NOW)
    client.force_login(marta)
    page = client.get(northwind.get_absolute_url()).content.decode()
    assert page.count("Otto Berg, covering for Marta Kallio") == 1


def test_what_was_done_before_it_was_arranged_was_not_done_as_cover(client, marta, otto, northwind, cover):
    log(actor=otto, client=northwind, occurred_at=NOW - timedelta(hours=3), now=NOW)
    client.force_login(marta)
    assert "covering for" not in client.get(northwind.get_absolute_url()).content.decode()


def test_the_covering_colleague_works_at_every_door(client, marta, otto, northwind, step, cover):
    client.force_login(otto)
    assert client.post(f"/follow-ups/{step.pk}/done/", {"next": "/today/", "outcome": "Sent"}).status_code < 400
    step.refresh_from_db()
    assert step.closed_by == otto
    call = log(actor=marta, client=northwind, occurred_at=NOW, now=NOW)
    assert client.get(f"/interactions/{call.pk}/correct/").status_code == 200
    assert client.get(f"/api/v1/clients/{northwind.pk}/").status_code == 200
    end_cover(acting(marta), cover=cover, now=NOW)
    assert client.get(f"/interactions/{call.pk}/correct/").status_code == 404
    assert client.get(f"/api/v1/clients/{northwind.pk}/").status_code == 404


def test_a_reminder_goes_to_whoever_covers_and_only_there(step, marta, otto, cover):
    assert [send_reminders(NOW), send_reminders(NOW)] == [1, 0]
    assert reminded() == [("otto.berg", MailState.PENDING)]
    mail = OutboxMail.objects.get()
    assert "You cover for Marta Kallio" in mail.text and "You cover for Marta Kallio" in mail.html


def test_before_and_after_it_goes_to_the_assignee(step, marta, otto, cover, time_machine):
    later = NOW + timedelta(days=3)
    time_machine.move_to(later, tick=False)
    assert send_reminders(later) == 1
    assert reminded() == [("marta.kallio", MailState.PENDING)]


def test_what_the_covering_colleague_does_not_see_stays_with_the_assignee(marta, otto, northwind, cover):
    secret = make_client(owner=marta, name="Secret Oy")
    follow_up(actor=marta, client=secret, due_date=date(2026, 12, 2), now=NOW - timedelta(days=2))
    restrict_client(acting(marta), client=secret)
    follow_up(actor=marta, client=None, title="Dentist", due_date=date(2026, 12, 2), now=NOW - timedelta(days=2))
    theirs = make_client(owner=otto, name="Otto Oy")
    row = follow_up(actor=otto, client=theirs, due_date=date(2026, 12, 2), now=NOW - timedelta(days=2))
    FollowUp.objects.filter(pk=row.pk).update(assignee=marta)
    send_reminders(NOW)
    assert [name for name, _state in reminded()] == ["marta.kallio"]
    text = OutboxMail.objects.get().text
    assert "Secret Oy" in text and "Dentist" in text


def test_the_readers_settings_decide(step, marta, otto, cover):
    otto.reminders = Reminders.DIGEST
    otto.save()
    assert send_reminders(NOW) == 0
    step.refresh_from_db()
    assert step.remind_at is None and reminded() == []


def test_a_disabled_colleague_gets_none_and_the_assignee_does(step, marta, otto, cover):
    otto.is_active = False
    otto.save()
    send_reminders(NOW)
    assert reminded() == [("marta.kallio", MailState.PENDING)]


def test_a_cover_that_ends_before_the_mail_has_left_hands_it_back_once(step, marta, otto, cover):
    send_reminders(NOW)
    end_cover(acting(marta), cover=cover, now=NOW)
    send_reminders(NOW + timedelta(seconds=5))
    send_reminders(NOW + timedelta(seconds=10))
    assert reminded() == [("otto.berg", MailState.CANCELLED), ("marta.kallio", MailState.PENDING)]


def test_a_cover_that_begins_before_the_mail_has_left_takes_it_over_once(step, marta, otto):
    send_reminders(NOW)
    arrange_cover(acting(marta), absent=marta, covering=otto, start_date=START, end_date=END, now=NOW)
    send_reminders(NOW + timedelta(seconds=5))
    send_reminders(NOW + timedelta(seconds=10))
    assert reminded() == [("marta.kallio", MailState.CANCELLED), ("otto.berg", MailState.PENDING)]


def test_of_two_who_cover_the_first_arranged_is_reminded(step, marta, otto, manager, cover):
    arrange_cover(acting(marta), absent=marta, covering=manager, start_date=START, end_date=END, now=NOW)
    send_reminders(NOW)
    assert reminded() == [("otto.berg", MailState.PENDING)]


def test_a_reassigned_follow_up_is_not_reminded_twice(step, marta, otto, northwind, cover):
    send_reminders(NOW)
    reassign_follow_up(acting(marta), follow_up=step, assignee=otto, now=NOW)
    for later in (timedelta(seconds=5), timedelta(days=1), timedelta(days=1, minutes=1)):
        send_reminders(NOW + later)
    assert [state for _name, state in reminded()].count(MailState.PENDING) == 1


def test_the_morning_email_has_them_with_the_name(step, marta, otto, northwind, cover):
    part = next(part for part in digest.build(acting(otto), NOW) if part.title == "Covering for colleagues")
    assert [(line.text, line.sub) for line in part.lines] == [
        (step.title, f"for Marta Kallio · {northwind.name} · Wed 2 Dec")
    ]


def test_scheduled_mails_name_who_will_be_reminded(client, marta, otto, manager, northwind, cover):
    now = NOW - timedelta(days=2)
    follow_up(actor=marta, client=northwind, title="While away", due_date=date(2026, 12, 3), now=now)
    follow_up(actor=marta, client=northwind, title="When back", due_date=date(2026, 12, 8), now=now)
    from interactions.scheduled import reminder_rows

    rows = reminder_rows(acting(manager), NOW, mine=False)
    assert {row.title: row.reader_name for row in rows} == {"While away": "Otto Berg", "When back": "Marta Kallio"}
    assert [row.title for row in reminder_rows(acting(otto), NOW, mine=True)] == ["While away"]
