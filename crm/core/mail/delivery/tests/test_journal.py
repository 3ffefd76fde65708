"""The journal settles mails whose sender died: a real SMTP server that writes a real Maildir."""

import mailbox
from datetime import timedelta

import pytest
from django.utils import timezone

from crm.core.mail.delivery import journal
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from tools.testing.sink import running_sink

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_bell(monkeypatch):
    monkeypatch.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)


@pytest.fixture
def maildir(tmp_path):
    return mailbox.Maildir(tmp_path / "journal")


@pytest.fixture
def sink(settings, maildir, tmp_path):
    with running_sink() as (sink, url):
        settings.EMAIL_URL = url
        settings.MAIL_JOURNAL = "journal@firm.example"
        settings.MAIL_JOURNAL_URL = f"maildir://{tmp_path / 'journal'}"
        sink.on_accept = lambda envelope: [
            maildir.add(envelope.content)
            for to in envelope.rcpt_tos
            if to.startswith("journal+") or to == settings.MAIL_JOURNAL
        ]
        yield sink


def queue(key="one", kind="progress", **fields):
    return queue_mail(
        key=key,
        kind=kind,
        to_address=fields.pop("to_address", "elina@northwind.example"),
        subject=key,
        text="Good morning",
        **fields,
    )[0]


def left_undecided(sink, key):
    """A mail that the server did not take, and did not say so."""
    mail = queue(key)
    sink.answers["DATA"] = ["drop"]
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.has_journal) == ("uncertain", True)
    return mail


def grow_old(mail, minutes=60):
    OutboxMail.objects.filter(pk=mail.pk).update(fenced_at=timezone.now() - timedelta(minutes=minutes))


def test_each_mail_goes_to_the_journal_in_the_same_transaction(sink, maildir):
    mail = queue()
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "sent"
    assert mail.has_journal
    assert sink.mails[0].rcpt_tos == ["elina@northwind.example", f"journal+{mail.pk}@firm.example"]
    assert [message["Message-ID"] for message in maildir] == [mail.message_id]


def test_a_mail_that_was_accepted_is_found_and_not_sent_again(sink):
    mail = queue("kept")
    sink.answers["DATA"] = ["keep and drop"]
    deliver_due()
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.sent_at, mail.reply) == ("sent", mail.fenced_at, "Found in the mail journal")
    assert len(sink.mails) == 1


def test_a_mail_that_was_not_accepted_is_sent_again_once_a_later_one_has_arrived(sink):
    mail = left_undecided(sink, "lost")
    grow_old(mail)
    queue("later")
    deliver_due()  # the later one is the witness, and the mail is written anew
    mail.refresh_from_db()
    assert mail.state == "cancelled"
    again = OutboxMail.objects.get(key="lost#2")
    deliver_due()
    again.refresh_from_db()
    assert again.state == "sent"
    assert sorted(message["Subject"] for message in sink.messages()) == ["later", "lost"]


def test_within_the_grace_nothing_is_concluded(sink):
    mail = left_undecided(sink, "fresh")
    queue("later")
    deliver_due()
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"


def test_a_journal_without_a_witness_is_probed_first(sink):
    mail = left_undecided(sink, "lost")
    grow_old(mail)
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    probe = OutboxMail.objects.get(kind=journal.PROBE.key)
    deliver_due()  # sends the probe, finds it, and knows
    probe.refresh_from_db()
    mail.refresh_from_db()
    assert (probe.state, mail.state) == ("sent", "cancelled")
    assert OutboxMail.objects.filter(key="lost#2").exists()


def test_a_journal_that_receives_nothing_proves_nothing(sink):
    sink.on_accept = lambda envelope: None
    mail = queue("lost")
    sink.answers["DATA"] = ["keep and drop"]
    deliver_due()
    grow_old(mail)
    queue("later")
    for _round in range(3):
        deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"
    assert sum(message["Subject"] == "lost" for message in sink.messages()) == 1


def test_a_journal_that_cannot_be_read_decides_nothing(sink, settings):
    mail = left_undecided(sink, "lost")
    grow_old(mail)
    queue("later")
    settings.MAIL_JOURNAL_URL = "maildir:///nowhere/at/all"
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"


def test_a_refused_journal_keeps_no_mail_back_and_the_mail_is_not_looked_up(sink):
    mail = queue()
    sink.answers["RCPT"] = [None, "550 no such box"]
    sink.answers["DATA"] = ["drop"]
    deliver_due()
    mail.refresh_from_db()
    assert (mail.state, mail.has_journal) == ("uncertain", False)
    grow_old(mail)
    queue("later")
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "uncertain"


def test_a_refused_recipient_sends_nothing_to_the_journal(sink):
    mail = queue()
    sink.answers["RCPT"] = ["550 5.1.1 unknown"]
    deliver_due()
    mail.refresh_from_db()
    assert mail.state == "dead"
    assert not sink.mails


def test_a_copy_that_cannot_be_opened_proves_nothing(sink, maildir, tmp_path):
    """As when a mail program moves it between the look at the folder and the look into the file."""
    lost = left_undecided(sink, "lost")
    grow_old(lost)
    (tmp_path / "journal" / "cur" / "copy").mkdir()
    queue("later")
    deliver_due()
    lost.refresh_from_db()
    assert lost.state == "uncertain"
