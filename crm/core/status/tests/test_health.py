from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.utils import timezone

from crm.core.base.registry import Registry
from crm.core.mail.delivery import breaker
from crm.core.mail.delivery import health as delivery
from crm.core.mail.models import OutboxMail
from crm.core.mail.services import instance
from crm.core.mail.services.outbox import queue_mail
from crm.core.status import health
from crm.core.work import schedule
from crm.core.work.models import Heartbeat, Job
from tools.testing.factories import core

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def test_alive_needs_nothing():
    assert Browser().get("/healthz").content == b"ok\n"


def test_ready_names_each_part(db):
    answer = Browser().get("/readyz")
    assert answer.status_code == 200
    said = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert {said[name] for name in ("database", "migrations", "broker", "outbox")} == {"ok"}
    assert said["tick"].startswith("has never run") and said["needs a decision"] == "0 emails"


def test_what_only_people_can_mend_does_not_take_the_web_out(db):
    now = timezone.now()
    schedule.beat("tick", now - timedelta(minutes=9))
    schedule.beat("tick:progress-send", now, note="ValueError: no")
    breaker.trip("refused")
    make_mail("uncertain", "leased", "sending", "uncertain")
    make_mail("dead", "leased", "dead")
    answer = Browser().get("/readyz")
    assert answer.status_code == 200
    text = answer.content.decode()
    for said in (
        "tick: last ran 9 minutes ago",
        "mail server: refused",
        "needs a decision: 1 email",
        "failed in 24 hours: 1 email",
        "Progress email sending: ValueError: no",
    ):
        assert said in text


def make_mail(key, *states):
    mail, _made = queue_mail(key=key, kind="follow-up", to_address="noor@halden.example", subject="S", text="T")
    for state in states:
        OutboxMail.objects.filter(pk=mail.pk).update(
            state=state, lease_token="6f2a3c1e-0000-4000-8000-000000000000", lease_until=timezone.now()
        )


def test_metrics_tell_what_alerts_are_made_of(db):
    schedule.beat("tick", timezone.now() - timedelta(seconds=100))
    make_mail("uncertain", "leased", "sending", "uncertain")
    make_mail("dead", "leased", "dead")
    breaker.trip("refused")
    said = Browser().get("/metrics").content.decode()
    for line in (
        "rapport_relay_away 1.0",
        "rapport_outbox_uncertain 1.0",
        "rapport_outbox_dead_24h 1.0",
        "rapport_tick_troubles 0.0",
        'rapport_outbox_mails{state="uncertain"} 1.0',
        'rapport_outbox_mails{state="planned"} 0.0',
        "rapport_tick_age_seconds 10",
    ):
        assert line in said, line


def test_old_failures_are_not_told_for_ever(db):
    make_mail("dead", "leased", "dead")
    OutboxMail.objects.update(updated_at=timezone.now() - timedelta(hours=25))
    assert delivery.look(timezone.now()).dead == 0


def doctor():
    said = StringIO()
    try:
        call_command("doctor", stdout=said, no_color=True)
    except CommandError as error:
        return error.returncode, said.getvalue() + str(error)
    return 0, said.getvalue()


def test_the_doctor_says_it_in_plain_words_and_by_exit_code(db):
    schedule.beat("tick", timezone.now())
    code, said = doctor()
    assert code == 0 and "All is well." in said and "database" in said
    breaker.trip("Connection refused")
    make_mail("uncertain", "leased", "sending", "uncertain")
    code, said = doctor()
    assert code == 1 and "Connection refused" in said and "Decide under Outbox" in said and "2 of" in said


def test_the_doctor_says_when_the_database_is_away(db, monkeypatch):
    def away():
        raise OperationalError("gone")

    monkeypatch.setattr(health, "_database", away)
    code, said = doctor()
    assert code == 1 and "PostgreSQL does not answer" in said


def test_a_part_that_ran_and_did_nothing_for_too_long_says_so(db, monkeypatch, ines, marta):
    now = timezone.now()
    waits = {"since": now - timedelta(minutes=9)}
    monkeypatch.setattr(schedule, "periodic", Registry("periodic job"))
    for name, did in (("lazy", 0), ("busy", 3)):
        schedule.periodic.register(
            schedule.Job(name, lambda moment, did=did: did, name.title(), lambda moment: waits["since"])
        )
    schedule.run(now)
    assert not Heartbeat.objects.exclude(note="").exists()
    waits["since"] = now - timedelta(minutes=25)
    schedule.run(now)
    assert dict(Heartbeat.objects.exclude(note="").values_list("name", "note")) == {
        "tick:lazy": "ran but did nothing, though work has waited for 25 minutes"
    }
    (banner,) = delivery.banners(ines, now)
    assert "Lazy: ran but did nothing" in banner["text"]
    assert not delivery.banners(marta, now), "for admins"
    waits["since"] = None
    schedule.run(now)
    assert not delivery.banners(ines, now), "gone once it recovers"


