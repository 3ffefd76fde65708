"""What PostgreSQL knows of the tables while it plans."""

from django.db import connection


def analyse() -> None:
    """Count the tables as they are now. Of one that many tests filled and emptied, the planner may expect a single row, and then a
    statement over a whole firm takes minutes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        [role] = cursor.fetchone()
        cursor.execute("RESET ROLE")
        cursor.execute("ANALYZE")
        cursor.execute("SELECT current_user")
        if cursor.fetchone() != (role,):
            cursor.execute(f"SET LOCAL ROLE {role}")
