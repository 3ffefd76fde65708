"""What keeps mail back: suppressed addresses, too much for one person, too much in one week, a copied database, a heavy file."""

import json
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from crm.core.base.principals import SYSTEM, acting
from crm.core.files.services import store_bytes
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.models import BlastQuestion, DeliveryAttempt, Installation, MailAttachment, OutboxMail, Suppression
from crm.core.mail.services import instance, suppression, volume
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.choices import Role
from crm.core.work.models import Heartbeat
from tools.testing.sink import running_sink

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_bell(monkeypatch):
    monkeypatch.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.INSTALLATION_FILE = tmp_path / "installation.json"


@pytest.fixture
def sink(settings):
    with running_sink() as (sink, url):
        settings.EMAIL_URL = url
        yield sink


@pytest.fixture
def ada(client):
    user = get_user_model()(email="ada@firm.example", name="Ada Quill", roles=[Role.ADMIN])
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    return user


def queue(key="one", kind="progress", **fields):
    return queue_mail(
        key=key, kind=kind, **{"to_address": "elina@northwind.example", "subject": "Hello", "text": "Hi", **fields}
    )[0]


def test_a_server_that_knows_no_such_mailbox_stops_the_address(sink):
    sink.answers["RCPT"] = ["550 5.1.1 no such user"]
    mail = queue()
    deliver_due()
    assert Suppression.objects.get().mail == mail
    assert queue("two").state == "cancelled"


def test_another_refusal_does_not(sink):
    sink.answers["RCPT"] = ["550 5.7.1 not from you"]
    queue()
    deliver_due()
    assert not Suppression.objects.exists()


def test_mail_that_opens_an_account_is_tried_all_the_same(ada):
    suppression.enter_address(
        acting(ada), address="elina@northwind.example", detail="asked by phone", now=timezone.now()
    )
    assert queue("account", kind="account").state == "pending"
    assert queue("progress").state == "cancelled"


def test_an_admin_stops_and_lifts_an_address(client, ada):
    answer = client.post("/outbox/stopped/", {"address": "Kai@northwind.example", "detail": "left the firm"})
    assert answer.status_code == 302
    again = client.post("/outbox/stopped/", {"address": "kai@northwind.example", "detail": "typed again"})
    assert again.status_code == 422
    assert "is already suppressed" in again.content.decode()
    assert "typed again" in again.content.decode()
    row = Suppression.objects.get()
    assert "kai@northwind.example" in client.get("/outbox/stopped/?q=kai").content.decode()
    client.post(f"/outbox/stopped/{row.pk}/lift/")
    assert not Suppression.objects.exists()
    assert queue("later", to_address="kai@northwind.example").state == "pending"


def test_a_person_gets_three_automatic_mails_in_24_hours_and_a_fourth_is_held(sink):
    now = timezone.now()
    for n in range(3):
        assert queue(f"a{n}", contact_id=7, is_automatic=True, send_at=now - timedelta(hours=n * 5)).state == "pending"
    fourth = queue("a3", contact_id=7, is_automatic=True, send_at=now)
    assert fourth.state == "held"
    assert "three automatic emails" in fourth.reply
    assert queue("other", contact_id=8, is_automatic=True, send_at=now).state == "pending"
    assert queue("by hand", contact_id=7, send_at=now).state == "pending"
    assert queue("tomorrow", contact_id=7, is_automatic=True, send_at=now + timedelta(hours=24)).state == "pending"
    assert deliver_due() == 5


def test_a_held_mail_can_be_released_by_a_person(client, ada, sink):
    for n in range(4):
        mail = queue(f"a{n}", contact_id=7, is_automatic=True)
    assert "Send" in client.get(f"/outbox/{mail.pk}/").content.decode()
    client.post(f"/outbox/{mail.pk}/release/")
    assert deliver_due() == 4
    mail.refresh_from_db()
    assert mail.state == "sent"


def test_far_more_than_usual_waits_for_an_answer(client, ada):
    def ask(wanted, history=(40, 42, 38, 41, 40, 39, 45, 40)):
        return volume.may_plan(kind="progress", week="2026-W48", wanted=wanted, history=history)

    assert ask(120)
    assert not ask(121)
    assert not ask(900)
    question = BlastQuestion.objects.get()
    assert (question.wanted, question.usual) == (900, 40)
    assert "Many more emails than usual" in client.get("/outbox/").content.decode()
    client.post(f"/outbox/holds/{question.pk}/answer/", {"let_through": "on"})
    assert ask(950)
    assert not ask(2000)  # more than was asked about: the question is open again
    question.refresh_from_db()
    assert question.decided_at is None
    client.post(f"/outbox/holds/{question.pk}/answer/")
    assert not ask(2000)
    assert not ask(500)
    assert ask(100)


