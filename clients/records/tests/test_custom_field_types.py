"""The type of a custom field changes: the preview, the values, what has no equivalent, undo, and what used the field."""

from datetime import UTC, datetime
from decimal import Decimal
from threading import Event, Thread
from time import monotonic

import pytest
from django.db import connection, transaction
from django.urls import reverse

from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import create_client, restrict_client, update_client
from clients.segments.services import create_segment
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.reading import PLAIN
from crm.core.fields.custom import changing, services
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.conversion_jobs import run_job
from crm.core.fields.custom.converting import conversion
from crm.core.fields.custom.models import CustomField, FieldChange
from crm.core.firm.queries import firm_cached
from crm.core.history.queries import read
from crm.core.listing.models import SavedView
from crm.core.work.models import Job
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def admin(client, aino):
    client.force_login(aino)
    return acting(aino)


@pytest.fixture
def add(admin):
    def make(kind="text", label="Size", **settings):
        return services.create_field(admin, record="client", label=label, kind=kind, **settings)

    return make


def kept():
    """What the fields say that there are."""
    places = [(field.key, field.held_at) for field in CustomField.objects.kept()]
    return {row.name: values(row, places) for row in Client.objects.order_by("name")}


def values(row, places):
    return {key: row.custom[slot] for key, slot in places if slot in row.custom}


def work():
    """Until no job of a field waits."""
    while job := Job.objects.filter(kind__startswith="field:", state="queued").first():
        run_job(job_id=job.pk)


def change_kind(admin, **told):
    change = changing.change_kind(admin, now=NOW, **told)
    work()
    change.refresh_from_db()
    return change


def undo(admin, change):
    changing.undo_change(admin, change=change, now=NOW)
    work()


