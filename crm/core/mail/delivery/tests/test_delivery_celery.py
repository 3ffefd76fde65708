"""A real Celery worker with beat, a real Redis, a real SMTP server: what is queued leaves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path
from urllib.parse import quote

import pytest
from celery.beat import Scheduler
from celery.utils.imports import symbol_by_name
from django.conf import settings
from django.db import connection, transaction

from crm.celery import app
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.tasks import run_job, tick
from crm.core.users.models import User
from crm.core.work.models import Heartbeat, Job
from tools.launcher.serve import WORKERS
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


@contextlib.contextmanager
def running(tmp_path, *commands):
    """(sink, a look whether all run): Celery processes with a mail server of their own."""
    with running_sink() as (sink, url):
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "EMAIL_URL": url,
            "RAPPORT_DATA_DIR": str(tmp_path),
        }
        log = tmp_path / "worker.log"
        with log.open("wb") as file:
            processes = [
                subprocess.Popen(
                    [sys.executable, "-m", *command],
                    env=environment,
                    cwd=ROOT,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
                for command in commands
            ]
        try:
            yield sink, lambda: all(one.poll() is None for one in processes) or pytest.fail(log.read_text())
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(5)


@pytest.fixture
def worker(transactional_db, tmp_path):
    with running(tmp_path, ["celery", *ARGUMENTS]) as found:
        yield found


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


def test_two_imports_at_once_keep_neither_mail_nor_the_tick_waiting(transactional_db, tmp_path):
    """The workers that script/server starts, and imports that go on for as long as their rows are locked."""
    marta = User.objects.create(email="marta@firm.example", name="Marta")
    long_ones = [Job.objects.create(kind="import:clients", state="queued", user=marta, title="Long") for _n in range(2)]
    with running(tmp_path, *WORKERS.values()) as (sink, is_alive), transaction.atomic():
        list(Job.objects.select_for_update())
        for job in long_ones:
            run_job.apply_async(kwargs={"job_id": job.pk})
        wait_for(lambda: is_alive() and waiting_for_locks() == 2, 60, "the imports were not begun")
        with ThreadPoolExecutor(1) as another:
            another.submit(ring).result()
            wait_for(lambda: is_alive() and sink.mails, 30, "the mail waits for the imports")
            wait_for(lambda: another.submit(has_ticked).result(), 30, "the tick waits for the imports")
        assert waiting_for_locks() == 2


def on_own_connection(work):
    @wraps(work)
    def done():
        try:
            return work()
        finally:
            connection.close()

    return done


@on_own_connection
def ring():
    queue_mail(
        key="meanwhile", kind="follow-up", to_address="elina@northwind.example", subject="Meanwhile", text="Not late"
    )
    tick.apply_async()


@on_own_connection
def has_ticked() -> bool:
    return Heartbeat.objects.filter(name="tick").exists()


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]