def test_a_small_firm_and_a_first_week_are_not_asked_about_a_few():
    assert volume.may_plan(kind="progress", week="2026-W48", wanted=25, history=())
    assert not volume.may_plan(kind="progress", week="2026-W48", wanted=26, history=())


def test_a_copy_of_the_database_sends_nothing_until_an_admin_says_so(client, ada, sink):
    assert not instance.register().is_on  # folder and database get to know each other
    Installation.objects.update(uid=uuid.uuid4())  # as in a dump that comes from elsewhere
    mail = queue()
    assert deliver_due() == 0
    page = client.get("/outbox/").content.decode()
    assert "Sending is on hold." in page
    assert "1 email is due now" in client.get("/outbox/holds/").content.decode()
    client.post("/outbox/holds/release/")
    assert deliver_due() == 1
    mail.refresh_from_db()
    assert mail.state == "sent"
    assert "Sending is on hold." not in client.get("/outbox/").content.decode()


def test_what_is_due_can_be_cancelled_as_the_hold_ends(client, ada, sink):
    instance.register()
    Installation.objects.update(uid=uuid.uuid4())
    mail, later = queue(), queue("later", send_at=timezone.now() + timedelta(hours=1))
    client.post("/outbox/holds/release/", {"cancel_waiting": "on"})
    assert deliver_due() == 0
    mail.refresh_from_db()
    later.refresh_from_db()
    assert (mail.state, later.state) == ("cancelled", "pending")


def test_a_database_that_went_back_in_time_is_held(sink, settings):
    queue()
    deliver_due()
    noted = json.loads(settings.INSTALLATION_FILE.read_text())
    settings.INSTALLATION_FILE.write_text(json.dumps(noted | {"counted": noted["counted"] + 5}))
    assert instance.look().is_older
    queue("two")
    assert deliver_due() == 0


@pytest.mark.as_owner
def test_a_dump_put_back_in_place_is_held_though_no_mail_was_written_since(sink, settings):
    """What was sent after the dump waits again in it. Only the attempts have counted on."""
    queue()
    assert deliver_due() == 1
    with connection.cursor() as cursor:  # as the dump of an hour ago has it
        cursor.execute("SELECT setval('core_deliveryattempt_id_seq', max(id), false) FROM core_deliveryattempt")
    DeliveryAttempt.objects.all().delete()
    assert instance.look().is_older
    OutboxMail.objects.update(key="later")
    assert deliver_due() == 0


def rewritten(**fields):
    """The seal as a restored dump has it: the same row, written by another transaction."""
    Heartbeat.objects.filter(name=instance.SEAL).update(did=0, **fields)


def test_a_restored_dump_is_held_wherever_its_folder_is(client, ada, sink, settings, tmp_path):
    queue()
    assert deliver_due() == 1
    rewritten()
    assert instance.look().is_on
    settings.INSTALLATION_FILE = tmp_path / "new container" / "installation.json"
    queue("two")
    assert deliver_due() == 0
    client.post("/outbox/holds/release/")
    assert deliver_due() == 1


def test_a_new_container_and_a_second_host_send_on(sink, settings, tmp_path):
    queue()
    assert deliver_due() == 1
    settings.INSTALLATION_FILE = tmp_path / "second" / "installation.json"
    queue("two")
    assert deliver_due() == 1
    settings.INSTALLATION_FILE = tmp_path / "installation.json"  # the first host, whose note is older
    queue("three")
    assert deliver_due() == 1


def test_a_copied_data_folder_is_held_and_the_first_one_sends_on(client, ada, sink, settings, tmp_path):
    settings.OWN_DATABASE = True
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    settings.DATA_DIR = first
    queue()
    assert deliver_due() == 1
    settings.DATA_DIR = second  # with the same installation.json
    queue("two")
    assert deliver_due() == 0
    assert "copied or moved" in client.get("/outbox/holds/").content.decode()
    settings.DATA_DIR = first
    assert deliver_due() == 1
    first.rename(tmp_path / "aside")
    first.mkdir()  # a copy put where the first one was
    queue("three")
    assert deliver_due() == 0


