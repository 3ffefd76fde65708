"""The rights of the application's database role: read and write rows, never alter the schema or change history.

Runs after every `migrate`. If the application migrates with its own role (an external database with one user), there is
nothing to grant.
"""

from django.conf import settings
from django.db import connections

HISTORY = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND (tablename LIKE '%%event' OR tablename = 'pghistory_context')"

# The trigger function writes contexts with the owner's rights, and its caller names the context: an old request's
# context must not change.
CONTEXT_STAYS = """
    CREATE OR REPLACE FUNCTION core_context_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.created_at < now() - INTERVAL '1 hour' THEN RETURN NULL; END IF;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER context_stays BEFORE UPDATE ON pghistory_context
        FOR EACH ROW EXECUTE FUNCTION core_context_stays();
"""


def grant_application_role(*, using, **kwargs) -> None:
    role = settings.APP_DATABASE_ROLE
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_user, EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        current, exists = cursor.fetchone()
        if not exists or current == role:
            return
        name = connections[using].ops.quote_name(role)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")
        cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {name}")
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {name}")
        cursor.execute(HISTORY)
        for (table,) in cursor.fetchall():
            cursor.execute(f"REVOKE UPDATE, DELETE ON {connections[using].ops.quote_name(table)} FROM {name}")
        cursor.execute(CONTEXT_STAYS)
        # the trigger function adds to a running request's context, with the owner's rights
        cursor.execute("ALTER FUNCTION _pgh_attach_context() SECURITY DEFINER SET search_path = public, pg_temp")
