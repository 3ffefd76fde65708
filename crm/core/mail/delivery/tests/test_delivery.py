"""The outbox delivers each mail once, on a real PostgreSQL, to a real SMTP server, whatever that server does."""

import threading
from datetime import timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.secret_links import link_token
from crm.core.firm.models import FirmSettings
from crm.core.mail.choices import MailState
from crm.core.mail.delivery import breaker, claims, health, message, relay, settle
from crm.core.mail.delivery.decisions import mark_arrived, send_again
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.models import DeliveryAttempt, OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.work import schedule
from crm.core.work.models import Heartbeat
from tools.testing.sink import running_sink
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)  # for what several connections see


@pytest.fixture
def sink(settings):
    with running_sink() as (sink, url):
        settings.EMAIL_URL = url
        yield sink


@pytest.fixture(autouse=True)
def no_bell(monkeypatch):
    """Nobody listens to the doorbell here; the tests call the deliverer themselves."""
    monkeypatch.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)


def queue(key="one", kind="follow-up", **fields):
    values = {"to_address": "elina@northwind.example", "subject": "Hello", "text": "Good morning", **fields}
    return queue_mail(key=key, kind=kind, **values)[0]


def make_due(mail):
    OutboxMail.objects.filter(pk=mail.pk).update(next_attempt_at=timezone.now() - timedelta(minutes=1))


def test_a_queued_mail_is_sent_once_with_its_headers(sink):
    mail = queue(
        to_name="Elina Saari",
        subject="Viikko 48 – Äänekoski",
        text="Hyvää päivää\n.\n..two dots",
        html="<p>Hyvää päivää</p>",
        from_name="Marta K.",
        reply_to="marta@firm.example",
        headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )
    assert deliver_due() == 1
    assert deliver_due() == 0
    (message_,) = sink.messages()
    assert sink.mails[0].rcpt_tos == ["elina@northwind.example"]
    assert message_["Subject"] == "Viikko 48 – Äänekoski"
    assert message_["Message-ID"] == mail.message_id
    assert message_["Reply-To"] == "marta@firm.example"
    assert message_["To"] == "Elina Saari <elina@northwind.example>"
    assert message_["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message_["From"].startswith('"Marta K." <')
    plain, html = message_.iter_parts()
    assert plain.get_content().splitlines() == ["Hyvää päivää", ".", "..two dots"]
    assert html.get_content_type() == "text/html"
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.reply) == ("sent", 1, "250 queued as 1")
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.outcome, attempt.code, attempt.reply) == ("sent", 250, "250 queued as 1")


def test_the_link_is_put_in_only_as_the_mail_leaves(sink, settings):
    link = {"purpose": "progress-stop", "id": 7, "salt": "s4lt", "path": "/mail/stop/{id}/{token}/"}
    mail = queue(
        text="Stop: [[stop]]",
        html='<a href="[[stop]]">Stop</a>',
        links={"[[stop]]": link},
        headers={"List-Unsubscribe": "<[[stop]]>"},
    )
    deliver_due()
    real = f"{settings.BASE_URL}/mail/stop/7/{link_token('progress-stop', 7, 's4lt')}/"
    (sent,) = sink.messages()
    assert real in sent.get_body(("plain",)).get_content()
    assert real in sent.get_body(("html",)).get_content()
    assert sent["List-Unsubscribe"].replace(" ", "") == f"<{real}>"
    mail.refresh_from_db()
    assert real not in mail.text + mail.html + str(mail.headers)
    assert "[[stop]]" not in message.text_for_display(mail)


def test_a_long_link_in_a_header_is_not_encoded(sink):
    link = f"<https://crm.example.com/mail/stop/{'a' * 120}/>"
    queue(
        headers={"List-Unsubscribe": f"{link}, <mailto:stop@firm.example>"},
        to_name='Säari, "Elina"',
        from_name="Keller, Marta (x)",
        subject="Long " * 40,
    )
    deliver_due()
    raw = sink.mails[0].content
    assert f"List-Unsubscribe: {link},\r\n <mailto:stop@firm.example>\r\n".encode() in raw
    (message_,) = sink.messages()
    assert message_["To"].addresses[0].display_name == 'Säari, "Elina"'
    assert message_["From"].addresses[0].display_name == "Keller, Marta (x)"
    assert message_["Subject"].split() == ["Long"] * 40
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n") if b"https" not in line) <= 78


