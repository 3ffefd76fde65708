"""What a move does when something is missing, stopped or no longer allowed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.files.services import store_bytes
from crm.core.importing import continuing, kinds, moves, planner, readers, running
from crm.core.importing import services as imports
from crm.core.importing.models import ImportMove
from crm.core.notifications.models import Notification
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW
from tools.testing.workbooks import workbook

pytestmark = pytest.mark.django_db
CLIENTS = b"Id,Name\n1,Alpha\n2,Beta\n"
ANSWERS = {"status": "active", "status_date": "unknown"}


def make_move(actor, *files, answered=True):
    """A move of files of clients, with what must be answered."""
    principal = acting(actor)
    stored = [store_bytes(principal, name=f"{n}.csv", data=data) for n, data in enumerate(files or [CLIENTS])]
    move = moves.create_move(principal, files=stored)
    for part in moves.parts_of(move) if answered else ():
        answer(actor, part.job)
    return move


def answer(actor, job):
    given = {name: job.options[name] for name in ("dialect", "mapping")}
    imports.set_options(acting(actor), job=job, defaults=ANSWERS | {"owner": actor.email}, system="old", **given)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_files_that_wait_in_a_move_that_began_are_not_discarded(ines, state):
    move = make_move(ines)
    ImportMove.objects.filter(pk=move.pk).update(state=state)
    running.resume_jobs(timezone.now() + timedelta(days=8))
    assert move.files.count() == 1


def test_a_move_that_nobody_started_goes_as_a_whole_a_week_after_its_last_file(ines):
    move = make_move(ines, CLIENTS, b"Id,Name\n3,Gamma\n")
    first = Job.objects.earliest("pk")
    Job.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=5))
    running.resume_jobs(timezone.now() + timedelta(days=4))
    assert move.files.count() == 2
    running.resume_jobs(timezone.now() + timedelta(days=8))
    assert not Job.objects.exists()


def started(actor, move):
    moves.start_move(acting(actor), move=move, now=NOW)
    return ImportMove.objects.get(pk=move.pk)


def run_next(move):
    """Let the file that waits run, and the move go on as a worker would."""
    running.run_job(job_id=Job.objects.get(in_move__move=move, state="queued").pk)
    continuing.continue_move(SYSTEM, move_id=move.pk, now=NOW)
    move.refresh_from_db()


def test_no_file_comes_into_a_move_that_runs(ines):
    move = started(ines, make_move(ines))
    file = store_bytes(acting(ines), name="b.csv", data=CLIENTS)
    with pytest.raises(ServiceError, match="Pause it"):
        moves.add_files(acting(ines), move=move, files=[file])
    assert move.files.count() == 1


def test_a_move_stops_at_a_file_that_needs_an_answer_and_says_so(ines):
    move = started(ines, make_move(ines, CLIENTS, b"Id,Name\n3,Gamma\n"))
    last = Job.objects.get(state="ready")
    moves.set_kind(acting(ines), move=move, job=last, kind=kinds.get("contacts"))
    run_next(move)
    assert (move.state, Job.objects.get(pk=last.pk).state) == ("paused", "ready")
    assert "needs an answer" in Notification.objects.get(user=ines).text


def test_another_kind_on_the_page_of_columns_is_answered_like_a_file_of_the_move(client, ines):
    move = make_move(ines)
    job = move.files.get().job
    client.force_login(ines)
    client.post(reverse("core:import_kind", args=[job.pk]), {"kind": "contacts"})
    (part,) = moves.parts_of(move)
    assert part.kind.key == "contacts" and "which system" in part.needs
    with pytest.raises(ServiceError, match="need"):
        moves.start_move(acting(ines), move=move, now=NOW)


def test_columns_that_nobody_confirmed_are_not_imported(client, ines):
    file = store_bytes(acting(ines), name="a.csv", data=CLIENTS)
    job = imports.create_import(acting(ines), kind=kinds.get("clients"), file=file)
    client.force_login(ines)
    columns = reverse("core:import_columns", args=[job.pk])
    assert client.post(reverse("core:import_start", args=[job.pk])).url == columns
    answer(ines, job)
    imports.change_kind(acting(ines), job=job, kind=kinds.get("contacts"))
    assert client.post(reverse("core:import_start", args=[job.pk])).url == columns
    assert Job.objects.get(pk=job.pk).state == "ready"
    answer(ines, imports.change_kind(acting(ines), job=job, kind=kinds.get("clients")))
    assert client.post(reverse("core:import_start", args=[job.pk])).url == reverse("core:import_page", args=[job.pk])


def test_a_move_stops_and_says_so_when_its_user_lost_the_role(ines):
    move = started(ines, make_move(ines, CLIENTS, b"Id,Name\n3,Gamma\n"))
    running.run_job(job_id=Job.objects.get(state="queued").pk)
    ines.roles = []
    ines.save()
    continuing.continue_move(SYSTEM, move_id=move.pk, now=NOW)
    move.refresh_from_db()
    assert move.state == "paused"
    assert "role does not allow" in Job.objects.get(state="failed").error
    assert "could not be imported" in Notification.objects.get(user=ines).text


def test_a_move_that_stops_at_a_refusal_says_so_and_begins_that_file_anew(ines):
    move = started(ines, make_move(ines, CLIENTS, b"Id,Name\n3,Gamma\n"))
    last = Job.objects.get(state="ready")
    Job.objects.filter(pk=last.pk).update(file=None)
    run_next(move)
    assert (move.state, Job.objects.get(pk=last.pk).state) == ("paused", "failed")
    assert "could not be imported" in Notification.objects.get(user=ines).text
    moves.start_move(acting(ines), move=move, now=NOW + timedelta(minutes=1))
    assert Notification.objects.filter(user=ines).count() == 2
    Job.objects.filter(pk=last.pk).update(file=last.file)
    move = started(ines, move)
    run_next(move)
    assert (move.state, Client.objects.count()) == ("done", 3)


def test_a_file_that_was_not_started_is_not_cancelled(client, ines):
    move = make_move(ines)
    job = move.files.get().job
    imports.check_import(acting(ines), job=job, now=NOW)
    running.run_job(job_id=job.pk)
    client.force_login(ines)
    client.post(reverse("core:import_cancel", args=[job.pk]))
    assert Job.objects.get(pk=job.pk).state == "ready"
    Job.objects.filter(pk=job.pk).update(state="cancelled")  # as it was done before
    job.refresh_from_db()
    assert not imports.may_go_on(job)
    run_next(started(ines, move))
    job.refresh_from_db()
    assert (job.state, job.report["counts"]["created"], Client.objects.count()) == ("done", 2, 2)


def test_a_file_is_read_once_for_all_of_its_tables_and_not_for_the_page(ines, client, monkeypatch):
    data = workbook(
        Firms=[["Id", "Name"], [1, "Alpha"]], More=[["Id", "Name"], [2, "Beta"]], Last=[["Id", "Name"], [3, "C"]]
    )
    read, times = readers.tables, []
    monkeypatch.setattr(readers, "tables", lambda *given: times.append(given) or read(*given))
    move = make_move(ines, data)
    assert (len(times), move.files.count()) == (1, 3)
    monkeypatch.setattr(planner, "read_bytes", lambda file: pytest.fail("a file was read"))
    assert [(part.columns, part.mapped) for part in moves.parts_of(move)] == [(2, 2)] * 3


def test_a_job_of_before_and_a_file_that_cannot_be_read_as_another_kind(client, ines):
    file = store_bytes(acting(ines), name="a.csv", data=CLIENTS)
    job = imports.create_import(acting(ines), kind=kinds.get("clients"), file=file)
    del job.options["of_table"]
    job.save()
    client.force_login(ines)
    kind = reverse("core:import_kind", args=[job.pk])
    assert client.post(kind, {"kind": "contacts"}).status_code == 302
    job.refresh_from_db()
    assert job.kind == "import:contacts"
    Job.objects.filter(pk=job.pk).update(options=job.options | {"table": "gone"})
    assert "no table" in client.post(kind, {"kind": "clients"}, follow=True).text


def test_a_move_whose_rows_failed_says_so_and_has_nothing_to_undo(client, ines):
    made = started(ines, make_move(ines, b"Id,Name\n1,\n"))
    run_next(made)
    client.force_login(ines)
    page = client.get(reverse("core:import_move", args=[made.pk])).text
    assert "1 row failed" in page and "All files are imported" not in page
    assert "Undo the whole move" not in page


def test_a_sheet_that_nobody_knows_is_taken_for_what_its_name_says(ines):
    book = workbook(Clients=[["Name", "Town"], ["Alpha", "Turku"]], Contacts=[["Name", "Town"], ["Aino", "Turku"]])
    made = moves.create_move(acting(ines), files=[store_bytes(acting(ines), name="all.xlsx", data=book)])
    parts = moves.parts_of(made)
    assert [(part.kind.key, part.table, part.needs) for part in parts] == [
        ("clients", "Clients", "Choose what it contains."),
        ("contacts", "Contacts", "Choose what it contains."),
    ]
