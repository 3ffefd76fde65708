"""An import is taken back as one step: what it made goes, what it changed is as before, what was changed since stays."""

import pghistory
import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.core.management.base import CommandError

from clients.catalogue.models import Tag
from clients.contacts.models import Contact
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.duplicates.services import find_duplicates
from clients.records.models import Client, ClientFacts
from clients.records.services.clients import update_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.history import queries as history
from crm.core.importing import planner, running, undoing
from crm.core.importing import services as imports
from crm.core.users.models import User
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW, make_client, make_contact, make_line
from tools.testing.importing import counts, prepare, run

pytestmark = pytest.mark.django_db
HEADER = "Id,Name,Status,Status since,E-mail,Website,Tags,Part of (id),First name,Last name"
ROWS = (
    "1,Alder,active,2025-01-01,,alder.example,Key;New,,Ada,Alder",
    "2,Birch,prospect,,,birch.example,Key,1,Bo,Birch",
    "3,Cedar,active,2024-05-01,c@cedar.example,,,4,,",
    "4,Dogwood,active,,,,,,Di,Wood",
)
ASIDE = {"core.Job", "core.StoredFile", "core.Notification", "core.Heartbeat"}


def snapshot():
    """Every row of our tables, without versions and times of change."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        if hasattr(model, "pgh_tracked_model") or model._meta.proxy or model._meta.label in ASIDE:
            continue
        if model._meta.app_label not in ("core", "clients", "interactions", "onboarding", "reports"):
            continue
        names = [f.attname for f in model._meta.concrete_fields if f.name not in ("version", "updated_at")]
        found[model._meta.label] = sorted(map(repr, model._base_manager.values_list(*names)))
    return found


def clients(actor, *rows, **given):
    return run(actor, "clients", "\n".join([HEADER, *rows]).encode(), **given)


def undo(actor, job):
    """Undo as a worker would; gives the counts and {title: why it was left}."""
    made = undoing.undo_import(acting(actor), job=job, now=NOW)
    undoing.run_job(job_id=made.pk)
    made.refresh_from_db()
    names = {(label, pk): str(apps.get_model(label)._base_manager.get(pk=pk)) for label, pk, _w in made.report["left"]}
    left = {names[label, pk]: why for label, pk, why in made.report["left"]}
    return {name: n for name, n in made.report["counts"].items() if n}, left


def changed_since(before):
    after = snapshot()
    return {name for name in before if before[name] != after[name]}


def facts():
    return sorted(map(repr, ClientFacts.objects.values_list()))


@pytest.fixture
def nordwind(marta):
    return make_client(owner=marta, name="Northwind")


def test_what_an_import_made_is_gone(marta, nordwind):
    before = snapshot()
    job = clients(marta, *ROWS)
    assert counts(job) == {"created": 4}, job.report
    assert snapshot() != before
    assert undo(marta, job) == ({"removed": 6}, {})  # 4 clients and the 2 tags that the file brought
    assert changed_since(before) == set()
    assert counts(clients(marta, *ROWS)) == {"created": 4}  # as if it had never been imported


def test_what_an_import_changed_is_as_before(marta, nordwind):
    clients(marta, *ROWS)
    before, told = snapshot(), facts()
    changes = (
        "1,Alder Ltd,at notice,2026-02-01,new@alder.example,alder.example,Other,,Ada,Alder-Smith",
        "2,Birch,active,2026-03-01,,birch2.example,Key;Other,3,Bea,Birch",
        "4,Dogwood,former,2026-01-01,,,,1,Di,Wood",
        "5,Elm,active,,,,,1,El,Em",
    )
    job = clients(marta, *changes)
    assert counts(job) == {"created": 1, "updated": 3}, job.report
    assert changed_since(before) >= {
        "clients.Client",
        "clients.StatusPeriod",
        "clients.ClientFacts",
        "clients.Client_tags",
    }
    done, left = undo(marta, job)
    assert left == {}, (done, left)
    assert changed_since(before) == set()
    assert facts() == told
    call_command("rebuild_facts", verbosity=0)
    assert facts() == told
    assert counts(clients(marta, *ROWS)) == {"unchanged": 4}


def test_a_record_changed_since_is_left_whole(marta):
    job = clients(marta, *ROWS)
    cedar = Client.objects.get(name="Cedar")
    update_client(acting(marta), client=cedar, industry="Timber")
    done, left = undo(marta, job)
    # Cedar names its parent Dogwood, which stays with its contact
    assert left == {
        "Cedar": "Changed since the import.",
        "Dogwood": "Another record of this import still refers to it.",
    }
    assert {row.name for row in Client.objects.all()} == {"Cedar", "Dogwood"}
    assert [str(row) for row in Contact.objects.all()] == ["Di Wood"]
    assert cedar.status_periods.count() == 1 and cedar.facts.status == "active"


def test_a_client_with_something_new_is_left_and_says_why(marta, ines):
    job = clients(marta, *ROWS)
    dogwood, birch = (Client.objects.get(name=name) for name in ("Dogwood", "Birch"))
    make_contact(actor=marta, client=birch, first_name="New", last_name="Person")
    birch.tags.add(Tag.objects.create(name="By hand"))
    make_line(actor=marta, client=dogwood)
    _done, left = undo(marta, job)
    assert left["Dogwood"] == "Used since the import: revenue line."
    assert left["Birch"].startswith("Used since the import: ") or left["Birch"].startswith("Something was added")
    assert left["Alder"] == "Another record of this import still refers to it."
    assert [*birch.tags.values_list("name", flat=True)] == ["By hand", "Key"]


def test_undoing_again_tries_what_was_left(marta):
    job = clients(marta, "1,Alder,active,,,,,,,")
    line = make_line(actor=marta, client=Client.objects.get())
    assert undo(marta, job)[0] == {"left": 1}
    job.refresh_from_db()
    line.delete()
    assert undo(marta, job) == ({"removed": 1}, {})
    job.refresh_from_db()
    with pytest.raises(ServiceError, match="already undone"):
        undo(marta, job)


def test_imports_are_undone_in_either_order(marta):
    empty = snapshot()
    first = clients(marta, "1,Alder,active,2025-01-01,,,,,,", "2,Birch,active,2025-01-01,,,,,,")
    between = snapshot()
    second = clients(marta, "1,Alder,active,2025-01-01,a@alder.example,,,,,")
    assert undo(marta, first)[1] == {"Alder": "Changed since the import."}
    assert undo(marta, second) == ({"restored": 1}, {})
    first.refresh_from_db()
    assert undo(marta, first) == ({"removed": 1}, {})
    assert changed_since(empty) == set()
    first = clients(marta, "1,Alder,active,2025-01-01,,,,,,", "2,Birch,active,2025-01-01,,,,,,")
    second = clients(marta, "1,Alder,active,2025-01-01,a@alder.example,,,,,")
    assert undo(marta, second)[1] == undo(marta, first)[1] == {}
    assert changed_since(empty) == set() and between != empty


def test_what_the_user_sees_no_more_is_left_and_not_named(marta, ines):
    job = clients(marta, "1,Alder,active,,,,,,,", "2,Birch,active,,,,,,,")
    Client.objects.filter(name="Alder").update(owner=ines, is_restricted=True)
    done, left = undo(marta, job)
    assert done == {"removed": 1, "left": 1} and left == {"Alder": "It was deleted, or you cannot see it."}


def test_it_runs_once(marta, otto):
    job = clients(marta, "1,Alder,active,,,,,,,")
    first = undoing.undo_import(acting(marta), job=job, now=NOW)
    with pytest.raises(ServiceError, match="already running"):
        undoing.undo_import(acting(marta), job=job, now=NOW)
    with pytest.raises(PermissionDenied):
        undoing.undo_import(acting(otto), job=job, now=NOW)
    undoing.run_job(job_id=first.pk)
    assert undoing.run_job(job_id=first.pk) == "done"
    assert not Client.objects.exists()


def test_a_dead_worker_is_replaced_after_its_last_chunk(marta, monkeypatch):
    job = clients(marta, *[f"{n},Client {n},active,,,,,,," for n in range(1, 8)])
    monkeypatch.setattr(undoing, "CHUNK", 2)
    made = undoing.undo_import(acting(marta), job=job, now=NOW)
    step, calls = undoing._step, []

    def dies(*args, **given):
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit
        return step(*args, **given)

    monkeypatch.setattr(undoing, "_step", dies)
    with pytest.raises(SystemExit):
        undoing.run_job(job_id=made.pk)
    assert Client.objects.count() == 3
    Job.objects.filter(pk=made.pk).update(lease_until=NOW)
    assert undoing.run_job(job_id=made.pk) == "done"
    made.refresh_from_db()
    assert not Client.objects.exists() and made.report["counts"]["removed"] == 7


def test_two_rows_that_changed_places_change_back(marta):
    """The primary contact: no moment may have two."""
    clients(marta, "1,Alder,active,,,,,,Ada,Alder")
    client = Client.objects.get()
    other = make_contact(actor=marta, client=client, first_name="Bo", last_name="Birch")
    before = snapshot()
    with pghistory.context(job=1) as context:
        client.affiliations.filter(is_primary=True).update(is_primary=False)
        client.affiliations.filter(contact=other).update(is_primary=True)
    job = Job.objects.get()
    job.report["contexts"] = [str(context.id)]
    job.save()
    assert undo(marta, job) == ({"restored": 2}, {})
    assert changed_since(before) == set()


def test_a_ring_of_parents_is_refused(marta):
    clients(marta, "1,Alder,active,,,,,,,", "2,Birch,active,,,,,1,,")
    job = clients(marta, "2,Birch,active,,,,,,,", "3,Cedar,active,,,,,,,", mapping={"name": "Name"})
    alder, birch = Client.objects.get(name="Alder"), Client.objects.get(name="Birch")
    with pghistory.context(job=1) as context:
        update_client(acting(marta), client=birch, parent=None)
    job.report["contexts"] = [str(context.id)]
    job.save()
    update_client(acting(marta), client=alder, parent=birch)
    assert undo(marta, job)[1] == {"Birch": "Its parent is now one of the clients below it."}


def test_the_history_says_so(marta):
    clients(marta, "1,Alder,active,,,,,,,")
    job = clients(marta, "1,Alder,active,,a@alder.example,,,,,")
    undo(marta, job)
    page = history.read(acting(marta), label="clients.client")
    assert [entry.for_whom for entry in page.entries][:2] == [f"import {job.pk} undone", f"import {job.pk}"]


def test_the_button_its_page_and_what_was_left(client, marta, otto):
    job = clients(marta, "1,Alder,active,,,,,,,", "2,Birch,active,,,,,,,")
    update_client(acting(marta), client=Client.objects.get(name="Birch"), industry="Timber")
    client.force_login(otto)
    assert client.post(f"/imports/{job.pk}/undo/").status_code == 404
    client.force_login(marta)
    address = f"/imports/{job.pk}/undo/"
    assert f'action="{address}"' in client.get(f"/imports/{job.pk}/").content.decode()
    assert client.post(address).url == address
    assert "hx-get" in client.get(address).content.decode()
    assert client.post(address, follow=True).context["is_open"]  # a second click
    undoing.run_job(job_id=undoing.undo_of(Job.objects.get(pk=job.pk)).pk)
    text = client.get(address).content.decode()
    assert "Changed since the import." in text and "Birch" in text and "Try the rest again" in text
    text = client.get(f"/imports/{job.pk}/").content.decode()
    assert "This import was undone: 1 removed, 0 restored, 1 left as they are." in text


def test_an_undo_that_was_stopped_goes_on(client, marta):
    job = clients(marta, "1,Alder,active,,,,,,,")
    client.force_login(marta)
    client.post(f"/imports/{job.pk}/undo/")
    client.post(f"/imports/{job.pk}/undo/stop/")
    assert "Continue the undo" in client.get(f"/imports/{job.pk}/undo/").content.decode()
    client.post(f"/imports/{job.pk}/undo/")
    undo_job = undoing.undo_of(Job.objects.get(pk=job.pk))
    assert undo_job.state == "queued" and undoing.run_job(job_id=undo_job.pk) == "done"
    assert not Client.objects.exists()


def test_by_command(marta, capsys):
    job = clients(marta, "1,Alder,active,,,,,,,")
    call_command("undo_import", str(job.pk), owner=marta.email)
    assert capsys.readouterr().out == "1 removed, 0 restored, 0 left\n"
    with pytest.raises(CommandError, match="already undone"):
        call_command("undo_import", str(job.pk), owner=marta.email)


def test_what_the_search_for_duplicates_noted_keeps_nothing(marta):
    job = clients(marta, "1,Alder,active,,,,,,Ada,Alder", "2,Alder Oy,active,,,,,,Ada,Alder")
    assert find_duplicates(NOW) == 2
    assert undo(marta, job) == ({"removed": 2}, {})
    assert not ClientDuplicate.objects.exists() and not ContactDuplicate.objects.exists()


def test_what_a_long_list_has_no_room_for_is_tried_again_too(marta, monkeypatch):
    monkeypatch.setattr(undoing, "MAX_LEFT", 2)
    job = clients(marta, *[f"{n},Client {n},active,,,,,,," for n in range(1, 5)])
    lines = [make_line(actor=marta, client=row) for row in Client.objects.all()]
    assert undo(marta, job)[0] == {"left": 4}
    for line in lines:
        line.delete()
    job.refresh_from_db()
    assert undo(marta, job) == ({"removed": 4}, {})
    assert not Client.objects.exists()


def test_no_client_goes_back_to_somebody_who_cannot_sign_in(ines, otto):
    head = "Id,Name,Account owner,Industry"
    run(ines, "clients", f"{head}\n1,Alder,{otto.email},\n2,Birch,{otto.email},\n".encode())
    job = run(ines, "clients", f"{head}\n1,Alder,{ines.email},\n2,Birch,{otto.email},Timber\n".encode())
    assert counts(job) == {"updated": 2}, job.report
    with pghistory.context():  # in a test's one transaction the import's would still be on
        User.objects.filter(pk=otto.pk).update(is_active=False)
    done, left = undo(ines, job)
    assert left == {"Alder": "It would go back to somebody who can no longer sign in."}
    assert done == {"restored": 1, "left": 1}  # Birch was and is Otto's: only its industry changed
    assert {*Client.objects.values_list("name", "owner", "industry")} == {
        ("Alder", ines.pk, ""),
        ("Birch", otto.pk, ""),
    }


def test_what_a_worker_of_an_older_release_began_has_no_undo(marta, monkeypatch):
    monkeypatch.setattr(planner, "CHUNK", 1)
    job = prepare(marta, "clients", "\n".join([HEADER, *ROWS]).encode())
    imports.start_import(acting(marta), job=job, now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(running, "is_stopping", lambda: Client.objects.count() == 2)
        assert running.run_job(job_id=job.pk) == "queued"
    job.refresh_from_db()
    del job.report["contexts"]
    job.save()
    assert running.run_job(job_id=job.pk) == "done"
    job.refresh_from_db()
    assert counts(job) == {"created": 4} and not undoing.may_be_undone(job)
