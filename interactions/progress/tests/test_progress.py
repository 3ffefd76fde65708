"""Weekly progress emails: planned once, drafted from what happened, read, sent in time, stopped by who wants no more."""

import uuid
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from clients.contacts.models import ContactEmail
from clients.records.facts import set_facts
from crm.core.base.dates import local_to_utc
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.base.secret_links import link_token
from crm.core.mail.delivery.decisions import send_again
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.work import schedule as ticking
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment, Decision
from interactions.log.choices import Visibility
from interactions.log.models import Interaction
from interactions.progress.choices import ProgressState, WhenNothing
from interactions.progress.models import ProgressEmail, ProgressRecipient
from interactions.progress.services import drafts, schedules, sending
from interactions.progress.times import times_of
from tools.testing.factories.interactions import log, make_client, make_contact, make_firm, make_user

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FRIDAY_NOON = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # 12:00 in Helsinki


@pytest.fixture
def marta():
    make_firm()
    return make_user(title="Partner")


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, time_zone="Europe/Helsinki")


@pytest.fixture
def elina(northwind):
    return person(northwind, "Elina", "Saari")


def person(client, first, last, address=""):
    contact = make_contact(client=client, first_name=first, last_name=last)
    ContactEmail.objects.create(
        contact=contact, address=address or f"{first.lower()}@northwind.example", is_primary=True
    )
    return contact


def schedule(client, *contacts, now=MONDAY, **fields):
    return schedules.set_schedule(acting(client.owner), client=client, recipients=contacts, now=now, **fields)


def planned(client, *contacts, **fields):
    """The email of this week, planned on Thursday morning."""
    schedule(client, *contacts, **fields)
    schedules.plan_progress(FRIDAY_NOON - 30 * HOUR)
    return ProgressEmail.objects.get(client=client, week="2026-W48")


def run(now):
    return sending.run_progress(now)


def share_a_call(client, **fields):
    return log(
        actor=client.owner,
        client=client,
        subject="Findings explained",
        occurred_at=MONDAY + 2 * HOUR,
        now=MONDAY + 3 * HOUR,
        visibility=Visibility.SHARED,
        **fields,
    )


# T1–T4: whose Friday noon
@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/New_York", date(2026, 3, 6), "2026-03-06 17:00"),
        ("America/New_York", date(2026, 3, 13), "2026-03-13 16:00"),
        ("Europe/London", date(2026, 10, 23), "2026-10-23 11:00"),
        ("Europe/London", date(2026, 10, 30), "2026-10-30 12:00"),
        ("Pacific/Auckland", date(2026, 4, 3), "2026-04-02 23:00"),
        ("Asia/Kolkata", date(2026, 3, 27), "2026-03-27 06:30"),
    ],
)
def test_friday_noon_is_the_clients(marta, zone, day, expected):
    client = make_client(owner=marta)
    monday = datetime.combine(day - timedelta(days=4), time(12), UTC)
    found = schedule(client, person(client, "Ann", "Lee"), time_zone=zone, now=monday)
    week = "{}-W{:02}".format(*day.isocalendar())
    assert times_of(found, week).deadline_at.strftime("%Y-%m-%d %H:%M") == expected
    schedules.plan_progress(times_of(found, week).send_at - 35 * HOUR)
    email = ProgressEmail.objects.get(client=client)
    assert (email.week, email.deadline_at.strftime("%Y-%m-%d %H:%M")) == (week, expected)
    assert email.deadline_at - email.send_at == 3 * HOUR


