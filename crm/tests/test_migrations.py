"""Migrations leave readers and writers of large tables alone."""

from importlib import import_module

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import IntegrityError, connection
from django.db.migrations import AddIndex, CreateModel
from django.db.migrations.loader import MigrationLoader

OURS = ("core", "clients", "interactions", "onboarding", "portal", "reports")

# They ran before this rule, and are never edited
LANDED = {
    "clients.0002_contact_due",
    "clients.0007_rate_of_an_amount_may_be_missing",
    "clients.0016_engagement_links",
    "core.0006_outbox_causes",
    "interactions.0012_engagements",
    "onboarding.0004_engagements",
}


def indexes_that_lock():
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        made = {each.name.lower() for each in migration.operations if isinstance(each, CreateModel)}
        for each in migration.operations:
            is_plain = isinstance(each, AddIndex) and not isinstance(each, AddIndexConcurrently)
            if app in OURS and is_plain and each.model_name.lower() not in made:
                yield f"{app}.{name}"


def test_an_index_on_a_table_that_has_rows_is_built_concurrently():
    assert {*indexes_that_lock()} == LANDED


@pytest.mark.as_owner
@pytest.mark.django_db(transaction=True)
def test_an_index_of_words_that_a_failed_run_left_is_built_again():
    migration = import_module("interactions.migrations.0014_words_of_texts")
    is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'interactions_decision_words'::regclass"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE doubled AS SELECT 1 AS n FROM generate_series(1, 2)")
        cursor.execute("DROP INDEX interactions_decision_words")
        with pytest.raises(IntegrityError):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY interactions_decision_words ON doubled (n)")
        cursor.execute(is_valid)
        assert cursor.fetchall() == [(False,)]
        for statement in migration._index("interactions_decision"):
            cursor.execute(statement)
        cursor.execute("DROP TABLE doubled")
        cursor.execute(is_valid)
        assert cursor.fetchall() == [(True,)]
