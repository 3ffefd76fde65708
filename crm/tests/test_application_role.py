"""Tests run with the rights of the application, so a right that is missing in production is missing here."""

import pytest
from django.db import ProgrammingError, connection


def current_role():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_database_tests_run_as_the_application():
    assert current_role() == "rapport_app"


@pytest.mark.django_db
def test_the_application_may_not_change_the_schema():
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.mine (id int)")


@pytest.mark.as_owner
@pytest.mark.django_db
def test_the_owner_may_be_asked_for():
    assert current_role() == "rapport_owner"


@pytest.mark.django_db(transaction=True)
def test_the_role_does_not_leak_into_transactional_tests():
    assert current_role() == "rapport_owner"
