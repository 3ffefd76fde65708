"""What cannot be made into a mail ends in a named state with a reason somebody can act on, and stops nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import Contact, ContactEmail
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.users.models import User
from interactions.log.choices import Visibility
from interactions.progress import review_emails, sections
from interactions.progress.choices import ProgressState
from interactions.progress.models import ProgressEmail
from interactions.progress.services import drafts, schedules, sending
from tools.testing.factories import interactions as make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
MALFORMED = [
    {"summary": "Fine", "sections": "none", "closing": ""},
    {"summary": "Fine", "sections": [{"key": "done", "title": "Done", "items": 5}], "closing": ""},
    {"summary": "Fine", "sections": ["done"], "closing": ""},
    {"sections": []},
    ["a", "list"],
    "a word",
    {"summary": "", "sections": [], "closing": ""},
]


@pytest.fixture
def marta():
    make.make_firm()
    return make.make_user()


def email_for(owner, name="Northwind Advisory", **fields):
    client = make.make_client(owner=owner, name=name, time_zone="Europe/Helsinki")
    contact = make.make_person(client)
    schedules.set_schedule(
        acting(owner), client=client, recipients=[contact], now=MONDAY, **({"is_review_needed": False} | fields)
    )
    make.log(
        actor=owner,
        client=client,
        subject="Findings explained",
        occurred_at=MONDAY,
        now=MONDAY,
        visibility=Visibility.SHARED,
    )
    schedules.plan_progress(FRIDAY_NOON - 30 * HOUR)
    return ProgressEmail.objects.get(client=client)


@pytest.fixture
def other(marta):
    """Another client's, which is fine and must leave whatever happens."""
    return email_for(marta, "Other")


@pytest.fixture
def email(marta, other):
    return email_for(marta)


def run(moment):
    sending.run_progress(moment)


def assert_held(email, text):
    email.refresh_from_db()
    assert email.state == ProgressState.HELD
    assert text in email.problem
    told = OutboxMail.objects.get(kind="progress-review", key=f"progress-review:{email.pk}:problem")
    assert email.problem in told.text
    assert Notification.objects.get(key=f"progress-problem:{email.pk}").url == reverse(
        "interactions:progress", args=[email.pk]
    )


def assert_left(other):
    other.refresh_from_db()
    assert other.state == ProgressState.SENT


@pytest.mark.parametrize("content", MALFORMED)
def test_malformed_content(client, marta, email, other, content):
    run(email.draft_at)
    ProgressEmail.objects.filter(pk=email.pk).update(content=content, version=2, state="approved")
    run(email.send_at)
    run(email.send_at + HOUR)
    assert_held(email, "")
    assert email.problem
    assert_left(other)
    client.force_login(marta)
    page = client.get(reverse("interactions:progress", args=[email.pk]))
    assert page.status_code == 200
    assert email.problem in page.text
    preview = client.get(reverse("interactions:progress_preview", args=[email.pk]))
    assert "No preview yet" in preview.text
    assert client.get(reverse("interactions:client_progress", args=[email.client_id])).status_code == 200
    answer = client.get(reverse("api:progress-emails-detail", args=[email.pk]))
    assert (answer.status_code, answer.json()["problem"]) == (200, email.problem)
    assert client.get(reverse("interactions:progress-emails")).status_code == 200
    assert client.get(reverse("interactions:today")).status_code == 200


@pytest.fixture
def broken_source(email):
    """A source that fails for one client until it is mended: `broken_source.clear()`."""
    fails_for = {email.client_id}

    def fail(client, start, end):
        if client.pk in fails_for:
            raise KeyError("no such thing")
        return []

    sections.register("questions", "broken", fail)
    yield fails_for
    del sections.sources._items["questions, broken"]


def test_a_source_that_fails_names_its_part_and_is_not_tried_for_ever(email, other, broken_source, caplog):
    run(email.draft_at)
    assert_held(email, "Open questions")
    caplog.clear()
    for minutes in range(5):
        run(email.draft_at + timedelta(minutes=minutes))
    assert not [record for record in caplog.records if "cannot be made" in record.message]
    run(email.send_at)
    assert_left(other)
    assert OutboxMail.objects.filter(kind="progress-review").count() == 1


def test_it_can_be_written_by_hand_and_goes_then(client, marta, email, broken_source):
    run(email.draft_at)
    email.refresh_from_db()
    client.force_login(marta)
    url = reverse("interactions:progress", args=[email.pk])
    page = client.get(url)
    assert "There is no draft" in page.text
    content = {"summary": "By hand.", "sections": [], "closing": ""}
    drafts.edit_progress(
        acting(marta), email=email, subject="Week 48", content=content, seen_version=1, now=email.draft_at
    )
    email.refresh_from_db()
    assert (email.state, email.problem) == ("draft", "")
    run(email.send_at)
    assert "By hand." in OutboxMail.objects.get(kind="progress", client_id=email.client_id).text


