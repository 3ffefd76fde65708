"""What a move does when something is missing, stopped or no longer allowed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import moves, running
from crm.core.importing import services as imports
from crm.core.importing.models import ImportMove
from crm.core.work.models import Job

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