def test_a_part_that_fails_is_shown_to_admins_until_it_works(db, monkeypatch, ines):
    now = timezone.now()
    works = []

    def part(moment):
        if not works:
            raise ValueError("no such hour")
        return 1

    label = schedule.periodic["progress-send"].label
    monkeypatch.setattr(schedule, "periodic", Registry("periodic job"))
    schedule.periodic.register(schedule.Job("progress-send", part, label))
    schedule.run(now)
    (banner,) = delivery.banners(ines, now)
    assert banner["text"] == "Background jobs are failing. Progress email sending: ValueError: no such hour"
    works.append(True)
    schedule.run(now)
    assert not delivery.banners(ines, now)


def test_not_ready_without_a_broker(db, settings):
    from celery import current_app

    former = current_app.conf.broker_write_url, current_app.conf.broker_url
    current_app.conf.broker_url = current_app.conf.broker_write_url = "redis://127.0.0.1:1/0"
    try:
        answer = Browser().get("/readyz")
    finally:
        current_app.conf.broker_write_url, current_app.conf.broker_url = former
    assert answer.status_code == 200 and "broker: OperationalError" in answer.content.decode()


def test_waiting_mail_and_a_hold_have_a_name_and_leave_the_web_where_it_is(db, settings, tmp_path, ines):
    """Also the page on which the hold is lifted."""
    settings.INSTALLATION_FILE = tmp_path / "installation.json"
    queue_mail(
        key="k",
        kind="follow-up",
        to_address="noor@halden.example",
        subject="S",
        text="T",
        send_at=timezone.now() - timedelta(minutes=6),
    )
    instance.register()
    Heartbeat.objects.filter(name=instance.SEAL).update(did=0)  # as a restored dump has it
    job = Job.objects.create(kind="import:clients", state="queued", user=ines, title="Waits")
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(minutes=6))
    answer = Browser().get("/readyz")
    assert answer.status_code == 200
    text = answer.content.decode()
    for said in (
        "outbox: an email has been due for 6 minutes",
        "hold: This database was copied",
        "jobs: 1 wait for more than five minutes",
    ):
        assert said in text
    measured = Browser().get("/metrics").content.decode()
    assert "rapport_mail_hold 1.0" in measured and "rapport_jobs_late 1.0" in measured
    _code, said = doctor()
    assert "hold" in said and "Decide under Outbox, Holds." in said
    told = [banner["text"] for banner in delivery.banners(ines, timezone.now())]
    assert any(text.startswith("An import has waited") for text in told)


def test_strangers_get_names_and_yes_or_no(db, ines):
    breaker.trip("relay.internal.firm.example refused")
    text = Browser().get("/readyz", **ELSEWHERE).content.decode()
    assert {line.partition(": ")[2] for line in text.splitlines()} <= {"ok", "not ok"}
    assert "mail server: not ok" in text and "internal" not in text
    admin = Browser()
    admin.force_login(ines)
    assert "relay.internal" in admin.get("/readyz", **ELSEWHERE).content.decode()


def test_a_disk_that_fills_is_told_before_and_a_full_one_is_not_ready(db, settings, monkeypatch, ines):
    monkeypatch.setattr(health.shutil, "disk_usage", lambda path: SimpleNamespace(free=500 * 2**20))
    assert Browser().get("/readyz").status_code == 200
    (banner,) = health.banners(ines, timezone.now())
    assert "Only 500 MB are left" in banner["text"]
    monkeypatch.setattr(health.shutil, "disk_usage", lambda path: SimpleNamespace(free=3 * 2**20))
    settings.OWN_DATABASE = True
    answer = Browser().get("/readyz")
    assert answer.status_code == 503 and "space: only 3 MB are left" in answer.content.decode()


def test_a_database_that_takes_no_writes_is_not_ready(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    answer = Browser().get("/readyz")
    assert answer.status_code == 503 and "write: " in answer.content.decode()


@contextmanager
def nothing_listens():
    """The database's server is not there; at the end it is back."""
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port


@pytest.mark.parametrize(
    ("path", "kind"), [("/clients/", "text/html"), ("/api/v1/clients/", "application/json"), ("/", "text/html")]
)
def test_without_a_database_every_page_says_so_and_when_to_come_back(transactional_db, path, kind, ines):
    browser = Browser(raise_request_exception=False)
    browser.force_login(ines)
    with nothing_listens():
        answer = browser.get(path)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
    assert answer.headers["Content-Type"].startswith(kind)
    text = answer.content.decode()
    assert "database does not answer" in text and "127.0.0.1" not in text


@pytest.mark.as_owner
def test_not_ready_with_a_migration_to_come(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE (app, name) IN (SELECT app, max(name) FROM django_migrations WHERE app = 'core' GROUP BY app)"
        )
    assert "not applied" in next(f.text for f in health.look(timezone.now()) if f.name == "migrations")


def test_metrics_are_for_this_machine(db):
    assert "rapport_outbox_oldest_due_seconds 0.0" in Browser().get("/metrics").content.decode()
    assert Browser().get("/metrics", **ELSEWHERE).status_code == 404
    assert Browser().get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404


def test_metrics_are_for_an_admins_token(ines, marta):
    for user, status in ((ines, 200), (marta, 404)):
        _token, clear = core.make_token(user=user)
        assert Browser().get("/metrics", headers={"Authorization": f"Token {clear}"}, **ELSEWHERE).status_code == status
    assert Browser().get("/metrics", headers={"Authorization": "Token nonsense"}, **ELSEWHERE).status_code == 404
