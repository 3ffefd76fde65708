"""The outbox pages: what was sent, to whom, what the server said; links and secrets masked; decisions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.choices import Role
from interactions.surveys.emails import ANSWER_LINK
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import mailing
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.clients import make_client, make_firm, make_user
from tools.testing.factories.interactions import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def marta():
    make_firm()
    return make_user()


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


def queue(northwind=None, key="progress:1", kind="progress", **fields):
    values = {
        "to_address": "elina@northwind.example",
        "to_name": "Elina Saari",
        "subject": "Week 48",
        "text": "All on track",
        "html": "<p>All on track</p>",
    }
    return queue_mail(key=key, kind=kind, client_id=northwind.pk if northwind else None, **(values | fields))[0]


def address(mail, name="outbox_mail"):
    return reverse(f"core:{name}", args=[mail.pk])


def set_state(mail, *states):
    """Along legal moves, as the trigger demands."""
    for state in states:
        OutboxMail.objects.filter(pk=mail.pk).update(
            state=state,
            lease_token="6f2a3c1e-0000-4000-8000-000000000000",
            lease_until=timezone.now(),
            sent_at=timezone.now(),
        )


def test_it_lists_mails_and_says_that_nothing_leaves(client, marta, northwind):
    queue(northwind)
    client.force_login(marta)
    answer = client.get(reverse("core:outbox"))
    assert "Week 48" in answer.text
    assert "emails are stored here and not sent" in answer.text


def test_with_a_mail_server_it_does_not_say_so(client, marta, settings):
    settings.MAIL_IS_CAPTURED = False
    client.force_login(marta)
    assert "emails are stored here and not sent" not in client.get(reverse("core:outbox")).text


def test_filters(client, marta, northwind):
    queue(northwind)
    queue(
        northwind,
        key="other",
        kind="follow-up",
        subject="Send the price",
        to_address="jari@northwind.example",
        to_name="Jari",
    )
    client.force_login(marta)
    url = reverse("core:outbox")
    for query, there, not_there in (
        ("q=jari", "Send the price", "Week 48"),
        ("kind=progress", "Week 48", "Send the price"),
        (f"client={northwind.pk}&state=pending", "Week 48", "No email matches"),
        ("state=dead", "No email matches", "Week 48"),
        ("state=nonsense&client=abc", "Week 48", "No email matches"),
        ("cursor=broken", "", "Week 48 nowhere"),
    ):
        text = client.get(f"{url}?{query}", follow=True).text
        assert there in text, query
        assert not_there not in text, query


def test_pages_go_on_by_cursor(client, marta, northwind, django_assert_max_num_queries):
    for n in range(30):
        queue(northwind, key=f"mail-{n}", subject=f"Mail number {n:02}")
    client.force_login(marta)
    with django_assert_max_num_queries(12):
        first = client.get(reverse("core:outbox"))
    page = first.context["page"]
    assert (len(page.rows), page.total) == (25, 30)
    second = client.get(reverse("core:outbox"), {"cursor": page.next_cursor})
    assert len(second.context["page"].rows) == 5
    assert second.context["page"].previous_cursor


def test_mails_of_clients_one_may_not_see_are_not_there(client, marta):
    otto = make_user(name="Otto Berg")
    theirs = make_client(owner=otto, name="Secret")
    type(theirs).objects.filter(pk=theirs.pk).update(is_restricted=True)
    secret = queue(theirs, subject="Secret matter")
    client.force_login(marta)
    assert "Secret matter" not in client.get(reverse("core:outbox")).text
    for name in ("outbox_mail", "outbox_body"):
        assert client.get(address(secret, name)).status_code == 404
    assert client.post(address(secret, "outbox_cancel")).status_code == 404


def test_links_are_masked_on_every_page(client, marta, northwind):
    link = {"purpose": "progress-stop", "id": 1, "salt": "s4lt", "path": "/mail/stop/{id}/{token}/"}
    mail = queue(
        northwind,
        text="Stop: [[stop]]",
        html='<a href="[[stop]]">Stop</a>',
        headers={"List-Unsubscribe": "<[[stop]]>"},
        links={"[[stop]]": link},
    )
    client.force_login(marta)
    for name in ("outbox_mail", "outbox_body"):
        text = client.get(address(mail, name)).text
        assert "/mail/stop/" not in text
        assert "[[stop]]" not in text
        assert "s4lt" not in text


def test_what_opens_an_account_is_shown_to_nobody(client, marta):
    ada = make_user(name="Ada Admin", roles=(Role.ADMIN,))
    mail = queue(kind="account", text="https://crm.example/password/reset/key/abc/", html="<p>abc</p>", user=marta)
    client.force_login(ada)
    assert "reset/key" not in client.get(address(mail)).text
    assert client.get(address(mail, "outbox_body")).text == ""


def test_the_frame_may_load_nothing(client, marta, northwind):
    mail = queue(northwind, html='<script>alert(1)</script><img src="https://tracker.example/x.gif">')
    client.force_login(marta)
    answer = client.get(address(mail, "outbox_body"))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_attempts_and_the_servers_reply_are_shown(client, marta, northwind):
    mail = queue(northwind)
    deliver_due()
    client.force_login(marta)
    assert "kept on this machine" in client.get(address(mail)).text


def test_only_a_waiting_mail_was_not_tried_yet(client, marta, northwind):
    mail = queue(northwind)
    client.force_login(marta)
    assert "Not tried yet." in client.get(address(mail)).text
    set_state(mail, "leased", "sending", "sent")
    page = client.get(address(mail)).text
    assert "Not tried yet." not in page and "No attempts on record." in page


def test_a_waiting_mail_is_cancelled_and_a_sent_one_is_not(client, marta, northwind):
    mail = queue(northwind)
    client.force_login(marta)
    client.post(address(mail, "outbox_cancel"))
    mail.refresh_from_db()
    assert (mail.state, mail.reply) == ("cancelled", "Cancelled by Marta Kallio")
    answer = client.post(address(mail, "outbox_cancel"), follow=True)
    assert "This email is now" in answer.text


def test_a_mail_that_needs_a_decision(client, marta, northwind):
    mail = queue(northwind)
    set_state(mail, "leased", "sending", "uncertain")
    client.force_login(marta)
    text = client.get(address(mail)).text
    assert "Delivered" in text
    assert "Send again" in text
    answer = client.post(address(mail, "outbox_again"))
    again = OutboxMail.objects.get(key="progress:1#2")
    assert answer.url == address(again)
    assert (again.state, again.text, again.to_address) == ("pending", mail.text, mail.to_address)


def test_a_failed_mail_is_sent_again_once(client, marta, northwind):
    mail = queue(northwind)
    set_state(mail, "leased", "dead")
    client.force_login(marta)
    client.post(address(mail, "outbox_again"))
    client.post(address(mail, "outbox_again"))
    assert OutboxMail.objects.count() == 2


def undecided(northwind, key, **fields):
    mail = queue(northwind, key=key, **fields)
    set_state(mail, "leased", "sending", "uncertain")
    return mail


def decide(client, action, **data):
    query = "&".join(f"{name}={data.pop(name)}" for name in ("kind",) if name in data)
    address = f"{reverse('core:outbox-select')}?show=decide&{query}"
    return client.post(address, {"action": f"mails.{action}"} | data, follow=True).text


def test_several_are_decided_at_once(client, marta, northwind):
    mails = [undecided(northwind, f"m{n}") for n in range(4)]
    client.force_login(marta)
    assert "2 emails marked as delivered" in decide(client, "arrived", ids=[mails[0].pk, mails[1].pk])
    assert "1 email will be sent again" in decide(client, "again", ids=[mails[2].pk])
    assert list(OutboxMail.objects.order_by("pk").values_list("key", "state")) == [
        ("m0", "sent"),
        ("m1", "sent"),
        ("m2", "cancelled"),
        ("m3", "uncertain"),
        ("m2#2", "pending"),
    ]


def test_all_that_the_filter_shows_are_decided_at_once(client, marta, northwind):
    for number in range(30):
        undecided(northwind, f"progress:{number}")
    other = undecided(northwind, "other", kind="survey")
    client.force_login(marta)
    assert "30 emails marked as delivered" in decide(client, "arrived", all_matching="1", kind="progress")
    other.refresh_from_db()
    assert other.state == "uncertain"


def test_of_those_one_may_not_see_none_is_decided(client, marta, northwind):
    theirs = make_client(owner=make_user(name="Otto Berg"), name="Secret")
    type(theirs).objects.filter(pk=theirs.pk).update(is_restricted=True)
    secret, sent = undecided(theirs, "secret"), queue(northwind, key="not undecided")
    client.force_login(marta)
    decide(client, "arrived", ids=[secret.pk, sent.pk])
    decide(client, "arrived", all_matching="1")
    assert set(OutboxMail.objects.values_list("state", flat=True)) == {"uncertain", "pending"}


def test_one_that_cannot_be_decided_stops_no_other_and_is_said(client, marta, northwind):
    again = undecided(northwind, "again")
    queue(northwind, key="again#2")
    free = undecided(northwind, "free")
    client.force_login(marta)
    text = decide(client, "again", ids=[again.pk, free.pk])
    assert "1 email will be sent again" in text
    assert "1 not changed: This email was already resent." in text


def test_nonsense_decides_nothing(client, marta, northwind):
    mail = undecided(northwind, "one")
    client.force_login(marta)
    for data in (
        {"ids": [mail.pk]},
        {"action": "mails.burn", "ids": [mail.pk]},
        {"action": "mails.again", "ids": ["abc", "9" * 40]},
    ):
        client.post(f"{reverse('core:outbox-select')}?show=decide", data)
    mail.refresh_from_db()
    assert mail.state == "uncertain" and OutboxMail.objects.count() == 1


def test_the_views_of_the_list(client, marta, northwind):
    now = timezone.now()
    undecided(northwind, "u", subject="Undecided")
    dead, late = (
        queue(northwind, key="d", subject="Broken"),
        queue(northwind, key="l", subject="Came late", deadline_at=now - timedelta(hours=1)),
    )
    set_state(dead, "leased", "dead")
    set_state(late, "leased", "sending", "sent")
    queue(northwind, key="w", subject="In line")
    queue(northwind, key="o", subject="Overdue", deadline_at=now - timedelta(minutes=1))
    client.force_login(marta)
    for show, expected in (
        ("decide", {"Undecided"}),
        ("failed", {"Broken"}),
        ("waiting", {"In line", "Overdue"}),
        ("late", {"Came late", "Overdue"}),
    ):
        page = client.get(reverse("core:outbox"), {"show": show})
        assert {mail.subject for mail in page.context["page"].rows} == expected, show
    assert client.get(reverse("core:outbox"), {"state": "uncertain"}).context["is_deciding"], (
        "the page that the banner links to"
    )


def test_by_week(client, marta, northwind):
    for key, day in (("sunday", 22), ("monday", 23)):
        mail = queue(northwind, key=key, subject=key)
        OutboxMail.objects.filter(pk=mail.pk).update(planned_for=datetime(2026, 11, day, 10, tzinfo=UTC))
    client.force_login(marta)
    for week, expected in (("2026-W47", {"sunday"}), ("2026-W48", {"monday"}), ("2026-W99", {"sunday", "monday"})):
        page = client.get(reverse("core:outbox"), {"week": week})
        assert {mail.subject for mail in page.context["page"].rows} == expected, week


def test_get_changes_nothing(client, marta, northwind):
    mail = queue(northwind)
    client.force_login(marta)
    for name in ("outbox_cancel", "outbox_arrived", "outbox_again"):
        assert client.get(address(mail, name)).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_in_the_browser(page, live_server, sign_in, assert_accessible, marta, northwind):
    mail = queue(northwind, subject="Week 48: all on track")
    deliver_due()
    sign_in(marta)
    page.goto(live_server.url + reverse("core:outbox"))
    assert_accessible(page)
    page.get_by_role("link", name="Week 48: all on track").click()
    page.frame_locator("iframe").get_by_text("All on track").wait_for()
    assert_accessible(page)
    assert page.url.endswith(address(mail))


@pytest.mark.django_db(transaction=True)
def test_several_are_decided_in_the_browser(page, live_server, sign_in, assert_accessible, marta, northwind):
    for number in range(3):
        undecided(northwind, f"m{number}", subject=f"Mail {number}")
    sign_in(marta)
    page.goto(live_server.url + reverse("core:outbox") + "?show=decide")
    page.get_by_role("checkbox", name="Select: Mail 0").check()
    page.get_by_role("checkbox", name="Select: Mail 1").check()
    assert_accessible(page)
    page.get_by_role("button", name="Delivered").click()
    page.get_by_text("2 emails marked as delivered").wait_for()
    assert page.get_by_role("link", name="Mail 2").count() == 1
    assert OutboxMail.objects.filter(state="sent").count() == 2


# One word for a state, and the demo's own links


def test_what_never_leaves_the_machine_is_not_called_sent(client, marta, northwind):
    mail = queue(northwind)
    set_state(mail, "leased", "sending", "sent")
    OutboxMail.objects.update(reply="kept on this machine")
    client.force_login(marta)
    for page in (client.get(reverse("core:outbox")), client.get(address(mail))):
        assert "Not sent" in page.text and "badge-green" not in page.text
    OutboxMail.objects.update(reply="250 OK")
    assert "Not sent" not in client.get(reverse("core:outbox")).text


def test_what_needs_a_decision_is_the_same_in_the_tab_and_in_the_navigation(client, marta, northwind):
    uncertain, held = queue(northwind, subject="Lost"), queue(northwind, key="held", subject="Kept back")
    set_state(uncertain, "leased", "sending", "uncertain")
    set_state(held, "held")
    client.force_login(marta)
    page = client.get(reverse("core:outbox") + "?show=decide").text
    assert "Lost" in page and "Kept back" in page and "Send held ones" in page


def test_failed_ones_say_why_and_can_be_sent_again(client, marta, northwind):
    dead, late = queue(northwind, subject="Refused"), queue(northwind, key="late", subject="Too late")
    set_state(dead, "leased", "dead")
    OutboxMail.objects.filter(pk=dead.pk).update(reply="550 5.1.1 no such user")
    set_state(late, "expired")
    client.force_login(marta)
    page = client.get(reverse("core:outbox") + "?show=failed").text
    assert "550 5.1.1 no such user" in page and "Not sent before it expired." in page
    assert "mails.again" in page


@pytest.mark.parametrize(
    "why_not", ["", "an account manager", "not about the demo", "from elsewhere", "with a mail server"]
)
def test_in_a_demo_an_admin_opens_the_links(client, marta, northwind, settings, why_not):
    (row,) = mailing.ask_contacts(
        acting(marta),
        survey=ensure_nps_survey(),
        client=northwind,
        contacts=[make_person(northwind)],
        now=timezone.now(),
    )
    SurveyInvitation.objects.update(is_demo=why_not != "not about the demo")
    settings.MAIL_IS_CAPTURED = why_not != "with a mail server"
    client.force_login(marta if why_not == "an account manager" else make_user(name="Ada Admin", roles=("admin",)))
    where = {"REMOTE_ADDR": "203.0.113.7"} if why_not == "from elsewhere" else {}
    page = client.get(address(OutboxMail.objects.get()), **where).text
    assert (f"/mail/survey/{row.pk}/{ANSWER_LINK.token(row)}/" in page) == (not why_not)
