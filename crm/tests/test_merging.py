"""A merge of two records with rows of every kind, and its undo: everything is as it was, in every table."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from clients.contacts.models import Contact
from clients.merging.models import Merge
from clients.merging.relations import relations_of
from clients.merging.services import merge_clients, merge_contacts
from clients.merging.undoing import undo_client_merge, undo_contact_merge
from clients.records.facts import rebuild_facts
from clients.records.models import Client, ClientFacts, ExternalId
from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail

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


def make(label: str, **values: Any) -> Any:
    return apps.get_model(label)._base_manager.create(**values)


def same_rows(scene, kept, away) -> None:
    """What both have, so that not all can move: tags, schedules, a cadence, ids, a contact, weeks, drafts, numbers, files."""
    now = timezone.now()
    tags = [scene.rows["tag"]["any"], make("clients.Tag", name="Key client")]
    kept.tags.set(tags[:1])
    away.tags.set(tags)
    contacts = [
        make("clients.Contact", first_name=name, last_name="Both", created_by=kept.owner) for name in ("Aino", "Eero")
    ]
    for client in (kept, away):
        place = {"client": client, "contact": contacts[0]}
        make("clients.Affiliation", **place, title="CFO" if client == away else "", is_primary=client == away)
        make("clients.ExternalId", system="hubspot", kind="client", value=f"c-{client.pk}", object_id=client.pk)
        if not client.contracts.filter(number="F-1").exists():
            service = scene.rows["service"]["any"]
            make(
                "clients.Contract",
                client=client,
                service=service,
                value=1,
                currency="EUR",
                rate=1,
                start_date="2026-01-01",
                number="F-1",
            )
        apps.get_model("interactions.Cadence").objects.get_or_create(client=client, defaults={"days": 9})
        schedule, _made = apps.get_model("interactions.ProgressSchedule").objects.get_or_create(
            client=client, defaults={"time_zone": "UTC"}
        )
        make("interactions.ProgressRecipient", schedule=schedule, contact=contacts[0], salt="x")
        make(
            "core.Draft",
            user=scene.users["admin"],
            kind="log",
            client_id=client.pk,
            record="",
            data={"body": client.name},
        )
        mail = {
            "key": f"m-{client.pk}",
            "message_id": f"m-{client.pk}",
            "kind": "progress",
            "to_address": "a@example.com",
            "subject": "Hello",
            "client_id": client.pk,
        }
        make("core.OutboxMail", **mail, contact_id=contacts[0].pk, planned_for=now, next_attempt_at=now, expires_at=now)
    make(
        "interactions.ProgressRecipient", schedule=away.progress_schedule, contact=contacts[1], salt="y", stopped_at=now
    )
    make("clients.Referral", client=kept, by_client=away)
    make("clients.Referral", client=away, by_source="The fair")
    away.status_periods.update(start_date="2019-01-01")


def rebuilt(*clients):
    rebuild_facts(now=timezone.now(), client_ids=[client.pk for client in clients])


@pytest.mark.parametrize(("kept", "away"), [("own", "team"), ("team", "own"), ("other", "own")])
def test_a_merge_of_clients_and_its_undo(undone, kept, away):
    kept, away = (Client.objects.get(pk=undone.clients[name].pk) for name in (kept, away))
    same_rows(undone, kept, away)
    rebuilt(kept, away)
    before = snapshot()
    merge = merge_clients(acting(undone.users["admin"]), kept=kept, away=away, taken=["name"], now=timezone.now())
    kept.refresh_from_db()
    away.refresh_from_db()
    assert away.is_archived and kept.name == away.name
    stay = {r.key for r in relations_of(Client) if not r.stays and r.rows_of(away).exists()}
    assert stay <= {
        "clients.affiliation.client_id",
        "clients.clienttag.client_id",
        "clients.referral.by_client_id",
        "core.draft.client_id",
        "interactions.cadence.client_id",
        "interactions.progressemail.client_id",
        "interactions.progressschedule.client_id",
    }
    assert kept.status_periods.earliest("start_date").start_date.year == 2019
    assert set(kept.contracts.exclude(number="").values_list("number", flat=True)) == {"F-1", "F-1-2"}
    assert kept.progress_schedule.recipients.count() >= 2
    assert ExternalId.objects.filter(kind="client", system="hubspot", object_id=kept.pk).count() == 2
    assert kept.affiliations.get(contact__last_name="Both", contact__first_name="Aino").title == "CFO"
    assert kept.affiliations.filter(is_primary=True).count() == 1
    assert OutboxMail.objects.filter(key__startswith="m-", client_id=kept.pk).count() == 2
    facts = ClientFacts.objects.filter(pk__in=[kept.pk, away.pk]).order_by("pk")
    as_merged = list(facts.values())
    rebuilt(kept, away)
    assert list(facts.values()) == as_merged
    merge = undo_client_merge(acting(undone.users["admin"]), merge=merge, now=timezone.now())
    assert merge.left == []
    assert differences(before, snapshot()) == []


def same_people(scene, kept, away, now) -> None:
    """What both have: addresses, numbers, consents, a place, a conversation, progress emails."""
    for contact in (kept, away):
        make(
            "clients.ContactEmail",
            contact=contact,
            address="A@example.com".swapcase() if contact == away else "a@example.com",
            is_primary=True,
            refused_at=now if contact == away else None,
        )
        for digits in ("358401", f"35849{contact.pk}"):
            make("clients.ContactPhone", contact=contact, number=digits, digits=digits, is_primary=digits == "358401")
        make("clients.Consent", contact=contact, purpose="survey", is_given=contact == kept, decided_at=now)
        apps.get_model("clients.Affiliation").objects.get_or_create(contact=contact, client=scene.clients["own"])
        scene.rows["interaction"]["own"].contacts.add(contact)
    make("clients.ContactEmail", contact=away, address="b@example.com")


@pytest.mark.parametrize(("kept", "away"), [("own", "team"), ("other", "own")])
def test_a_merge_of_contacts_and_its_undo(undone, kept, away):
    kept, away = (Contact.objects.get(pk=undone.rows["contact"][name].pk) for name in (kept, away))
    now = timezone.now()
    same_people(undone, kept, away, now)
    before = snapshot()
    merge = merge_contacts(acting(undone.users["admin"]), kept=kept, away=away, taken=["last_name"], now=timezone.now())
    away.refresh_from_db()
    assert away.is_archived
    stay = {r.key for r in relations_of(Contact) if not r.stays and r.rows_of(away).exists()}
    assert stay <= {
        "clients.affiliation.contact_id",
        "clients.consent.contact_id",
        "clients.contactemail.contact_id",
        "clients.contactphone.contact_id",
        "interactions.interactioncontact.contact_id",
        "interactions.progressrecipient.contact_id",
    }
    assert sorted(kept.emails.values_list("address", "is_primary", "refused_at")) == [
        ("a@example.com", True, now),
        ("b@example.com", False, None),
    ]
    assert kept.phones.count() == 3 and kept.phones.filter(is_primary=True).count() == 1
    assert kept.consents.get(purpose="survey").is_given is False
    assert kept.affiliations.filter(client=undone.clients["own"]).count() == 1
    merge = undo_contact_merge(acting(undone.users["admin"]), merge=merge, now=timezone.now())
    assert merge.left == []
    assert differences(before, snapshot()) == []
