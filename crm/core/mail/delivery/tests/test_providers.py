"""Providers over HTTP: a real server on this machine speaks their interface."""

import base64
import hmac
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from crm.core.base.principals import SYSTEM
from crm.core.files.services import store_bytes
from crm.core.mail.delivery import breaker
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.models import OutboxMail, Suppression
from crm.core.mail.services.outbox import queue_mail
from crm.core.mail.views import events
from crm.settings import webhook_settings
from tools.testing.provider import running_provider

pytestmark = pytest.mark.django_db
SECRET = "hooks:0123456789abcdefghij"


@pytest.fixture(autouse=True)
def no_bell(monkeypatch):
    monkeypatch.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)


@pytest.fixture
def resend(settings):
    with running_provider() as (provider, url):
        settings.EMAIL_URL = f"anymail+resend://key@provider?api_url={url}"
        yield provider


@pytest.fixture
def postmark(settings):
    with running_provider() as (provider, url):
        settings.EMAIL_URL = f"anymail+postmark://key@provider?api_url={url}"
        yield provider


def queue(key="one", kind="progress", **fields):
    values = {
        "to_address": "elina@northwind.example",
        "subject": "Viikko 48 – Äänekoski",
        "text": "Hyvää päivää",
        **fields,
    }
    return queue_mail(key=key, kind=kind, **values)[0]


def make_due(mail):
    OutboxMail.objects.filter(pk=mail.pk).update(next_attempt_at=timezone.now() - timedelta(minutes=1))


def test_a_mail_is_handed_over_with_its_headers_and_parts(resend):
    mail = queue(
        html="<p>Hyvää päivää</p>",
        to_name="Elina Saari",
        reply_to="marta@firm.example",
        headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )
    assert deliver_due() == 1
    (sent,) = resend.mails
    assert sent["subject"] == "Viikko 48 – Äänekoski"
    assert sent["to"] == ["Elina Saari <elina@northwind.example>"]
    assert sent["text"].strip() == "Hyvää päivää"
    assert sent["html"].strip() == "<p>Hyvää päivää</p>"
    assert sent["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    mail.refresh_from_db()
    assert (mail.state, mail.provider_id) == ("sent", "resend:provider-1")


def test_a_file_goes_along(resend):
    file = store_bytes(SYSTEM, name="plan.pdf", data=b"%PDF-1.7 plan", content_type="application/pdf")
    queue(attachments=[file])
    deliver_due()
    (attached,) = resend.mails[0]["attachments"]
    assert attached["filename"] == "plan.pdf"
    assert base64.b64decode(attached["content"]) == b"%PDF-1.7 plan"


def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_key(resend):
    resend.answers = ["keep and drop"]
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    fenced_at = mail.fenced_at
    assert mail.state == "uncertain"
    deliver_due()
    assert resend.requests == 1  # not at once
    make_due(mail)
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.provider_id, mail.fenced_at) == ("sent", "resend:provider-1", fenced_at)
    assert len(resend.mails) == 1


def test_a_mail_that_was_not_taken_is_taken_then(resend):
    resend.answers = ["drop"]
    mail = queue()
    deliver_due()
    make_due(mail)
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "sent"
    assert len(resend.mails) == 1


def test_past_the_window_a_person_decides(resend):
    resend.answers = ["keep and drop"]
    mail = queue()
    deliver_due()
    make_due(mail)
    OutboxMail.objects.filter(pk=mail.pk).update(fenced_at=timezone.now() - timedelta(hours=24))
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    assert resend.requests == 1


def test_while_it_is_asked_about_a_refusal_for_now_leaves_it_undecided(resend):
    resend.answers = ["keep and drop", 429]
    mail = queue()
    deliver_due()
    make_due(mail)
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"


def test_when_it_was_asked_about_for_the_last_time_a_person_decides(resend):
    """It may have arrived: "failed" would be wrong, and it is not asked about in a loop."""
    resend.answers = ["keep and drop", 429]
    mail = queue()
    deliver_due()
    make_due(mail)
    OutboxMail.objects.filter(pk=mail.pk).update(attempts=7)
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, resend.requests) == ("uncertain", 2)


def test_a_provider_without_keys_is_never_asked_twice(postmark):
    postmark.answers = ["keep and drop"]
    mail = queue()
    deliver_due()
    make_due(mail)
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    assert len(postmark.mails) == 1


