"""Tests run with the rights of the application, so a right that is missing in production is missing here."""

import pghistory
import pytest
from django.apps import apps
from django.db import ProgrammingError, connection

from crm.core.users.models import Team, User


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


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["UPDATE pghistory_context SET metadata = '{}'", "DELETE FROM pghistory_context"])
def test_the_application_may_not_change_who_did_it(change):
    marta = User.objects.create(email="marta@halden.example", name="Marta", roles=["admin"])
    with pghistory.context(user=marta.pk):
        Team.objects.create(name="Nordics")
    with pghistory.context(user=marta.pk), pghistory.context(url="/teams/"):
        Team.objects.create(name="Baltics")
        Team.objects.filter(name="Baltics").update(name="Baltic")
    assert apps.get_model("core.TeamEvent").objects.filter(pgh_context__metadata__user=marta.pk).count() == 3
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.as_owner
@pytest.mark.django_db
def test_the_owner_may_be_asked_for():
    assert current_role() == "rapport_owner"


@pytest.mark.django_db(transaction=True)
def test_the_role_does_not_leak_into_transactional_tests():
    assert current_role() == "rapport_owner"
