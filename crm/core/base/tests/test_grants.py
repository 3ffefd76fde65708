"""The application's database role works with rows; it changes neither the schema nor history."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction
from pghistory.models import Context

from crm.core.users.models import User

pytestmark = pytest.mark.django_db


def history_tables():
    return sorted(model._meta.db_table for model in apps.get_models() if getattr(model, "pgh_tracked_model", None))


def refused(sql):
    with (
        pytest.raises(ProgrammingError, match="permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE core_user ADD COLUMN mine int",
        "DROP TABLE core_user",
        "TRUNCATE core_user CASCADE",
        "ALTER TABLE core_user DISABLE TRIGGER ALL",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DELETE FROM django_migrations",
    ],
)
def test_the_schema_cannot_be_changed(sql):
    refused(sql)


def test_history_cannot_be_changed():
    tables = history_tables()
    assert len(tables) > 10 and "clients_clientevent" in tables
    for table in tables:
        refused(f"UPDATE {table} SET pgh_label = 'nothing happened'")
        refused(f"DELETE FROM {table}")
    refused("DELETE FROM pghistory_context")
    refused("UPDATE pghistory_context SET metadata = '{}'")


def test_who_did_it_long_ago_cannot_be_changed_through_the_function_that_notes_who_does_it():
    """The caller says which context it is about, and the function has the owner's rights."""

    def attach(pk, who):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('pghistory.context_id', %s, true), set_config('pghistory.context_metadata', %s, true)",
                [str(pk), f'{{"user": {who}}}'],
            )
            cursor.execute("SELECT _pgh_attach_context()")
            cursor.execute("SELECT set_config('pghistory.context_id', NULL, true)")
        return Context.objects.get(pk=pk).metadata["user"]

    old = Context.objects.create(id=uuid4(), metadata={"user": 1})
    now = Context.objects.create(id=uuid4(), metadata={"user": 1})
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(
            "UPDATE pghistory_context SET created_at = now() - INTERVAL '2 hours' WHERE id = %s", [str(old.pk)]
        )
        cursor.execute("SET LOCAL ROLE rapport_app")
    assert (attach(old.pk, 2), attach(now.pk, 2)) == (1, 2)


def test_history_is_written_all_the_same():
    marta = User.objects.create(email="marta@halden.example", name="Marta")
    User.objects.filter(pk=marta.pk).update(name="Marta Kesti")
    events = apps.get_model("core.UserEvent").objects.filter(pgh_obj_id=marta.pk)
    assert list(events.order_by("pgh_id").values_list("pgh_label", "name")) == [
        ("insert", "Marta"),
        ("update", "Marta Kesti"),
    ]
