"""A custom field of a client, from its definition to every place that shows it. Each kind has one sample value."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clients.importing import CLIENTS as IMPORT
from clients.listing.lists import CLIENTS
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import archive_client, restrict_client, update_client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.fields.custom import services
from crm.core.history.queries import read
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db

# kind: (settings, what the form is sent, the value, what the row keeps, as text, what files hold)
KINDS = {
    "text": ({}, "North", "North", "North", "North", "North"),
    "long_text": ({}, "One\r\ntwo", "One\r\ntwo", "One\r\ntwo", "One\r\ntwo", "One\r\ntwo"),
    "number": ({"decimals": 2}, "12.5", Decimal("12.5"), 12.5, "12.50", Decimal("12.5")),
    "money": ({}, "1200", Decimal(1200), 1200, "€1,200", Decimal(1200)),
    "date": ({}, "2026-12-24", date(2026, 12, 24), "2026-12-24", "24 Dec 2026", date(2026, 12, 24)),
    "choice": ({"options": ["Gold", "Silver"]}, "gold", "gold", "gold", "Gold", "Gold"),
    "choices": (
        {"options": ["Tax", "Audit"]},
        ["audit", "tax"],
        ["tax", "audit"],
        ["tax", "audit"],
        "Tax, Audit",
        "Tax; Audit",
    ),
    "yes_no": ({}, "true", True, True, "yes", "yes"),
    "url": (
        {},
        "https://x.example/a",
        "https://x.example/a",
        "https://x.example/a",
        "https://x.example/a",
        "https://x.example/a",
    ),
    "email": ({}, "a@x.example", "a@x.example", "a@x.example", "a@x.example", "a@x.example"),
    "phone": ({}, "+358 40 123", "+358 40 123", "+358 40 123", "+358 40 123", "+358 40 123"),
}


@pytest.fixture
def admin(aino):
    return acting(aino)


@pytest.fixture
def add(admin):
    def make(kind="text", label="Market", **settings):
        return services.create_field(admin, record="client", label=label, kind=kind, **settings)

    return make


def sent(client, **fields):
    """What the form of a client sends, with these fields."""
    return {"name": client.name, "owner": client.owner_id, "kind": "organisation", "relationship": "client"} | fields


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_of_each_kind_is_in_form_page_list_file_and_api(client, marta, add, kind):
    settings, typed, value, kept, text, cell = KINDS[kind]
    field = add(kind, **settings)
    row = make_client(owner=marta)
    client.force_login(marta)
    edit = reverse("clients:edit", args=[row.pk])
    assert b'name="cf_market"' in client.get(edit).content
    assert client.post(edit, sent(row, cf_market=typed)).status_code == 302
    row.refresh_from_db()
    assert (row.custom, row.cf_market) == ({"market": kept}, value)
    entry = CLIENT_FIELDS["cf_market"]
    assert (entry.text(row), entry.listed(row)) == (text, cell)
    page = client.get(row.get_absolute_url()).content.decode()
    assert "Market" in page and text.split("\r\n")[0] in page
    listed = client.get("/clients/?view=none&columns=cf_market")
    assert "Market" in listed.content.decode() and text.split("\r\n")[0] in listed.content.decode()
    exported = b"".join(client.get("/clients/export/?as=csv&columns=cf_market")).decode()
    assert exported.splitlines()[0].endswith("Market")
    told = client.get(f"/api/v1/clients/{row.pk}/").json()
    assert told["cf_market"] == ({"number": "12.5", "money": "1200"}.get(kind) or kept)
    assert field.name == "cf_market"


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_writes_what_it_tells(client, marta, add, kind):
    settings, _typed, value, kept, _text, _cell = KINDS[kind]
    add(kind, **settings)
    row = make_client(owner=marta)
    client.force_login(marta)
    answer = client.patch(f"/api/v1/clients/{row.pk}/", {"cf_market": kept}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    row.refresh_from_db()
    assert (row.custom, row.cf_market) == ({"market": kept}, value)
    answer = client.patch(f"/api/v1/clients/{row.pk}/", {"cf_market": None}, content_type="application/json")
    row.refresh_from_db()
    assert (answer.status_code, row.custom) == (200, {})


FILTERS = {
    "text": ("cf_market=north", "cf_market=south"),
    "number": ("cf_market__from=12&cf_market__to=13", "cf_market__from=13"),
    "money": ("cf_market__from=1200", "cf_market__to=1199.99"),
    "date": ("cf_market__from=2026-12-24", "cf_market__to=2026-12-23"),
    "choice": ("cf_market=gold", "cf_market=silver"),
    "choices": ("cf_market=audit", "cf_market=none"),
    "yes_no": ("cf_market=1", "cf_market=0"),
    "email": ("cf_market=A@X.example", "cf_market=b@x.example"),
}


@pytest.mark.parametrize("kind", FILTERS)
def test_lists_and_api_filter_by_it_and_sort_by_it(client, marta, add, kind):
    settings, _typed, value, _kept, _text, _cell = KINDS[kind]
    add(kind, **settings)
    full, empty = make_client(owner=marta, name="Full", cf_market=value), make_client(owner=marta, name="Empty")
    client.force_login(marta)
    hit, miss = FILTERS[kind]
    for query, found in ((hit, ["Full"]), (miss, ["Empty"] if "none" in miss else [])):
        page = client.get(f"/clients/?view=none&{query}")
        assert [row.name for row in page.context["page"].rows] == found
        told = client.get(f"/api/v1/clients/?{query}").json()
        assert [row["name"] for row in told["results"]] == found
    if kind == "choices":
        return
    for sort in ("cf_market", "-cf_market"):
        rows = client.get(f"/clients/?view=none&sort={sort}").context["page"].rows
        assert [row.pk for row in rows] == [full.pk, empty.pk], "rows without a value come last"


def test_pages_of_a_list_sorted_by_it_have_each_row_once(client, marta, add):
    add("number")
    made = [make_client(owner=marta, name=f"C{n}", **({"cf_market": n // 2} if n % 3 else {})) for n in range(60)]
    client.force_login(marta)
    for sort in ("cf_market", "-cf_market"):
        seen, url = [], f"/clients/?view=none&sort={sort}"
        while url:
            answer = client.get(url)
            seen += [row.pk for row in answer.context["page"].rows]
            url = answer.context["listing"].next_url and f"/clients/{answer.context['listing'].next_url}"
        assert len(seen) == 60 and set(seen) == {row.pk for row in made}


BAD = {
    "text": ("x" * 10_240, "at most 255 characters"),
    "long_text": ("x" * 20_001, "at most 20000 characters"),
    "number": ("12.555", "at most 2 decimals"),
    "money": ("twelve", "Enter a number"),
    "date": ("31.12.", "valid date"),
    "choice": ("bronze", "bronze"),
    "choices": ("law", "law"),
    "url": ("javascript:alert(1)", "Enter an address"),
    "email": ("nobody", "not an email address"),
    "phone": ("call", "not a phone number"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_value_is_refused_at_its_field_and_kept_as_typed(client, marta, add, kind):
    add(kind, **KINDS[kind][0])
    row = make_client(owner=marta)
    client.force_login(marta)
    typed, says = BAD[kind]
    answer = client.post(reverse("clients:edit", args=[row.pk]), sent(row, name="Else", cf_market=typed))
    form = answer.context["form"]
    assert answer.status_code == 422 and says in form.errors["cf_market"][0]
    assert form["cf_market"].data in (typed, [typed])
    told = client.patch(f"/api/v1/clients/{row.pk}/", {"cf_market": typed}, content_type="application/json")
    assert told.status_code == 400 and "cf_market" in str(told.json())
    row.refresh_from_db()
    assert (row.custom, row.name) == ({}, "Northwind Advisory")


def test_range_pattern_and_no_two_the_same(marta, add):
    add("number", "Size", least="10", most="20")
    add("date", "Signed", least="2026-01-01")
    add("text", "VAT", pattern="FI99999999", is_unique=True)
    row, other = make_client(owner=marta), make_client(owner=marta, name="Other", cf_vat="FI12345678")
    for field, value, says in (
        ("cf_size", 9, "from 10 to 20"),
        ("cf_signed", date(2025, 12, 31), "1 Jan 2026 or more"),
        ("cf_vat", "SE1", "does not look like FI99999999"),
        ("cf_vat", "fi12345678", "does not look like"),
        ("cf_vat", "FI12345678", "must be unique, and this value is taken"),
    ):
        with pytest.raises(ServiceError, match=says) as refused:
            update_client(acting(marta), client=row, **{field: value})
        assert refused.value.field == field
    update_client(acting(marta), client=other, cf_vat="FI12345678", cf_size=10)
    update_client(acting(marta), client=row, cf_vat="FI00000001")


def test_a_taken_value_is_refused_in_the_same_words_wherever_it_stands(client, marta, otto, add):
    """On a record that the reader sees, an archived one, one out of sight: the words tell nothing of which."""
    add("text", "VAT", is_unique=True)
    make_client(owner=marta, name="Seen", cf_vat="FI1")
    gone = make_client(owner=marta, name="Gone", cf_vat="FI2")
    hidden = make_client(owner=otto, name="Hidden", cf_vat="FI3")
    archive_client(acting(marta), client=gone, now=timezone.now())
    restrict_client(acting(otto), client=hidden)
    row = make_client(owner=marta, name="Mine")
    client.force_login(marta)
    said = set()
    for value in ("FI1", "FI2", "FI3"):
        with pytest.raises(ServiceError) as refused:
            update_client(acting(marta), client=row, cf_vat=value)
        answer = client.patch(f"/api/v1/clients/{row.pk}/", {"cf_vat": value}, content_type="application/json")
        assert answer.status_code == 400
        said |= {(refused.value.message, str(answer.json()["fields"]))}
    (words,) = said
    assert "must be unique" in words[0] and not any(name in str(words) for name in ("Seen", "Gone", "Hidden", "Otto"))


def test_the_database_refuses_the_second_of_two_writes_at_once(marta, add):
    """What the check of the service cannot see: the other transaction has not committed."""
    add("text", "VAT", is_unique=True)
    make_client(owner=marta, cf_vat="x1")
    row = make_client(owner=marta, name="Other")
    from crm.core.base.services import service

    @service(may=None)
    def write_past_the_check(principal):
        Client.objects.filter(pk=row.pk).update(custom={"vat": "X1"})

    with pytest.raises(ServiceError, match="must be unique, and this value is taken") as refused:
        write_past_the_check(acting(marta))
    assert refused.value.field == "cf_vat"


def test_a_field_cannot_be_made_unique_while_values_repeat(marta, admin, add):
    field = add("text", "VAT")
    for _n in range(2):
        make_client(owner=marta, cf_vat="same")
    with pytest.raises(ServiceError, match="Values that occur more than once: 1") as refused:
        services.update_field(admin, field=field, is_unique=True)
    assert refused.value.field == "is_unique"
    field.refresh_from_db()
    assert not field.is_unique


def test_required_holds_for_new_rows_and_for_what_is_emptied(client, marta, admin, add):
    old = make_client(owner=marta)
    add("text", "VAT", is_required=True)
    with pytest.raises(ServiceError, match="“VAT” is required") as refused:
        make_client(owner=marta, name="New")
    assert refused.value.field == "cf_vat"
    update_client(acting(marta), client=old, city="Turku")  # an old row can be edited without it
    update_client(acting(marta), client=old, cf_vat="x")
    with pytest.raises(ServiceError, match="required"):
        update_client(acting(marta), client=old, cf_vat="")
    client.force_login(marta)
    answer = client.post(reverse("clients:create"), {"name": "New", "owner": marta.pk, "status": "active"})
    assert answer.status_code == 422 and "cf_vat" in answer.context["form"].errors
    page = client.get(reverse("clients:create")).content
    assert page.index(b"cf_vat") < page.index(b"<summary>More fields"), "what must be filled in is not hidden"
    told = client.post("/api/v1/clients/", {"name": "New"}, content_type="application/json")
    assert told.status_code == 400 and "cf_vat" in told.json()["fields"]


def test_two_people_edit_different_custom_fields_at_once(marta, otto, add):
    add("text", "One"), add("text", "Two")
    row = make_client(owner=marta, cf_one="a", cf_two="b")
    seen = row.version
    update_client(acting(marta), client=row, seen_version=seen, cf_one="A")
    update_client(acting(marta), client=row, seen_version=seen, cf_two="B")
    row.refresh_from_db()
    assert row.custom == {"one": "A", "two": "B"}
    with pytest.raises(StaleWrite) as stale:
        update_client(acting(marta), client=row, seen_version=seen, cf_one="AA")
    assert stale.value.fields == ["cf_one"]


def test_both_values_are_shown_where_two_people_changed_the_same_field(client, marta, add):
    add("text", "One")
    row = make_client(owner=marta, cf_one="a")
    client.force_login(marta)
    edit = reverse("clients:edit", args=[row.pk])
    form = client.get(edit).context["form"]
    values = {name: form[name].value() for name in form.fields}
    seen = {f"initial-{name}": value for name, value in values.items() if value not in (None, [])}
    update_client(acting(marta), client=row, cf_one="theirs")
    data = sent(row, cf_one="mine", version=row.version, seen="1") | seen
    answer = client.post(edit, data)
    assert answer.status_code == 409
    assert [(d.label, d.theirs, d.yours) for d in answer.context["conflict"].differences] == [("One", "theirs", "mine")]


def test_the_history_names_the_field_and_both_values(marta, admin, add):
    add("choice", "Class", options=["Gold", "Silver"])
    row = make_client(owner=marta, cf_class="gold")
    update_client(acting(marta), client=row, cf_class="silver")
    entry = read(admin, label="clients.client").entries[0]
    assert [(change.field, change.before, change.after) for change in entry.changes] == [("Class", "Gold", "Silver")]
    assert entry.who == "Marta Kallio"


def test_one_field_is_edited_in_place(client, marta, add):
    add("number", "Size", most="20")
    row = make_client(owner=marta)
    client.force_login(marta)
    url = reverse("clients:fact", args=[row.pk, "cf_size"])
    assert b'name="cf_size"' in client.get(url, headers={"HX-Request": "true"}).content
    answer = client.post(url, {"cf_size": "21", "version": row.version}, headers={"HX-Request": "true"})
    assert answer.status_code == 422 and b"20 or less" in answer.content and b'value="21"' in answer.content
    answer = client.post(url, {"cf_size": "19", "version": row.version}, headers={"HX-Request": "true"})
    row.refresh_from_db()
    assert answer.status_code == 200 and row.cf_size == 19


def test_archived_it_is_nowhere_and_its_values_come_back_with_it(client, marta, admin, add):
    field = add("choice", "Class", options=["Gold"])
    row = make_client(owner=marta, cf_class="gold")
    client.force_login(marta)
    services.archive_field(admin, field=field, now=timezone.now())
    assert "cf_class" not in client.get(reverse("clients:edit", args=[row.pk])).content.decode()
    assert "cf_class" not in client.get(f"/api/v1/clients/{row.pk}/").json()
    page = client.get("/clients/?view=none&cf_class=gold&columns=cf_class&sort=cf_class")
    assert page.status_code == 200 and "Left out, no longer there: cf_class" in page.context["listing"].remark
    assert client.get("/api/v1/clients/?cf_class=gold").status_code == 400
    update_client(acting(marta), client=row, city="Turku")
    services.restore_field(admin, field=field)
    row.refresh_from_db()
    assert row.cf_class == "gold"


def test_a_new_name_changes_no_key_no_view_and_no_value(client, marta, admin, add):
    field = add("choice", "Class", options=["Gold"])
    make_client(owner=marta, cf_class="gold")
    options = [{"key": "gold", "label": "Best"}]
    services.update_field(admin, field=field, label="Rank", options=options)
    client.force_login(marta)
    page = client.get("/clients/?view=none&cf_class=gold&columns=cf_class")
    content = page.content.decode()
    assert len(page.context["page"].rows) == 1 and "Rank" in content and "Best" in content and "Class" not in content


def test_a_choice_that_is_no_longer_offered_stays_where_it_is(client, marta, admin, add):
    field = add("choice", "Class", options=["Gold", "Silver"])
    row, other = make_client(owner=marta, cf_class="gold"), make_client(owner=marta, name="Other")
    options = [{"key": "gold", "label": "Gold", "is_archived": True}, {"key": "silver", "label": "Silver"}]
    services.update_field(admin, field=field, options=options)
    client.force_login(marta)
    assert (
        client.post(reverse("clients:edit", args=[row.pk]), sent(row, city="Oulu", cf_class="gold")).status_code == 302
    )
    row.refresh_from_db()
    assert (row.city, row.cf_class) == ("Oulu", "gold")
    with pytest.raises(ServiceError, match="not one of: Silver"):
        update_client(acting(marta), client=other, cf_class="gold")


def test_a_section_for_one_kind_of_client(client, marta, admin, add):
    section = services.create_section(admin, record="client", name="Family", kind="individual")
    add("text", "Spouse", section=section, is_required=True)
    firm = make_client(owner=marta)  # it does not have the field
    person = make_client(owner=marta, name="Ann", kind="individual", cf_spouse="Bo")
    with pytest.raises(ServiceError, match="required"):
        make_client(owner=marta, name="Cy", kind="individual")
    client.force_login(marta)
    assert "Spouse" in client.get(person.get_absolute_url()).content.decode()
    assert "Spouse" not in client.get(firm.get_absolute_url()).content.decode()
    form = client.get(reverse("clients:edit", args=[firm.pk])).content.decode()
    assert 'data-show-when="kind=individual"' in form
    assert client.post(reverse("clients:edit", args=[firm.pk]), sent(firm, cf_spouse="")).status_code == 302
    answer = client.post(reverse("clients:edit", args=[person.pk]), sent(person, kind="individual", cf_spouse=""))
    assert answer.status_code == 422 and "cf_spouse" in answer.context["form"].errors


def test_a_client_out_of_sight_is_neither_named_nor_chosen_nor_lost(client, marta, otto, add):
    add("client", "Referred by")
    hidden = make_client(owner=otto, name="Hidden Oy")
    restrict_client(acting(otto), client=hidden)
    row = make_client(owner=marta, cf_referred_by=hidden.pk)
    client.force_login(marta)
    for url in (
        row.get_absolute_url(),
        "/clients/?view=none&columns=cf_referred_by",
        reverse("clients:edit", args=[row.pk]),
    ):
        assert "Hidden Oy" not in client.get(url).content.decode()
    assert "Hidden Oy" not in b"".join(client.get("/clients/export/?as=csv&columns=cf_referred_by")).decode()
    assert client.get(f"/api/v1/clients/{row.pk}/").json()["cf_referred_by"] is None
    told = client.patch(f"/api/v1/clients/{row.pk}/", {"cf_referred_by": hidden.pk}, content_type="application/json")
    assert told.status_code == 400
    assert client.post(reverse("clients:edit", args=[row.pk]), sent(row, city="Oulu")).status_code == 302
    row.refresh_from_db()
    assert (row.city, row.cf_referred_by) == ("Oulu", hidden.pk)
    client.force_login(otto)
    assert "Hidden Oy" in client.get(row.get_absolute_url()).content.decode()
    assert "Hidden Oy" in client.get("/clients/?view=none&columns=cf_referred_by").content.decode()


def test_a_colleague_is_chosen_filtered_and_exported(client, marta, otto, add):
    add("user", "Tax adviser")
    row = make_client(owner=marta, name="Full")
    make_client(owner=marta, name="Empty")
    client.force_login(marta)
    assert client.post(reverse("clients:edit", args=[row.pk]), sent(row, cf_tax_adviser=otto.pk)).status_code == 302
    for query in (f"cf_tax_adviser={otto.pk}", "columns=cf_tax_adviser"):
        page = client.get(f"/clients/?view=none&{query}").content.decode()
        assert "Full" in page
    assert "Otto Berg" in page
    client.force_login(otto)
    rows = client.get("/clients/?view=none&cf_tax_adviser=me").context["page"].rows
    assert [found.name for found in rows] == ["Full"]


def test_our_own_file_of_all_fields_has_them_and_the_import_knows_them(marta, add):
    add("choices", "Services used", options=["Tax", "Audit"])
    add("number", "Size", decimals=1)
    add("user", "Tax adviser")
    make_client(owner=marta, cf_services_used=["tax", "audit"], cf_size="12.5", cf_tax_adviser=marta.pk)
    head, row = list(IMPORT.export(acting(marta)))
    told = dict(zip(head, row, strict=True))
    assert (told["Services used"], told["Size"], told["Tax adviser"]) == ("Tax; Audit", Decimal("12.5"), marta.email)
    columns = {str(column.label): column for column in IMPORT.columns}
    read = {name: columns[name].parse(str(told[name])) for name in ("Services used", "Size", "Tax adviser")}
    assert read == {"Services used": ["tax", "audit"], "Size": Decimal("12.5"), "Tax adviser": marta.pk}


def test_without_custom_fields_nothing_is_asked(django_assert_num_queries, firm):
    with django_assert_num_queries(1):  # the firm's settings, which a request has anyway
        assert not CLIENT_FIELDS.custom
    assert set(CLIENTS.offered) and "cf_market" not in CLIENTS.offered


def test_its_index_serves_filter_and_sort(marta, add):
    field = add("choice", "Class", options=["Gold"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"cf_{field.pk}"])
        assert "'class'" in cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = off")
    from crm.core.fields.custom.sql import value_of

    [made] = CLIENT_FIELDS["cf_class"].filters().values()
    made.parent = SimpleNamespace(principal=acting(marta), now=timezone.now())
    assert f"cf_{field.pk}" in made.filter(Client.objects.order_by(), ["gold"]).explain()
    sort = Client.objects.annotate(v=value_of(field)).filter(v__isnull=False).order_by("v", "pk")
    assert f"cf_{field.pk}" in sort.explain()


@pytest.mark.parametrize("text", ["-1E999999", "1E999999", "-1E400"])
def test_a_number_without_end_is_no_filter(client, marta, add, text):
    name = add("number", "Size").name
    make_client(owner=marta)
    client.force_login(marta)
    page = client.get("/clients/", {f"{name}__from": text})
    assert page.status_code == 200 and page.context["listing"].remark
    assert client.get("/api/v1/clients/", {f"{name}__from": text}).status_code == 400


def test_a_filter_by_a_client_out_of_sight_finds_nothing(client, marta, otto, admin, add):
    name = add("client", "Partner").name
    partner, row = make_client(owner=otto, name="Hidden"), make_client(owner=marta, name="Aava")
    update_client(admin, client=row, **{name: partner.pk})
    client.force_login(marta)
    found = lambda: [each["name"] for each in client.get("/api/v1/clients/", {name: partner.pk}).json()["results"]]  # noqa: E731
    assert found() == ["Aava"]
    restrict_client(acting(otto), client=partner)
    assert found() == []