@pytest.mark.parametrize("length", [1, 60, 66, 67, 68, 69, 70, 71, 75, 80, 200, 950, 2000])
def test_headers_of_every_length_arrive_as_written(length):
    mail = queue()
    for value in ("x" * length, "ab " * (length // 3) + "c", "ä" * min(length, 200), "a  b" * (length // 4 + 1)):
        mail.headers = {"X-Word": value}
        built = message_from_bytes(message.build(mail, FirmSettings(pk=1)), policy=policy.default)
        assert built["X-Word"].strip() == value.strip()
        assert built.get_content().strip() == "Good morning"


def test_a_mail_of_the_future_waits(sink):
    queue(send_at=timezone.now() + timedelta(hours=1))
    assert deliver_due() == 0
    assert not sink.mails


def test_a_line_break_cannot_become_a_header(sink):
    with pytest.raises(ServiceError):
        queue(reply_to="marta@firm.example\r\nBcc: all@firm.example")
    assert queue("three", subject="Hello\r\nBcc: all@firm.example").subject == "Hello Bcc: all@firm.example"
    mail = queue()
    OutboxMail.objects.filter(pk=mail.pk).update(subject="Hello\r\nBcc: all@firm.example")
    other = queue("two")
    deliver_due()
    mail.refresh_from_db()
    other.refresh_from_db()
    assert (mail.state, other.state) == ("dead", "sent")
    assert len(sink.mails) == 2
    assert "cannot be built" in mail.reply


def test_a_line_break_in_a_name_stops_no_mail(sink):
    """The firm's, the sender's and the recipient's name may come from an import (D14)."""
    FirmSettings.objects.update_or_create(pk=1, defaults={"name": "North\r\nlight", "mail_from_name": ""})
    firm, sender = queue("firm"), queue("sender", from_name="Marta\nKallio", to_name="Elina\nSaari")
    deliver_due()
    assert {mail.state for mail in OutboxMail.objects.filter(pk__in=[firm.pk, sender.pk])} == {"sent"}
    assert [b"North light" in sink.mails[0].content, b"Marta Kallio" in sink.mails[1].content] == [True, True]


@committed
def test_two_deliverers_at_once_send_each_mail_once(sink):
    for n in range(30):
        queue(f"mail-{n}", to_address=f"person{n}@example.com")
    at_once(lambda n: deliver_due(), 4)
    assert sorted(envelope.rcpt_tos[0] for envelope in sink.mails) == sorted(
        f"person{n}@example.com" for n in range(30)
    )
    assert set(OutboxMail.objects.values_list("state", "attempts")) == {("sent", 1)}


@committed
def test_no_transaction_may_be_open_around_the_sending(sink):
    queue()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        deliver_due()
    assert not sink.mails


@committed
def test_the_server_sees_a_committed_fence(sink):
    mail = queue()
    seen = []

    def look():
        seen.append(OutboxMail.objects.get(pk=mail.pk).state)
        connections.close_all()

    def on_data():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    sink.on_data = on_data
    deliver_due()
    assert seen == ["sending"]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["421 busy", "451 later", "452 full"])
def test_a_refusal_for_now_is_tried_again_later(sink, command, answer):
    sink.answers[command] = [answer]
    mail = queue()
    before = timezone.now()
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.reply[:3]) == ("pending", 1, answer[:3])
    assert timedelta(seconds=23) < mail.next_attempt_at - before < timedelta(seconds=40)
    make_due(mail)
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, len(sink.mails)) == ("sent", 1)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_for_good_ends_the_mail_and_stops_no_other(sink, command):
    sink.answers[command] = ["550 no such person"]
    mail, other = queue("one"), queue("two")
    deliver_due()
    mail.refresh_from_db()
    other.refresh_from_db()
    assert (mail.state, mail.reply, other.state) == ("dead", "550 no such person", "sent")


