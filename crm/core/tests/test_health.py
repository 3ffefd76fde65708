from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from crm.core import health
from crm.core.models import OutboxMail
from crm.core.services.outbox import queue_mail
from crm.core.tests import factories

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def test_alive_needs_nothing():
    assert Browser().get("/healthz").content == b"ok\n"


def test_ready_names_each_part(db):
    answer = Browser().get("/readyz")
    assert answer.status_code == 200
    assert answer.content.decode().split() == ["database:", "ok", "migrations:", "ok", "broker:", "ok", "outbox:", "ok"]


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
        kind="note",
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
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core' AND name = '0001_initial'")
    assert "not applied" in next(f.text for f in health.look(timezone.now()) if f.name == "migrations")


def test_metrics_are_for_this_machine(db):
    assert "rapport_outbox_oldest_due_seconds 0.0" in Browser().get("/metrics").content.decode()
    assert Browser().get("/metrics", **ELSEWHERE).status_code == 404
    assert Browser().get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404


def test_metrics_are_for_an_admins_token(ines, marta):
    for user, status in ((ines, 200), (marta, 404)):
        _token, clear = factories.make_token(user=user)
        assert Browser().get("/metrics", headers={"Authorization": f"Token {clear}"}, **ELSEWHERE).status_code == status
    assert Browser().get("/metrics", headers={"Authorization": "Token nonsense"}, **ELSEWHERE).status_code == 404
