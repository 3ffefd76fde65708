"""The whole suite runs on a real PostgreSQL and a real Redis of its own, with the rights of the application's database role."""

import gc
import os
import random
import threading

import pytest
from django.conf import settings

from tools.testing import servers as throw_away

# What was imported is no garbage; looking through it again and again took a tenth of the time of a room's tests.
gc.set_threshold(50_000, 50, 50)

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
if WORKER:
    throw_away.use_own_redis_database(WORKER)
    _servers = None
else:
    _servers = throw_away.start(migrated=True)
os.environ["DJANGO_SETTINGS_MODULE"] = "crm.settings"
# read now, so that pytest-django sees configured settings; test databases are copies of the migrated one
settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = os.environ.get(throw_away.TEMPLATE)
if WORKER:  # each has a database of its own
    settings.INSTALLATION_FILE = settings.INSTALLATION_FILE.with_name(f"installation-{WORKER}.json")

pytest_plugins = ["tools.testing.browser"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Workers read their settings after this file has given them a Redis database of their own."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_unconfigure(config):
    global _servers
    if _servers is not None:
        servers, _servers = _servers, None
        throw_away.stop(servers)


def pytest_collection_finish(session):
    gc.freeze()  # what was imported and collected stays to the end


def pytest_configure(config):
    from django.test import TransactionTestCase

    from tools.testing.emptying import after_test

    TransactionTestCase._fixture_teardown = after_test
    from hypothesis import settings as hypothesis_settings

    hypothesis_settings.register_profile("rapport", derandomize=True, deadline=None)
    hypothesis_settings.load_profile("rapport")


@pytest.fixture(autouse=True)
def fixed_seed():
    random.seed(20261122)


@pytest.fixture(autouse=True)
def application_role(request):
    """Database tests run as the application's role; `@pytest.mark.as_owner` keeps the owner's rights.

    Within a transaction the role is set for that transaction. Transactional tests truncate tables between them, which only
    the owner may: there the test's thread stays the owner, and the live server's threads are the application.
    """
    if not any(request.node.iter_markers("django_db")) and not {"db", "transactional_db", "live_server"} & set(
        request.fixturenames
    ):
        yield
        return
    request.getfixturevalue("_django_db_helper")
    from django.db import connection
    from django.db.backends.signals import connection_created

    def take_role(connection, **kwargs):
        if threading.current_thread() is not threading.main_thread():
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE rapport_app")

    connection_created.connect(take_role)
    if connection.in_atomic_block and request.node.get_closest_marker("as_owner") is None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE rapport_app")
    yield
    connection_created.disconnect(take_role)


@pytest.fixture(scope="session")
def redis_connection():
    from redis import Redis

    with Redis.from_url(settings.REDIS_URL) as connection:
        yield connection


@pytest.fixture(autouse=True)
def empty_redis(redis_connection):
    """What one test put into the cache or the queue is not there for the next."""
    yield
    redis_connection.flushdb()