def test_a_copied_disk_with_another_address_is_held(settings):
    settings.IS_LOOPBACK, settings.BASE_URL = False, "https://crm.firm.example"
    assert not instance.register().is_on
    settings.BASE_URL = "https://crm.firm.example:8443"
    assert not instance.look().is_on
    settings.BASE_URL = "https://staging.firm.example"
    assert instance.look().is_on


def test_the_first_start_after_an_upgrade_binds_the_database_where_its_folder_knows_it(sink, settings):
    queue()
    deliver_due()
    Installation.objects.update(database="", place="", base_url="")  # as earlier versions left it
    Heartbeat.objects.filter(name=instance.SEAL).delete()
    queue("two")
    assert deliver_due() == 1
    assert Installation.objects.get().database
    Installation.objects.update(database="")
    settings.INSTALLATION_FILE.unlink()
    queue("three")
    assert deliver_due() == 0


def test_thirty_megabytes_end_in_a_named_state_and_stop_no_other_mail(sink, settings):
    settings.MAIL_MAX_ATTACHMENT_BYTES = 1000
    heavy = store_bytes(SYSTEM, name="video.mp4", data=b"x" * 1001, content_type="video/mp4")
    mail = queue(attachments=[heavy])
    other = queue("two", attachments=[store_bytes(SYSTEM, name="a.txt", data=b"short", content_type="text/plain")])
    assert deliver_due() == 1
    mail.refresh_from_db()
    assert mail.state == "dead"
    assert "at most 1000 bytes" in mail.reply.replace("\xa0", " ")
    (sent,) = sink.messages()
    assert [part.get_filename() for part in sent.iter_attachments()] == ["a.txt"]
    assert MailAttachment.objects.get().mail == other


def test_a_file_that_is_gone_ends_in_a_named_state(sink, settings):
    file = store_bytes(SYSTEM, name="a.txt", data=b"short", content_type="text/plain")
    mail = queue(attachments=[file])
    queue("two")
    (settings.FILES_DIR / file.path).unlink()
    assert deliver_due() == 1
    mail.refresh_from_db()
    assert mail.state == "dead"
    assert "cannot be built" in mail.reply


def test_a_stopped_address_is_not_seen_by_those_who_are_no_admin(client, ada):
    ada.roles = [Role.MANAGER]
    ada.save()
    assert client.get("/outbox/stopped/").status_code == 403
    assert client.post("/outbox/stopped/", {"address": "kai@northwind.example"}).status_code == 403
    assert not Suppression.objects.exists()
    assert OutboxMail.objects.count() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"uid": null, "counted": "many"}'])
def test_a_folder_that_cannot_be_read_sends_nothing_and_breaks_no_page(client, ada, sink, settings, content):
    instance.register()
    settings.INSTALLATION_FILE.write_bytes(content)
    mail = queue()
    assert deliver_due() == 0
    assert "Sending is on hold." in client.get("/outbox/").content.decode()
    assert client.get("/outbox/holds/").status_code == 200
    client.post("/outbox/holds/release/")
    assert deliver_due() == 1
    mail.refresh_from_db()
    assert mail.state == "sent"


def test_a_folder_that_could_never_be_read_is_not_overwritten_before_an_admin_said_so(client, ada, sink, settings):
    settings.INSTALLATION_FILE.write_text("{")
    queue()
    assert deliver_due() == 0
    assert settings.INSTALLATION_FILE.read_text() == "{"
    assert "Sending is on hold." in client.get("/outbox/").content.decode()
    client.post("/outbox/holds/release/")
    assert deliver_due() == 1


def test_a_mail_is_not_sent_again_to_a_stopped_address(client, ada, sink):
    sink.answers["RCPT"] = ["550 5.1.1 no such user"]
    mail = queue()
    deliver_due()
    page = client.post(f"/outbox/{mail.pk}/again/", follow=True).content.decode()
    assert "it bounced on" in page
    assert OutboxMail.objects.count() == 1


def test_a_mail_that_is_to_be_tried_again_is_not_once_its_address_is_stopped(sink):
    sink.answers["RCPT"] = ["451 4.7.1 later"] * 2
    mail, secret = queue(), queue("two", kind="invitation")
    deliver_due()
    Suppression.objects.create(address="elina@northwind.example", reason="complaint")  # while it was on its way
    OutboxMail.objects.update(next_attempt_at=timezone.now())
    deliver_due()
    mail.refresh_from_db()
    secret.refresh_from_db()
    assert (mail.state, secret.state) == ("dead", "sent")
    assert "reported as spam" in mail.reply