OPTIONS = {"options": ["Gold", "Silver"]}
# from, settings, value, to, what is kept then
CHANGES = {
    "text to number": ("text", {}, "1 200.50", "number", 1200.5),
    "text to money": ("text", {}, "12", "money", 12),
    "text to date": ("text", {}, "2026-01-31", "date", "2026-01-31"),
    "text to choice": ("text", {}, "Very large", "choice", "very-large"),
    "text to several": ("text", {}, "Tax; Audit", "choices", ["audit", "tax"]),
    "text to yes or no": ("text", {}, "Yes", "yes_no", True),
    "text to email": ("text", {}, "a@x.example", "email", "a@x.example"),
    "text to long text": ("text", {}, "a", "long_text", "a"),
    "long text to text": ("long_text", {}, "a\nb", "text", "a b"),
    "number to text": ("number", {"decimals": 1}, Decimal("1.5"), "text", "1.5"),
    "number to money": ("number", {}, Decimal(5), "money", 5),
    "date to text": ("date", {}, datetime(2026, 1, 31).date(), "text", "2026-01-31"),
    "choice to text": ("choice", OPTIONS, "gold", "text", "Gold"),
    "choice to several": ("choice", OPTIONS, "gold", "choices", ["gold"]),
    "several to text": ("choices", OPTIONS, ["gold", "silver"], "text", "Gold; Silver"),
    "yes or no to text": ("yes_no", {}, True, "text", "yes"),
    "web to text": ("url", {}, "https://x.example", "text", "https://x.example"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_value_is_converted_and_undo_gives_it_back(marta, admin, add, case):
    kind, settings, value, to, wanted = CHANGES[case]
    field = add(kind, **settings)
    row = make_client(owner=marta, cf_size=value)
    before, version = dict(row.custom), row.version
    change = change_kind(admin, field=field, kind=to)
    row.refresh_from_db()
    assert (kept()[row.name], row.version) == ({"size": wanted}, version + 1)
    field.refresh_from_db()
    assert field.kind == to and CLIENT_FIELDS["cf_size"].definition.kind == to
    assert CLIENT_FIELDS["cf_size"].text(row)
    undo(admin, change)
    row.refresh_from_db()
    field.refresh_from_db()
    assert row.custom == before and field.kind == kind and CLIENT_FIELDS["cf_size"].definition.kind == kind


def test_a_colleague_becomes_their_name_and_again_a_colleague(marta, otto, admin, add):
    field = add("user")
    row = make_client(owner=marta, cf_size=otto)
    change_kind(admin, field=field, kind="text")
    row.refresh_from_db()
    assert kept()[row.name] == {"size": otto.name}
    change_kind(admin, field=field, kind="user")
    row.refresh_from_db()
    assert kept()[row.name] == {"size": otto.pk}


@pytest.fixture
def three(marta, add):
    field = add()
    rows = [make_client(owner=marta, name=f"C{n}", cf_size=text) for n, text in enumerate(("12", "7", "about ten"))]
    return field, rows


def test_the_preview_counts_and_shows_what_has_no_equivalent(client, three, add, marta, admin):
    field, rows = three
    add("formula", "Double", formula="length([Size])")
    SavedView.objects.create(list_key="clients:list", owner=marta, name="Large ones", columns=[["cf_size", None]])
    rule = {"match": "all", "rules": [{"field": "cf_size", "op": "is", "values": ["12"]}]}
    create_segment(acting(marta), name="Twelve", rule=rule, is_shared=True)
    page = client.get(reverse("core:field_kind", args=[field.pk]), {"kind": "number"})
    found = page.context["found"]
    assert (found.n_fitting, found.n_failing) == (2, 1)
    text = page.content.decode()
    assert "about ten" in text and rows[2].get_absolute_url() in text and "has no equivalent" in text
    uses = [(str(use.what), use.name) for use in page.context["uses"]]
    assert uses == [("Formula", "Double"), ("View", ""), ("Segment", "Twelve")]
    assert CustomField.objects.get(pk=field.pk).kind == "text"


def test_a_restricted_record_is_counted_but_not_shown(client, three, marta):
    field, rows = three
    restrict_client(acting(marta), client=rows[2], users=[], reason="Barrier")
    page = client.get(reverse("core:field_kind", args=[field.pk]), {"kind": "number"})
    assert page.context["found"].n_failing == 1 and page.context["rows"] == []
    assert "about ten" not in page.content.decode()


def test_no_value_of_a_hidden_record_is_an_example_a_choice_or_a_sample(client, marta, admin, add):
    field = add()
    rows = [make_client(owner=marta, name=f"C{n}", cf_size=text) for n, text in enumerate(("03/04/2026", "05/06/2026"))]
    restrict_client(acting(marta), client=rows[1], users=[], reason="Barrier")
    url = reverse("core:field_kind", args=[field.pk])
    for kind in ("long_text", "date", "choice"):
        page = client.get(url, {"kind": kind}).content.decode()
        assert "03/04/2026" in page and "05/06/2026" not in page and "6 May 2026" not in page, kind
    change = change_kind(admin, field=field, kind="choice", keeps_aside=True)
    field.refresh_from_db()
    assert [option["label"] for option in field.options] == ["03/04/2026"]
    assert kept()["C1"] == {"size_before": "05/06/2026"}
    undo(admin, change)
    assert kept()["C1"] == {"size": "05/06/2026"}


def test_undo_quotes_no_value_of_a_hidden_record(marta, admin, add):
    field = add("number")
    row = make_client(owner=marta, cf_size=Decimal(1))
    change = change_kind(admin, field=field, kind="text")
    update_client(acting(marta), client=Client.objects.get(pk=row.pk), cf_size="a lot")
    restrict_client(acting(marta), client=Client.objects.get(pk=row.pk), users=[], reason="Barrier")
    with pytest.raises(ServiceError, match="a record that you cannot see") as refused:
        undo(admin, change)
    assert "a lot" not in str(refused.value)


def test_choices_keep_what_was_chosen_when_two_have_swapped_names(marta, admin, add):
    """The key of the first is the name of the second."""
    field = add("choice", **OPTIONS)
    row = make_client(owner=marta, cf_size="gold")
    options = [{"key": "gold", "label": "Premium"}, {"key": "silver", "label": "Silver"}, {"label": "Gold"}]
    field = services.update_field(admin, field=field, options=options)
    new = field.options[2]["key"]
    assert new != "gold"
    entry = CLIENT_FIELDS["cf_size"]
    assert [entry.type.read(text, PLAIN) for text in ("Premium", "Gold", "gold", "silver")] == [
        "gold",
        new,
        new,
        "silver",
    ]
    change_kind(admin, field=field, kind="choices")
    row.refresh_from_db()
    assert kept()[row.name] == {"size": ["gold"]}
    assert CLIENT_FIELDS["cf_size"].type.read("Gold; Premium", PLAIN) == [new, "gold"]
    change_kind(admin, field=field, kind="choice")
    row.refresh_from_db()
    assert kept()[row.name] == {"size": "gold"}


def test_undo_writes_the_name_of_a_colleague_entered_since(marta, otto, admin, add):
    field = add()
    row = make_client(owner=marta, cf_size=marta.name)
    change = change_kind(admin, field=field, kind="user")
    update_client(acting(marta), client=Client.objects.get(pk=row.pk), cf_size=otto)
    undo(admin, change)
    assert [each["size"] for each in kept().values()] == [otto.name]


def test_colleagues_are_read_once_for_all_values(marta, otto, admin, add, django_assert_max_num_queries):
    field = add()
    for n in range(20):
        make_client(owner=marta, name=f"C{n:02}", cf_size=(otto.email.upper(), otto.name, f"Nobody {n}")[min(n, 2)])
    with django_assert_max_num_queries(8):
        found = conversion(admin, field, Client, Kind.USER)
    assert [value.becomes for value in found.fitting] == [otto.pk, otto.pk] and found.n_failing == 18


def test_without_a_choice_nothing_changes_and_with_it_the_text_is_kept_aside(client, three, admin):
    field, _rows = three
    url, before = reverse("core:field_kind", args=[field.pk]), kept()
    data = {"kind": "number", "version": field.version, "keeps_aside": "refuse"}
    answer = client.post(url, data)
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["keeps_aside"]
    assert kept() == before
    assert client.post(url, data | {"keeps_aside": "keep"}).status_code == 302
    work()
    assert kept() == {"C0": {"size": 12}, "C1": {"size": 7}, "C2": {"size_before": "about ten"}}
    assert CLIENT_FIELDS["cf_size_before"].label == "Size (before)"
    assert "Undo" in client.get(reverse("core:field", args=[field.pk])).content.decode()
    assert client.post(reverse("core:field_kind_undo", args=[FieldChange.objects.get().pk])).status_code == 302
    work()
    assert kept() == before and "cf_size_before" not in CLIENT_FIELDS.custom


def test_undo_keeps_what_was_entered_since(three, marta, admin):
    field, rows = three
    change = change_kind(admin, field=field, kind="number", keeps_aside=True)
    row = Client.objects.get(pk=rows[0].pk)
    update_client(acting(marta), client=row, cf_size=Decimal(99))
    undo(admin, change)
    assert [each["size"] for each in kept().values()] == ["99", "7", "about ten"]


def test_undo_changes_nothing_where_it_would_lose_a_value(marta, admin, add):
    field = add("number")
    row = make_client(owner=marta, cf_size=Decimal(1))
    change = change_kind(admin, field=field, kind="text")
    update_client(acting(marta), client=Client.objects.get(pk=row.pk), cf_size="a lot")
    with pytest.raises(ServiceError, match="“a lot” was entered since then"):
        undo(admin, change)
    assert CustomField.objects.get(pk=field.pk).kind == "text"
    assert kept()[row.name] == {"size": "a lot"}


def test_how_dates_are_written_is_asked(client, marta, add):
    field = add()
    row = make_client(owner=marta, cf_size="03/04/2026")
    url = reverse("core:field_kind", args=[field.pk])
    assert b"How are the values written?" in client.get(url, {"kind": "date"}).content
    answer = client.post(url, {"kind": "date", "version": field.version})
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["reading"]
    assert client.post(url, {"kind": "date", "version": field.version, "reading": "dmy"}).status_code == 302
    work()
    row.refresh_from_db()
    assert kept()[row.name] == {"size": "2026-04-03"}


def test_values_that_become_the_same_are_refused_where_no_two_may_be(marta, admin, add):
    field = add("text", is_unique=True)
    for n, text in enumerate(("1", "1.0")):
        make_client(owner=marta, name=f"C{n}", cf_size=text)
    with pytest.raises(ServiceError):
        change_kind(admin, field=field, kind="number")
    assert CustomField.objects.get(pk=field.pk).kind == "text"


def test_the_history_tells_both_values_and_a_stale_page_is_refused(client, admin, three):
    field, _rows = three
    url = reverse("core:field_kind", args=[field.pk])
    data = {"kind": "number", "version": field.version, "keeps_aside": "keep"}
    assert client.post(url, data).status_code == 302
    work()
    assert client.post(url, data | {"kind": "long_text"}).status_code == 409
    changes = [change for entry in read(admin, label="clients.client").entries for change in entry.changes]
    assert ("Size (before)", "—", "about ten") in [(change.field, change.before, change.after) for change in changes]


def test_a_field_that_names_clients_keeps_its_type(client, admin, add):
    field = add("client")
    assert client.get(reverse("core:field_kind", args=[field.pk])).status_code == 404
    with pytest.raises(ServiceError):
        change_kind(admin, field=field, kind="text")


def test_choices_are_put_in_another_order(client, marta, add):
    field = add("choice", options=["Small", "Medium", "Large"])
    url = reverse("core:field_choices", args=[field.pk])
    assert client.post(url, {"id": "large", "to": "up"}).status_code == 302
    field.refresh_from_db()
    assert [option["key"] for option in field.options] == ["small", "large", "medium"]
    assert client.post(url, {"ids": ["medium", "small", "large"]}).status_code == 302
    assert [label for _key, label in CLIENT_FIELDS["cf_size"].type.choices()] == ["Medium", "Small", "Large"]


def test_the_page_says_when_a_field_was_last_filled_in(client, marta, add):
    add()
    add(label="Never")
    row = make_client(owner=marta)
    update_client(acting(marta), client=row, cf_size="12")
    page = client.get("/settings/fields/of/client/")
    shown = {field.label: field for section in page.context["sections"] for field in section.fields}
    assert shown["Size"].changed_at is not None and shown["Never"].changed_at is None


@pytest.mark.django_db(transaction=True)
def test_while_others_hold_the_records_nothing_changes(marta, admin, add):
    field = add()
    row = make_client(owner=marta, cf_size="12")
    holding, over = Event(), Event()

    def hold():
        with transaction.atomic():
            Client.objects.filter(pk=row.pk).update(industry="Held")
            holding.set()
            over.wait(30)
        connection.close()

    other = Thread(target=hold)
    other.start()
    assert holding.wait(30)
    with pytest.raises(ServiceError, match="busy"):
        change_kind(admin, field=field, kind="number")
    over.set()
    other.join(30)
    assert CustomField.objects.get().kind == "text" and Client.objects.get().custom == {"size": "12"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_new", [False, True])
def test_a_request_that_began_before_the_change_writes_no_value_of_the_old_type(marta, admin, add, is_new):
    """It holds its definitions, waits for the change, and goes on when that is over."""
    field = add()
    row = make_client(owner=marta, cf_size="12")
    ready, found = Event(), []

    def write():
        with firm_cached():
            assert CLIENT_FIELDS["cf_size"].definition.kind == "text"
            ready.set()
            try:
                if is_new:
                    create_client(acting(marta), name="New", today=NOW.date(), cf_size="1.50")
                else:
                    update_client(acting(marta), client=row, cf_size="1.50")
            except ServiceError as error:
                found.append(error)
        connection.close()

    other = Thread(target=write)
    with transaction.atomic():
        change_kind(admin, field=field, kind="number")
        other.start()
        assert ready.wait(30)
        waits_for_a_lock()
    other.join(30)
    assert [error.field for error in found] == ["cf_size"] and "changed by an administrator" in str(found[0])
    assert [each["size"] for each in kept().values()] == [12]


def waits_for_a_lock():
    """Until another connection waits for a lock of a table."""
    deadline = monotonic() + 30
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited")


@pytest.mark.django_db(transaction=True)
def test_a_change_waits_for_who_has_locked_a_record(marta, admin, add):
    """Who has locked a record and writes it later would wait for the change, and the change for the record."""
    field = add()
    row = make_client(owner=marta, cf_size="12")
    locked, found = Event(), []

    def write():
        with transaction.atomic():
            held = Client.objects.select_for_update().get(pk=row.pk)
            locked.set()
            waits_for_a_lock()
            update_client(acting(marta), client=held, cf_size="13")
            found.append("written")
        connection.close()

    other = Thread(target=write)
    other.start()
    assert locked.wait(30)
    change_kind(admin, field=field, kind="number")
    other.join(30)
    assert found == ["written"] and [each["size"] for each in kept().values()] == [13]
