"""Workers of a parallel run do not share a Redis: one would clear what the other counts on."""

import os

from django.conf import settings


def test_a_worker_has_a_redis_database_of_its_own():
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    assert settings.REDIS_URL.endswith(f"/{number}")
