"""A real Celery worker with beat, a real Redis, a real SMTP server: what is queued leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from celery.beat import Scheduler
from celery.utils.imports import symbol_by_name
from django.conf import settings
from django.db import connection

from crm.celery import app
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.work.models import Heartbeat
from tools.testing.sink import running_sink

ROOT = Path(__file__).resolve().parents[5]
ARGUMENTS = [
    "-A",
    "crm",
    "worker",
    "-B",
    "--concurrency=2",
    "--loglevel=WARNING",
    "--without-gossip",
    "--without-mingle",
]


def test_beat_needs_no_file_and_rings_only_what_exists():
    assert symbol_by_name(app.conf.beat_scheduler) is Scheduler
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_messages_are_doorbells():
    assert app.conf.task_serializer == "json"
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_backend is None
    assert app.conf.task_acks_late is False
    assert app.conf.worker_prefetch_multiplier == 1


def database_url() -> str:
    found = connection.settings_dict
    return (
        f"postgres://{quote(found['USER'])}:{quote(found['PASSWORD'])}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    )


def wait_for(condition, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.05)


@pytest.fixture
def worker(transactional_db, tmp_path):
    with running_sink() as (sink, url):
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "EMAIL_URL": url,
            "RAPPORT_DATA_DIR": str(tmp_path),
        }
        with (tmp_path / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", *ARGUMENTS],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield sink, lambda: process.poll() is None or pytest.fail((tmp_path / "worker.log").read_text())
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def test_worker_and_beat_deliver(worker):
    sink, is_alive = worker
    rung, _made = queue_mail(
        key="rung", kind="follow-up", to_address="elina@northwind.example", subject="Rung", text="By the doorbell"
    )
    wait_for(lambda: is_alive() and sink.mails, 25, "the doorbell did not bring the mail")
    OutboxMail.objects.filter(pk=rung.pk).update(key="first")
    silent = OutboxMail.objects.get(pk=rung.pk)
    silent.pk, silent.key, silent.message_id, silent.state = None, "silent", "<silent@firm.example>", "pending"
    silent.sent_at = silent.lease_token = None
    silent.save()  # no doorbell: beat has to find it
    wait_for(lambda: is_alive() and len(sink.mails) == 2, 25, "beat did not bring the mail")
    # the server has it a moment before the worker has written that down
    left = OutboxMail.objects.exclude(state="sent")
    wait_for(lambda: is_alive() and not left.exists(), 25, "the worker did not write that it was sent")
    assert sorted(OutboxMail.objects.values_list("key", flat=True)) == ["first", "silent"]
    assert Heartbeat.objects.filter(name="deliver").exists()
