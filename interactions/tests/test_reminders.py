import threading
from datetime import date, time, timedelta

import pytest
from django.db import connection

from crm.core.models import OutboxMail
from interactions import services
from interactions.services.reminders import send_reminders
from interactions.tests import factories
from interactions.tests.factories import NOW, follow_up

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
    services.complete_follow_up(actor=marta, follow_up=follow_up(actor=marta, client=northwind), now=NOW)
    services.cancel_follow_up(actor=marta, follow_up=follow_up(actor=marta, client=northwind), now=NOW)
    services.snooze_follow_up(
        actor=marta, follow_up=follow_up(actor=marta, client=northwind), until=LATER + timedelta(days=1), now=NOW
    )
    assert send_reminders(LATER) == 0
    assert send_reminders(LATER + timedelta(days=1)) == 1, "the snoozed one when it comes back"


@pytest.mark.django_db
def test_another_day_or_person_gets_another_mail(marta, otto, northwind):
    row = follow_up(actor=marta, client=northwind)
    send_reminders(LATER)
    services.update_follow_up(actor=marta, follow_up=row, due_date=date(2026, 11, 25), now=LATER)
    send_reminders(LATER + timedelta(days=5))
    services.reassign_follow_up(actor=marta, follow_up=row, assignee=otto, now=LATER + timedelta(days=5))
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
    factories.make_firm()
    marta = factories.make_user()
    northwind = factories.make_client(owner=marta)
    for number in range(20):
        follow_up(actor=marta, client=northwind, title=f"Step {number}")
    start, sent, failed = threading.Barrier(4), [], []

    def run():
        try:
            start.wait(timeout=10)
            sent.append(send_reminders(LATER))
        except Exception as error:  # the thread's failure is the test's
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not failed
    assert sum(sent) == 20 and OutboxMail.objects.count() == 20
