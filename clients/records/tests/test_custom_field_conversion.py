"""A change of a field's type is a job: its progress, what ends it in between, what nobody may write until it is over."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clients.listing.lists import CLIENTS
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import create_client, update_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.bulk.targets import targets_of
from crm.core.fields.custom import changing, conversion_jobs, services
from crm.core.fields.custom.models import CustomField, FieldChange
from crm.core.notifications.models import Notification
from crm.core.work import leases, stopping
from crm.core.work.models import Job
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def admin(client, aino):
    client.force_login(aino)
    return acting(aino)


@pytest.fixture
def field(admin, marta, monkeypatch):
    """Of text, with five values of which one is no number; two values are a chunk."""
    monkeypatch.setattr(conversion_jobs, "CHUNK", 2)
    made = services.create_field(admin, record="client", label="Size", kind="text")
    for n, text in enumerate(("12", "7", "about ten", "7", "3.5")):
        make_client(owner=marta, name=f"C{n}", cf_size=text)
    return made


def shown():
    """What pages, lists and the API read."""
    return [row.cf_size for row in Client.objects.order_by("name")]


TEXTS = ["12", "7", "about ten", "7", "3.5"]
NUMBERS = [12, 7, None, 7, Decimal("3.5")]


def begin(admin, field, kind="number"):
    change = changing.change_kind(admin, field=field, kind=kind, keeps_aside=True, now=NOW)
    return change, Job.objects.get(pk=change.job_id)


def run(job):
    return conversion_jobs.run_job(job_id=job.pk)


def run_all():
    while job := Job.objects.filter(kind__startswith="field:", state="queued").first():
        assert run(job) == "done"


def interrupt(monkeypatch, name, at):
    """The worker is killed at the `at`th call of this step, before it commits."""
    real, calls = getattr(conversion_jobs, name), []

    def dies(*given):
        found = real(*given)
        calls.append(given)
        if len(calls) == at:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(conversion_jobs, name, dies)


def lose_lease(job):
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(minutes=5))


def test_a_worker_changes_it_with_progress_and_tells_when_done(client, admin, field):
    url = reverse("core:field_kind", args=[field.pk])
    answer = client.post(url, {"kind": "number", "version": field.version, "keeps_aside": "keep"})
    change = FieldChange.objects.get()
    assert answer.url == reverse("core:field_change", args=[change.pk])
    page = client.get(answer.url)
    assert "0 of 5 values" in page.text and 'hx-trigger="every 1s"' in page.text and shown() == TEXTS
    assert "being changed" in client.get(reverse("core:field", args=[field.pk])).text
    assert run(Job.objects.get()) == "done"
    assert shown() == NUMBERS and CLIENT_FIELDS["cf_size"].definition.kind == "number"
    page = client.get(answer.url)
    assert "every 1s" not in page.text and "Size (before)" in page.text and "Undo" in page.text
    told = Notification.objects.get(kind="field")
    assert (told.text, told.url, told.user) == ("“Size” is now of the type “Number”", answer.url, admin.user)
    undone = client.post(reverse("core:field_kind_undo", args=[change.pk]))
    assert undone.url == answer.url and "Undoing" in client.get(answer.url).text
    run_all()
    assert shown() == TEXTS and "again" in Notification.objects.latest("pk").text
    assert "is of the type “Text”" in client.get(answer.url).text
    assert [*Client.objects.order_by("name").values_list("custom", flat=True)] == [{"size": text} for text in TEXTS]


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_killed_worker_leaves_no_value_of_two_types(admin, field, monkeypatch, at):
    change, job = begin(admin, field)
    with monkeypatch.context() as patch:
        interrupt(patch, "_converted", at)
        with pytest.raises(KeyboardInterrupt):
            run(job)
    assert shown() == TEXTS and CustomField.objects.get(pk=field.pk).kind == "text"
    assert run(job) == "running", "its lease is not over"
    lose_lease(job)
    assert leases.resume(timezone.now()) == 1
    assert run(job) == "done" and shown() == NUMBERS
    job.refresh_from_db()
    assert job.done == 5


@pytest.mark.parametrize("at", [1, 2])
def test_a_killed_undo_leaves_no_value_of_two_types(admin, field, monkeypatch, marta, at):
    change, job = begin(admin, field)
    run(job)
    update_client(acting(marta), client=Client.objects.get(name="C0"), cf_size=Decimal(99))
    changing.undo_change(admin, change=change, now=NOW)
    job = Job.objects.latest("pk")
    with monkeypatch.context() as patch:
        interrupt(patch, "_write_back", at)
        with pytest.raises(KeyboardInterrupt):
            run(job)
    assert shown() == [99, *NUMBERS[1:]]
    lose_lease(job)
    run(job)
    assert shown() == ["99", *TEXTS[1:]]
    run_all()
    assert "size_before" not in Client.objects.get(name="C2").custom


def test_a_worker_that_is_stopped_gives_it_back(admin, field):
    _change, job = begin(admin, field)
    stopping.stop()
    try:
        assert run(job) == "queued"
    finally:
        stopping.go_on()
    assert shown() == TEXTS
    assert run(job) == "done" and shown() == NUMBERS


def test_until_it_is_over_nobody_writes_a_value(client, admin, field, marta):
    row = Client.objects.get(name="C0")
    _change, job = begin(admin, field)
    for value in ("13", "", 13):
        with pytest.raises(ServiceError, match="is being changed") as refused:
            update_client(acting(marta), client=row, cf_size=value)
        assert refused.value.field == "cf_size"
    update_client(acting(marta), client=row, cf_size="12", industry="Law")  # as it is
    assert "cf_size" not in targets_of(CLIENT_FIELDS) and "cf_size" not in CLIENT_FIELDS.inline
    form = client.get(reverse("clients:edit", args=[row.pk])).context["form"].fields["cf_size"]
    assert form.disabled and "being changed" in str(form.help_text)
    assert "cf_size" in CLIENTS.custom
    for refusing in (
        lambda: services.update_field(admin, field=field, label="Other"),
        lambda: services.archive_field(admin, field=field, now=NOW),
        lambda: begin(admin, field, "money"),
    ):
        with pytest.raises(ServiceError, match="is being changed"):
            refusing()
    run(job)
    update_client(acting(marta), client=row, cf_size=Decimal(13))
    assert shown()[0] == 13
    row.refresh_from_db()
    assert "size" not in row.custom, "what undo would give back is no longer right"


def test_a_required_field_keeps_nobody_from_adding_a_record(admin, field, marta):
    services.update_field(admin, field=field, is_required=True)
    _change, job = begin(admin, field)
    create_client(acting(marta), name="New", today=NOW.date())
    run(job)
    assert Client.objects.get(name="New").cf_size is None


def test_stop_leaves_the_field_as_it_was_and_removes_what_was_written(client, admin, field, monkeypatch):
    change, job = begin(admin, field)
    with monkeypatch.context() as patch:
        interrupt(patch, "_converted", 2)
        with pytest.raises(KeyboardInterrupt):
            run(job)
    answer = client.post(reverse("core:field_change_stop", args=[change.pk]), follow=True)
    assert "Stopped" in answer.text and shown() == TEXTS
    assert run(job) == "cancelled"
    assert Client.objects.filter(custom__has_key="size__1").exists()
    run_all()
    assert [*Client.objects.order_by("name").values_list("custom", flat=True)] == [{"size": text} for text in TEXTS]
    assert [*CustomField.objects.values_list("label", "pending")] == [("Size", None)]
    _change, job = begin(admin, field)
    assert run(job) == "done" and shown() == NUMBERS


def test_what_was_written_past_the_services_is_converted_at_the_end(admin, field):
    _change, job = begin(admin, field)
    done = []

    def late(*given):
        found = real(*given)
        if not done and found is None:  # all chunks are done
            done.append(Client.objects.filter(name="C0").update(custom={"size": "44"}))
            Client.objects.filter(name="C1").update(custom={"size__1": 7})
        return found

    real, conversion_jobs.STEPS["change"] = conversion_jobs.STEPS["change"][0], (late, conversion_jobs._apply)
    try:
        assert run(job) == "done"
    finally:
        conversion_jobs.STEPS["change"] = (real, conversion_jobs._apply)
    assert shown() == [44, None, None, 7, Decimal("3.5")]


def test_a_failure_says_why_and_frees_the_field(client, admin, field, aino):
    change, job = begin(admin, field)
    type(aino).objects.filter(pk=aino.pk).update(roles=["manager"])
    assert run(job) == "failed" and shown() == TEXTS
    assert CustomField.objects.get(pk=field.pk).pending_id is None
    assert "Only administrators" in Notification.objects.get(kind="field").text


def test_two_changes_are_undone_one_after_the_other(admin, field, marta):
    first, job = begin(admin, field)
    run(job)
    second, job = begin(admin, field, "money")
    run(job)
    assert shown() == NUMBERS
    with pytest.raises(ServiceError, match="latest change first"):
        changing.undo_change(admin, change=first, now=NOW)
    for change in (second, first):
        changing.undo_change(admin, change=change, now=NOW)
        run_all()
    assert shown() == TEXTS


def test_a_change_of_before_there_were_slots_is_undone(admin, field, marta):
    rows = {row.name: row.pk for row in Client.objects.all()}
    for name, number in zip(rows, NUMBERS, strict=True):
        custom = {"size": float(number)} if number else {}
        Client.objects.filter(name=name).update(custom=custom)
    Client.objects.filter(name="C0").update(custom={"size": 99})  # entered since
    CustomField.objects.filter(pk=field.pk).update(kind="number", decimals=1)
    services.update_field(admin, field=field, hint="new mark")
    pairs = zip(rows.values(), TEXTS, NUMBERS, strict=True)
    change = FieldChange(field=field, from_kind="text", to_kind="number", created_at=NOW, applied_at=NOW)
    change.rows = {str(pk): [text, float(number) if number else None] for pk, text, number in pairs}
    change.settings = {name: getattr(field, name) for name in changing.KEPT_SETTINGS}
    change.save()
    changing.undo_change(admin, change=change, now=NOW)
    run_all()
    assert shown() == ["99", *TEXTS[1:]] and CustomField.objects.get(pk=field.pk).kind == "text"
    assert [*Client.objects.get(name="C1").custom] == ["size__2"]
    again, _job = begin(admin, field)
    changing.stop_change(admin, change=again, now=NOW)
    run_all()
    assert shown() == ["99", *TEXTS[1:]], "what a stopped change wrote stood in a slot of its own"


def test_lists_sort_and_filter_by_the_new_values(client, admin, field):
    _change, job = begin(admin, field)
    page = client.get(reverse("clients:list"), {"cf_size__from": "5", "columns": "name"})
    assert page.status_code == 200
    run(job)
    page = client.get(reverse("clients:list"), {"cf_size__from": "5", "sort": "-cf_size"}).text
    assert [name for name in ("C0", "C1", "C2", "C3", "C4") if f">{name}<" in page] == ["C0", "C1", "C3"]


def test_the_type_of_a_field_with_a_long_key_changes_too(admin, field, marta):
    """Two fields of one long name: their keys differ at the end only."""
    name = "What the client would like to hear of us each year"
    long = [services.create_field(admin, record="client", label=f"{name}{end}", kind="text") for end in ("", "!", "?")]
    assert [len(each.key) for each in long] == [36, 38, 38]
    row = make_client(owner=marta, name="Long", **{each.name: str(n) for n, each in enumerate(long)})
    changes = []
    for each in long:
        change, job = begin(admin, each)
        assert run(job) == "done"
        changes.append(change)
    row.refresh_from_db()
    assert [getattr(row, each.name) for each in long] == [0, 1, 2] and len(row.custom) == 6
    update_client(acting(marta), client=row, **{long[1].name: Decimal(9)})
    row.refresh_from_db()
    assert [getattr(row, each.name) for each in long] == [0, 9, 2] and len(row.custom) == 5
    told = CLIENT_FIELDS.custom_fields.changes(row.custom | {long[1].key: "1"}, row.custom)
    assert told == [], "only the latest type is announced"
    for change in reversed(changes):
        changing.undo_change(admin, change=change, now=NOW)
        run_all()
    row.refresh_from_db()
    assert [getattr(row, each.name) for each in long] == ["0", "9", "2"] and len(row.custom) == 3


@pytest.mark.parametrize("ends", ["done", "failed"])
def test_the_worker_locks_no_change_before_the_definitions(admin, field, aino, ends):
    """As undo does: two that lock them in another order would wait for each other."""
    _change, job = begin(admin, field)
    if ends == "failed":
        type(aino).objects.filter(pk=aino.pk).update(roles=["manager"])
    with CaptureQueriesContext(connection) as asked:
        assert run(job) == ends
    locks = [query["sql"] for query in asked if "UPDATE" in query["sql"]]
    first = next(n for n, sql in enumerate(locks) if 'SET "fields_mark"' in sql)
    assert not [sql for sql in locks[:first] if "core_fieldchange" in sql or "core_customfield" in sql]
    assert [sql for sql in locks[first:] if "core_customfield" in sql]


def test_undo_keeps_what_was_typed_beside_the_field_since(admin, field, marta):
    make_client(owner=marta, name="C5", cf_size="some")
    change, job = begin(admin, field)
    run(job)
    for name in ("C0", "C2"):  # beside a value that was converted, and in place of one that was not
        update_client(acting(marta), client=Client.objects.get(name=name), cf_size_before=f"Typed in {name}")
    changing.undo_change(admin, change=change, now=NOW)
    run_all()
    assert shown() == [*TEXTS, "some"]
    beside = [row.custom.get("size_before") for row in Client.objects.order_by("name")]
    assert beside == ["Typed in C0", None, "Typed in C2", None, None, None]
    assert not Client.objects.filter(custom__has_key="size__1").exists()
    assert CustomField.objects.get(key="size_before").archived_at is not None
