"""A whole firm moved in from the export of each product: in any order of upload, and a second time without a change."""

import pytest
from django.db import transaction

from clients.contacts.models import Affiliation, Contact
from clients.opportunities.models import Opportunity
from clients.records.models import Client
from clients.records.services.clients import update_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.files.services import store_bytes
from crm.core.importing import continuing, move_undo, moves, running, undoing
from crm.core.importing.recognising import suggestions
from crm.core.importing.tabular import detect, read
from crm.core.notifications.models import Notification
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from tools.testing import exports
from tools.testing.factories.clients import NOW, make_user

pytestmark = pytest.mark.django_db
NAMES = sorted(exports.PRODUCTS)
LEAST = 0.95


@pytest.fixture
def ines(db):
    make_user(name="Otto Berg")
    return make_user(name="Ines Mora", roles=["admin"])


def move(actor, files):
    """Move the files in as workers would; gives the move."""
    principal = acting(actor)
    stored = [store_bytes(principal, name=name, data=data) for name, data in files.items()]
    made = moves.create_move(principal, files=stored)
    for part in moves.parts_of(made):
        if part.job.options["times"] and not part.job.options["zone"]:
            moves.set_zone(principal, move=made, system=part.job.options["system"], zone="Europe/Helsinki")
    assert [part.needs for part in moves.parts_of(made) if part.needs] == []
    moves.start_move(principal, move=made, now=NOW)
    while (job := Job.objects.filter(in_move__move=made, state=JobState.QUEUED).first()) is not None:
        running.run_job(job_id=job.pk)
        continuing.continue_move(SYSTEM, move_id=made.pk, now=NOW)
    made.refresh_from_db()
    return made


def outcome(made):
    return {part.kind.key: {n: c for n, c in part.counts.items() if c} for part in moves.parts_of(made)}


def firm():
    """Everything that a move brings, without the numbers of rows."""
    return {
        "clients": sorted(Client.objects.values_list("name", "facts__status", "owner__name", "city", "parent__name")),
        "contacts": sorted(Contact.objects.values_list("first_name", "last_name", "emails__address")),
        "places": sorted(Affiliation.objects.values_list("client__name", "contact__last_name")),
        "deals": sorted(Opportunity.objects.values_list("title", "client__name", "state", "value", "stage__name")),
        "log": sorted(
            (row.client.name, row.channel, row.occurred_at, row.body, *sorted(str(c) for c in row.contacts.all()))
            for row in Interaction.objects.select_related("client").prefetch_related("contacts")
        ),
        "follow-ups": sorted(FollowUp.objects.values_list("title", "client__name", "state", "due_date")),
    }


@pytest.mark.parametrize("product", NAMES)
def test_a_firm_comes_in_a_second_run_changes_nothing_and_one_step_undoes_it(ines, product):
    before, files = firm(), exports.PRODUCTS[product]()
    made = move(ines, files)
    assert made.state == "done"
    assert {key: counts.get("failed", 0) for key, counts in outcome(made).items() if counts.get("failed")} == {}, [
        row for part in moves.parts_of(made) for row in part.job.report["rows"]["failed"][:3]
    ]
    there = firm()
    assert len(there["clients"]) == exports.COMPANIES and len(there["contacts"]) == exports.PEOPLE
    assert len(there["deals"]) == exports.DEALS
    assert len(there["log"]) + len(there["follow-ups"]) == exports.NOTES + exports.TASKS
    assert not [row for row in there["log"] if "<p>" in row[3]]
    again = outcome(move(ines, files))
    assert {name for counts in again.values() for name in counts} == {"unchanged"}, again
    assert firm() == there
    assert undo(ines, made).state == "undone" and taken_back(made)["left"] == 0
    assert firm() == before and not move_undo.may_undo(made, moves.parts_of(made))


def test_the_preview_names_what_comes_with_an_earlier_file_and_shows_the_rows(ines):
    principal = acting(ines)
    files = exports.PRODUCTS["salesforce"]()
    made = moves.create_move(principal, files=[store_bytes(principal, name=n, data=d) for n, d in files.items()])
    moves.check_move(principal, move=made, now=NOW)
    for part in moves.parts_of(made):
        running.run_job(job_id=part.job.pk)
    contacts, events = (
        next(part.job for part in moves.parts_of(made) if part.kind.key == key) for key in ("contacts", "interactions")
    )
    assert contacts.report["counts"]["created"] == exports.PEOPLE and not contacts.report["remarks"]
    row = contacts.report["rows"]["created"][0]
    assert row["target"] == f"{exports.company(0)} (comes with an earlier file)"
    said = {label: after for label, _before, after in row["changes"]}
    assert said["First name"] and said["Last name"] and not any(value.startswith("001") for value in said.values())
    assert "comes with an earlier file" in events.report["rows"]["created"][0]["target"]


