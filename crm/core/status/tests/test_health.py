from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.utils import timezone

from crm.core.base.registry import Registry
from crm.core.mail.delivery import breaker
from crm.core.mail.delivery import health as delivery
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.status import health
from crm.core.work import schedule
from crm.core.work.models import Heartbeat
from tools.testing.factories import core

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def test_alive_needs_nothing():
    assert Browser().get("/healthz").content == b"ok\n"


def test_ready_names_each_part(db):
    answer = Browser().get("/readyz")
    assert answer.status_code == 200
    said = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert {said[name] for name in ("database", "migrations", "broker", "outbox")} == {"ok"}
    assert said["tick"].startswith("has never run") and said["needs a decision"] == "0 mails"


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
        "needs a decision: 1 mail",
        "failed in 24 hours: 1 mail",
        "Sending of progress emails: ValueError: no",
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
        "tick:lazy": "ran and did nothing, though something has waited for 25 minutes"
    }
    (banner,) = delivery.banners(ines, now)
    assert "Lazy: ran and did nothing" in banner["text"]
    assert not delivery.banners(marta, now), "for admins"
    waits["since"] = None
    schedule.run(now)
    assert not delivery.banners(ines, now), "gone when it is well again"


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
    assert banner["text"] == "Background work fails. Sending of progress emails: ValueError: no such hour"
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
    assert answer.status_code == 503 and "broker: OperationalError" in answer.content.decode()


def test_not_ready_while_a_mail_waits_too_long(db):
    queue_mail(
        key="k",
        kind="follow-up",
        to_address="noor@halden.example",
        subject="S",
        text="T",
        send_at=timezone.now() - timedelta(minutes=6),
    )
    answer = Browser().get("/readyz")
    assert answer.status_code == 503 and "outbox: a mail has been due for 6 minutes" in answer.content.decode()
    OutboxMail.objects.update(next_attempt_at=timezone.now())
    assert Browser().get("/readyz").status_code == 200


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