def test_drafting_again_says_what_still_fails_and_works_when_mended(marta, email, broken_source):
    run(email.draft_at)
    with pytest.raises(ServiceError, match="Open questions"):
        drafts.redraft_progress(acting(marta), email=email, now=email.draft_at)
    broken_source.clear()
    again = drafts.redraft_progress(acting(marta), email=email, now=email.draft_at)
    assert (again.state, again.problem) == ("draft", "")


def test_a_database_that_is_away_is_tried_again(email, monkeypatch):
    real = sending.write_draft

    def away(email, now):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(sending, "write_draft", away)
    run(email.draft_at)
    email.refresh_from_db()
    assert (email.state, email.problem) == ("planned", "")
    monkeypatch.setattr(sending, "write_draft", real)
    run(email.draft_at)
    email.refresh_from_db()
    assert email.state == "draft"


def test_a_subject_that_would_add_a_header_is_put_on_one_line(email, other):
    run(email.draft_at)
    ProgressEmail.objects.filter(pk=email.pk).update(subject="Week 48\r\nBcc: all@evil.example", version=2)
    run(email.send_at)
    assert OutboxMail.objects.get(client_id=email.client_id).subject == "Week 48 Bcc: all@evil.example"
    assert_left(other)


def test_names_that_would_add_a_header_are_put_on_one_line(marta, email, other):
    Contact.objects.filter(affiliations__client=email.client_id).update(first_name="Elina\r\nBcc: all@evil.example")
    User.objects.filter(pk=marta.pk).update(name="Marta\nKallio")
    FirmSettings.objects.update(name="Kallio\r\n& Co")
    run(email.send_at)
    mail = OutboxMail.objects.get(kind="progress", client_id=email.client_id)
    assert mail.to_name == "Elina Bcc: all@evil.example Saari"
    assert mail.from_name == "Marta Kallio, Kallio & Co"
    assert mail.subject == "Kallio & Co: progress in week 48"
    assert mail.text.startswith("Hello Elina Bcc: all@evil.example,\n")
    assert_left(other)


def test_an_address_that_is_none_keeps_the_others_from_nothing(marta, email):
    jari = make.make_person(email.client, "Jari", "Koski", address="jari@northwind.example")
    elina = email.client.contacts.exclude(pk=jari.pk).get()
    schedules.set_schedule(
        acting(marta), client=email.client, recipients=[elina, jari], is_review_needed=False, now=MONDAY
    )
    ContactEmail.objects.filter(contact=elina).update(address="elina at northwind")
    run(email.send_at)
    email.refresh_from_db()
    assert OutboxMail.objects.get(kind="progress", client_id=email.client_id).to_address == "jari@northwind.example"
    assert (email.state, email.problem) == (
        "sent",
        "Not sent to Elina Saari: “elina at northwind” is not an email address.",
    )
    assert Notification.objects.filter(key=f"progress-refused:{email.pk}").exists()


def test_nobody_with_an_address_that_is_one(email, other):
    ContactEmail.objects.filter(contact__affiliations__client=email.client_id).update(address="elina\nat northwind")
    run(email.send_at)
    assert_held(email, "A line break")
    assert_left(other)


def test_an_account_manager_who_cannot_be_mailed_hinders_nothing(marta, email, broken_source):
    User.objects.filter(pk=marta.pk).update(email="marta at kallio")
    run(email.draft_at)
    email.refresh_from_db()
    assert (email.state, OutboxMail.objects.count()) == ("held", 0)
    assert Notification.objects.filter(key=f"progress-problem:{email.pk}").exists()


def test_what_cannot_be_made_is_not_approved_nor_tested(marta, email):
    run(email.draft_at)
    ProgressEmail.objects.filter(pk=email.pk).update(content={"sections": 1})
    email.refresh_from_db()
    for act in (
        lambda: drafts.approve_progress(acting(marta), email=email, now=email.draft_at),
        lambda: sending.send_test(acting(marta), email=email, now=email.draft_at),
        lambda: sending.send_progress_now(acting(marta), email=email, now=email.draft_at),
    ):
        with pytest.raises(ServiceError, match="The content needs a summary"):
            act()


def test_the_review_mail_goes_without_a_draft_that_cannot_be_shown(email):
    ProgressEmail.objects.filter(pk=email.pk).update(content={"sections": 1})
    email.refresh_from_db()
    [mail] = review_emails.mail_review_missing(email=email, when="send", now=timezone.now())
    assert "The draft" not in mail.text