def test_the_eighth_refusal_is_the_last(sink):
    sink.answers["RCPT"] = ["451 later"] * 9
    mail = queue()
    for _try in range(8):
        make_due(mail)
        deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, len(sink.answers["RCPT"])) == ("dead", 8, 1)


def test_back_off_grows_by_the_table():
    for attempts, seconds in enumerate(claims.BACK_OFF):
        assert seconds * 0.8 <= claims.back_off(attempts) <= seconds * 1.2
    assert claims.back_off(7) is None


def test_a_connection_that_ends_before_the_dot_is_safe_to_try_again(sink):
    sink.answers["RCPT"] = ["drop"]
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("pending", 1)


def test_a_mail_to_a_client_whose_answer_is_lost_waits_for_a_person(sink, django_user_model):
    sink.answers["DATA"] = ["keep and drop"]
    mail = queue(kind="progress")
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    assert deliver_due() == 0
    assert len(sink.mails) == 1
    marta = django_user_model.objects.create(email="marta@firm.example", name="Marta")
    again = send_again(acting(marta), mail=mail, now=timezone.now())
    mail.refresh_from_db()
    assert (mail.state, again.key, again.state) == ("cancelled", "one#2", "pending")
    assert again.message_id != mail.message_id


def test_a_mail_of_an_account_whose_answer_is_lost_is_resent(sink):
    sink.answers["DATA"] = ["drop"]
    mail = queue(kind="account")
    deliver_due()
    assert pass_seconds(30) == 0
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "cancelled"
    assert OutboxMail.objects.get(key="one#2").state == "sent"
    assert len(sink.mails) == 1


def pass_seconds(seconds):
    """The time goes on for what is undecided; how many mails the deliverer then sends at once."""
    undecided = OutboxMail.objects.filter(state="uncertain")
    undecided.update(fenced_at=F("fenced_at") - timedelta(seconds=seconds))
    return deliver_due()


def test_a_server_that_is_away_for_a_while_does_not_use_up_the_tries_of_an_account_mail(sink):
    sink.answers["DATA"] = ["drop"] * 4
    queue(kind="account")
    for _bell in range(5):
        deliver_due()
    assert OutboxMail.objects.count() == 1, "sent again before anything could have changed"
    for number, wait in ((2, 30), (3, 120), (4, 600)):
        pass_seconds(wait - 10)
        assert OutboxMail.objects.count() == number - 1
        pass_seconds(10)
        deliver_due()
        assert OutboxMail.objects.count() == number
    pass_seconds(10_000)
    assert OutboxMail.objects.count() == 4, "three times, then a person decides"
    assert OutboxMail.objects.get(key="one#4").state == "uncertain"


def test_mails_that_open_an_account_go_before_a_mailing(sink, settings):
    for number in range(3):
        queue(f"survey:{number}", kind="survey", subject="What do you think?")
    queue("reset", kind="account", subject="Set a new password")
    queue("invitation", kind="invitation", subject="Come in")
    deliver_due()
    assert [one["Subject"] for one in sink.messages()][:2] == ["Set a new password", "Come in"]


def test_a_server_that_is_silent_after_the_dot_keeps_one_sender_and_no_more(sink, settings):
    """The others would stand as long: sending pauses until one asks again."""
    settings.MAIL_FINAL_SECONDS = 1
    release = threading.Event()
    sink.on_data = lambda: release.wait(5)
    first, second = queue("one", kind="progress"), queue("two", kind="progress")
    try:
        assert deliver_due() == 0
    finally:
        release.set()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("uncertain", "pending")
    assert breaker.look().is_open
    assert deliver_due() == 0
    sink.on_data = None
    Heartbeat.objects.filter(name=breaker.NAME).update(finished_at=timezone.now() - timedelta(minutes=1))
    assert deliver_due() == 1
    assert not breaker.look().is_open


