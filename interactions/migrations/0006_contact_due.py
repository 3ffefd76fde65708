"""The day by which each client should hear from us, for clients that are there already. Going back leaves the column to its own migration."""

from django.db import migrations

FILL = """
    UPDATE clients_clientfacts AS facts SET contact_due_at = due.day
    FROM (
        SELECT f.client_id,
            coalesce((f.last_contact_at AT TIME ZONE firm.time_zone)::date, f.active_since, f.status_since)
            + coalesce(own.days, CASE c.tier WHEN 'A' THEN firm.cadence_days_a WHEN 'B' THEN firm.cadence_days_b
                                             ELSE firm.cadence_days_c END)::int AS day
        FROM clients_clientfacts f
        JOIN clients_client c ON c.id = f.client_id
        LEFT JOIN interactions_cadence own ON own.client_id = f.client_id
        CROSS JOIN core_firmsettings firm
        WHERE f.status IN ('active', 'at_notice', 'onboarding')
    ) due
    WHERE facts.client_id = due.client_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("interactions", "0005_progress_week"),
        ("clients", "0002_contact_due"),
        ("core", "0001_initial"),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
