"""`manage.py drain --loop`: the work of worker and beat in one process, with no Redis anywhere."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from crm.core.mail.delivery.tests.test_delivery_celery import ROOT, database_url, wait_for
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.work import jobs
from crm.core.work.models import Heartbeat
from tools.testing.sink import running_sink

NOBODY = "redis://127.0.0.1:1/0"  # nothing listens there


@pytest.fixture
def drain(transactional_db, tmp_path, monkeypatch):
    """(sink, check that it lives, process); the test rings no bell either."""
    monkeypatch.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)
    with running_sink() as (sink, url):
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "REDIS_URL": NOBODY,
            "EMAIL_URL": url,
            "RAPPORT_DATA_DIR": str(tmp_path),
        }
        with (tmp_path / "drain.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "drain", "--loop"],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield sink, lambda: process.poll() is None or pytest.fail((tmp_path / "drain.log").read_text()), process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def queue(key, **fields):
    return queue_mail(key=key, kind="follow-up", to_address="elina@northwind.example", subject=key, text="T", **fields)[
        0
    ]


def test_it_sends_ticks_and_stops_without_redis(drain):
    sink, is_alive, process = drain
    queue("first")
    left = OutboxMail.objects.create(
        key="left",
        kind="follow-up",
        state="pending",
        to_address="jari@northwind.example",
        subject="Left",
        text="T",
        message_id="<left@firm.example>",
        planned_for=timezone.now(),
        next_attempt_at=timezone.now(),
        expires_at=timezone.now() - timedelta(hours=1),
    )
    wait_for(lambda: is_alive() and sink.mails, 60, "the mail was not sent")
    wait_for(lambda: is_alive() and Heartbeat.objects.filter(name="tick").exists(), 30, "it does not tick")
    left.refresh_from_db()
    assert left.state == "expired", "the tick swept"
    before = time.monotonic()
    queue("second", send_at=timezone.now() + timedelta(seconds=2))
    wait_for(lambda: is_alive() and len(sink.mails) == 2, 30, "the second mail was not sent")
    assert time.monotonic() - before < 12, "it did not wait for the next quarter of a minute"
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert set(OutboxMail.objects.values_list("key", "state")) == {
        ("first", "sent"),
        ("second", "sent"),
        ("left", "expired"),
    }


@pytest.mark.django_db(transaction=True)
def test_once_it_does_what_is_due_and_says_what(settings, monkeypatch):
    rung = []
    with running_sink() as (sink, url):
        settings.EMAIL_URL = url
        monkeypatch.setattr("crm.core.tasks.tick.apply_async", lambda **options: rung.append(options))
        with monkeypatch.context() as quiet:
            quiet.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)
            queue("one")
        said = StringIO()
        call_command("drain", stdout=said)
    assert "mail: 1 sent" in said.getvalue() and len(sink.mails) == 1
    assert jobs._listener is None and not rung
