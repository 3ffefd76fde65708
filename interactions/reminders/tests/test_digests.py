"""The morning mail: planned ahead, at the user's hour, on working days, once, and of what was neither read nor done."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.firm.models import Holiday
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.users.choices import Role
from crm.core.users.models import User
from interactions.follow_ups.reading import note_follow_up_read
from interactions.follow_ups.services import complete_follow_up, snooze_follow_up
from interactions.reading.models import ReadMark
from interactions.reading.services import note_today_read
from interactions.reminders.models import Digest
from interactions.reminders.services import digests
from tools.testing.factories import interactions
from tools.testing.factories.interactions import NOW, follow_up
from tools.testing.threads import at_once

EIGHT = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)  # Thursday, 08:00 in Helsinki
DAY = date(2026, 11, 19)


@pytest.fixture
def marta(marta):
    """Wants the morning mail."""
    User.objects.filter(pk=marta.pk).update(reminders="digest")
    marta.refresh_from_db()
    return marta


def states():
    return list(Digest.objects.order_by("date").values_list("date", "state"))


@pytest.mark.django_db
def test_everything_due_in_the_next_36_hours_is_a_row(marta, otto):
    assert digests.plan_digests(NOW) == 2, "Thursday, and Friday, which lies beyond the horizon"
    assert digests.plan_digests(NOW) == 0
    assert [(row.user, row.date, row.due_at) for row in Digest.objects.order_by("date")][0] == (marta, DAY, EIGHT)
    assert not Digest.objects.filter(user=otto).exists(), "has a mail for each"


@pytest.mark.django_db
def test_it_tells_what_is_late_due_and_coming(marta, northwind, settings):
    follow_up(actor=marta, client=northwind, title="Call about the invoice", due_date=date(2026, 11, 17))
    follow_up(actor=marta, client=northwind, title="Send the price", due_date=DAY)
    follow_up(actor=marta, client=northwind, title="Plan the visit", due_date=date(2026, 11, 23))
    digests.plan_digests(NOW)
    assert digests.send_digests(EIGHT - timedelta(seconds=1)) == 0
    assert digests.send_digests(EIGHT) == 1
    mail = OutboxMail.objects.get()
    assert mail.key == f"digest:{marta.pk}:2026-11-19"
    assert (mail.to_address, mail.kind, mail.client_id) == (marta.email, "digest", None)
    assert mail.subject == "Today: 1 overdue, 1 due today, 1 upcoming"
    for said in (
        "Overdue",
        "Call about the invoice",
        "Due today",
        "Send the price",
        "Plan the visit",
        "Going quiet",
    ):
        assert said in mail.text and said in mail.html
    assert f"{settings.BASE_URL}/today/" in mail.text and northwind.name in mail.text
    assert mail.expires_at == datetime(2026, 11, 19, 22, 0, tzinfo=UTC), "at midnight in Helsinki it is worthless"
    assert states()[0] == (DAY, "sent")


@pytest.mark.django_db
def test_a_second_run_and_a_changed_hour_make_no_second_mail(marta, northwind):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.run_digests(NOW)
    digests.run_digests(EIGHT)
    assert digests.send_digests(EIGHT) == 0
    User.objects.update(digest_hour=11, time_zone="Asia/Tokyo")
    for hours in range(12):
        digests.run_digests(EIGHT + timedelta(hours=hours))
    assert OutboxMail.objects.filter(key__contains="2026-11-19").count() == 1


@pytest.mark.django_db
def test_planned_ones_follow_hour_and_zone(marta):
    digests.plan_digests(NOW)
    User.objects.update(digest_hour=7, time_zone="America/New_York")
    digests.plan_digests(NOW)
    rows = Digest.objects.order_by("date")
    assert [(row.date, row.due_at) for row in rows][:2] == [
        (date(2026, 11, 19), datetime(2026, 11, 19, 12, 0, tzinfo=UTC)),
        (date(2026, 11, 20), datetime(2026, 11, 20, 12, 0, tzinfo=UTC)),
    ]


@pytest.mark.django_db
def test_only_on_the_firms_working_days(marta, northwind):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    Holiday.objects.create(date=date(2026, 11, 20), name="Firm's day", is_working=False)
    digests.plan_digests(NOW)
    assert [day for day, _state in states()] == [DAY, date(2026, 11, 23)], "neither the holiday nor the week-end"
    Holiday.objects.create(date=DAY, name="Another", is_working=False)
    digests.send_digests(EIGHT)
    assert states()[0] == (DAY, "skipped") and not OutboxMail.objects.exists()


@pytest.mark.django_db
def test_a_quiet_day_has_no_mail(marta):
    digests.plan_digests(NOW)
    digests.send_digests(EIGHT)
    assert states()[0] == (DAY, "nothing") and not OutboxMail.objects.exists()


@pytest.mark.django_db
def test_done_snoozed_and_opened_ones_are_not_in_it(marta, northwind):
    rows = {
        name: follow_up(actor=marta, client=northwind, title=name, due_date=DAY)
        for name in ("Done", "Snoozed", "Opened", "Left")
    }
    complete_follow_up(acting(marta), follow_up=rows["Done"], now=NOW)
    snooze_follow_up(acting(marta), follow_up=rows["Snoozed"], until=EIGHT + timedelta(days=3), now=NOW)
    note_follow_up_read(user=marta, follow_up=rows["Opened"], now=EIGHT - timedelta(minutes=20))
    digests.plan_digests(NOW)
    digests.send_digests(EIGHT)
    text = OutboxMail.objects.get().text
    assert "Left" in text and not any(name in text for name in ("Done", "Snoozed", "Opened"))


@pytest.mark.django_db
def test_what_was_opened_yesterday_and_not_done_is_told(marta, northwind):
    row = follow_up(actor=marta, client=northwind, title="Call them", due_date=DAY)
    note_follow_up_read(user=marta, follow_up=row, now=EIGHT - timedelta(days=1))
    digests.plan_digests(NOW)
    digests.send_digests(EIGHT)
    assert "Call them" in OutboxMail.objects.get().text


@pytest.mark.django_db
def test_whoever_opened_today_needs_no_mail(marta, northwind):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.plan_digests(NOW)
    note_today_read(user=marta, now=EIGHT - timedelta(minutes=5))
    digests.send_digests(EIGHT)
    assert states()[0] == (DAY, "read") and not OutboxMail.objects.exists()


@pytest.mark.django_db
def test_the_page_notes_that_it_was_opened(client, marta, otto):
    for user in (marta, otto):
        client.force_login(user)
        client.get(reverse("interactions:today"))
    assert [mark.user for mark in ReadMark.objects.all()] == [marta], "only for users with a morning email"


@pytest.mark.django_db
def test_one_that_waits_in_the_outbox_is_taken_back_when_today_is_opened(marta, northwind):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.run_digests(NOW)
    digests.run_digests(EIGHT)
    digests.run_digests(EIGHT)
    mail = OutboxMail.objects.get()
    assert mail.state == "pending"
    note_today_read(user=marta, now=timezone.now() + timedelta(minutes=1))
    digests.run_digests(EIGHT)
    mail.refresh_from_db()
    assert (mail.state, mail.reply) == ("cancelled", "Today was opened before it was sent")


@pytest.mark.django_db
def test_after_an_outage_it_comes_the_same_day_or_not_at_all(marta, northwind):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.plan_digests(NOW)
    digests.run_digests(EIGHT + timedelta(hours=26))  # Friday, ten o'clock: Thursday's is over, Friday's is due
    assert states()[:2] == [(DAY, "missed"), (date(2026, 11, 20), "sent")]
    assert OutboxMail.objects.get().key.endswith("2026-11-20")


@pytest.mark.django_db
def test_notifications_that_were_read_are_not_told_and_the_others_once(marta, northwind):
    for number, read_at in enumerate((None, NOW)):
        Notification.objects.create(
            user=marta, kind="x", key=f"n{number}", text=f"Thing {number}", url="/clients/", read_at=read_at
        )
    digests.plan_digests(NOW)
    digests.send_digests(EIGHT)
    text = OutboxMail.objects.get().text
    assert "Thing 0" in text and "Thing 1" not in text
    digests.send_digests(EIGHT + timedelta(days=1))
    assert "Thing 0" not in OutboxMail.objects.exclude(text=text).values_list("text", flat=True)


@pytest.mark.django_db
def test_nobody_is_told_of_clients_they_may_not_see(marta, otto, northwind):
    theirs = interactions.make_client(owner=otto, name="Secret Partners")
    follow_up(actor=otto, client=theirs, assignee=marta, title="Ask Secret Partners", due_date=DAY)
    follow_up(actor=marta, client=northwind, due_date=DAY)
    theirs.is_restricted = True
    theirs.save()
    digests.plan_digests(NOW)
    digests.send_digests(EIGHT)
    mail = OutboxMail.objects.get()
    assert "Secret" not in mail.text + mail.html


@pytest.mark.django_db
def test_what_stands_in_it_is_for_its_reader_alone(client, marta, northwind):
    northwind.is_restricted = True
    northwind.save()
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.plan_digests(NOW)
    digests.send_digests(EIGHT)
    mail = OutboxMail.objects.get()
    client.force_login(interactions.make_user(name="Ada Admin", roles=(Role.ADMIN,)))
    page = client.get(reverse("core:outbox_mail", args=[mail.pk])).text
    assert "private to Marta Kallio" in page and northwind.name not in page
    assert client.get(reverse("core:outbox_body", args=[mail.pk])).text == ""
    assert client.get(reverse("interactions:digest", args=[Digest.objects.earliest("date").pk])).status_code == 404
    client.force_login(marta)
    assert northwind.name in client.get(reverse("core:outbox_mail", args=[mail.pk])).text


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"is_active": False}, {"reminders": "off"}, {"reminders": "each"}])
def test_who_wants_none_any_more_gets_none(marta, northwind, change):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.plan_digests(NOW)
    User.objects.update(**change)
    digests.run_digests(EIGHT)
    assert states()[0] == (DAY, "skipped") and not OutboxMail.objects.exists()


@pytest.mark.django_db
def test_skip_and_undo(marta, northwind):
    follow_up(actor=marta, client=northwind, due_date=DAY)
    digests.plan_digests(NOW)
    row = Digest.objects.get(date=DAY)
    digests.skip_digest(acting(marta), row=row, now=NOW)
    digests.run_digests(EIGHT)
    assert not OutboxMail.objects.exists()
    with pytest.raises(ServiceError):
        digests.skip_digest(acting(marta), row=row, now=NOW)
    digests.restore_digest(acting(marta), row=row, now=EIGHT)
    digests.run_digests(EIGHT)
    assert OutboxMail.objects.count() == 1
    with pytest.raises(ServiceError):
        digests.restore_digest(acting(marta), row=row, now=EIGHT)


@pytest.mark.django_db
def test_a_mail_that_cannot_be_written_stops_no_other(marta, otto, northwind, monkeypatch):
    User.objects.update(reminders="digest")
    for user in (marta, otto):
        follow_up(actor=user, client=northwind, due_date=DAY)
    User.objects.filter(pk=otto.pk).update(email="no address")
    digests.plan_digests(NOW)
    assert digests.send_digests(EIGHT) == 1
    assert dict(Digest.objects.filter(date=DAY).values_list("user__name", "state")) == {
        "Marta Kallio": "sent",
        "Otto Berg": "planned",
    }
    assert digests.oldest_due(EIGHT) == EIGHT, "it still waits, and the tick reports that after a while"


@pytest.mark.django_db
def test_a_tick_with_nothing_due_costs_the_same_for_two_users_and_two_hundred(marta, django_assert_num_queries):
    digests.run_digests(NOW)
    with django_assert_num_queries(8) as few:
        digests.run_digests(NOW + timedelta(minutes=1))
    User.objects.bulk_create(
        User(name=f"User {n}", email=f"u{n}@kallio.example", roles=["account_manager"], reminders="digest")
        for n in range(199)
    )
    digests.run_digests(NOW + timedelta(minutes=2))
    with django_assert_num_queries(len(few)):
        digests.run_digests(NOW + timedelta(minutes=3))


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_write_each_mail_once():
    interactions.make_firm()
    people = [interactions.make_user(name=f"Person {n}", reminders="digest") for n in range(6)]
    northwind = interactions.make_client(owner=people[0])
    for user in people:
        follow_up(actor=user, client=northwind, due_date=DAY)

    def run(number):
        digests.plan_digests(NOW)
        digests.send_digests(EIGHT)

    assert at_once(run, 3) == [None] * 3
    digests.send_digests(EIGHT)
    assert OutboxMail.objects.count() == 6 and Digest.objects.filter(date=DAY, state="sent").count() == 6
