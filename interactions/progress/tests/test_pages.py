"""Pages of progress emails: the queue, reading and approving one, the client's schedule, the API."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.contacts.models import ContactEmail
from crm.core.base.principals import acting
from crm.core.drafts.models import Draft
from crm.core.mail.choices import KEPT_HERE
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.users.choices import Role
from interactions.agreements.models import Decision
from interactions.progress import flags
from interactions.progress.choices import ProgressState
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.progress.services import schedules
from tools.testing.factories import interactions as make

pytestmark = pytest.mark.django_db
CONTENT = {
    "summary": "Here is where we stand.",
    "sections": [
        {"key": "done", "title": "Done this week", "items": ["VAT return filed"]},
        {"key": "next", "title": "Coming next", "items": []},
    ],
    "closing": "Simply reply.",
}


@pytest.fixture
def marta():
    make.make_firm()
    return make.make_user()


def client_of(owner, name="Northwind Advisory", **fields):
    found = make.make_client(owner=owner, name=name, time_zone="Europe/Helsinki", **fields)
    contact = make.make_contact(client=found)
    ContactEmail.objects.create(contact=contact, address="elina@northwind.example", is_primary=True)
    now = timezone.now()
    schedules.set_schedule(acting(owner), client=found, recipients=[contact], now=now)
    ProgressEmail.objects.filter(client=found).delete()
    return found


def email_of(client, **fields):
    now = timezone.now()
    values = {
        "week": "2026-W48",
        "state": ProgressState.DRAFT,
        "subject": "Week 48",
        "content": CONTENT,
        "time_zone": "Europe/Helsinki",
        "covers_from": now - timedelta(days=6),
        "covers_to": now,
        "draft_at": now - timedelta(hours=1),
        "send_at": now + timedelta(hours=20),
        "deadline_at": now + timedelta(hours=23),
        "expires_at": now + timedelta(hours=29),
    }
    return ProgressEmail.objects.create(client=client, **(values | fields))


@pytest.fixture
def email(marta):
    return email_of(client_of(marta))


def typed(email, **fields):
    values = {"version": email.version, "subject": email.subject, "section_done": "VAT return filed"}
    return values | {"summary": CONTENT["summary"], "closing": CONTENT["closing"]} | fields


def address(email):
    return reverse("interactions:progress", args=[email.pk])


def test_the_queue_shows_what_waits_for_me(client, marta, email):
    otto = make.make_user(name="Otto Berg")
    email_of(client_of(otto, name="Ottos client"))
    client.force_login(marta)
    answer = client.get(reverse("interactions:progress-emails"))
    assert answer.status_code == 200
    assert "Northwind Advisory" in answer.text
    assert "Ottos client" not in answer.text
    assert "Ottos client" in client.get(reverse("interactions:progress-emails") + "?whose=all").text


def test_the_queue_hides_restricted_clients(client, marta, email):
    secret = client_of(make.make_user(name="Otto Berg"), name="Secret client", is_restricted=True)
    email_of(secret)
    client.force_login(marta)
    assert "Secret client" not in client.get(reverse("interactions:progress-emails") + "?whose=all").text


def test_the_queue_costs_few_queries(client, marta, email, django_assert_max_num_queries):
    for n in range(5):
        email_of(client_of(marta, name=f"Client {n}"))
    client.force_login(marta)
    client.get(reverse("interactions:progress-emails"))
    with django_assert_max_num_queries(12):
        client.get(reverse("interactions:progress-emails"))


def test_saving_keeps_the_words(client, marta, email):
    client.force_login(marta)
    answer = client.post(address(email), typed(email, summary="All on track.", section_next="Payroll run\n\nAudit"))
    assert answer.status_code == 302
    email.refresh_from_db()
    assert (email.version, email.content["summary"], email.content["sections"][1]["items"]) == (
        2,
        "All on track.",
        ["Payroll run", "Audit"],
    )


def test_approving_saves_what_was_typed_and_goes_to_the_next(client, marta, email):
    following = email_of(client_of(marta, name="Brightwater"))
    client.force_login(marta)
    answer = client.post(address(email), typed(email, summary="All on track.", do="approve"))
    assert answer.url == address(following)
    email.refresh_from_db()
    assert (email.state, email.approved_by, email.content["summary"]) == ("approved", marta, "All on track.")


def test_approving_without_a_change_is_no_edit(client, marta, email):
    client.force_login(marta)
    client.post(address(email), typed(email, do="approve"))
    email.refresh_from_db()
    assert (email.state, email.version) == ("approved", 1)


def test_invalid_input_keeps_what_was_typed(client, marta, email):
    client.force_login(marta)
    answer = client.post(address(email), typed(email, subject="", summary="Typed for long"))
    assert answer.status_code == 422
    assert "Typed for long" in answer.text
    email.refresh_from_db()
    assert email.version == 1


def test_a_stale_edit_shows_both(client, marta, email):
    client.force_login(marta)
    client.post(address(email), typed(email, summary="Theirs"))
    answer = client.post(address(email), typed(email, summary="Mine", do="approve"))
    assert answer.status_code == 409
    assert "Mine" in answer.text and "Theirs" in answer.text
    email.refresh_from_db()
    assert (email.content["summary"], email.state) == ("Theirs", "draft")
    again = client.post(address(email), typed(email, version=2, summary="Mine"))
    assert again.status_code == 302


def test_what_was_typed_comes_back(client, marta, email):
    Draft.objects.create(
        user=marta,
        kind="progress",
        client_id=email.client_id,
        record=str(email.pk),
        data={"summary": ["Half a sentence"]},
    )
    client.force_login(marta)
    assert "Half a sentence" in client.get(address(email)).text
    client.post(address(email), {"do": "discard"})
    assert not Draft.objects.exists()


def test_a_test_goes_to_me_alone(client, marta, email):
    client.force_login(marta)
    client.post(address(email), typed(email, do="test"))
    mail = OutboxMail.objects.get()
    assert (mail.kind, mail.to_address, mail.links) == ("progress-test", marta.email, {})


def test_send_now(client, marta, email):
    client.force_login(marta)
    client.post(address(email), typed(email, do="send"))
    email.refresh_from_db()
    assert email.state == ProgressState.SENT
    answer = client.get(address(email))
    assert "Sending" in answer.text and "As sent" not in answer.text, "it has not been sent yet"
    assert reverse("core:outbox_mail", args=[OutboxMail.objects.get().pk]) in answer.text


def test_skip_and_bring_back(client, marta, email):
    client.force_login(marta)
    client.post(reverse("interactions:progress_skip", args=[email.pk]))
    email.refresh_from_db()
    assert email.state == ProgressState.SKIPPED
    client.post(reverse("interactions:progress_unskip", args=[email.pk]))
    email.refresh_from_db()
    assert email.state == ProgressState.DRAFT


def test_the_preview_loads_nothing_and_stops_nobody(client, marta, email):
    client.force_login(marta)
    answer = client.get(reverse("interactions:progress_preview", args=[email.pk]))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert "VAT return filed" in answer.text
    assert "/mail/stop/" not in answer.text


def test_the_sent_copy_masks_the_link(client, marta, email):
    client.force_login(marta)
    client.post(address(email), typed(email, do="send"))
    answer = client.get(reverse("interactions:progress_preview", args=[email.pk]))
    assert "[[stop]]" not in answer.text
    assert "/mail/stop/" not in answer.text


def test_the_schedule_is_set_in_the_browser(client, marta):
    northwind = make.make_client(owner=marta, time_zone="Europe/Helsinki")
    elina = make.make_contact(client=northwind)
    ContactEmail.objects.create(contact=elina, address="elina@northwind.example")
    client.force_login(marta)
    url = reverse("interactions:progress_schedule", args=[northwind.pk])
    assert "Elina Saari" in client.get(url).text
    values = {
        "is_active": "on",
        "weekday": 4,
        "deadline_time": "12:00",
        "time_zone": "Europe/Helsinki",
        "lead_minutes": 180,
        "when_nothing": "ask",
    }
    refused = client.post(url, values)
    assert refused.status_code == 422
    assert "Choose at least one recipient" in refused.text
    assert client.post(url, values | {"recipients": [elina.pk]}).status_code == 302
    found = ProgressSchedule.objects.get()
    assert (found.is_review_needed, found.when_nothing, found.recipients.get().contact) == (False, "ask", elina)
    tab = client.get(reverse("interactions:client_progress", args=[northwind.pk])).text
    assert "Fridays by 12:00, sends automatically" in " ".join(tab.split())


def test_a_schedule_changed_by_somebody_else_is_not_overwritten(client, marta):
    northwind = client_of(marta)
    elina = northwind.progress_schedule.recipients.get().contact
    client.force_login(marta)
    values = {
        "is_active": "on",
        "weekday": 3,
        "deadline_time": "12:00",
        "time_zone": "UTC",
        "lead_minutes": 0,
        "when_nothing": "ask",
        "recipients": [elina.pk],
    }
    url = reverse("interactions:progress_schedule", args=[northwind.pk])
    assert client.post(url, values | {"version": 1}).status_code == 302
    assert client.post(url, values | {"version": 1, "weekday": 1}).status_code == 409
    assert ProgressSchedule.objects.get().weekday == 3


def test_the_clients_tab_shows_one_that_is_only_planned(client, marta):
    northwind = client_of(marta)
    email_of(northwind, state="planned", content={})
    client.force_login(marta)
    page = client.get(reverse("interactions:client_progress", args=[northwind.pk]))
    assert page.status_code == 200
    assert "Planned" in page.content.decode()


@pytest.mark.parametrize(
    ("note", "said"), [("", "Say who asked and when."), ("n" * 301, "At most 300 characters. This has 301.")]
)
def test_what_cannot_be_noted_about_a_return_is_kept(client, marta, email, note, said):
    recipient = ProgressSchedule.objects.get(client=email.client).recipients.first()
    ProgressRecipient.objects.filter(pk=recipient.pk).update(stopped_at=timezone.now())
    client.force_login(marta)
    url = reverse("interactions:progress_resume", args=[recipient.pk])
    answer = client.post(url, {"note": note})
    assert answer.status_code == 422 and said in answer.content.decode()
    assert note in answer.content.decode() and ProgressRecipient.objects.get(pk=recipient.pk).stopped_at
    assert client.post(url, {"note": "Elina, on the phone"}).status_code == 302
    assert ProgressRecipient.objects.get(pk=recipient.pk).stopped_at is None


def test_what_was_sent_is_on_the_clients_timeline(client, marta, email):
    client.force_login(marta)
    client.post(address(email), typed(email, do="send"))
    assert "Progress email, week 48" in client.get(reverse("clients:client", args=[email.client_id])).text


def test_over_the_api(client, marta, email):
    client.force_login(marta)
    url = reverse("api:progress-emails-detail", args=[email.pk])
    found = client.get(url)
    assert (found.json()["week"], found.json()["content"]["summary"], found["ETag"]) == (
        "2026-W48",
        CONTENT["summary"],
        found["ETag"],
    )
    assert found["ETag"].startswith('"1')
    changed = client.patch(
        url, {"content": CONTENT | {"summary": "By API"}}, content_type="application/json", headers={"If-Match": '"1"'}
    )
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    stale = client.patch(url, {"subject": "Late"}, content_type="application/json", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    refused = client.patch(url, {"state": "sent"}, content_type="application/json")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["state"])
    assert client.post(url + "/approve", content_type="application/json").json()["state"] == "approved"
    assert (
        client.post(url + "/skip", {"reason": "Holidays"}, content_type="application/json").json()["skip_reason"]
        == "Holidays"
    )
    listed = client.get(reverse("api:progress-emails-list") + f"?client={email.client_id}&state=skipped").json()
    assert [row["id"] for row in listed["results"]] == [email.pk]


@pytest.mark.django_db(transaction=True)
def test_in_the_browser_edit_and_approve_one_after_the_other(page, live_server, sign_in, assert_accessible, marta):
    browser = page
    first = email_of(client_of(marta))
    second = email_of(client_of(marta, name="Brightwater"), send_at=timezone.now() + timedelta(hours=21))
    sign_in(marta)
    browser.goto(live_server.url + reverse("interactions:progress-emails"))
    assert_accessible(browser)
    browser.keyboard.press("j")
    browser.keyboard.press("Enter")
    browser.wait_for_url(f"**/progress-emails/{first.pk}/")
    assert_accessible(browser)
    browser.get_by_label("Summary").fill("All on track, Elina.")
    browser.keyboard.press("Tab")
    browser.locator("h1").click()
    browser.keyboard.press("a")
    browser.wait_for_url(f"**/progress-emails/{second.pk}/")
    browser.keyboard.press("a")
    browser.get_by_text("Nothing to review").wait_for()
    assert_accessible(browser)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state, first.content["summary"]) == ("approved", "approved", "All on track, Elina.")
    browser.goto(live_server.url + reverse("interactions:client_progress", args=[first.client_id]))
    assert_accessible(browser)
    browser.goto(live_server.url + reverse("interactions:progress_schedule", args=[first.client_id]))
    assert_accessible(browser)


@pytest.mark.django_db(transaction=True)
def test_in_the_browser_the_whole_queue_by_keyboard(page, live_server, sign_in, assert_accessible, marta):
    first, second, third = (
        email_of(client_of(marta, name=name), send_at=timezone.now() + timedelta(hours=20 + place))
        for place, name in enumerate(("Northwind Advisory", "Brightwater", "Copperfield"))
    )
    sign_in(marta)

    def on(email):
        page.wait_for_url(f"**/progress-emails/{email.pk}/")
        page.wait_for_load_state("load")

    page.goto(live_server.url + reverse("interactions:progress-emails"))
    page.keyboard.press("r")
    on(first)
    page.get_by_text("1 of 3").wait_for()
    page.keyboard.press("j")
    on(second)
    page.keyboard.press("k")
    on(first)
    page.keyboard.press("t")
    page.get_by_text(f"A test is on its way to {marta.email}").wait_for()
    page.keyboard.press("?")
    help_text = page.locator("#shortcut-help").inner_text()
    for words in ("Approve and go to next", "Skip this week", "Send me a test", "Next"):
        assert words in help_text
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.name") == "summary"
    page.keyboard.type("All on track. ")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    on(second)
    page.keyboard.press("s")
    on(third)
    assert_accessible(page)
    page.get_by_role("button", name="Undo").wait_for()
    page.keyboard.press("a")
    page.get_by_text("Nothing to review").wait_for()
    states = dict(ProgressEmail.objects.values_list("pk", "state"))
    assert states == {first.pk: "approved", second.pk: "skipped", third.pk: "approved"}
    first.refresh_from_db()
    assert first.content["summary"].startswith("All on track. ")
    assert OutboxMail.objects.get().kind == "progress-test"


def test_a_planned_one_is_drafted_now_or_skipped(client, marta):
    northwind = client_of(marta)
    email = email_of(northwind, state="planned", content={}, subject="")
    client.force_login(marta)
    page = client.get(address(email)).text
    assert "Draft now" in page and "Skip this week" in page
    client.post(address(email), {"do": "redraft"})
    email.refresh_from_db()
    assert (email.state, bool(email.content)) == ("draft", True)
    other = email_of(northwind, week="2026-W49", state="planned", content={})
    client.post(reverse("interactions:progress_skip", args=[other.pk]))
    other.refresh_from_db()
    assert other.state == "skipped"


def test_skipping_goes_on_to_the_next(client, marta, email):
    following = email_of(client_of(marta, name="Brightwater"), send_at=timezone.now() + timedelta(hours=21))
    client.force_login(marta)
    answer = client.post(reverse("interactions:progress_skip", args=[email.pk]))
    assert answer.url == address(following)


def test_a_manager_without_clients_of_their_own_sees_all(client, email):
    minna = make.make_user(name="Minna", roles=(Role.MANAGER,))
    client.force_login(minna)
    assert "Northwind Advisory" in client.get(reverse("interactions:progress-emails")).text


# What can be taken back, and what is claimed


def undo_of(page):
    """The address of the undo in the toast."""
    (found,) = list(page.context["messages"])
    return found.extra_tags.partition("undo:")[2].split()[0]


def test_an_approval_can_be_taken_back_from_the_toast_and_from_the_page(client, marta, email):
    client.force_login(marta)
    done = client.post(address(email), typed(email, do="approve"), follow=True)
    email.refresh_from_db()
    assert email.state == ProgressState.APPROVED
    page = client.get(address(email)).text
    assert "Take back approval" in page and reverse("interactions:progress_unapprove", args=[email.pk]) in page
    client.post(undo_of(done))
    email.refresh_from_db()
    assert (email.state, email.approved_by, email.approved_at) == (ProgressState.DRAFT, None, None)


def test_what_is_sent_now_leaves_after_ten_seconds_and_until_then_comes_back(client, marta, email):
    client.force_login(marta)
    before = timezone.now()
    done = client.post(address(email), typed(email, do="send"), follow=True)
    mail = OutboxMail.objects.get(kind="progress")
    assert mail.state == "pending" and mail.next_attempt_at >= before + timedelta(seconds=10)
    client.post(undo_of(done))
    email.refresh_from_db()
    assert (email.state, email.sent_at, OutboxMail.objects.filter(kind="progress").exists()) == ("draft", None, False)
    client.post(address(email), typed(email, do="send"))
    assert OutboxMail.objects.get(kind="progress").state == "pending", "it can be sent again"


def test_a_released_email_says_what_becomes_of_it(client, marta, email):
    """“Sending” until its mails have left, “Not sent” where no mail server is set, and only then “Sent”."""
    client.force_login(marta)
    client.post(address(email), typed(email, do="send"))
    shown = f"{reverse('interactions:progress-emails')}?show=sent"
    pages = [address(email), shown, reverse("interactions:client_progress", args=[email.client_id])]

    def states():
        badges = re.compile(r'class="badge-text">(Sending|Not sent|Sent)</span>')
        return [{*badges.findall(client.get(page).text)} for page in pages]

    def timeline():
        return re.search(r'timeline-meta">(Sending|Not sent|Sent) <time', client.get(told).text)[1]

    told = f"{reverse('clients:client', args=[email.client_id])}?kind=progress"
    assert states() == [{"Sending"}] * 3 and timeline() == "Sending"
    now, token = timezone.now(), "6f1b8a56-0000-4000-8000-000000000000"
    for step in ("leased", "sending", "sent"):
        OutboxMail.objects.update(state=step, lease_token=token, lease_until=now, sent_at=now, reply=KEPT_HERE)
    assert states() == [{"Not sent"}] * 3 and timeline() == "Not sent"
    OutboxMail.objects.update(reply="250 OK")
    assert states() == [{"Sent"}] * 3 and timeline() == "Sent"
    assert "As sent" in client.get(address(email)).text


@pytest.mark.parametrize("state", ["leased", "sending", "sent"])
def test_what_is_on_its_way_does_not_come_back(client, marta, email, state):
    client.force_login(marta)
    client.post(address(email), typed(email, do="send"))
    now, token = timezone.now(), "6f1b8a56-0000-4000-8000-000000000000"
    for step in ("leased", "sending", "sent")[: ("leased", "sending", "sent").index(state) + 1]:
        OutboxMail.objects.update(state=step, lease_token=token, lease_until=now, sent_at=now)
    page = client.post(reverse("interactions:progress_unsend", args=[email.pk]), follow=True)
    assert "It has already left." in page.text
    assert OutboxMail.objects.get().state == state


def test_one_without_recipients_is_not_approved_and_the_page_says_the_way_out(client, marta, email):
    email.client.progress_schedule.recipients.all().delete()
    client.force_login(marta)
    page = client.post(address(email), typed(email, do="approve"), follow=True)
    email.refresh_from_db()
    assert email.state == ProgressState.DRAFT
    assert "No recipients. Choose a recipient in the schedule, or skip this week." in page.text
    assert reverse("interactions:progress_schedule", args=[email.client_id]) in page.text
    answer = client.post(reverse("api:progress-emails-approve", args=[email.pk]), content_type="application/json")
    assert answer.status_code in (400, 409), answer.content


def decided(client, **fields):
    return Decision.objects.create(
        client=client,
        author=client.owner,
        text="Quarterly reviews from January",
        decided_date=timezone.now().date(),
        **fields,
    )


def test_a_decision_that_is_not_shared_is_named_and_can_be_included(client, marta, email):
    decision = decided(email.client)
    client.force_login(marta)
    page = client.get(address(email)).text
    assert "1 decision this week is not shared with the client." in page
    client.post(reverse("interactions:progress_include", args=[email.pk, decision.pk]))
    decision.refresh_from_db()
    email.refresh_from_db()
    assert decision.is_shared and "Quarterly reviews from January" in str(email.content)
    assert "is not shared with the client" not in client.get(address(email)).text


def test_what_somebody_wrote_stays_when_a_decision_is_included(client, marta, email):
    decision = decided(email.client)
    client.force_login(marta)
    client.post(address(email), typed(email, do="save", summary="In my words."))
    client.post(reverse("interactions:progress_include", args=[email.pk, decision.pk]))
    email.refresh_from_db()
    agreed = [section for section in email.content["sections"] if section["key"] == "agreed"]
    assert email.content["summary"] == "In my words."
    assert agreed[0]["items"] == ["Quarterly reviews from January"]


def test_a_decision_of_another_client_is_not_included(client, marta, email):
    decision = decided(client_of(marta, "Southwind"))
    client.force_login(marta)
    client.post(reverse("interactions:progress_include", args=[email.pk, decision.pk]))
    decision.refresh_from_db()
    assert not decision.is_shared


def test_the_preview_shows_what_was_typed_so_far(client, marta, email):
    client.force_login(marta)
    where = f"{reverse('core:draft', args=['progress'])}?client_id={email.client_id}&record={email.pk}"
    client.post(where, typed(email, summary="Half a thought"))
    assert "Half a thought" in client.get(reverse("interactions:progress_preview", args=[email.pk])).text
    client.post(address(email), {"do": "discard"})
    assert "Half a thought" not in client.get(reverse("interactions:progress_preview", args=[email.pk])).text


@pytest.mark.django_db(transaction=True)
def test_in_the_browser_the_preview_follows_the_typing(page, live_server, sign_in, marta):
    email = email_of(client_of(marta))
    sign_in(marta)
    page.goto(live_server.url + address(email))
    page.get_by_label("Summary").fill("As it is typed")
    page.frame_locator("#progress-preview").get_by_text("As it is typed").wait_for(timeout=5000)


# Notices


def test_a_notice_closes_itself_when_the_matter_is_settled(client, marta, email):
    flags.notify(timezone.now())
    assert Notification.objects.filter(user=marta, read_at=None).count() == 1
    client.force_login(marta)
    client.post(address(email), typed(email, do="approve"))
    assert not Notification.objects.filter(read_at=None).exists()


def test_there_is_one_notice_at_a_time_about_an_email(marta, email):
    flags.notify(timezone.now())
    words = "Progress email to %(client)s is held: %(why)s"
    flags.notify_readers(email, "progress-problem", words, why="No subject.", now=timezone.now())
    (open_one,) = Notification.objects.filter(read_at=None)
    assert open_one.kind == "progress-problem"


def test_many_alike_are_folded(client, marta):
    for number in range(10):
        Notification.objects.create(user=marta, kind="progress-flag", key=f"progress-flag:{number}", text=f"N {number}")
    client.force_login(marta)
    assert "7 more like this" in client.get(reverse("core:notifications")).text


def test_a_new_schedule_presets_the_main_contact(client, marta):
    found = make.make_client(owner=marta, name="Alder")
    make.make_person(found, "Aino", "Aalto")
    main = make.make_person(found, "Mia", "Main", is_primary=True)
    client.force_login(marta)
    page = client.get(reverse("interactions:progress_schedule", args=[found.pk]))
    assert page.context["form"]["recipients"].value() == [main.pk]
