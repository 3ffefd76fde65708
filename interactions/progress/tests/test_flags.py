"""What is wrong with a progress email is said the day before, and shown wherever it is listed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.notifications.models import Notification
from interactions.log.choices import Visibility
from interactions.progress import flags as progress_flags
from interactions.progress import lists as progress_lists
from interactions.progress.choices import ProgressState, WhenNothing
from interactions.progress.models import ProgressEmail
from interactions.progress.services import drafts, schedules, sending
from tools.testing.factories import interactions as make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


@pytest.fixture
def marta():
    make.make_firm()
    return make.make_user()


@pytest.fixture
def northwind(marta):
    client = make.make_client(owner=marta, time_zone="Europe/Helsinki")
    make.make_person(client)
    return client


def share_a_call(client):
    make.log(
        actor=client.owner,
        client=client,
        subject="Findings explained",
        occurred_at=MONDAY,
        now=MONDAY,
        visibility=Visibility.SHARED,
    )


def drafted(client, **fields):
    schedules.set_schedule(acting(client.owner), client=client, recipients=client.contacts.all(), now=MONDAY, **fields)
    schedules.plan_progress(FRIDAY_NOON - 30 * HOUR)
    email = ProgressEmail.objects.get(client=client, week="2026-W48")
    sending.run_progress(email.draft_at)
    return signed(email, email.draft_at)


def signed(email, now):
    return progress_flags.with_signs(ProgressEmail.objects.filter(pk=email.pk), now).get()


def keys(email, now):
    return [flag.key for flag in progress_flags.flags(email, now)]


def test_one_that_is_fine_is_not_flagged(northwind, marta):
    share_a_call(northwind)
    email = drafted(northwind, is_review_needed=False)
    assert keys(email, email.draft_at) == []
    assert not Notification.objects.exists()
    assert progress_lists.today_section(acting(marta), email.draft_at) is None


def test_an_unread_one_is_told_once_the_day_before(northwind, marta):
    share_a_call(northwind)
    email = drafted(northwind)
    for hours in range(5):
        sending.run_progress(email.draft_at + hours * HOUR)
    told = Notification.objects.get()
    assert (told.user, told.key, told.client_id) == (marta, f"progress-flag:{email.pk}", northwind.pk)
    assert told.text == "Progress email to Northwind Advisory is due soon: Waiting for your approval."
    assert told.created_at is not None
    assert progress_lists.today_section(acting(marta), email.draft_at)["emails"] == [email]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (WhenNothing.SKIP, "It will be skipped unless"),
        (WhenNothing.SHORT, "A short note will be sent unless"),
        (WhenNothing.ASK, "Add a line or skip."),
    ],
)
def test_an_empty_one(northwind, marta, choice, words):
    email = drafted(northwind, is_review_needed=False, when_nothing=choice)
    assert keys(email, email.draft_at) == ["empty"]
    assert words in Notification.objects.get().text
    drafts.edit_progress(
        acting(marta),
        email=email,
        subject="Week",
        content=email.content | {"summary": "All is well."},
        seen_version=1,
        now=email.draft_at,
    )
    assert keys(signed(email, email.draft_at), email.draft_at) == []


def test_one_without_recipients(northwind, marta):
    share_a_call(northwind)
    email = drafted(northwind, is_review_needed=False)
    northwind.affiliations.update(left_date=date(2026, 11, 26))
    sending.run_progress(email.draft_at + HOUR)
    assert keys(signed(email, email.draft_at), email.draft_at) == ["nobody"]
    assert "No recipients" in Notification.objects.get().text
    shown = progress_lists.today_section(acting(marta), email.draft_at + HOUR)["emails"][0]
    assert shown.flags[0].text == "No recipients"


def test_one_without_a_summary(northwind, marta):
    share_a_call(northwind)
    email = drafted(northwind, is_review_needed=False)
    drafts.edit_progress(
        acting(marta),
        email=email,
        subject="Week",
        content=email.content | {"summary": ""},
        seen_version=1,
        now=email.draft_at,
    )
    sending.run_progress(email.draft_at + HOUR)
    assert keys(signed(email, email.draft_at), email.draft_at) == ["note"]
    assert "Without a summary" in Notification.objects.get().text


def test_what_is_held_will_be_late_and_then_is(northwind):
    share_a_call(northwind)
    email = drafted(northwind)
    sending.run_progress(email.send_at)
    email = signed(email, email.send_at)
    flags = progress_flags.flags(email, email.send_at)
    assert [flag.text for flag in flags] == ["Approve by 12:00 (their time) to be on time"]
    assert keys(email, email.deadline_at + HOUR) == ["late"]


def test_what_left_after_the_deadline_is_late_for_good(client, northwind, marta):
    share_a_call(northwind)
    email = drafted(northwind)
    sending.run_progress(email.send_at)
    late = email.deadline_at + HOUR
    sending.send_progress_now(acting(marta), email=email, now=late)
    assert keys(signed(email, late), late) == ["late"]
    client.force_login(marta)
    for name, arguments in (("client_progress", [northwind.pk]), ("progress", [email.pk])):
        assert "Late" in client.get(reverse(f"interactions:{name}", args=arguments)).text
    assert "Late" in client.get(reverse("interactions:progress-emails") + "?show=sent").text


@pytest.mark.parametrize(
    ("state", "sent_after", "expected"),
    [("sent", -HOUR, []), ("sent", HOUR, ["late"]), ("pending", None, ["late"]), ("dead", None, ["failed"])],
)
def test_what_the_mail_server_took_late_or_not_at_all(northwind, marta, state, sent_after, expected):
    now, deadline = timezone.now(), timezone.now() - 2 * HOUR
    email = ProgressEmail.objects.create(
        client=northwind,
        week="2026-W40",
        state=ProgressState.SENT,
        sent_at=deadline - 3 * HOUR,
        covers_from=deadline - 99 * HOUR,
        covers_to=deadline,
        draft_at=deadline,
        send_at=deadline - 3 * HOUR,
        deadline_at=deadline,
        expires_at=deadline,
        time_zone="UTC",
    )
    mail, _made = queue_mail(
        key="progress:1",
        kind="progress",
        to_address="elina@northwind.example",
        subject="W",
        text="W",
        cause=email,
        client_id=northwind.pk,
        deadline_at=deadline,
    )
    OutboxMail.objects.filter(pk=mail.pk).delete()
    mail.pk, mail.state, mail.sent_at = None, state, deadline + sent_after if sent_after else None
    mail.save(force_insert=True)
    assert keys(signed(email, now), now) == expected


def test_nobody_is_told_about_a_client_in_the_trash(northwind):
    northwind.archived_at = timezone.now()
    northwind.save()
    progress_flags.notify(FRIDAY_NOON)
    assert not Notification.objects.exists()


def test_automatic_mails_say_so_and_those_of_a_button_do_not(northwind, marta):
    share_a_call(northwind)
    email = drafted(northwind, is_review_needed=False)
    sending.run_progress(email.send_at)
    assert OutboxMail.objects.get(kind="progress").is_automatic
    other = make.make_client(owner=marta, name="Other", time_zone="Europe/Helsinki")
    make.make_person(other, "Olli", "Other")
    pressed = drafted(other)
    sending.send_progress_now(acting(marta), email=pressed, now=pressed.draft_at)
    assert not OutboxMail.objects.get(kind="progress", client_id=other.pk).is_automatic
