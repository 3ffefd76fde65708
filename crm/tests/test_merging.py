"""A merge of two records with rows of every kind, and its undo: everything is as it was, in every table."""

import json
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

import pytest

from clients.contacts.models import Contact
from clients.merging.models import Merge
from clients.merging.relations import relations_of
from clients.merging.services import merge_clients, merge_contacts
from clients.merging.undoing import undo_client_merge, undo_contact_merge
from clients.records.facts import rebuild_facts
from clients.records.models import Client, ClientFacts
from crm.core.base.principals import acting

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("access")]
NOT_COMPARED = {"version", "updated_at"}


@pytest.fixture
def undone(scene):
    """What the test does is rolled back: the scene is one for all."""
    block = transaction.atomic()
    block.__enter__()
    yield scene
    transaction.set_rollback(True)
    block.__exit__(None, None, None)


def tables() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not model._meta.proxy
        and not hasattr(model, "pgh_tracked_model")
        and model._meta.app_label != "pghistory"
        and not issubclass(model, Merge)
    ]


def snapshot() -> dict[str, dict[Any, dict[str, Any]]]:
    """{table: {id: row}}, without what counts on."""
    found: dict[str, dict[Any, dict[str, Any]]] = {}
    with connection.cursor() as cursor:
        for model in tables():
            cursor.execute(f'SELECT to_jsonb(t) - %s::text[] FROM "{model._meta.db_table}" t', [[*NOT_COMPARED]])
            key = model._meta.pk.column
            rows = [json.loads(row) for (row,) in cursor.fetchall()]
            found[model._meta.db_table] = {row[key]: row for row in rows}
    return found


def differences(before, after) -> list[str]:
    return [
        f"{table} {pk}: {before[table].get(pk)} → {after[table].get(pk)}"
        for table in before
        for pk in before[table].keys() | after[table].keys()
        if before[table].get(pk) != after[table].get(pk)
    ]


def rebuilt(*clients):
    rebuild_facts(now=timezone.now(), client_ids=[client.pk for client in clients])


@pytest.mark.parametrize(("kept", "away"), [("own", "team"), ("team", "own"), ("other", "own")])
def test_a_merge_of_clients_and_its_undo(undone, kept, away):
    kept, away = undone.clients[kept], undone.clients[away]
    rebuilt(kept, away)
    before = snapshot()
    merge = merge_clients(acting(undone.users["admin"]), kept=kept, away=away, taken=["name"], now=timezone.now())
    kept.refresh_from_db()
    away.refresh_from_db()
    assert away.is_archived and kept.name == away.name
    stay = {}
    for relation in relations_of(Client):
        if not relation.stays and (rows := relation.rows_of(away)).exists():
            stay[relation.key] = rows.count()
    assert stay == {} or set(stay) <= {"interactions.progressschedule.client_id", "interactions.cadence.client_id", "interactions.progressemail.client_id", "clients.clienttag.client_id"}
    facts = ClientFacts.objects.filter(pk__in=[kept.pk, away.pk]).order_by("pk")
    as_merged = list(facts.values())
    rebuilt(kept, away)
    assert list(facts.values()) == as_merged
    merge = undo_client_merge(acting(undone.users["admin"]), merge=merge, now=timezone.now())
    assert merge.left == []
    assert differences(before, snapshot()) == []


@pytest.mark.parametrize(("kept", "away"), [("own", "team"), ("other", "own")])
def test_a_merge_of_contacts_and_its_undo(undone, kept, away):
    kept, away = undone.rows["contact"][kept], undone.rows["contact"][away]
    before = snapshot()
    merge = merge_contacts(acting(undone.users["admin"]), kept=kept, away=away, taken=["last_name"], now=timezone.now())
    away.refresh_from_db()
    assert away.is_archived
    moved = {r.key for r in relations_of(Contact) if not r.stays and not r.rows_of(away).exists() and r.rows_of(kept).exists()}
    assert {"clients.affiliation.contact_id", "interactions.interactioncontact.contact_id"} <= moved
    merge = undo_contact_merge(acting(undone.users["admin"]), merge=merge, now=timezone.now())
    assert merge.left == []
    assert differences(before, snapshot()) == []