def test_an_hour_the_clock_jumps_over_moves_forward_and_a_double_one_is_the_first():
    assert local_to_utc(date(2026, 3, 29), time(2, 30), "Europe/Berlin") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert local_to_utc(date(2026, 10, 25), time(2, 30), "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_planned_36_hours_ahead_and_once(northwind, elina):
    schedule(northwind, elina)
    send_at = FRIDAY_NOON - 3 * HOUR
    assert schedules.plan_progress(send_at - 37 * HOUR) == 0
    assert schedules.plan_progress(send_at - 36 * HOUR) == 1
    assert schedules.plan_progress(send_at - 36 * HOUR) == 0
    email = ProgressEmail.objects.get()
    assert (email.week, email.state, email.send_at, email.deadline_at) == ("2026-W48", "planned", send_at, FRIDAY_NOON)
    assert email.covers_from == send_at - timedelta(days=7)
    assert email.expires_at == FRIDAY_NOON + 6 * HOUR


def test_planned_again_after_the_bookmark_was_lost_still_once(northwind, elina):
    email = planned(northwind, elina)
    northwind.progress_schedule.next_week = ""
    northwind.progress_schedule.save()
    assert schedules.plan_progress(FRIDAY_NOON - 30 * HOUR) == 0
    assert ProgressEmail.objects.get() == email


def test_another_zone_or_day_within_the_week_makes_no_second_one(northwind, elina):
    email = planned(northwind, elina, is_review_needed=False)
    share_a_call(northwind)
    run(email.send_at)
    schedule(northwind, elina, weekday=5, time_zone="Pacific/Auckland", now=email.send_at + HOUR)
    schedules.plan_progress(email.send_at + 2 * HOUR)
    run(email.send_at + 30 * HOUR)
    assert ProgressEmail.objects.filter(week="2026-W48").count() == 1
    assert OutboxMail.objects.filter(kind="progress").count() == 1


def test_a_planned_one_moves_with_its_schedule(northwind, elina):
    email = planned(northwind, elina)
    schedule(northwind, elina, deadline_time=time(16, 0), now=FRIDAY_NOON - 29 * HOUR)
    email.refresh_from_db()
    assert email.deadline_at == FRIDAY_NOON + 4 * HOUR


def test_a_schedule_made_after_the_deadline_starts_next_week(northwind, elina):
    schedule(northwind, elina, now=FRIDAY_NOON + HOUR)
    schedules.plan_progress(FRIDAY_NOON + HOUR)
    assert not ProgressEmail.objects.exists()
    assert northwind.progress_schedule.next_week == "2026-W49"


def test_an_outage_up_to_the_expiry_is_made_up_for(northwind, elina):
    schedule(northwind, elina, is_review_needed=False)
    share_a_call(northwind)
    late = FRIDAY_NOON + 5 * HOUR
    schedules.plan_progress(late)
    run(late)
    mail = OutboxMail.objects.get(kind="progress")
    assert mail.deadline_at == FRIDAY_NOON


def test_the_draft_tells_what_happened_and_was_shared(northwind, marta, elina):
    share_a_call(northwind)
    log(actor=marta, client=northwind, subject="They haggle", occurred_at=MONDAY, now=MONDAY)
    Decision.objects.create(
        client=northwind, text="Payroll from January", decided_date=date(2026, 11, 24), author=marta, is_shared=True
    )
    Decision.objects.create(client=northwind, text="Our margin", decided_date=date(2026, 11, 24), author=marta)
    promise = {"client": northwind, "is_shared": True}
    Commitment.objects.create(**promise, text="Draft findings letter", due_date=date(2026, 12, 2))
    Commitment.objects.create(**promise, text="Two receipts", side="client", due_date=date(2026, 11, 30))
    Commitment.objects.create(**promise, text="VAT return filed", state=CommitmentState.KEPT, closed_at=MONDAY + HOUR)
    email = planned(northwind, elina)
    run(email.draft_at)
    email.refresh_from_db()
    lines = {section["key"]: section["items"] for section in email.content["sections"]}
    assert email.state == ProgressState.DRAFT
    assert lines["done"] == ["Mon 23 Nov: Findings explained", "VAT return filed"]
    assert lines["agreed"] == ["Payroll from January"]
    assert lines["next"] == ["Draft findings letter (Kallio & Co), by Wed 2 Dec"]
    assert lines["needed"] == ["Two receipts, by Mon 30 Nov"]
    assert email.subject == "Kallio & Co: progress in week 48"


def test_without_review_it_goes_by_itself_with_the_latest(northwind, marta, elina):
    email = planned(northwind, elina, is_review_needed=False)
    run(email.draft_at)
    log(
        actor=marta,
        client=northwind,
        subject="Signed",
        occurred_at=email.send_at - HOUR,
        now=email.send_at - HOUR,
        visibility=Visibility.SHARED,
    )
    run(email.send_at - timedelta(minutes=1))
    assert not OutboxMail.objects.filter(kind="progress").exists()
    run(email.send_at)
    run(email.send_at)
    email.refresh_from_db()
    mail = OutboxMail.objects.get(kind="progress")
    assert (email.state, email.sent_at, email.covers_to) == ("sent", email.send_at, email.send_at)
    assert mail.key == f"progress:{northwind.pk}:{elina.pk}:2026-W48"
    assert "Signed" in mail.text
    assert mail.text == email.sent_text
    assert (mail.to_address, mail.reply_to, mail.deadline_at) == ("elina@northwind.example", marta.email, FRIDAY_NOON)
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_mail_reads_like_one_from_a_person(northwind, elina):
    share_a_call(northwind)
    email = planned(northwind, elina, is_review_needed=False)
    run(email.send_at)
    mail = OutboxMail.objects.get(kind="progress")
    assert mail.text == (
        "Hello Elina,\n\nHere is this week’s update: 1 item done.\n\nDone this week\n- Mon 23 Nov: Findings explained\n\n"
        "If anything is unclear or missing, just reply to this email.\n\nKind regards,\nMarta Kallio\nPartner\nKallio & Co\n\n"
        "--\nUnsubscribe from progress emails:\n[[stop]]\n"
    )
    assert '<strong style="font-weight:600;">Marta Kallio</strong>' in mail.html
    assert "<script" not in mail.html and "src=" not in mail.html


def test_they_are_addressed_as_they_wish(northwind, elina):
    share_a_call(northwind)
    jari = person(northwind, "Jari", "Koski")
    elina.salutation = "Dear Ms Saari,"
    elina.save()
    email = planned(northwind, elina, jari, is_review_needed=False)
    run(email.send_at)
    first, second = OutboxMail.objects.filter(kind="progress").order_by("contact_id")
    assert first.text.startswith("Dear Ms Saari,\n")
    assert second.text.startswith("Hello Jari,\n")


def test_what_is_written_cannot_break_out_of_the_mail(northwind, marta, elina):
    email = planned(northwind, elina)
    run(email.draft_at)
    email.refresh_from_db()
    content = email.content | {"summary": "<img src=x onerror=alert(1)>"}
    drafts.edit_progress(
        acting(marta), email=email, subject="Week", content=content, seen_version=1, now=email.draft_at
    )
    with pytest.raises(ServiceError):
        drafts.edit_progress(
            acting(marta),
            email=email,
            subject="Week\nBcc: x@y.example",
            content=content,
            seen_version=2,
            now=email.draft_at,
        )
    sending.send_progress_now(acting(marta), email=email, now=email.draft_at)
    mail = OutboxMail.objects.get(kind="progress")
    assert "<img" not in mail.html
    assert "&lt;img" in mail.html


def test_unread_it_is_held_and_the_account_manager_told_twice(northwind, marta, elina):
    share_a_call(northwind)
    email = planned(northwind, elina)
    run(email.send_at)
    run(email.send_at + HOUR)
    email.refresh_from_db()
    assert email.state == ProgressState.HELD
    told = OutboxMail.objects.get(kind="progress-review")
    assert (told.to_address, told.key) == (marta.email, f"progress-review:{email.pk}:send")
    assert "Findings explained" in told.text
    assert reverse("interactions:progress", args=[email.pk]) in told.text
    run(email.deadline_at - HOUR)
    run(email.deadline_at)
    assert OutboxMail.objects.filter(kind="progress-review").count() == 2
    assert not OutboxMail.objects.filter(kind="progress").exists()


def test_approved_late_it_still_goes_until_it_expires(northwind, marta, elina):
    share_a_call(northwind)
    email = planned(northwind, elina)
    run(email.send_at)
    late = email.deadline_at + 5 * HOUR
    drafts.approve_progress(acting(marta), email=email, now=late)
    run(late)
    email.refresh_from_db()
    assert (email.state, email.approved_by, email.sent_at) == ("sent", marta, late)


def test_never_approved_it_expires_and_its_news_come_next_week(northwind, marta, elina):
    share_a_call(northwind)
    email = planned(northwind, elina)
    run(email.send_at)
    run(email.expires_at)
    email.refresh_from_db()
    assert email.state == ProgressState.EXPIRED
    with pytest.raises(ServiceError):
        drafts.approve_progress(acting(marta), email=email, now=email.expires_at)
    schedules.plan_progress(FRIDAY_NOON + timedelta(days=6))
    following = ProgressEmail.objects.get(week="2026-W49")
    assert following.covers_from == following.send_at - timedelta(days=7)


def test_nothing_falls_between_two(northwind, marta, elina):
    share_a_call(northwind)
    email = planned(northwind, elina)
    run(email.draft_at)
    drafts.approve_progress(acting(marta), email=email, now=email.draft_at)
    log(
        actor=marta,
        client=northwind,
        subject="After the draft",
        occurred_at=email.draft_at + HOUR,
        now=email.draft_at + HOUR,
        visibility=Visibility.SHARED,
    )
    run(email.send_at)
    assert "After the draft" not in OutboxMail.objects.get(kind="progress").text
    schedules.plan_progress(FRIDAY_NOON + timedelta(days=6))
    following = ProgressEmail.objects.get(week="2026-W49")
    assert following.covers_from == email.draft_at
    run(following.draft_at)
    following.refresh_from_db()
    assert any("After the draft" in line for line in following.content["sections"][0]["items"])


@pytest.mark.parametrize(
    ("choice", "state", "mails"),
    [(WhenNothing.SKIP, "skipped", 0), (WhenNothing.SHORT, "sent", 1), (WhenNothing.ASK, "held", 0)],
)
def test_when_nothing_happened(northwind, elina, choice, state, mails):
    email = planned(northwind, elina, is_review_needed=False, when_nothing=choice)
    run(email.draft_at)
    run(email.send_at)
    email.refresh_from_db()
    assert (email.state, email.is_empty) == (state, True)
    assert OutboxMail.objects.filter(kind="progress").count() == mails
    if mails:
        assert "No updates to report this week." in OutboxMail.objects.get(kind="progress").text
    if state == "skipped":
        assert email.skip_reason == "Nothing happened this week."


def test_skipped_and_brought_back(northwind, marta, elina):
    email = planned(northwind, elina)
    run(email.draft_at)
    drafts.skip_progress(acting(marta), email=email, now=email.draft_at)
    run(email.send_at)
    email.refresh_from_db()
    assert (email.state, email.skip_reason) == ("skipped", "Skipped by Marta Kallio")
    drafts.unskip_progress(acting(marta), email=email, now=email.send_at)
    email.refresh_from_db()
    assert email.state == ProgressState.DRAFT


def test_an_edit_counts_and_a_stale_one_is_refused(northwind, marta, elina):
    email = planned(northwind, elina, is_review_needed=False)
    run(email.draft_at)
    email.refresh_from_db()
    edited = drafts.edit_progress(
        acting(marta),
        email=email,
        subject="Week 48",
        content=email.content | {"summary": "All on track."},
        seen_version=1,
        now=email.draft_at,
    )
    assert edited.version == 2
    with pytest.raises(StaleWrite):
        drafts.edit_progress(
            acting(marta), email=email, subject="Mine", content=email.content, seen_version=1, now=email.draft_at
        )
    with pytest.raises(StaleWrite):
        drafts.approve_progress(acting(marta), email=email, seen_version=1, now=email.draft_at)
    share_a_call(northwind)
    run(email.send_at)
    mail = OutboxMail.objects.get(kind="progress")
    assert "All on track." in mail.text
    assert "Findings" not in mail.text, "someone's edit was overwritten"


def test_editing_what_was_approved_asks_for_approval_again(northwind, marta, elina):
    email = planned(northwind, elina)
    run(email.draft_at)
    email = drafts.approve_progress(acting(marta), email=email, now=email.draft_at)
    edited = drafts.edit_progress(
        acting(marta), email=email, subject="New", content=email.content, seen_version=1, now=email.draft_at
    )
    assert (edited.state, edited.approved_by) == ("draft", None)


def test_a_stale_edit_never_slips_into_what_was_approved(northwind, marta, elina):
    """Somebody saves a subject and approves; what another wrote over the version before that is not under the approval."""
    email = planned(northwind, elina)
    run(email.draft_at)
    email.refresh_from_db()
    edited = drafts.edit_progress(
        acting(marta), email=email, subject="Week 48", content=email.content, seen_version=1, now=email.draft_at
    )
    drafts.approve_progress(acting(marta), email=edited, seen_version=2, now=email.draft_at)
    with pytest.raises(StaleWrite):
        drafts.edit_progress(
            acting(marta),
            email=email,
            subject=email.subject,
            content=email.content | {"summary": "Nobody read this."},
            seen_version=1,
            now=email.draft_at,
        )
    email.refresh_from_db()
    assert (email.state, email.content["summary"]) == ("approved", edited.content["summary"])


def test_nobody_left_to_send_to_is_said(northwind, elina):
    share_a_call(northwind)
    email = planned(northwind, elina, is_review_needed=False)
    elina.affiliations.update(left_date=date(2026, 11, 24))
    run(email.send_at)
    email.refresh_from_db()
    assert email.state == ProgressState.SKIPPED
    assert email.skip_reason.startswith("No recipients")


def test_a_former_client_gets_none_whatever_was_drafted(northwind, elina):
    email = planned(northwind, elina, is_review_needed=False)
    run(FRIDAY_NOON - 20 * HOUR)
    set_facts(client_id=northwind.pk, status="former")
    run(FRIDAY_NOON - 2 * HOUR)
    email.refresh_from_db()
    assert (email.state, OutboxMail.objects.filter(kind="progress").count()) == (ProgressState.SKIPPED, 0)
    assert schedules.plan_progress(FRIDAY_NOON + 6 * 24 * HOUR) == 0, "and none is planned"


def test_recipients_must_be_at_the_client_and_reachable(northwind, marta, elina):
    silent = make_contact(client=northwind, first_name="No", last_name="Email")
    other = person(make_client(owner=marta, name="Other"), "Olli", "Other")
    for contacts in ([silent], [other], []):
        with pytest.raises(ServiceError) as refused:
            schedule(northwind, *contacts)
        assert refused.value.field == "recipients"


def test_a_broken_draft_stops_no_other(northwind, marta, elina, monkeypatch):
    other = make_client(owner=marta, name="Other", time_zone="Europe/Helsinki")
    good = planned(other, person(other, "Olli", "Other"), is_review_needed=False)
    bad = planned(northwind, elina, is_review_needed=False)
    real = sending.write_draft

    def draft(email, now):
        if email.pk == bad.pk:
            raise RuntimeError("broken")
        return real(email, now)

    monkeypatch.setattr(sending, "write_draft", draft)
    run(good.send_at)
    good.refresh_from_db()
    assert good.state == ProgressState.SENT


def test_the_recipient_stops_them_with_one_click(client, northwind, marta, elina):
    share_a_call(northwind)
    email = planned(northwind, elina, is_review_needed=False)
    run(email.send_at)
    recipient = northwind.progress_schedule.recipients.get()
    url = reverse(
        "interactions:progress_stop", args=[recipient.pk, link_token("progress-stop", recipient.pk, recipient.salt)]
    )
    clean = reverse("interactions:progress_stopping", args=[recipient.pk])
    assert client.get(clean).status_code == 404
    looked = client.get(url)
    assert (looked.status_code, looked.url) == (302, clean), "the secret is still in the URL"
    assert client.get(clean).status_code == 200
    recipient.refresh_from_db()
    assert recipient.stopped_at is None, "a mail scanner opening the link unsubscribed the recipient"
    assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    recipient.refresh_from_db()
    assert recipient.stopped_at
    assert OutboxMail.objects.get(kind="progress").state == "cancelled"
    assert Notification.objects.get().user == marta
    for wrong in ("0" * 64, "ä", "…"):
        assert client.get(reverse("interactions:progress_stop", args=[recipient.pk, wrong])).status_code == 404
    schedules.plan_progress(FRIDAY_NOON + timedelta(days=6))
    following = ProgressEmail.objects.get(week="2026-W49")
    run(following.send_at)
    following.refresh_from_db()
    assert following.state == ProgressState.SKIPPED


def test_the_button_on_the_clean_page_stops_them_too(client, northwind, elina):
    schedule(northwind, elina)
    recipient = northwind.progress_schedule.recipients.get()
    token = link_token("progress-stop", recipient.pk, recipient.salt)
    page = client.get(reverse("interactions:progress_stop", args=[recipient.pk, token]), follow=True)
    assert token not in page.content.decode()
    client.post(page.request["PATH_INFO"])
    recipient.refresh_from_db()
    assert recipient.stopped_at


def test_a_mail_that_failed_is_not_sent_again_to_who_stopped_meanwhile(northwind, marta, elina):
    share_a_call(northwind)
    email = planned(northwind, elina, is_review_needed=False)
    run(email.send_at)
    for state in ("leased", "dead"):
        lease = {"lease_token": uuid.uuid4(), "lease_until": email.send_at} if state == "leased" else {}
        OutboxMail.objects.filter(kind="progress").update(state=state, **lease)
    recipient = northwind.progress_schedule.recipients.get()
    sending.stop_recipient(recipient.link_principal, recipient=recipient, now=MONDAY)
    with pytest.raises(ServiceError) as caught:
        send_again(acting(marta), mail=OutboxMail.objects.get(kind="progress"), now=MONDAY)
    assert caught.value.code == "stopped"
    assert OutboxMail.objects.filter(kind="progress").count() == 1


def test_stopping_survives_a_change_of_recipients_and_only_the_firm_takes_it_back(northwind, marta, elina):
    jari = person(northwind, "Jari", "Koski")
    schedule(northwind, elina, jari)
    recipient = northwind.progress_schedule.recipients.get(contact=elina)
    sending.stop_recipient(recipient.link_principal, recipient=recipient, now=MONDAY)
    event = ProgressRecipient.pgh_event_models["update"].objects.filter(pgh_obj_id=recipient.pk).latest("pgh_id")
    assert event.pgh_context.metadata["contact"] == elina.pk
    schedule(northwind, jari)
    schedule(northwind, elina, jari)
    recipient.refresh_from_db()
    assert recipient.stopped_at
    with pytest.raises(ServiceError):
        schedules.resume_recipient(acting(marta), recipient=recipient, note=" ", now=MONDAY)
    schedules.resume_recipient(acting(marta), recipient=recipient, note="She asked on the phone", now=MONDAY + HOUR)
    recipient.refresh_from_db()
    assert recipient.stopped_at is None
    assert Interaction.objects.get(client=northwind).body == "She asked on the phone"


def test_nobody_stops_the_emails_of_somebody_else(northwind, marta, elina):
    jari = person(northwind, "Jari", "Koski")
    schedule(northwind, elina, jari)
    theirs, other = (northwind.progress_schedule.recipients.get(contact=who) for who in (elina, jari))
    for principal in (other.link_principal, acting(marta)):
        with pytest.raises(PermissionDenied):
            sending.stop_recipient(principal, recipient=theirs, now=MONDAY)
    theirs.refresh_from_db()
    assert theirs.stopped_at is None


def test_the_tick_does_it_all(northwind, elina):
    share_a_call(northwind)
    schedule(northwind, elina, is_review_needed=False)
    ticking.run(FRIDAY_NOON - 30 * HOUR)
    ticking.run(FRIDAY_NOON - 3 * HOUR)
    assert OutboxMail.objects.filter(kind="progress").count() == 1
