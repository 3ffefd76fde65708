from datetime import date, time, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.notifications.services import mark_read
from crm.core.users.models import User
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.reading import note_follow_up_read
from interactions.follow_ups.services import (
    cancel_follow_up,
    complete_follow_up,
    reassign_follow_up,
    snooze_follow_up,
    update_follow_up,
)
from interactions.reading.models import ReadMark
from interactions.reminders.models import Told
from interactions.reminders.services import reminders
from interactions.reminders.services.reminders import restore_reminder, send_reminders, skip_reminder
from tools.testing.factories import interactions
from tools.testing.factories.interactions import NOW, follow_up
from tools.testing.threads import at_once

LATER = NOW + timedelta(days=3)


@pytest.mark.django_db
def test_the_mail_says_what_for_whom_and_where(marta, northwind, elina, settings):
    row = follow_up(actor=marta, client=northwind, contact=elina, due_time=time(12, 0))
    assert send_reminders(NOW) == 0, "not yet"
    assert send_reminders(LATER) == 1
    mail = OutboxMail.objects.get()
    assert (mail.key, mail.to_address, mail.client_id) == (f"follow-up:{row.pk}:1", marta.email, northwind.pk)
    assert "Send the price" in mail.subject and "Friday 20 November 2026, 12:00 (EET)" in mail.text
    assert (
        f"{settings.BASE_URL}/follow-ups/{row.pk}/" in mail.text
        and f"{settings.BASE_URL}/follow-ups/{row.pk}/" in mail.html
    )
    row.refresh_from_db()
    assert row.remind_at is None


@pytest.mark.django_db
def test_a_second_run_changes_nothing(marta, northwind):
    follow_up(actor=marta, client=northwind)
    assert [send_reminders(LATER), send_reminders(LATER)] == [1, 0]


@pytest.mark.django_db
def test_done_cancelled_and_snoozed_are_not_mailed(marta, northwind):
    complete_follow_up(acting(marta), follow_up=follow_up(actor=marta, client=northwind), now=NOW)
    cancel_follow_up(acting(marta), follow_up=follow_up(actor=marta, client=northwind), now=NOW)
    snooze_follow_up(
        acting(marta), follow_up=follow_up(actor=marta, client=northwind), until=LATER + timedelta(days=1), now=NOW
    )
    assert send_reminders(LATER) == 0
    assert send_reminders(LATER + timedelta(days=1)) == 1, "the snoozed one when its snooze ends"


@pytest.mark.django_db
def test_another_day_or_person_gets_another_mail(marta, otto, northwind):
    row = follow_up(actor=marta, client=northwind)
    send_reminders(LATER)
    update_follow_up(acting(marta), follow_up=row, due_date=date(2026, 11, 25), now=LATER)
    send_reminders(LATER + timedelta(days=5))
    reassign_follow_up(acting(marta), follow_up=row, assignee=otto, now=LATER + timedelta(days=5))
    send_reminders(LATER + timedelta(days=6))
    assert list(OutboxMail.objects.order_by("pk").values_list("key", "to_address")) == [
        (f"follow-up:{row.pk}:1", marta.email),
        (f"follow-up:{row.pk}:2", marta.email),
        (f"follow-up:{row.pk}:3", otto.email),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["disabled", "restricted", "archived"])
def test_nobody_is_told_what_they_may_not_see(marta, otto, northwind, change):
    follow_up(actor=marta, client=northwind, assignee=otto)
    if change == "disabled":
        otto.is_active = False
        otto.save()
    else:
        setattr(
            northwind,
            "is_restricted" if change == "restricted" else "archived_at",
            True if change == "restricted" else NOW,
        )
        northwind.save()
    assert send_reminders(LATER) == 0
    assert not OutboxMail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_send_each_mail_once():
    interactions.make_firm()
    marta = interactions.make_user()
    northwind = interactions.make_client(owner=marta)
    for number in range(20):
        follow_up(actor=marta, client=northwind, title=f"Step {number}")
    assert sum(at_once(lambda n: send_reminders(LATER), 4)) == 20
    assert sorted(Told.objects.values_list("record_id", flat=True)) == sorted(
        FollowUp.objects.values_list("pk", flat=True)
    )


@pytest.mark.django_db
def test_what_is_due_within_minutes_is_one_mail(marta, otto, northwind):
    for minute in (0, 2, 4, 30):
        follow_up(actor=marta, client=northwind, title=f"Step {minute}", due_time=time(12, minute))
    follow_up(actor=otto, client=northwind, title="Otto's", due_time=time(12, 0))
    first = FollowUp.objects.get(title="Step 0").remind_at
    assert send_reminders(first) == 4
    assert send_reminders(first + timedelta(minutes=29)) == 0
    assert send_reminders(first + timedelta(minutes=30)) == 1
    mails = OutboxMail.objects.filter(user=marta).order_by("pk")
    assert [mail.subject for mail in mails] == ["3 follow-ups are due", "Follow-up: Step 30 (Northwind Advisory)"]
    assert all(f"Step {minute}" in mails[0].text for minute in (0, 2, 4)) and "Step 30" not in mails[0].text
    assert OutboxMail.objects.get(user=otto).subject.startswith("Follow-up: Otto's")