def test_another_provider_is_not_asked_about_it(resend, settings):
    resend.answers = ["keep and drop"]
    mail = queue()
    deliver_due()
    make_due(mail)
    with running_provider() as (other, url):
        settings.EMAIL_URL = f"anymail+postmark://key@provider?api_url={url}"
        deliver_due()
        assert not other.mails
    mail.refresh_from_db()
    assert mail.state == "uncertain"


def test_a_provider_that_is_away_burns_no_attempt(settings):
    settings.EMAIL_URL = "anymail+resend://key@provider?api_url=http://127.0.0.1:9/"
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("pending", 0)
    assert breaker.look().is_open


@pytest.mark.parametrize(("status", "state"), [(422, "dead"), (429, "pending"), (503, "pending"), (500, "uncertain")])
def test_a_refusal_ends_in_a_named_state_with_the_provider_s_words(resend, status, state):
    resend.answers = [status]
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == state
    assert str(status) in mail.reply


def test_a_key_that_is_not_accepted_says_nothing_about_the_mail(resend):
    resend.answers = [401]
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("pending", 0)


def post_event(client, body, *, secret=SECRET, provider="postmark"):
    login = base64.b64encode(secret.encode()).decode()
    return client.post(
        f"/mail/events/{provider}/",
        body if isinstance(body, str | bytes) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Basic {login}"},
    )


def bounce(mail_id="provider-1", address="elina@northwind.example", type_code=1, record="Bounce", **more):
    kinds = {1: "HardBounce", 2: "Transient"}
    return {
        "RecordType": record,
        "MessageID": mail_id,
        "Email": address,
        "TypeCode": type_code,
        "Type": kinds.get(type_code, ""),
        "BouncedAt": "2026-11-25T10:00:00Z",
        "Details": "550 no such user",
        "ID": 42,
        **more,
    }


def test_a_bounce_stops_the_address_and_what_waits_for_it(client, settings, postmark):
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    mail = queue()
    deliver_due()
    waiting = queue("two", to_address="Elina@Northwind.example", send_at=timezone.now() + timedelta(days=1))
    assert post_event(client, bounce()).status_code == 200
    row = Suppression.objects.get()
    assert (row.address, row.reason, row.mail) == ("elina@northwind.example", "bounce", mail)
    assert "no such user" in row.detail
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    later = queue("three")
    assert later.state == "cancelled"
    assert "it bounced on" in later.reply
    assert post_event(client, bounce()).status_code == 200
    assert Suppression.objects.count() == 1


def test_a_complaint_stops_it_too_and_a_transient_bounce_does_not(client, settings, postmark):
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    queue()
    queue("two", to_address="kai@northwind.example")
    deliver_due()
    post_event(client, bounce(type_code=2))
    assert not Suppression.objects.exists()
    post_event(client, bounce("provider-2", "kai@northwind.example", 512, "SpamComplaint"))
    assert Suppression.objects.get().reason == "complaint"


def test_notices_of_others_change_nothing(client, settings, postmark):
    assert post_event(client, bounce()).status_code == 404  # no secret is set: the address is closed
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    assert post_event(client, bounce(), secret="hooks:wrong-wrong-wrong").status_code == 400
    assert post_event(client, bounce(), provider="nobody").status_code == 404
    assert post_event(client, bounce("other", "stranger@elsewhere.example")).status_code == 200
    assert not Suppression.objects.exists()


def test_a_notice_about_a_mail_of_ours_stops_no_stranger(client, settings, postmark):
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    queue()
    deliver_due()
    assert post_event(client, bounce(address="stranger@elsewhere.example")).status_code == 200
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("provider", ["mailersend", "mailgun", "mandrill"])
def test_a_provider_that_signs_is_closed_without_its_key_and_answers_with_it(client, settings, provider):
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = webhook_settings(SECRET, "")
    settings.MAIL_WEBHOOK_SIGNING_KEY = ""
    assert post_event(client, bounce(), provider=provider).status_code == 404
    settings.MAIL_WEBHOOK_SIGNING_KEY = "key-of-the-provider"
    settings.ANYMAIL = webhook_settings(SECRET, "key-of-the-provider")
    assert post_event(client, bounce(), provider=provider).status_code == 400  # not signed