def test_what_was_done_in_pipedrive_is_a_contact_and_what_is_open_a_follow_up(ines):
    move(ines, exports.PRODUCTS["pipedrive"]())
    calls = Interaction.objects.filter(channel="phone")
    assert calls.count() == exports.TASKS // 2 == FollowUp.objects.filter(state="open").count()
    last = calls.order_by("-occurred_at").first()
    assert last.client.facts.last_contact_at == last.occurred_at


def test_a_call_logged_in_salesforce_is_a_contact_and_a_task_is_a_follow_up(ines):
    move(ines, exports.PRODUCTS["salesforce"]())
    calls = [n for n in range(exports.TASKS) if n % 2 and n % 5]
    assert Interaction.objects.filter(channel="phone").count() == len(calls)
    assert FollowUp.objects.count() == exports.TASKS - len(calls)
    assert FollowUp.objects.filter(state="done").count() == exports.TASKS // 2 - len(calls)


def undo(actor, made):
    """Undo the move as workers would; gives the move."""
    move_undo.undo_move(acting(actor), move=made, now=NOW)
    while (job := Job.objects.filter(kind=undoing.KIND, state=JobState.QUEUED).first()) is not None:
        undoing.run_job(job_id=job.pk)
        continuing.continue_move(SYSTEM, move_id=made.pk, now=NOW)
    made.refresh_from_db()
    return made


def taken_back(made):
    return move_undo.counts(undoing.undo_of(part.job) for part in moves.parts_of(made))


def test_what_was_changed_since_stays_and_can_be_tried_again(ines):
    made = move(ines, exports.PRODUCTS["hubspot"]())
    name = exports.company(3)
    client = Client.objects.get(name=name)
    city = client.city
    update_client(acting(ines), client=client, seen_version=client.version, city="Kotka")
    made = undo(ines, made)
    assert made.state == "undone" and taken_back(made)["left"] >= 1
    assert [*Client.objects.values_list("name", flat=True)] == [name]
    client.refresh_from_db()
    update_client(acting(ines), client=client, seen_version=client.version, city=city)
    assert undo(ines, made).state == "undone" and not Client.objects.exists()


def test_an_undo_that_is_refused_pauses_the_move_and_says_so(ines):
    made = move(ines, exports.PRODUCTS["monday"]())
    move_undo.undo_move(acting(ines), move=made, now=NOW)
    undoing.run_job(job_id=Job.objects.get(kind=undoing.KIND).pk)
    ines.roles = []
    ines.save()
    continuing.continue_move(SYSTEM, move_id=made.pk, now=NOW)
    made.refresh_from_db()
    assert made.state == "paused" and Job.objects.filter(kind=undoing.KIND).count() == 1
    assert Notification.objects.filter(user=ines, key__startswith=f"move:{made.pk}:paused").exists()


def test_an_undo_that_was_stopped_goes_on(ines):
    made = move(ines, exports.PRODUCTS["zoho"]())
    move_undo.undo_move(acting(ines), move=made, now=NOW)
    move_undo.stop_undo_of_move(acting(ines), move=made, now=NOW)
    made.refresh_from_db()
    assert made.state == "paused" and Client.objects.count() == exports.COMPANIES
    with pytest.raises(ServiceError, match="no file to import"):
        moves.start_move(acting(ines), move=made, now=NOW)
    assert undo(ines, made).state == "undone"
    assert firm()["clients"] == []


@pytest.mark.parametrize("product", NAMES)
def test_two_orders_of_upload_give_the_same_firm(ines, product):
    files, found = exports.PRODUCTS[product](), []
    for order in (files, dict(reversed(files.items()))):
        with transaction.atomic():
            move(ines, order)
            found.append(firm())
            transaction.set_rollback(True)
    assert found[0] == found[1]
    assert {client for client, _contact in found[0]["places"]} == {exports.company(n) for n in range(exports.COMPANIES)}
    assert len(found[0]["places"]) >= exports.PEOPLE


@pytest.mark.parametrize("product", NAMES)
def test_a_file_is_told_by_its_columns_and_nearly_all_are_understood(ines, product):
    for name, data in exports.PRODUCTS[product]().items():
        header, _rows = read(data, detect(data))
        found = suggestions(header, acting(ines))
        assert found, name
        understood = {*found[0].mapping.values()} | {*found[0].left_out}
        assert found[0].key.startswith(f"{product}."), (name, found[0].key)
        assert len(understood) >= LEAST * len(header), (name, [each for each in header if each not in understood])