@pytest.mark.django_db
def test_what_was_opened_since_it_was_due_is_not_mailed(client, marta, northwind):
    read, left = (follow_up(actor=marta, client=northwind, title=title) for title in ("Read", "Left"))
    note_follow_up_read(user=marta, follow_up=read, now=read.remind_at + timedelta(seconds=30))
    note_follow_up_read(user=marta, follow_up=left, now=left.remind_at - timedelta(hours=1))
    assert send_reminders(LATER) == 1
    assert OutboxMail.objects.get().subject.startswith("Follow-up: Left")


@pytest.mark.django_db
def test_the_page_notes_that_its_assignee_opened_it(client, marta, otto, northwind):
    row = follow_up(actor=marta, client=northwind)
    for user in (otto, marta):
        client.force_login(user)
        assert client.get(reverse("interactions:follow-up", args=[row.pk])).status_code == 200
    assert [(mark.user, mark.record_id) for mark in ReadMark.objects.all()] == [(marta, row.pk)]


@pytest.mark.django_db
def test_a_reminder_that_still_waits_is_taken_back_for_what_was_done_and_told_anew_for_the_rest(marta, northwind):
    done, left = (follow_up(actor=marta, client=northwind, title=title) for title in ("Done meanwhile", "Left"))
    send_reminders(LATER)
    assert send_reminders(LATER + timedelta(minutes=1)) == 0, "nothing changed"
    complete_follow_up(acting(marta), follow_up=done, now=LATER)
    send_reminders(LATER + timedelta(minutes=2))
    first, second = OutboxMail.objects.order_by("pk")
    assert (first.state, first.reply) == ("cancelled", "Done or read before it was sent")
    assert (second.state, second.subject) == ("pending", "Follow-up: Left (Northwind Advisory)")
    note_follow_up_read(user=marta, follow_up=left, now=timezone.now() + timedelta(minutes=1))
    send_reminders(LATER + timedelta(minutes=3))
    assert set(OutboxMail.objects.values_list("state", flat=True)) == {"cancelled"}


@pytest.mark.django_db
@pytest.mark.parametrize("wish", ["digest", "off"])
def test_who_wants_no_mail_for_each_gets_none(marta, northwind, wish):
    row = follow_up(actor=marta, client=northwind)
    User.objects.update(reminders=wish)
    assert send_reminders(LATER) == 0
    row.refresh_from_db()
    assert row.remind_at is None and not OutboxMail.objects.exists()


@pytest.mark.django_db
def test_notifications_are_mailed_once_unless_they_were_read(marta, northwind):
    now = timezone.now() + timedelta(minutes=10)
    news = [
        Notification.objects.create(user=marta, kind="x", key=f"n{n}", text=f"Thing {n}", url="/clients/")
        for n in range(3)
    ]
    mark_read(acting(marta), notification=news[0], now=now)
    assert send_reminders(timezone.now()) == 0, "some minutes to read them in the application"
    assert [send_reminders(now), send_reminders(now)] == [2, 0]
    mail = OutboxMail.objects.get()
    assert mail.subject == "2 messages" and "Thing 0" not in mail.text and "Thing 2" in mail.text


@pytest.mark.django_db
def test_a_reminder_is_skipped_and_brought_back(marta, northwind):
    row = follow_up(actor=marta, client=northwind)
    skip_reminder(acting(marta), follow_up=row, now=NOW)
    assert send_reminders(LATER) == 0
    with pytest.raises(ServiceError):
        skip_reminder(acting(marta), follow_up=row, now=NOW)
    restore_reminder(acting(marta), follow_up=row, now=NOW)
    assert send_reminders(LATER) == 1


@pytest.mark.django_db
def test_one_that_cannot_be_written_loses_its_turn_and_keeps_no_other_back(marta, otto, northwind):
    bad = follow_up(actor=marta, client=northwind, assignee=otto)
    follow_up(actor=marta, client=northwind, title="Good")
    User.objects.filter(pk=otto.pk).update(email="no address")
    assert send_reminders(LATER) == 1
    bad.refresh_from_db()
    assert bad.remind_at is None and OutboxMail.objects.get().subject.startswith("Follow-up: Good")


@pytest.mark.django_db
def test_a_database_that_is_busy_loses_no_reminder(marta, northwind, monkeypatch):
    """A deadlock, a statement that took too long: no fault of the follow-up, which is mailed with the next tick."""
    follow_up(actor=marta, client=northwind)

    def busy(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(1)")

    with monkeypatch.context() as patched:
        patched.setattr(reminders, "remind", busy)
        assert send_reminders(LATER) == 0
    assert send_reminders(LATER) == 1


@pytest.mark.django_db
def test_a_notification_is_told_anew_when_the_mail_it_stood_in_first_was_taken_back(marta, northwind):
    first, second = (
        Notification.objects.create(user=marta, client_id=northwind.pk, key=f"n{n}", kind="x", text=f"News {n}")
        for n in range(2)
    )
    now = timezone.now() + timedelta(minutes=10)
    assert send_reminders(now) == 2
    mark_read(acting(marta), notification=second, now=now)
    send_reminders(now + timedelta(minutes=1))
    assert sorted(OutboxMail.objects.values_list("state", "subject")) == [
        ("cancelled", "2 messages"),
        ("pending", "News 0"),
    ]


@pytest.mark.django_db
def test_what_concerns_no_client_is_not_named_in_a_subject(marta):
    follow_up(actor=marta, client=None, title="Ask the doctor")
    assert send_reminders(FollowUp.objects.get().remind_at) == 1
    mail = OutboxMail.objects.get()
    assert mail.subject == "1 follow-up is due" and "Ask the doctor" in mail.text