def test_a_mail_of_an_account_is_resent_though_its_sender_died_before_it_did_so(sink, monkeypatch):
    sink.answers["DATA"] = ["drop"]
    mail = queue(kind="account")
    with monkeypatch.context() as patched:
        patched.setattr("crm.core.mail.delivery.decisions.apply_policy", lambda pk: None)
        deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    pass_seconds(30)
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, OutboxMail.objects.get(key="one#2").state) == ("cancelled", "sent")


def test_it_arrived_closes_the_question(sink, django_user_model):
    sink.answers["DATA"] = ["keep and drop"]
    mail = queue(kind="progress")
    deliver_due()
    marta = django_user_model.objects.create(email="marta@firm.example", name="Marta")
    mark_arrived(acting(marta), mail=mail, now=timezone.now())
    mail.refresh_from_db()
    assert (mail.state, mail.sent_at) == ("sent", mail.fenced_at)
    with pytest.raises(ServiceError):
        send_again(acting(marta), mail=mail, now=timezone.now())


def fence(mail):
    return claims.fence(mail, seconds=30)


def end_lease(mail):
    OutboxMail.objects.filter(pk=mail.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_sender_killed_before_the_fence_loses_nothing(sink):
    mail = queue()
    claims.claim_next()
    end_lease(mail)
    assert settle.sweep(timezone.now()) == 1
    assert deliver_due() == 1
    assert len(sink.mails) == 1
    assert list(mail.delivery_attempts.values_list("outcome", flat=True)) == ["sent", "lost_lease"]


def test_a_sender_killed_after_the_fence_is_never_repeated_blindly(sink):
    mail = queue(kind="progress")
    claimed = claims.claim_next()
    assert fence(claimed)
    end_lease(mail)
    settle.sweep(timezone.now())
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    assert deliver_due() == 0


def test_a_sender_that_slept_past_its_lease_does_not_send(sink):
    mail = queue()
    slow = claims.claim_next()
    end_lease(mail)
    assert not fence(slow)
    settle.sweep(timezone.now())
    other = claims.claim_next()
    assert other.pk == mail.pk
    assert not fence(slow)
    assert not claims.settle(
        slow, MailState.SENT, outcome="sent", started_at=timezone.now(), ended_at=timezone.now(), reply=""
    )
    assert fence(other)


def test_a_machine_suspended_before_the_dot_does_not_end_the_mail(sink, monkeypatch):
    """The wall clock has moved on ten minutes since the fence; the monotonic one stood still."""
    wall = iter([1000.0, 1600.0])
    monkeypatch.setattr(claims, "time", SimpleNamespace(monotonic=lambda: 5.0, time=lambda: next(wall, 1600.0)))
    mail = queue()
    deliver_due()  # gives it back, and takes it again
    assert list(mail.delivery_attempts.order_by("id").values_list("outcome", flat=True)) == ["retry", "sent"]
    assert len(sink.mails) == 1


def test_a_large_mail_may_take_longer(settings):
    assert claims.Hold(30_000_000).seconds == claims.Hold().seconds + 300


def test_a_late_answer_settles_what_the_sweep_found_uncertain(sink):
    mail = queue(kind="progress")
    slow = claims.claim_next()
    fence(slow)
    end_lease(mail)
    settle.sweep(timezone.now())
    assert claims.settle(
        slow, MailState.SENT, outcome="sent", started_at=timezone.now(), ended_at=timezone.now(), reply="250 ok"
    )
    mail.refresh_from_db()
    assert mail.state == "sent"


def test_a_mail_past_its_time_expires(sink):
    mail = queue(send_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now() - timedelta(hours=1))
    assert deliver_due() == 0
    settle.sweep(timezone.now())
    mail.refresh_from_db()
    assert mail.state == "expired"


def test_an_unreachable_relay_trips_the_breaker_and_burns_no_attempt(settings):
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    first, second = queue("one"), queue("two")
    assert deliver_due() == 0
    assert breaker.look().is_open
    for mail in (first, second):
        mail.refresh_from_db()
        assert (mail.state, mail.attempts) == ("pending", 0)
    assert DeliveryAttempt.objects.count() == 1
    deliver_due()
    assert DeliveryAttempt.objects.count() == 1, "sent to the provider again before it was due"
    with running_sink() as (sink, url):
        settings.EMAIL_URL = url
        Heartbeat.objects.filter(name=breaker.NAME).update(finished_at=timezone.now() - timedelta(minutes=1))
        assert deliver_due() == 2
        assert not breaker.look().is_open
        assert sink.connections == 1 + sink.probes


def test_deliverers_that_fail_at_once_are_one_failure_and_a_relay_is_asked_every_minute():
    for _deliverer in range(8):
        breaker.trip("Connection refused")
    assert Heartbeat.objects.get(name=breaker.NAME).did == 1
    for asked in range(2, 8):
        assert not breaker.lets_through()
        Heartbeat.objects.filter(name=breaker.NAME).update(finished_at=timezone.now() - timedelta(seconds=61))
        assert breaker.lets_through()
        breaker.trip("Connection refused")
        assert Heartbeat.objects.get(name=breaker.NAME).did == asked


def test_a_kept_connection_closed_by_the_server_is_reopened(sink):
    sink.answers["MAIL"] = [None, "drop"]
    queue("one")
    queue("two")
    assert deliver_due() == 2
    assert sink.connections == 2 + sink.probes


def test_captured_mail_stays_here(settings):
    settings.EMAIL_URL = "capture://"
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.reply) == ("sent", "kept on this machine")


