"""Doorbells, on a real Redis."""

import pytest
from redis import Redis

from crm.core.tasks import deliver
from crm.core.work import jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(settings):
    with Redis.from_url(settings.REDIS_URL) as redis:
        yield lambda: redis.llen("celery") + redis.llen("mail")


def test_a_bell_is_not_rung_again_until_it_was_heard(queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _mail in range(5):
            jobs.enqueue("crm.core.tasks.deliver")
    assert queue() == 1
    deliver()
    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("crm.core.tasks.deliver")
    assert queue() == 2


def test_a_bell_with_arguments_always_rings(queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("crm.core.tasks.run_job", job_id=1)
        jobs.enqueue("crm.core.tasks.run_job", job_id=2)
    assert queue() == 2


def test_without_redis_the_row_is_enough(settings, caplog, django_capture_on_commit_callbacks):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("crm.core.tasks.deliver")
    jobs.woken("crm.core.tasks.deliver")
    assert "was not announced" in caplog.text
