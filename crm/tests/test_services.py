"""Every service, called once: allowed it succeeds and writes, refused it raises PermissionDenied and the database is as it was."""

import inspect
from contextlib import contextmanager
from importlib import import_module

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from crm.core.base.principals import NOBODY, READ, acting
from crm.core.base.services import SERVICES
from crm.core.users.models import Team, User
from crm.tests.test_house import modules
from tools.testing import samples
from tools.testing.access import counts_of_writes
from tools.testing.samples import SAMPLES, Own

pytestmark = pytest.mark.django_db
PEOPLE = ("stranger", "mate", "owner", "manager", "admin", "gone", "without a role")

for name in modules():
    import_module(name)
samples.load()
NAMES = sorted(name for name in SERVICES if ".tests." not in name)


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def fingerprint(tables) -> list[tuple]:
    """Number of rows and a sum over their text, of each of these tables."""
    if not tables:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {connection.ops.quote_name(table)} t"
                for table in tables
            )
        )
        return sorted(cursor.fetchall())


def rows_around(do) -> tuple[list[tuple], list[tuple]]:
    """The rows before and after `do()`, which is undone, of the tables into which it wrote, even if it took that back.
    Reading all tables took most of the time of these tests.
    """
    counted = counts_of_writes()
    with undone():
        do()
        written = [table for table, n in counts_of_writes().items() if n != counted.get(table, 0)]
        after = fingerprint(written)
    return fingerprint(written), after


def may_of(call, principal, args) -> bool:
    bound = inspect.signature(call).bind(principal, **args)
    bound.apply_defaults()
    asked = list(inspect.signature(call.may).parameters)[1:]
    return call.may(principal, **{name: bound.arguments[name] for name in asked})


@pytest.fixture(scope="module")
def people(scene):
    """The scene's, and somebody who may sign in but do nothing."""
    scene.users["gone"].refresh_from_db()
    newcomer = User.objects.create(email="newcomer@example.com", name="Newcomer", roles=[])
    return scene.users | {"without a role": newcomer}


def refusals(call, sample, scene, people):
    """Who may not, and with what: (principal, arguments)."""
    own = Own(scene, sample.of)
    args = sample.args(own)
    yield NOBODY, args
    if not callable(sample.by):
        yield sample.principal(own).only(READ), args
    if call.may is None:
        return
    forbidden = next((who for who in PEOPLE if not may_of(call, acting(people[who]), args)), None)
    if forbidden is not None:
        yield acting(people[forbidden]), args
        return
    args = sample.refused(own) if sample.refused else sample.args(Own(scene, "archived"))
    yield sample.principal(own), args


def test_every_service_has_a_sample():
    assert sorted(set(NAMES) - set(SAMPLES)) == []
    assert sorted(set(SAMPLES) - set(NAMES)) == []


def test_what_is_written_is_noticed(scene):
    def change(name):
        assert Team.objects.filter(name="North").update(name=name) == 1

    def change_and_take_back():
        with undone():
            change("South-west")

    before, after = rows_around(lambda: change("South-west"))
    assert before != after and {row[0] for row in after} == {"core_team", "core_teamevent"}
    for nothing in (lambda: Team.objects.count(), change_and_take_back):
        before, after = rows_around(nothing)
        assert before == after
    before, after = rows_around(change_and_take_back)
    assert {row[0] for row in before} >= {"core_team"}


@pytest.mark.parametrize("name", NAMES)
def test_allowed_it_writes(scene, name):
    call, sample = SERVICES[name], SAMPLES[name]
    with undone():
        own = Own(scene, sample.of)
        args = sample.args(own)

        def allowed():
            call(sample.principal(own), **args)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        before, after = rows_around(allowed)
        assert before != after


@pytest.mark.parametrize("name", NAMES)
def test_refused_it_writes_nothing(scene, people, name):
    call, sample = SERVICES[name], SAMPLES[name]
    with undone():
        for principal, args in refusals(call, sample, scene, people):

            def refused(principal=principal, args=args):
                with pytest.raises(PermissionDenied):
                    call(principal, **args)

            before, after = rows_around(refused)
            assert before == after