@pytest.mark.parametrize("key", ["", "key-of-another-provider"])
def test_resend_is_known_by_name_and_password(client, settings, key):
    settings.MAIL_WEBHOOK_SECRET, settings.MAIL_WEBHOOK_SIGNING_KEY = SECRET, key
    settings.ANYMAIL = webhook_settings(SECRET, key)
    body = {
        "type": "email.opened",
        "created_at": "2026-11-25T10:00:00Z",
        "data": {"email_id": "1", "to": ["a@b.example"]},
    }
    assert post_event(client, body, provider="resend").status_code == 200
    assert post_event(client, body, provider="resend", secret="hooks:wrong-wrong-wrong").status_code == 400


ODD = [
    [],
    {},
    "text",
    '"text"',
    None,
    5,
    [[]],
    [None],
    [{}],
    {"RecordType": []},
    {"RecordType": "Bounce", "TypeCode": {}},
    {"event": "hard_bounce", "ts_event": 10**30, "email": "a@b.example"},
    [{"event": "bounce", "timestamp": 10**30, "email": "a@b.example"}],
    [{"msys": {"message_event": {"type": "bounce", "timestamp": "9" * 30}}}],
    {"events": [{"event": "bounce", "timestamp": -(10**30)}]},
    {"signature": []},
    {"signature": {"token": "²", "timestamp": [], "signature": {}}, "event-data": 7},
]


@pytest.mark.parametrize("body", [*ODD, "[" * 50_000, '{"a":' * 50_000, "{", b"\xff\xfe", ""])
def test_an_odd_body_is_never_a_fault_of_ours(client, settings, body):
    settings.MAIL_WEBHOOK_SECRET, settings.MAIL_WEBHOOK_SIGNING_KEY = SECRET, "key-of-the-provider"
    client.raise_request_exception = False
    for provider in events.VIEWS:
        signing = "key-of-the-provider" if provider in events.SIGNED else ""
        settings.ANYMAIL = webhook_settings(SECRET, signing)
        found = post_event(client, body, provider=provider).status_code
        assert found in (200, 400), (provider, found)


def signed_by_mandrill(path, given):
    text = f"http://{path}" + "".join(key + given[key] for key in sorted(given))
    return base64.b64encode(hmac.digest(b"key-of-the-provider", text.encode(), "sha1")).decode()


@pytest.mark.parametrize("found", ["[" * 50_000, '[{"event": "inbound"}, {"event": "send"}]', "5", '[{"event": []}]'])
def test_a_signed_body_may_be_odd_too(client, settings, found):
    settings.MAIL_WEBHOOK_SECRET, settings.MAIL_WEBHOOK_SIGNING_KEY = SECRET, "key-of-the-provider"
    settings.ANYMAIL = webhook_settings(SECRET, "key-of-the-provider")
    client.raise_request_exception = False
    given = {"mandrill_events": found}
    headers = {
        "Authorization": f"Basic {base64.b64encode(SECRET.encode()).decode()}",
        "X-Mandrill-Signature": signed_by_mandrill(f"{SECRET}@testserver/mail/events/mandrill/", given),
    }
    assert client.post("/mail/events/mandrill/", given, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"Email": "elina@northwind.example\0"},
        {"Email": {"a": 1}},
        {"Email": ["elina@northwind.example"]},
        {"MessageID": "\0"},
        {"MessageID": {"a": []}},
        {"MessageID": 10**40},
        {"Details": "550\0", "Description": "\0"},
        {"Details": {"said": "no"}},
        {"Details": "x" * 100_000},
        {"BouncedAt": "9999-12-31T23:59:59Z"},
        {"BouncedAt": "0001-01-01T00:00:00+14:00"},
        {"BouncedAt": "2026-11-25T10:00:00"},
        {"BouncedAt": 5},
        {"Email": "x" * 100_000},
    ],
)
def test_a_notice_with_odd_values_is_never_a_fault_of_ours(client, settings, postmark, more):
    settings.MAIL_WEBHOOK_SECRET, settings.ANYMAIL = SECRET, {"WEBHOOK_SECRET": SECRET}
    client.raise_request_exception = False
    queue()
    deliver_due()
    assert post_event(client, bounce(**more)).status_code in (200, 400)
    for row in Suppression.objects.all():
        assert row.address == "elina@northwind.example" and "\0" not in row.detail
    assert post_event(client, bounce()).status_code == 200 and Suppression.objects.count() == 1
