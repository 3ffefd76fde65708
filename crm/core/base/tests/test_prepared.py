"""Cached statements are prepared on their connection; where it does not keep them, they run as before."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.core.base import prepared
from crm.core.base.kept import Kept
from crm.core.base.principals import acting
from crm.core.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def names():
    return Kept(lambda principal: User.objects.filter(pk=principal.user_id).values_list("name"))


@pytest.fixture
def asked(names, marta):
    """Calls `names` for Marta, who is known to it, and returns the statement sent."""
    for _time in range(2):
        names.rows(acting(marta))

    def ask():
        with CaptureQueriesContext(connection) as sent:
            assert names.rows(acting(marta)) == [(marta.name,)]
        return sent[-1]["sql"]

    return ask


@pytest.fixture(autouse=True)
def switch(monkeypatch):
    monkeypatch.setattr(prepared.Switch, "is_off", False)
    prepared._names.clear()
    yield
    prepared._names.clear()


def test_a_cached_statement_is_executed_by_its_name(asked):
    assert asked().startswith("EXECUTE ")


def test_two_people_share_the_plan(asked, names, marta, oskar):
    oskar.roles = marta.roles
    before = asked()
    known = len(prepared._known())
    assert names.rows(acting(oskar)) == [(oskar.name,)]
    assert len(prepared._known()) == known and before.startswith("EXECUTE ")


def test_a_number_that_is_no_id_finds_nothing(marta):
    kept = Kept(lambda principal, pk: User.objects.filter(pk__in=User.objects.filter(pk=pk)).values_list("pk"))
    for pk in (marta.pk, marta.pk, marta.pk, 10**30):
        found = kept.rows(acting(marta), pk=pk)
    assert found == []


def test_a_pooler_that_says_so_gets_plain_statements(asked, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert asked().startswith("SELECT ")


def test_another_client_of_the_pooler_prepared_it_already(asked):
    """In a transaction, which a failed statement would end."""
    asked()
    prepared._known().clear()
    with transaction.atomic():
        assert asked().startswith("EXECUTE ")
        assert User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_lost_it_runs_it_plain_and_prepares_no_more(asked):
    asked()
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert asked().startswith("SELECT ")
    assert prepared.Switch.is_off
    assert asked().startswith("SELECT ")


def test_within_a_transaction_a_lost_statement_is_an_error_once(asked, names, marta):
    asked()
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with pytest.raises(DatabaseError), transaction.atomic():
        names.rows(acting(marta))
    assert asked().startswith("SELECT ")


def test_a_connection_holds_so_many_and_then_begins_anew(asked, monkeypatch):
    asked()
    monkeypatch.setattr(prepared, "AT_MOST", 1)
    others = Kept(lambda principal: User.objects.filter(pk=principal.user_id).values_list("email"))
    user = User.objects.first()
    for _time in range(3):
        assert others.rows(acting(user)) == [(user.email,)]
    assert len(prepared._known()) == 1
    assert asked().startswith("EXECUTE ")
