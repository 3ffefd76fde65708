"""Editing fields of many rows: any field, in the request or in the background, with one undo."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clients.catalogue.services import create_tag
from clients.contacts.models import Contact
from clients.listing.actions import CLIENTS as ACTIONS
from clients.records.models import Client
from clients.records.services.clients import archive_client, restore_client, restrict_client, update_client
from clients.records.services.statuses import change_status
from crm.core.base.principals import SYSTEM, acting
from crm.core.bulk import running
from crm.core.bulk.targets import targets_of
from crm.core.fields.custom import changing, conversion_jobs
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.services import create_field
from crm.core.firm.queries import firm_today
from crm.core.listing import selection
from crm.core.listing.models import BulkChange
from crm.core.listing.pages import list_pages
from crm.core.notifications.models import Notification
from crm.core.work.models import Job
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import create_follow_up
from tools.testing.factories.clients import locks_in, make_client, make_contact

pytestmark = pytest.mark.django_db
import_module("crm.urls")
URL = "/clients/select/"
EDIT = ACTIONS[0]


def edit(client, url=URL, **data):
    return client.post(url, {"action": "clients.edit", "confirmed": "1"} | data, follow=True)


def undo(client):
    return client.post(reverse("core:undo-selected", args=[BulkChange.objects.latest("pk").pk]), follow=True)


def test_every_edited_field_of_a_client_can_be_edited_of_many(marta):
    names = set(targets_of(EDIT.act.__self__.catalogue))
    assert {"tier", "owner", "team", "tags", "industry", "notes", "language", "time_zone", "parent"} <= names
    assert not names & {"is_restricted", "status", "revenue_12m", "id", "version"}


def test_fields_are_chosen_then_set_and_one_undo_brings_them_back(client, marta):
    rows = [make_client(owner=marta, name=f"C{n}", tier="A" if n else "B", industry="Law") for n in range(3)]
    client.force_login(marta)
    chosen = {"ids": [row.pk for row in rows]}
    asked = client.post(URL, {"action": "clients.edit"} | chosen)
    assert asked.status_code == 200 and "3 clients" in asked.text and 'name="fields"' in asked.text
    shown = client.post(URL, {"action": "clients.edit", "confirmed": "1", "choose": "1", "fields": ["tier"]} | chosen)
    assert shown.status_code == 200 and 'name="to-tier"' in shown.text and "3 clients" in shown.text
    told = {"fields": ["tier", "industry"], "how-tier": "set", "to-tier": "A", "how-industry": "clear"}
    done = edit(client, **told, **chosen)
    assert "3 changed" in done.text
    assert {(row.tier, row.industry) for row in Client.objects.all()} == {("A", "")}
    change = BulkChange.objects.get()
    assert change.said == "Industry, Tier" or change.said == "Tier, Industry"
    assert "3 restored" in undo(client).text
    assert sorted((row.tier, row.industry) for row in Client.objects.all()) == [
        ("A", "Law"),
        ("A", "Law"),
        ("B", "Law"),
    ]


def test_many_parents_are_set_and_taken_back_under_one_lock_taken_first(client, marta):
    group, old = make_client(owner=marta, name="Group"), make_client(owner=marta, name="Old group")
    rows = [make_client(owner=marta, name="A", parent=group), make_client(owner=marta, name="B", parent=old)]
    client.force_login(marta)
    told = {"how-parent": "set", "to-parent": group.pk, "how-tier": "set", "to-tier": "A"}
    for act in (
        lambda: edit(client, fields=["parent", "tier"], ids=[row.pk for row in rows], **told),
        lambda: undo(client),
    ):
        with CaptureQueriesContext(connection) as asked:
            act()
        assert locks_in(asked)[0] == "parents" and "row" in locks_in(asked)
    assert [Client.objects.get(pk=row.pk).parent for row in rows] == [group, old]


def test_all_of_it_stands_in_the_history_under_one_context(client, marta):
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(3)]
    client.force_login(marta)
    edit(client, fields=["tier"], **{"how-tier": "set", "to-tier": "A", "ids": [row.pk for row in rows]})
    events = Client.pgh_event_models["update"].objects.filter(pgh_label="update", tier="A")
    assert events.count() == 3 and len({event.pgh_context_id for event in events}) == 1
    assert events[0].pgh_context.metadata["user"] == marta.pk


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"fields": []}, "Choose a field."),
        ({"fields": ["tier"], "how-tier": "set", "to-tier": ""}, "Enter a value, or choose “Clear”."),
        ({"fields": ["tier"], "how-tier": "set", "to-tier": "Q"}, "Select a valid choice"),
        ({"fields": ["phone"], "how-phone": "set", "to-phone": "x"}, "is not a phone number"),
        ({"fields": ["website"], "how-website": "set", "to-website": "no site"}, "Enter an address such as"),
        ({"fields": ["email"], "how-email": "set", "to-email": "nobody"}, "email address"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field_and_changes_nothing(client, marta, told, said):
    row = make_client(owner=marta, name="C", tier="B")
    client.force_login(marta)
    answer = edit(client, **told, ids=[row.pk])
    assert answer.status_code == 422 and said in answer.text and not BulkChange.objects.exists()
    typed = told.get("to-phone") or told.get("to-website") or told.get("to-email")
    assert typed is None or f'value="{typed}"' in answer.text
    row.refresh_from_db()
    assert row.tier == "B"


def test_tags_are_added_removed_and_replaced(client, marta):
    vip, old, new = (create_tag(SYSTEM, name=name) for name in ("VIP", "Old", "New"))
    one, two = make_client(owner=marta, name="One"), make_client(owner=marta, name="Two")
    one.tags.set([vip, old])
    client.force_login(marta)
    ids = {"ids": [one.pk, two.pk]}
    edit(client, fields=["tags"], **{"how-tags": "add", "to-tags": [new.pk, old.pk]}, **ids)
    assert {*one.tags.all()} == {vip, old, new} and {*two.tags.all()} == {old, new}
    edit(client, fields=["tags"], **{"how-tags": "remove", "to-tags": [old.pk]}, **ids)
    assert {*one.tags.all()} == {vip, new} and {*two.tags.all()} == {new}
    undo(client)
    assert {*one.tags.all()} == {vip, old, new}
    edit(client, fields=["tags"], **{"how-tags": "clear"}, **ids)
    assert not one.tags.exists() and not two.tags.exists()


def test_what_one_may_not_change_is_left_and_named_with_the_reason(client, marta, otto, sini):
    mine, theirs = make_client(owner=marta, name="Mine"), make_client(owner=otto, name="Theirs")
    same, secret = make_client(owner=marta, name="Same"), make_client(owner=otto, name="Project Basalt")
    restrict_client(acting(otto), client=secret)
    update_client(acting(sini), client=same, owner=sini)
    client.force_login(marta)
    told = {"fields": ["owner"], "how-owner": "set", "to-owner": sini.pk, "all_matching": 1}
    answer = edit(client, **told)
    assert "1 changed" in answer.text and "no change needed" in answer.text and "can reassign a client" in answer.text
    theirs.refresh_from_db(), mine.refresh_from_db()
    assert (mine.owner, theirs.owner) == (sini, otto)
    page = client.get(reverse("core:bulk-change", args=[BulkChange.objects.get().pk]))
    assert "Theirs" in page.text and "Same" in page.text and "Basalt" not in page.text
    client.force_login(sini)
    assert client.get(reverse("core:bulk-change", args=[BulkChange.objects.get().pk])).status_code == 404


def test_a_row_that_went_out_of_sight_since_is_not_named(client, marta, otto):
    row = make_client(owner=otto, name="Project Basalt")
    client.force_login(marta)
    edit(client, fields=["owner"], **{"how-owner": "set", "to-owner": marta.pk}, ids=[row.pk])
    change = BulkChange.objects.get()
    url = reverse("core:bulk-change", args=[change.pk])
    assert "Basalt" in client.get(url).text
    restrict_client(acting(otto), client=row)
    assert "Basalt" not in client.get(url).text


def test_a_parent_out_of_sight_is_not_offered_and_gives_way_like_none(client, marta, otto):
    """A row that kept it would tell of it: afterwards it has no parent, unlike its neighbours."""
    secret = make_client(owner=otto, name="Project Basalt")
    child, other = make_client(owner=marta, name="Child"), make_client(owner=marta, name="Other")
    alone = make_client(owner=marta, name="Alone")
    update_client(acting(otto), client=child, parent=secret)
    restrict_client(acting(otto), client=secret)
    client.force_login(marta)
    told = {"fields": ["parent"], "how-parent": "set", "ids": [child.pk]}
    assert edit(client, **told, **{"to-parent": secret.pk}).status_code == 422
    changed = edit(client, **told | {"ids": [child.pk, alone.pk]}, **{"to-parent": other.pk}).text
    assert "2 changed" in changed and "not changed" not in changed
    child.refresh_from_db()
    assert child.parent == other
    undo(client)
    child.refresh_from_db()
    assert child.parent == secret, "undo puts it back"


@pytest.mark.parametrize("more", [{}, {"how-industry": "set", "to-industry": "Law"}], ids=["alone", "beside another"])
def test_clearing_a_parent_does_not_tell_of_one_out_of_sight(client, marta, otto, more):
    secret = make_client(owner=otto, name="Project Basalt")
    child, alone = make_client(owner=marta, name="Child"), make_client(owner=marta, name="Alone")
    update_client(acting(otto), client=child, parent=secret)
    restrict_client(acting(otto), client=secret)
    client.force_login(marta)
    told = {"fields": ["parent", *(["industry"] if more else [])], "how-parent": "clear"} | more
    with_hidden, without = edit(client, **told, ids=[child.pk]), edit(client, **told, ids=[alone.pk])
    said = [[str(message) for message in answer.context["messages"]] for answer in (with_hidden, without)]
    assert said[0] == said[1] == (["1 changed"] if more else ["1 not changed: no change needed"])
    child.refresh_from_db()
    assert child.parent == secret and child.industry == ("Law" if more else "")


def test_undo_does_not_tell_of_a_parent_that_went_out_of_sight(client, marta, otto):
    group, child = make_client(owner=otto, name="Project Basalt"), make_client(owner=marta, name="Child")
    client.force_login(marta)
    edit(client, fields=["parent"], **{"how-parent": "set", "to-parent": group.pk}, ids=[child.pk])
    restrict_client(acting(otto), client=group)
    assert "1 not changed: changed again since" in undo(client).text
    child.refresh_from_db()
    assert child.parent == group


def test_a_client_out_of_sight_in_a_field_of_the_firm_counts_as_none(client, aino, marta, otto):
    made = {"is_required": False, "is_unique": False, "is_filtered": True, "section": None}
    name = create_field(acting(aino), record="client", label="Introducer", kind=Kind.CLIENT, **made).name
    secret, other = make_client(owner=otto, name="Project Basalt"), make_client(owner=marta, name="Other")
    child, alone = make_client(owner=marta, name="Child"), make_client(owner=marta, name="Alone")
    update_client(acting(otto), client=child, **{name: secret})
    restrict_client(acting(otto), client=secret)
    client.force_login(marta)
    told = {"fields": [name], f"how-{name}": "clear"}
    for row in (child, alone):
        assert "1 not changed: no change needed" in edit(client, **told, ids=[row.pk]).text
    child.refresh_from_db()
    assert list(child.custom.values()) == [secret.pk], "clearing leaves it"
    edit(client, fields=[name], **{f"how-{name}": "set", f"to-{name}": other.pk}, ids=[child.pk])
    child.refresh_from_db()
    assert list(child.custom.values()) == [other.pk]


@pytest.fixture
def custom(aino):
    one = acting(aino)
    made = {"is_required": False, "is_unique": False, "section": None}
    return {
        "number": create_field(
            one, record="client", label="Score", kind=Kind.NUMBER, most="10", is_filtered=True, **made
        ),
        "choices": create_field(
            one,
            record="client",
            label="Products",
            kind=Kind.CHOICES,
            options=[{"label": "Tax"}, {"label": "Audit"}, {"label": "Payroll"}],
            is_filtered=True,
            **made,
        ),
        "unique": create_field(
            one, record="client", label="File number", kind=Kind.TEXT, **made | {"is_unique": True}, is_filtered=True
        ),
    }


def test_custom_fields_are_edited_with_their_rules(client, marta, custom):
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(2)]
    client.force_login(marta)
    ids = {"ids": [row.pk for row in rows]}
    name = custom["number"].name
    wrong = edit(client, fields=[name], **{f"how-{name}": "set", f"to-{name}": "11"}, **ids)
    assert wrong.status_code == 422 and "10" in wrong.text
    edit(client, fields=[name], **{f"how-{name}": "set", f"to-{name}": "7"}, **ids)
    assert [getattr(row, name) for row in Client.objects.all()] == [7, 7]
    several = custom["choices"]
    keys = [option["key"] for option in several.options]
    edit(client, fields=[several.name], **{f"how-{several.name}": "set", f"to-{several.name}": keys[:2]}, **ids)
    edit(client, fields=[several.name], **{f"how-{several.name}": "remove", f"to-{several.name}": keys[:1]}, **ids)
    assert [getattr(row, several.name) for row in Client.objects.all()] == [keys[1:2]] * 2
    undo(client)
    assert [getattr(row, several.name) for row in Client.objects.all()] == [keys[:2]] * 2
    name = custom["unique"].name
    answer = edit(client, fields=[name], **{f"how-{name}": "set", f"to-{name}": "F1"}, **ids)
    assert (
        "1 changed" in answer.text
        and "1 not changed" in answer.text
        and "must be unique, and this value is taken" in answer.text
    )


def test_undo_leaves_alone_what_was_changed_since(client, marta):
    rows = [make_client(owner=marta, name=f"C{n}", tier="B") for n in range(2)]
    client.force_login(marta)
    edit(client, fields=["tier"], **{"how-tier": "set", "to-tier": "A"}, ids=[row.pk for row in rows])
    update_client(acting(marta), client=Client.objects.get(pk=rows[0].pk), tier="C")
    update_client(acting(marta), client=Client.objects.get(pk=rows[1].pk), industry="Law")
    answer = undo(client)
    assert "1 restored" in answer.text and "1 not changed: changed again since" in answer.text
    assert [row.tier for row in Client.objects.order_by("pk")] == ["C", "B"]


def test_contacts_are_edited_too(client, marta):
    place = make_client(owner=marta)
    people = [make_contact(actor=marta, client=place, first_name=f"P{n}") for n in range(2)]
    client.force_login(marta)
    told = {"action": "contacts.edit", "fields": ["language"], "how-language": "set", "to-language": "de"}
    edit(client, "/contacts/select/", **told, ids=[row.pk for row in people])
    assert {*Contact.objects.values_list("language", flat=True)} == {"de"}


@pytest.mark.parametrize(
    "declared", [page for page in list_pages if any(a.ask for a in page.actions)], ids=lambda p: p.key
)
def test_every_field_that_is_offered_has_a_control(client, aino, declared):
    action = next(action for action in declared.actions if action.ask)
    names = action.ask(acting(aino), QueryDict("choose=1")).targets
    for name in names:
        form = action.ask(acting(aino), QueryDict(f"choose=1&fields={name}"))
        assert form.fields[f"to-{name}"] and str(form[f"to-{name}"])


def test_follow_ups_are_edited_by_their_service(client, marta):
    row, now = make_client(owner=marta), timezone.now()
    made = {"client": row, "assignee": marta, "due_date": timezone.localdate(), "now": now}
    one, two = (create_follow_up(acting(marta), title=title, **made) for title in ("One", "Two"))
    day = (timezone.localdate() + timedelta(days=9)).isoformat()
    client.force_login(marta)
    told = {"action": "follow-ups.edit", "fields": ["due_date", "priority"], "how-due_date": "set", "to-due_date": day}
    edit(client, "/follow-ups/select/", **told, **{"how-priority": "set", "to-priority": 1}, ids=[one.pk, two.pk])
    assert {(f.due_date.isoformat(), f.priority) for f in FollowUp.objects.all()} == {(day, 1)}
    assert {f.due_at.date().isoformat() for f in FollowUp.objects.all()} == {day}, "what depends on it moved along"
    undo(client)
    assert {f.due_date for f in FollowUp.objects.all()} == {timezone.localdate()}


# In the background


@pytest.fixture
def many(monkeypatch, marta):
    monkeypatch.setattr(selection, "AT_ONCE", 3)
    monkeypatch.setattr(running, "CHUNK", 2)
    return [make_client(owner=marta, name=f"C{n}", tier="B") for n in range(5)]


def start(client, **told):
    told = told or {"fields": ["tier"], "how-tier": "set", "to-tier": "A"}
    return client.post(URL, {"action": "clients.edit", "confirmed": "1", "all_matching": 1} | told)


def test_many_rows_run_in_the_background_and_are_undone_there(client, marta, many):
    client.force_login(marta)
    answer = start(client)
    change, job = BulkChange.objects.get(), Job.objects.get()
    assert answer.url == reverse("core:bulk-change", args=[change.pk])
    page = client.get(answer.url)
    assert "0 of 5 rows" in page.text and 'hx-trigger="every 1s"' in page.text
    assert {*Client.objects.values_list("tier", flat=True)} == {"B"}
    assert running.run_job(job_id=job.pk) == "done"
    assert {*Client.objects.values_list("tier", flat=True)} == {"A"}
    page = client.get(answer.url)
    assert "every 1s" not in page.text and "Undo" in page.text
    assert Notification.objects.get(kind="bulk").text == "Edit: 5 rows changed"
    update_client(acting(marta), client=Client.objects.get(pk=many[0].pk), tier="C")
    back = client.post(reverse("core:undo-selected", args=[change.pk]))
    assert back.url == answer.url and "Undoing" in client.get(answer.url).text
    assert running.run_job(job_id=Job.objects.latest("pk").pk) == "done"
    assert sorted(Client.objects.values_list("tier", flat=True)) == ["B", "B", "B", "B", "C"]
    page = client.get(answer.url)
    assert "C0" in page.text and "changed again since" in page.text and "core:undo" not in page.text
    assert page.context["n"] == 4 and page.context["n_left"] == 1
    client.post(reverse("core:undo-selected", args=[change.pk]))
    assert Job.objects.count() == 2, "once only"


def test_many_rows_go_in_their_order_so_that_undo_goes_back_over_all_of_them(client, marta, many):
    """What a step does to a row may depend on those before it, such as tasks that follow one another."""
    for row in many[:3]:  # saved again, so they come after the others
        Client.objects.filter(pk=row.pk).update(city="Oslo")
    client.force_login(marta)
    with connection.cursor() as cursor:  # as the planner chooses for a large table with filters
        cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    start(client)
    assert [pk for pk, _version in Job.objects.get().options["rows"]] == [row.pk for row in many]


def test_a_row_edited_since_the_start_is_stale_and_listed(client, marta, many):
    client.force_login(marta)
    start(client)
    update_client(acting(marta), client=Client.objects.get(pk=many[1].pk), tier="C")
    running.run_job(job_id=Job.objects.get().pk)
    assert sorted(Client.objects.values_list("tier", flat=True)) == ["A", "A", "A", "A", "C"]
    assert [pk for pk, _why in BulkChange.objects.get().refused] == [many[1].pk]


def test_a_status_changed_since_the_start_stays_and_is_listed(client, marta, many):
    client.force_login(marta)
    day = firm_today(timezone.now())
    told = {"status": "paused", "start_date": day.isoformat()}
    start(client, action="clients.status", **told)
    change_status(acting(marta), client=many[1], status="at_notice", start_date=day, today=day)
    update_client(acting(marta), client=Client.objects.get(pk=many[2].pk), industry="Law")
    running.run_job(job_id=Job.objects.get().pk)
    statuses = [row.facts.status for row in Client.objects.select_related("facts").order_by("pk")]
    assert statuses == ["paused", "at_notice", "paused", "paused", "paused"], "another field of it is no conflict"
    assert BulkChange.objects.get().refused == [[many[1].pk, "its status has changed since"]]


def interrupted(monkeypatch, step, error):
    """This step of a job breaks off in its second chunk."""
    real, calls = getattr(running, step), []

    def breaks(*given):
        calls.append(given)
        if len(calls) == 2:
            raise error
        return real(*given)

    monkeypatch.setattr(running, step, breaks)


def test_what_still_runs_is_not_undone(client, marta, many, monkeypatch):
    client.force_login(marta)
    start(client)
    change, job = BulkChange.objects.get(), Job.objects.get()
    url = reverse("core:undo-selected", args=[change.pk])
    assert "This is still running" in client.post(url, follow=True).text
    interrupted(monkeypatch, "_step", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        running.run_job(job_id=job.pk)
    assert len(BulkChange.objects.get().rows) == 2, "few enough to be undone at once"
    assert "This is still running" in client.post(url, follow=True).text
    assert BulkChange.objects.get().undone_at is None
    Job.objects.update(lease_until=timezone.now() - timedelta(minutes=5))
    assert running.run_job(job_id=job.pk) == "done"
    client.post(url)
    assert running.run_job(job_id=Job.objects.latest("pk").pk) == "done"
    assert {*Client.objects.values_list("tier", flat=True)} == {"B"}


def test_a_second_click_on_undo_says_that_it_runs(client, marta, many):
    client.force_login(marta)
    start(client)
    running.run_job(job_id=Job.objects.get().pk)
    url = reverse("core:undo-selected", args=[BulkChange.objects.get().pk])
    client.post(url)
    assert "The undo is already running" in client.post(url, follow=True).text and Job.objects.count() == 2
    running.run_job(job_id=Job.objects.latest("pk").pk)
    assert "This was already undone" in client.post(url, follow=True).text
    assert not BulkChange.objects.get().not_undone and Job.objects.count() == 2


def test_an_undo_that_failed_is_started_again_and_goes_on(client, marta, many, monkeypatch):
    client.force_login(marta)
    page = start(client).url
    running.run_job(job_id=Job.objects.get().pk)
    url = reverse("core:undo-selected", args=[BulkChange.objects.get().pk])
    with monkeypatch.context() as patched:
        interrupted(patched, "_undo_step", ZeroDivisionError())
        client.post(url)
        with pytest.raises(ZeroDivisionError):
            running.run_job(job_id=Job.objects.latest("pk").pk)
    shown = client.get(page)
    assert "Undo again to go on where it stopped" in shown.text and shown.context["may_undo"]
    assert sorted(Client.objects.values_list("tier", flat=True)) == ["A", "A", "A", "B", "B"]
    client.post(url)
    assert running.run_job(job_id=Job.objects.latest("pk").pk) == "done"
    assert {*Client.objects.values_list("tier", flat=True)} == {"B"}
    shown = client.get(page)
    assert shown.context["n"] == 5 and shown.context["n_left"] == 0 and not shown.context["may_undo"]


def test_archived_or_out_of_sight_since_the_start_is_left_alone(client, marta, otto, many):
    client.force_login(marta)
    start(client)
    archive_client(acting(marta), client=many[0], now=timezone.now())
    restrict_client(acting(marta), client=many[1])
    Client.objects.filter(pk=many[1].pk).update(owner=otto)
    running.run_job(job_id=Job.objects.get().pk)
    left = dict(BulkChange.objects.get().refused)
    assert left[many[0].pk].startswith("This client is archived") and "not visible" in left[many[1].pk]


def test_a_worker_that_died_is_replaced_and_no_row_is_done_twice(client, marta, many, monkeypatch):
    client.force_login(marta)
    start(client)
    job = Job.objects.get()
    interrupted(monkeypatch, "_step", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        running.run_job(job_id=job.pk)
    Job.objects.update(lease_until=timezone.now() - timedelta(minutes=5))
    assert Job.objects.get().done == 2
    assert running.run_job(job_id=job.pk) == "done"
    assert len(BulkChange.objects.get().rows) == 5 and {*Client.objects.values_list("version", flat=True)} == {2}


def test_it_can_be_stopped_and_what_was_done_is_undone(client, marta, many):
    client.force_login(marta)
    url = start(client).url
    client.post(f"{url}stop/")
    assert running.run_job(job_id=Job.objects.get().pk) == "cancelled"
    assert {*Client.objects.values_list("tier", flat=True)} == {"B"} and "Stopped" in client.get(url).text


def test_a_choice_that_is_gone_by_then_fails_with_its_words(client, marta, otto, sini, many):
    client.force_login(sini)
    url = start(client, fields=["owner"], **{"how-owner": "set", "to-owner": otto.pk}).url
    otto.is_active = False
    otto.save()
    assert running.run_job(job_id=Job.objects.get().pk) == "failed"
    assert "Select a valid choice" in client.get(url).text and not Client.objects.filter(owner=otto).exists()


def test_nobody_else_sees_or_stops_it(client, marta, otto, many):
    client.force_login(marta)
    url = start(client).url
    client.force_login(otto)
    assert client.get(url).status_code == 404 and client.post(f"{url}stop/").status_code == 404


def test_a_stopped_undo_says_how_far_it_came_and_goes_on(client, marta, many, monkeypatch):
    client.force_login(marta)
    page = start(client).url
    running.run_job(job_id=Job.objects.get().pk)
    url = reverse("core:undo-selected", args=[BulkChange.objects.get().pk])
    client.post(url)
    asked = []

    def stops_before_the_second_chunk():
        asked.append(1)
        if len(asked) == 2:
            client.post(f"{page}stop/")

    with monkeypatch.context() as patched:
        patched.setattr(running, "is_stopping", stops_before_the_second_chunk)
        assert running.run_job(job_id=Job.objects.latest("pk").pk) == "cancelled"
    assert sorted(Client.objects.order_by("pk").values_list("tier", flat=True)) == ["A", "A", "A", "B", "B"]
    assert [row.tier for row in Client.objects.order_by("pk")][-2:] == ["B", "B"], "the last rows come first"
    shown = client.get(page)
    assert "The undo was stopped after" in shown.text and "Continue the undo" in shown.text
    changed = Client.objects.order_by("pk").first()
    update_client(acting(marta), client=changed, seen_version=changed.version, tier="C")
    client.post(url)
    assert running.run_job(job_id=Job.objects.latest("pk").pk) == "done"
    assert [row.tier for row in Client.objects.order_by("pk")] == ["C", "B", "B", "B", "B"]
    shown = client.get(page)
    assert shown.context["n"] == 4 and shown.context["n_left"] == 1 and "changed again since" in shown.text


def test_undo_of_archive_leaves_alone_what_someone_archived_again(client, marta, otto):
    rows = [make_client(owner=marta, name=name) for name in ("Kept", "Again", "Back")]
    client.force_login(marta)
    client.post(URL, {"action": "clients.archive", "ids": [row.pk for row in rows]})
    for row in rows[1:]:
        restore_client(acting(marta), client=row)
    archive_client(acting(marta), client=rows[1], now=timezone.now() + timedelta(seconds=1))
    page = undo(client)
    assert "1 restored" in page.text and "2 not changed: changed again since" in page.text
    assert {*Client.objects.filter(archived_at=None).values_list("name", flat=True)} == {"Kept", "Back"}


def test_undo_of_restore_does_not_archive_what_someone_edited(client, marta):
    rows = [make_client(owner=marta, name=name) for name in ("Kept", "Edited")]
    for row in rows:
        archive_client(acting(marta), client=row, now=timezone.now())
    client.force_login(marta)
    client.post(f"{URL}?archived=1", {"action": "clients.restore", "ids": [row.pk for row in rows]})
    edited = Client.objects.get(name="Edited")
    update_client(acting(marta), client=edited, seen_version=edited.version, city="Oslo")
    assert "1 not changed: changed again since" in undo(client).text
    assert [*Client.objects.filter(archived_at=None).values_list("name", flat=True)] == ["Edited"]


@pytest.mark.parametrize(("is_over", "said"), [(False, "is being changed"), (True, "was changed by an administrator")])
def test_a_type_that_changes_between_two_chunks_refuses_the_rest(
    client, marta, aino, custom, many, monkeypatch, is_over, said
):
    name = custom["number"].name
    client.force_login(marta)
    ids = [row.pk for row in many]
    edit(client, fields=[name], **{f"how-{name}": "set", f"to-{name}": "7"}, ids=ids)
    real = running._step

    def step(*given):
        real(*given)
        if not CustomField.objects.get(pk=custom["number"].pk).changes.exists():
            change = changing.change_kind(acting(aino), field=custom["number"], kind=Kind.TEXT, now=timezone.now())
            if is_over:
                assert conversion_jobs.run_job(job_id=change.job_id) == "done"

    monkeypatch.setattr(running, "_step", step)
    assert running.run_job(job_id=Job.objects.get(kind="bulk").pk) == "done"
    change = BulkChange.objects.get()
    assert [pk for pk, _before in change.rows] == ids[:2]
    assert [pk for pk, why in change.refused if said in why] == ids[2:]
    assert [bool(getattr(row, name)) for row in Client.objects.order_by("pk")] == [True, True, False, False, False]