@committed
def test_what_the_server_said_is_written_once_postgres_is_back(sink, caplog):
    """The connection ends between the 250 and the commit of `sent`."""
    mail = queue()

    def cut():
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connections.close_all()

    def on_data():
        thread = threading.Thread(target=cut)
        thread.start()
        thread.join()

    sink.on_data = on_data
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, len(sink.mails)) == ("sent", 1)
    assert "could not be written yet" in caplog.text


def test_an_address_of_a_relay_is_read():
    assert relay.parse("capture://") is None
    found = relay.parse("smtp+tls://us%40er:p%2Fw@mail.example.com")
    assert (found.host, found.port, found.username, found.password) == ("mail.example.com", 587, "us@er", "p/w")
    assert relay.parse("smtp+ssl://mail.example.com").port == 465
    assert "p/w" not in repr(found)


def test_the_database_refuses_moves_that_are_not_legal():
    mail = queue()
    with pytest.raises(Exception, match="Invalid transition"):
        OutboxMail.objects.filter(pk=mail.pk).update(state="sent", sent_at=timezone.now())


def test_admins_are_told_what_keeps_mails(django_user_model):
    admin = django_user_model.objects.create(email="ada@firm.example", name="Ada", roles=["admin"])
    now = timezone.now()
    assert health.banners(admin, now) == []
    queue(send_at=now - timedelta(minutes=6))
    assert "more than five minutes" in health.banners(admin, now)[0]["text"]
    breaker.trip("Connection refused")
    assert "Connection refused" in health.banners(admin, now)[0]["text"]
    schedule.beat("tick", now - timedelta(minutes=4))
    assert len(health.banners(admin, now)) == 2
    marta = django_user_model.objects.create(email="m@firm.example", name="Marta", roles=["account_manager"])
    assert health.banners(marta, now) == []


@committed
def test_one_tick_at_a_time():
    schedule.run()
    assert Heartbeat.objects.filter(name="tick:mail").exists()
    held = threading.Event()
    done = threading.Event()

    def hold():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [schedule.LOCK])
            held.set()
            done.wait(10)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    assert schedule.run() == {}
    done.set()
    thread.join()


def test_whatever_cannot_be_built_ends_in_a_named_state_and_stops_no_other(sink, monkeypatch):
    mail, other = queue(), queue("two")
    build = message._build

    def broken(row, firm):
        if row.pk == mail.pk:
            raise RecursionError("a body without end")
        return build(row, firm)

    monkeypatch.setattr(message, "_build", broken)
    deliver_due()
    mail.refresh_from_db()
    other.refresh_from_db()
    assert (mail.state, other.state) == ("dead", "sent")
    assert "a body without end" in mail.reply
