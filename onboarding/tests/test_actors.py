"""A task is done by a colleague, a contact or the system; a comment is a colleague's or a contact's."""

import pghistory
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clients.registry import TimelineAsk
from crm.core.base.principals import SYSTEM, acting
from onboarding import panels
from onboarding.models import TaskComment
from onboarding.queries.history import plan_history
from onboarding.services.tasks import comment_task, finish_task, reopen_task, skip_task
from tools.testing.factories.onboarding import MONDAY, at, make_contact, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def elina(northwind):
    return make_contact(client=northwind)


@pytest.fixture
def done_by_elina(plan, elina):
    row = task(plan, "Engagement letter signed")
    plan.tasks.filter(pk=row.pk).update(state="done", done_at=timezone.now(), done_by_contact=elina)
    return row


def test_what_a_contact_did_is_shown_with_their_name(client, marta, plan, northwind, elina, done_by_elina):
    client.force_login(marta)
    TaskComment.objects.create(task=done_by_elina, author_contact=elina, text="Signed and sent.")
    for name, pk in (("plan", plan.pk), ("task", done_by_elina.pk)):
        assert elina.name in client.get(reverse(f"onboarding:{name}", args=[pk])).content.decode()
    titles = [item.title for item in panels.timeline_items(acting(marta), northwind, TimelineAsk(None, 30))]
    assert f"Onboarding task “Engagement letter signed” finished by {elina.name}" in titles


def test_the_api_names_who_finished(client, marta, elina, done_by_elina):
    client.force_login(marta)
    row = client.get(f"/api/v1/onboarding/tasks/{done_by_elina.pk}").json()
    assert (row["done_by"], row["done_by_contact"], row["done_by_name"]) == (None, elina.pk, elina.name)


def test_the_history_names_a_contact(plan, elina):
    with pghistory.context(principal="contact", contact=elina.pk):
        plan.tasks.filter(key=task(plan, "Kickoff meeting").key).update(state="blocked", blocked_reason="papers")
    found = {entry.text: entry.who for entry in plan_history(plan)}
    assert found["“Kickoff meeting” is blocked: papers"] == elina.name


def test_reopening_forgets_the_contact(marta, done_by_elina):
    row = reopen_task(acting(marta), task=done_by_elina, now=at(MONDAY))
    assert (row.done_by, row.done_by_contact, row.done_by_name) == (None, None, "")


def test_the_system_finishes_but_does_not_comment(client, marta, plan, northwind):
    row = finish_task(SYSTEM, task=task(plan, "Kickoff meeting"), now=at(MONDAY))
    assert (row.state, row.done_by, row.done_by_contact) == ("done", None, None)
    titles = [item.title for item in panels.timeline_items(acting(marta), northwind, TimelineAsk(None, 30))]
    assert "Onboarding task “Kickoff meeting” finished" in titles
    with pytest.raises(PermissionDenied):
        comment_task(SYSTEM, task=row, text="Seen.")
    with pytest.raises(PermissionDenied):
        skip_task(SYSTEM, task=task(plan, "Conflict check"), reason="not here", now=at(MONDAY))
    assert task(plan, "Conflict check").state == "open"


def test_the_database_allows_one_actor(plan, marta, elina, done_by_elina):
    with pytest.raises(IntegrityError, match="task_done_by_one"), transaction.atomic():
        plan.tasks.filter(pk=done_by_elina.pk).update(done_by=marta)
    for author in ({}, {"author": marta, "author_contact": elina}):
        with pytest.raises(IntegrityError, match="task_comment_author"), transaction.atomic():
            TaskComment.objects.create(task=done_by_elina, text="Seen.", **author)
