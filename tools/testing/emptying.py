"""Empties the database after a transactional test. Django's flush truncates every table and makes all permissions anew,
which takes most of a second; few tables have rows, and deleting those takes some milliseconds.
"""

from django.core.management import call_command
from django.db import DatabaseError, connections, transaction

# What migrations and Django itself have put in; no test changes it.
KEPT = ("django_migrations", "django_content_type", "auth_permission")
LARGE = 4 * 1024 * 1024  # bytes; such a table is truncated, and so are those that refer to it
DELETE = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT oid::regclass FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> ALL (string_to_array('{kept}', ' '))
            AND pg_relation_size(oid) > 0
    LOOP
        IF pg_relation_size(name::regclass) > {large} THEN
            EXECUTE 'TRUNCATE ' || name || ' CASCADE';
        ELSE
            EXECUTE 'DELETE FROM ' || name;
        END IF;
    END LOOP;
END
$$
"""
# Without triggers and foreign keys: rows may go in any order, and no history is written. Granted by `allow_emptying`.
AS_REPLICA = "SET LOCAL session_replication_role = replica"


def allow_emptying(connection, owner: str) -> None:
    """Let the owner of the test databases switch triggers off. `connection` is the superuser's."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"GRANT SET ON PARAMETER session_replication_role TO {owner}")


def empty(alias: str = "default") -> None:
    """Delete every row. Only the owner of the database may."""
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        cursor.execute(AS_REPLICA)
        cursor.execute(DELETE.format(kept=" ".join(KEPT), large=LARGE))


def after_test(case) -> None:
    """For `TransactionTestCase._fixture_teardown`."""
    for alias in case._databases_names(include_mirrors=False):
        try:
            empty(alias)
        except DatabaseError:  # a server of the user's own, which grants nothing
            call_command("flush", verbosity=0, interactive=False, database=alias, reset_sequences=False)
