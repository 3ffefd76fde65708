"""The board of tasks, and what is done to many of them: states, due dates, what undo leaves alone."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.listing import selection
from crm.core.listing.models import BulkChange
from onboarding.models import Task
from onboarding.services.plans import cancel_plan
from onboarding.services.tasks import assign_task, change_due, finish_task, reopen_task
from tools.testing.factories.onboarding import make_user

URL = "/onboarding/tasks/"
DIALOG = {"HX-Request": "true", "HX-Target": "remote-dialog-body"}


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def first(plan):
    """A task that another one comes after."""
    return plan.tasks.filter(followers__isnull=False).order_by("pk").first()


@pytest.fixture
def second(first):
    return first.followers.order_by("pk").first()


def columns(page):
    return {column.key: {card.pk for card in column.cards} for column in page.context["listing"].board.columns}


def drop(web, row, to, was):
    return web.post(f"{URL}board/drop/?board=state", {"moved": row.pk, "list": to, "version": was})


def move(web, row, **data):
    return web.post(f"{URL}board/{row.pk}/move/?board=state", data, headers=DIALOG)


def many(web, action, rows, **data):
    told = {"action": action, "ids": [row.pk for row in rows], "confirmed": "1"} | data
    return web.post(f"{URL}select/?whose=all", told, follow=True)


def undo(web):
    return web.post(reverse("core:undo-selected", args=[BulkChange.objects.latest("pk").pk]), follow=True)


def test_columns_are_the_states_of_tasks_in_running_plans(web, marta, plan, first):
    finish_task(acting(marta), task=first, now=timezone.now())
    page = web.get(URL, {"board": "state", "whose": "all"})
    found = columns(page)
    assert list(found) == ["open", "blocked", "done", "skipped"] and found["done"] == {first.pk}
    assert found["open"] == {*plan.tasks.exclude(pk=first.pk).values_list("pk", flat=True)}
    assert 'name="show"' not in page.text and "Open" in page.text
    cancel_plan(acting(marta), plan=plan, now=timezone.now())
    assert not any(columns(web.get(URL, {"board": "state", "whose": "all"})).values()) or "No" in page.text


def test_a_drag_moves_a_task_and_its_undo_brings_it_back(web, first, marta):
    answer = drop(web, first, "done", "open")
    assert answer.status_code == 200
    first.refresh_from_db()
    assert first.state == "done" and first.done_by == marta
    web.post(answer.json()["undo"])
    first.refresh_from_db()
    assert first.state == "open" and first.done_by is None
    drop(web, first, "done", "open")
    assert drop(web, first, "done", "open").status_code == 409, "it is not there any more"


def test_a_reason_is_asked_for_and_stays_typed(web, first):
    asked = drop(web, first, "blocked", "open")
    assert asked.status_code == 409 and "reason" in web.get(asked.json()["ask"], headers=DIALOG).text
    refused = move(web, first, to="blocked", was="open", reason=" ")
    assert refused.status_code == 422 and "Say what it is waiting for." in refused.text
    assert move(web, first, to="blocked", was="open", reason="The bank").status_code == 204
    first.refresh_from_db()
    assert (first.state, first.blocked_reason) == ("blocked", "The bank")
    assert drop(web, first, "done", "blocked").status_code == 200
    undo(web)
    first.refresh_from_db()
    assert (first.state, first.blocked_reason) == ("blocked", "The bank")


def test_out_of_order_is_asked_by_the_drag_and_by_the_dialog(web, first, second):
    asked = drop(web, second, "done", "open")
    assert asked.status_code == 409 and "Complete anyway?" in asked.json()["text"] and asked.json()["ask"]
    question = move(web, second, to="done", was="open")
    assert question.status_code == 422 and "Complete anyway?" in question.text
    about = question.context["form"].data["asked"]
    assert move(web, second, to="done", was="open", asked="something else").status_code == 422
    assert move(web, second, to="done", was="open", asked=about).status_code == 204
    second.refresh_from_db()
    assert second.state == "done"


def test_a_state_for_many_refuses_each_that_may_not_have_it(web, first, second):
    answer = many(web, "tasks.move", [first, second], state="blocked", reason="The bank")
    assert "2 changed" in answer.text and Task.objects.filter(state="blocked").count() == 2
    assert 'value="done"' not in web.post(f"{URL}select/", {"action": "tasks.move", "ids": [first.pk]}).text
    undo(web)
    assert not Task.objects.filter(state="blocked").exists()
    many(web, "tasks.move", [first], state="skipped", reason="")
    first.refresh_from_db()
    assert first.state == ("open" if first.is_mandatory else "skipped")


def test_a_due_date_for_many_moves_what_depends_on_them_and_comes_back_whole(web, plan, first, second):
    before = dict(plan.tasks.values_list("pk", "due_date"))
    fixed = dict(plan.tasks.values_list("pk", "is_due_fixed"))
    day = max(date for date in before.values() if date) + timedelta(30)
    answer = many(web, "tasks.due", [first, second], due_date=day.isoformat())
    assert "2 changed" in answer.text
    assert {*Task.objects.filter(pk__in=(first.pk, second.pk)).values_list("due_date", flat=True)} == {day}
    assert "2 restored" in undo(web).text
    assert dict(plan.tasks.values_list("pk", "due_date")) == before
    assert dict(plan.tasks.values_list("pk", "is_due_fixed")) == fixed


def test_the_head_of_each_state_opens_the_list_of_as_many(web, marta, plan, first):
    finish_task(acting(marta), task=first, now=timezone.now())
    heads = web.get(URL, {"board": "state", "whose": "all"}).context["listing"].board.columns
    wanted = {"open": plan.tasks.count() - 1, "blocked": 0, "done": 1, "skipped": 0}
    assert {head.key: head.n for head in heads} == wanted
    assert {head.key: web.get(URL + head.url).context["page"].total for head in heads} == wanted
    cancel_plan(acting(marta), plan=plan, now=timezone.now())
    assert web.get(URL + heads[0].url).context["page"].total == 0, "as on the board"


def test_a_due_date_that_moves_only_what_follows_comes_back(web, first, second):
    was, fixed = second.due_date, first.is_due_fixed
    Task.objects.filter(pk=second.pk).update(due_date=was - timedelta(90))
    assert "1 changed" in many(web, "tasks.due", [first], due_date=first.due_date.isoformat()).text
    second.refresh_from_db()
    assert second.due_date != was - timedelta(90)
    assert "1 restored" in undo(web).text
    second.refresh_from_db()
    assert second.due_date == was - timedelta(90)
    first.refresh_from_db()
    assert first.is_due_fixed == fixed


def test_undo_keeps_a_due_date_that_someone_set_since(web, marta, first, second):
    day = second.due_date + timedelta(30)
    many(web, "tasks.due", [first], due_date=day.isoformat())
    mine = day + timedelta(90)
    change_due(acting(marta), task=second, due_date=mine, now=timezone.now())
    assert "1 restored" in undo(web).text
    second.refresh_from_db()
    assert second.due_date == mine, "a date set by hand stays"
    many(web, "tasks.due", [first], due_date=day.isoformat())
    change_due(acting(marta), task=first, due_date=mine, now=timezone.now())
    assert "1 not changed: changed again since" in undo(web).text
    first.refresh_from_db()
    assert first.due_date == mine


def test_undo_of_done_and_of_assign_keeps_what_someone_did_since(web, marta, first, plan):
    otto, jonas = make_user("Otto Berg"), make_user("Jonas Lind")
    other = plan.tasks.exclude(pk=first.pk).filter(after__isnull=True).first()
    now = timezone.now()
    many(web, "tasks.finish", [first, other])
    reopen_task(acting(otto), task=first, now=now)
    finish_task(acting(otto), task=first, now=now + timedelta(seconds=1))
    page = undo(web)
    assert "1 restored" in page.text and "1 not changed: changed again since" in page.text
    first.refresh_from_db()
    assert first.state == "done" and first.done_by == otto
    reopen_task(acting(otto), task=first, now=now)
    many(web, "tasks.assign", [first, other], assignee=otto.pk)
    assign_task(acting(marta), task=first, assignee=jonas, now=now)
    page = undo(web)
    assert "1 restored" in page.text and "1 not changed: changed again since" in page.text
    first.refresh_from_db()
    assert first.assignee == jonas


def test_assigning_many_does_not_write_over_someone_who_was_faster(marta, first):
    """Between the reading of the row and its lock."""
    otto, jonas = make_user("Otto Berg"), make_user("Jonas Lind")
    row = Task.objects.get(pk=first.pk)
    row.seen_version = row.version
    assign_task(acting(marta), task=first, assignee=jonas, now=timezone.now())
    result = selection.Result()
    action = selection.actions["tasks.assign"]
    result.each(row.pk, lambda: action.act(acting(marta), row, {"assignee": otto}, timezone.now()))
    assert not result.done and len(result.left) == 1
    first.refresh_from_db()
    assert first.assignee == jonas
