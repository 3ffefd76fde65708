"""A database that begins now has the tables that all the migrations lead to."""

import pytest
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from tools.squash import FIRST_PARTY, _in_order, _without


class Originals(MigrationLoader):
    def load_disk(self):
        super().load_disk()
        squashed = [key for key, one in self.disk_migrations.items() if key[0] in FIRST_PARTY and one.replaces]
        for key in squashed:
            del self.disk_migrations[key]


def changes(before, after):
    return MigrationAutodetector(before, after)._detect_changes()


def test_the_squashed_migrations_lead_to_the_models_of_those_they_replace():
    begun, upgraded = MigrationLoader(None).project_state(), Originals(None).project_state()
    assert changes(upgraded, begun) == {} and changes(begun, upgraded) == {}
    del begun.models["clients", "tag"]
    assert changes(upgraded, begun) != {}, "the comparison sees nothing"


def test_each_app_begins_with_one_migration_that_replaces_all_that_it_names():
    loader = MigrationLoader(None)
    for app in FIRST_PARTY:
        [squashed] = [one for (of, _name), one in loader.disk_migrations.items() if of == app and one.replaces]
        assert all(key in loader.disk_migrations for key in squashed.replaces)
        assert squashed.name == f"0001_squashed_{squashed.replaces[-1][1]}"


@pytest.mark.django_db
@pytest.mark.as_owner
@pytest.mark.parametrize("app", FIRST_PARTY)
def test_a_database_without_the_newest_migration_of_an_app_goes_on(app):
    """Where one app lacks a migration, the squashed migrations of the others stand as applied."""
    loader = Originals(connection)
    [leaf] = loader.graph.leaf_nodes(app)
    applied = MigrationRecorder(connection).migration_qs
    missing = [key for key in loader.graph.backwards_plan(leaf) if key[0] in FIRST_PARTY]
    for of, name in missing:
        applied.filter(app=of, name=name).delete()
        applied.filter(app=of, name__startswith="0001_squashed").delete()
    executor = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    planned = executor.migration_plan(executor.loader.graph.leaf_nodes())
    assert {(one.app_label, one.name) for one, _back in planned} == {*missing}


def test_models_come_after_those_they_refer_to():
    assert _in_order({"a": {"b"}, "b": {"c"}, "c": set()}) == ["c", "b", "a"]


def test_an_index_of_a_new_table_is_made_at_once():
    assert _without(("DROP INDEX CONCURRENTLY x", "CREATE INDEX CONCURRENTLY x ON y (z)")) == (
        "DROP INDEX x",
        "CREATE INDEX x ON y (z)",
    )
