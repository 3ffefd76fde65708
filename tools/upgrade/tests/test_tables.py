"""How tables are compared that were made in two ways."""

from tools.upgrade import tables


def test_what_is_the_same_says_nothing():
    one = {"column client.name": "text NO", "index client_name": "CREATE INDEX"}
    assert tables.differences(one, dict(reversed(one.items()))) == []


def test_what_one_lacks_or_has_otherwise_is_named():
    upgraded = {"column client.name": "text NO", "index client_old": "CREATE INDEX"}
    fresh = {"column client.name": "text YES", "constraint client.named": "CHECK (name <> '')"}
    assert tables.differences(upgraded, fresh) == [
        "index client_old: a fresh database has none",
        "constraint client.named: an upgraded database has none",
        "column client.name: text NO after an upgrade, text YES in a fresh database",
    ]


def test_the_catalogue_of_a_database_names_its_parts(db):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(tables.CATALOGUE)
        found = dict(cursor.fetchall())
    assert found["column clients_client.name"].startswith("character varying 200 NO")
    assert "outbox_claim" in found["index outbox_claim"]
    assert {"constraint", "trigger", "function"} <= {name.partition(" ")[0] for name in found}
