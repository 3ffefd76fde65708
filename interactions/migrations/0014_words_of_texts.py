from django.db import migrations

# The words stand in a column of the database that no model names: pages that load these rows do not load it. Adding it writes the table
# anew, while readers and writers wait; the wait for the lock is bounded, so that a long statement never blocks all others.
TEXTS = {
    "interactions_interaction": "subject || ' ' || body",
    "interactions_decision": "text",
    "interactions_commitment": "text::text",
}


def _column(table, text):
    return (
        "SET lock_timeout = '5s'",
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS words tsvector GENERATED ALWAYS AS (core_words({text})) STORED",
        "RESET lock_timeout",
    )


def _index(table):
    """A run that failed leaves an index that is not valid, and would be skipped by its name: it goes first."""
    return (
        f"DROP INDEX CONCURRENTLY IF EXISTS {table}_words",
        f"CREATE INDEX CONCURRENTLY {table}_words ON {table} USING gin (words)",
    )


class Migration(migrations.Migration):
    """The words of interactions, decisions and commitments, for the search."""

    atomic = False
    dependencies = [("interactions", "0013_referral_follow_ups"), ("core", "0016_words_of_texts")]

    operations = [
        operation
        for table, text in TEXTS.items()
        for operation in (
            migrations.RunSQL(_column(table, text), f"ALTER TABLE {table} DROP IF EXISTS words"),
            migrations.RunSQL(_index(table), f"DROP INDEX CONCURRENTLY IF EXISTS {table}_words"),
        )
    ]
