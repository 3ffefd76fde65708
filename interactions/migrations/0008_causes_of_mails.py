"""Which row each mail of an earlier version is about, read from its key for the last time. In batches, each its own transaction;
what cannot be resolved stays empty (“earlier mail”)."""

from django.db import migrations

BATCH = 20_000
NUMBER = "([0-9]{1,18})"
# kind of mail → (cause_kind, its table, how the cause's row is found)
CAUSES = {
    "progress": (
        "interactions.progressemail",
        "interactions_progressemail",
        "cause.client_id = mail.client_id AND cause.week = split_part(split_part(mail.key, ':', 4), '#', 1)",
    ),
    "progress-test": (
        "interactions.progressemail",
        "interactions_progressemail",
        f"cause.id = substring(mail.key from '^progress-test:{NUMBER}:')::bigint",
    ),
    "progress-review": (
        "interactions.progressemail",
        "interactions_progressemail",
        f"cause.id = substring(mail.key from '^progress-review:{NUMBER}:')::bigint",
    ),
    "survey": (
        "interactions.surveyinvitation",
        "interactions_surveyinvitation",
        "cause.key = regexp_replace(mail.key, '#[0-9]+$', '')",
    ),
    "follow-up": (
        "interactions.followup",
        "interactions_followup",
        f"cause.id = substring(mail.key from '^follow-up:{NUMBER}:')::bigint",
    ),
    "digest": (
        "interactions.digest",
        "interactions_digest",
        f"cause.user_id = substring(mail.key from '^digest:{NUMBER}:')::bigint"
        " AND cause.date::text = split_part(split_part(mail.key, ':', 3), '#', 1)",
    ),
    "invitation": (
        "core.invitation",
        "core_invitation",
        f"cause.id = substring(mail.key from '^invitation:{NUMBER}:')::bigint",
    ),
    "account": ("core.user", "core_user", "cause.id = mail.user_id"),
}


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM core_outboxmail")
        first, last = cursor.fetchone()
        for start in range(first, last + 1, BATCH):
            for kind, (cause_kind, table, found) in CAUSES.items():
                cursor.execute(
                    f"UPDATE core_outboxmail AS mail SET cause_kind = %s, cause_id = cause.id FROM {table} AS cause"  # nosec B608: constants above
                    f" WHERE mail.id >= %s AND mail.id < %s AND mail.kind = %s AND mail.cause_id IS NULL AND {found}",
                    [cause_kind, start, start + BATCH, kind],
                )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("core", "0006_outbox_causes"), ("interactions", "0007_actors")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
