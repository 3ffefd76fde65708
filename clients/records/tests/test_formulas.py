"""A formula of a client: its language, what it gives, where it shows, and what happens when what it uses changes."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.segments import rules
from clients.segments.compile import clients_of
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.fields.custom import services
from crm.core.fields.custom.computed import load_values
from crm.core.fields.custom.models import CustomField
from tools.testing.factories.clients import make_client
from tools.testing.factories.opportunities import make_contract, make_opportunity, make_service

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)  # already the 19th in Helsinki
NEW = "/settings/fields/of/client/new/"


@pytest.fixture
def admin(aino):
    return acting(aino)


@pytest.fixture
def add(admin):
    def make(label, kind="number", **settings):
        return services.create_field(admin, record="client", label=label, kind=kind, **settings)

    return make


@pytest.fixture
def fields(add):
    """Fields that formulas name."""
    add("Seats")
    add("Price", "money")
    add("Signed", "date")
    add("Class", "choice", options=["Gold", "Silver"])
    add("Markets", "choices", options=["Baltics", "Nordics"])
    add("Is live", "yes_no")
    add("Territory", "text")


@pytest.fixture
def full(marta, fields):
    return make_client(
        owner=marta,
        name="Aava",
        industry="Shipping",
        tier="A",
        cf_seats=12,
        cf_price=Decimal("99.5"),
        cf_signed=date(2026, 1, 31),
        cf_class="gold",
        cf_markets=["nordics"],
        cf_is_live=True,
        cf_territory="North",
    )


@pytest.fixture
def bare(marta, fields):
    return make_client(owner=marta, name="Birka")


def given(row, name, principal, now=NOW):
    load_values(principal, now, [row], [CLIENT_FIELDS[name]])
    return row.__dict__[name]


# formula: (of the client with all values, of the one without)
VALUES = {
    "1 + 2 * 3 - 4 / 8": (Decimal("6.5"), Decimal("6.5")),
    "7 / 2": (Decimal("3.5"), Decimal("3.5")),
    "-(2 + 3) * -2": (10, 10),
    "[Seats] * [Price]": (Decimal(1194), None),
    "[Price] / ([Seats] - 12)": (None, None),  # division by zero
    "[Price] / 0": (None, None),
    'if([Seats] > 10, "large", "small")': ("large", "small"),
    "if([Seats] > 100, 1)": (None, None),
    "coalesce([Seats], 0) + 1": (13, 1),
    "[Signed] + 30": (date(2026, 3, 2), None),
    "add_months([Signed], 1)": (date(2026, 2, 28), None),
    'days_between([Signed], date("2026-02-10"))': (10, None),
    "today - [Signed]": (292, None),
    "today": (date(2026, 11, 19), date(2026, 11, 19)),
    "today + 900000000000000": (None, None),
    "today + 2920000": (None, None),
    "today - 2500000": (None, None),  # before PostgreSQL's calendar
    "[Signed] - 4000000": (None, None),
    'date("9999-12-30") - 2500000': (date(3155, 3, 25), date(3155, 3, 25)),
    'date("0001-01-02") - 4000000': (None, None),
    'date("9999-12-30") + 4000000': (None, None),
    'date("0001-01-02") + 3652056': (date(9999, 12, 30), date(9999, 12, 30)),
    "year([Signed]) * 100 + month([Signed])": (202601, None),
    '[Class] = "Gold"': (True, None),
    '[Class] <> "gold"': (False, None),
    'has([Markets], "Nordics")': (True, None),
    "[Is live] and not is_empty([Seats])": (True, False),
    "not [Is live] or [Seats] >= 12": (True, None),
    '[Territory] = "NORTH"': (True, None),
    'join(", ", [Territory], [Class], industry)': ("North, Gold, Shipping", None),
    '[Territory] & " / " & [Seats]': ("North / 12", " / "),
    "upper(left([Territory], 2))": ("NO", None),
    'contains(industry, "SHIP")': (True, None),
    'starts_with([Territory], "nor")': (True, None),
    "round([Price] / [Seats], 1)": (Decimal("8.3"), None),
    "max([Seats], 3) - min([Seats], 3)": (9, 0),
    'tier = "A"': (True, None),
    "999999999999999 * 999999999999999": (None, None),
    "floor([Price]) + ceiling([Price]) + abs(-1)": (200, None),
    "length(text([Price]))": (4, None),
    "revenue_12m + [Price]": (Decimal("99.50"), None),
    "status": ("Active", "Active"),
    '"say ""yes"""': ('say "yes"', 'say "yes"'),
}


@pytest.mark.parametrize("text", VALUES)
def test_a_formula_gives(add, admin, full, bare, text):
    made = add("Result", "formula", formula=text, decimals=2)
    assert (given(full, made.name, admin), given(bare, made.name, admin)) == VALUES[text]


BAD = {
    "": "Enter a formula",
    "1 +": "ends too early",
    "(1": "missing",
    "1 2": "not expected",
    "[Seat": "no ]",
    '"a': "no end",
    "1 ; 2": "means nothing",
    "__import__(1)": "no function",
    "seats.x": "means nothing",
    "[No such]": "no field",
    "[Seats] + [Territory]": "needs a number",
    "[Seats] and [Is live]": "needs yes or no",
    "if([Seats], 1, 2)": "needs yes or no",
    'if([Is live], 1, "a")': "needs a number",
    '[Class] = "Bronze"': "not one of",
    'has([Markets], "Mars")': "Write one of these",
    "[Markets]": "has(",
    "round([Price], 9)": "from 0 to 6",
    "round([Price], [Seats])": "from 0 to 6",
    'date("soon")': "2026-01-31",
    "[Signed] + [Signed]": "needs a number",
    "min(1)": "min(a, b)",
    "owner": "no field",
    "parent": "no field",
    "1" * 20: "digits",
    "(" * 50 + "1" + ")" * 50: "deep",
    "+".join(["1"] * 90): "deep",
    "max(" + ",".join(["min(1,2,3,4,5,6,7)"] * 25) + ")": "parts",
    "1" + "+ 1" * 900: "characters",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_at_the_formula_and_nothing_is_saved(client, aino, fields, text):
    client.force_login(aino)
    answer = client.post(NEW, {"label": "Bad", "kind": "formula", "formula": text})
    form = answer.context["form"]
    assert answer.status_code == 422 and list(form.errors) == ["formula"], form.errors
    assert BAD[text] in form.errors["formula"][0], form.errors["formula"]
    assert form["formula"].value() == text
    assert not CustomField.objects.filter(label="Bad").exists()


def test_a_formula_is_in_list_filter_sort_file_api_page_and_segment(client, marta, add, full, bare):
    add("Value", "formula", formula="[Seats] * [Price]")
    other = make_client(owner=marta, name="Ceder", cf_seats=1, cf_price=10)
    client.force_login(marta)
    listed = client.get("/clients/?view=none&columns=cf_value&sort=-cf_value")
    assert [row.name for row in listed.context["page"].rows] == ["Aava", "Ceder", "Birka"]
    assert "€1,194" in listed.content.decode()
    assert next(row.name for row in client.get("/clients/?view=none&sort=cf_value").context["page"].rows) == "Ceder"
    found = client.get("/clients/?view=none&cf_value__from=100").context["page"].rows
    assert [row.name for row in found] == ["Aava"]
    file = b"".join(client.get("/clients/export/?as=csv&view=none&columns=cf_value&sort=name")).decode()
    assert file.splitlines()[1:] == ["Aava,1194.00", "Birka,", "Ceder,10.00"]
    told = client.get("/api/v1/clients/?cf_value__to=20&ordering=name").json()["results"]
    assert [(row["name"], row["cf_value"]) for row in told] == [("Ceder", "10.00")]
    assert client.get(f"/api/v1/clients/{other.pk}/").json()["cf_value"] == "10.00"
    assert "€1,194" in client.get(full.get_absolute_url()).content.decode()
    rule = {"match": "all", "rules": [{"field": "cf_value", "op": "more", "values": ["100"]}]}
    assert [row.name for row in clients_of(rules.read(rule), acting(marta), NOW)] == ["Aava"]
    none = {"match": "none", "rules": rule["rules"]}
    assert sorted(row.name for row in clients_of(rules.read(none), acting(marta), NOW)) == ["Birka", "Ceder"]


RESULTS = {
    "date": ("[Signed] + 1", "1 Feb 2026", "2026-02-01", "__from=2026-02-01", ("on", "2026-02-01")),
    "text": ("upper([Territory])", "NORTH", "NORTH", "=north", ("contains", "orth")),
    "yes": ('[Class] = "Gold"', "yes", True, "=1", ("yes",)),
    "number": ("[Seats] / 8", "1.5", "1.5", "__to=1.5", ("is", "1.5")),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_each_type_of_result_is_shown_filtered_and_ruled(client, marta, add, full, bare, kind):
    text, words, told, query, (operator, *values) = RESULTS[kind]
    add("Result", "formula", formula=text, decimals=1)
    client.force_login(marta)
    assert words in client.get("/clients/?view=none&columns=cf_result").content.decode()
    assert [r.name for r in client.get(f"/clients/?view=none&cf_result{query}").context["page"].rows] == ["Aava"]
    assert [r.name for r in client.get("/clients/?view=none&sort=cf_result").context["page"].rows] == ["Aava", "Birka"]
    answered = client.get(f"/api/v1/clients/?cf_result{query}").json()["results"]
    assert [row["cf_result"] for row in answered] == [told]
    rule = {"match": "all", "rules": [{"field": "cf_result", "op": operator, "values": values}]}
    parsed = rules.read(rule)
    assert parsed.is_sound, parsed.messages
    assert [row.name for row in clients_of(parsed, acting(marta), NOW)] == ["Aava"]


def test_nobody_enters_a_formula(client, marta, add, full):
    add("Value", "formula", formula="[Seats] * [Price]")
    client.force_login(marta)
    assert b'name="cf_value"' not in client.get(reverse("clients:edit", args=[full.pk])).content
    answer = client.patch(f"/api/v1/clients/{full.pk}/", {"cf_value": "1"}, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["fields"] == {"cf_value": ["This field cannot be set."]}
    assert "cf_value" not in CLIENT_FIELDS.edited and "cf_value" not in CLIENT_FIELDS.cells


def test_formulas_may_use_each_other_but_never_in_a_ring(client, aino, admin, add, fields, full):
    first = add("First", "formula", formula="[Seats] + 1")
    second = add("Second", "formula", formula="[First] * 2")
    assert given(full, "cf_second", admin) == 26
    client.force_login(aino)
    data = {"label": "First", "version": first.version, "formula": "[Second] + 1"}
    answer = client.post(reverse("core:field", args=[first.pk]), data)
    assert answer.status_code == 422
    assert "“First” → “Second” → “First”" in answer.context["form"].errors["formula"][0]
    with pytest.raises(ServiceError, match="“Second” → “Second”"):
        services.update_field(admin, field=second, formula="[Second]")
    assert given(full, "cf_second", admin) == 26


def test_formulas_stay_small_with_all_that_they_use(admin, add, fields, full):
    """What is saved can be computed: no tree is too deep for Python, and no statement grows to megabytes."""
    deep, last = "[Seats]", None
    for n in range(10):
        try:
            last = add(f"F{n}", "formula", formula="if([Is live], " * 18 + deep + ", 1)" * 18)
        except ServiceError as error:
            assert "deep" in str(error)
            break
        deep = f"[F{n}]"
    assert last is not None and n > 4 and given(full, last.name, admin) == 12
    before = "[Seats]"
    for n in range(10):
        before = f"[{add(f'G{n}', 'formula', formula=f'{before} + 1').label}]"
    assert given(full, "cf_g9", admin) == 22
    with pytest.raises(ServiceError, match="More than 10 formulas"):
        add("G10", "formula", formula=f"{before} + 1")
    first = CustomField.objects.get(key="g0")
    with pytest.raises(ServiceError, match="“G9” uses this field"):
        add("H", "formula", formula="[Seats] + 1")
        services.update_field(admin, field=first, formula="[H] + 1")
    add("Countries", "choice", options=[f"Country {n}" for n in range(200)])
    with pytest.raises(ServiceError, match="more than 400 parts"):
        add("Long", "formula", formula=" & ".join(["[Countries]"] * 20))
    add("Calls", "rollup", rollup={"source": "contacts", "how": "count"})
    with pytest.raises(ServiceError, match="more than 400 parts"):
        add("Wide", "formula", formula="max(" + ", ".join(["[Calls]"] * 20) + ")")


def test_a_rollup_is_saved_without_computing_it(admin, add, fields):
    with CaptureQueriesContext(connection) as asked:
        made = add("Calls", "rollup", rollup={"source": "contacts", "how": "count"})
        services.update_field(admin, field=made, hint="All of them")
    over_all = [query["sql"] for query in asked if "jsonb_object_agg" in query["sql"]]
    assert over_all and all('"id" < 0' in sql for sql in over_all)


def test_a_change_that_would_break_another_formula_is_refused(admin, add, fields):
    first = add("First", "formula", formula="[Seats] + 1")
    add("Second", "formula", formula="[First] * 2")
    with pytest.raises(ServiceError, match="“Second” uses this field and would no longer work"):
        services.update_field(admin, field=first, formula='"a"')


def test_new_names_change_no_formula(client, aino, admin, add, fields, full):
    made = add("Is gold", "formula", formula='[Class] = "Gold" and [Seats] > 1')
    assert made.formula == 'cf_class = "gold" and cf_seats > 1'
    seats, choice = CustomField.objects.get(key="seats"), CustomField.objects.get(key="class")
    options = [{"key": "gold", "label": "Premium"}, {"key": "silver", "label": "S"}]
    services.update_field(admin, field=seats, label="Chairs")
    services.update_field(admin, field=choice, options=options)
    assert given(full, "cf_is_gold", admin) is True
    client.force_login(aino)
    form = client.get(reverse("core:field", args=[made.pk])).context["form"]
    assert form["formula"].value() == '[Class] = "Premium" and [Chairs] > 1'


def test_a_formula_means_the_choice_that_has_the_name_and_keeps_it(client, aino, admin, add, fields, full):
    """A choice may be called as another was."""
    old = add("Is old", "formula", formula='[Class] = "Gold"')
    choice = CustomField.objects.get(key="class")
    options = [{"key": "gold", "label": "Premium"}, {"key": "silver", "label": "Silver"}, {"label": "gold"}]
    services.update_field(admin, field=choice, options=options)
    new = add("Is new", "formula", formula='[Class] = "gold"')
    services.update_field(admin, field=old, label="Is premium")
    assert given(full, old.name, admin) is True and given(full, new.name, admin) is False
    client.force_login(aino)
    texts = [
        client.get(reverse("core:field", args=[made.pk])).context["form"]["formula"].value() for made in (old, new)
    ]
    assert texts == ['[Class] = "Premium"', '[Class] = "gold"']


def test_a_formula_whose_field_is_archived_says_so_everywhere(client, aino, marta, admin, add, fields, full):
    add("Value", "formula", formula="[Seats] * 2")
    rule = {"match": "all", "rules": [{"field": "cf_value", "op": "more", "values": ["1"]}]}
    assert clients_of(rules.read(rule), acting(marta), NOW).count() == 1
    seats = CustomField.objects.get(key="seats")
    services.archive_field(admin, field=seats, now=NOW)
    why = "Does not work: “Seats” is in the archive."
    client.force_login(marta)
    assert why in client.get("/clients/?view=none&columns=cf_value").content.decode()
    assert why in client.get(full.get_absolute_url()).content.decode()
    left_out = client.get("/clients/?view=none&sort=cf_value").content.decode()
    assert "Left out, no longer there: cf_value" in left_out
    assert client.get("/api/v1/clients/?cf_value__from=1").status_code == 400
    assert client.get(f"/api/v1/clients/{full.pk}/").json()["cf_value"] is None
    parsed = rules.read(rule)
    assert parsed.messages == ["“Value” does not work: “Seats” is in the archive."] and parsed.problems[0].is_gone
    assert not clients_of(parsed, acting(marta), NOW).exists()
    client.force_login(aino)
    assert "is in the archive" in client.get("/settings/fields/of/client/").content.decode()
    services.restore_field(admin, field=CustomField.objects.get(key="seats"))
    assert given(full, "cf_value", admin) == 24


def test_a_kept_value_of_another_type_is_no_value(marta, add, admin, fields):
    row = make_client(owner=marta)
    Client.objects.filter(pk=row.pk).update(custom={"seats": "many", "signed": "2026-02-30", "is_live": 3, "class": 1})
    other = make_client(owner=marta)
    Client.objects.filter(pk=other.pk).update(custom={"signed": "0000-01-31"})  # a year that PostgreSQL does not know
    add("A", "formula", formula="coalesce([Seats], -1)")
    add("B", "formula", formula="is_empty([Signed]) and is_empty([Is live]) and is_empty([Class])")
    assert given(row, "cf_a", admin) == -1 and given(row, "cf_b", admin) is True
    assert given(other, "cf_b", admin) is True


def test_all_formulas_of_a_page_cost_one_statement(marta, add, admin, full, bare, django_assert_num_queries):
    for n in range(5):
        add(f"F{n}", "formula", formula=f"[Seats] + {n}")
    rows = list(Client.objects.order_by("pk"))
    entries = list(CLIENT_FIELDS.custom.values())
    with django_assert_num_queries(1):
        load_values(acting(marta), NOW, rows, entries)
    assert [row.__dict__["cf_f4"] for row in rows] == [16, None]


def test_pages_of_a_list_sorted_by_it_have_each_row_once(client, marta, add, fields):
    add("Half", "formula", formula="[Seats] / 2", decimals=1)
    for n in range(60):
        make_client(owner=marta, name=f"C{n}", **({"cf_seats": n % 7} if n % 3 else {}))
    client.force_login(marta)
    url, seen = "/clients/?view=none&sort=-cf_half", []
    while url:
        answer = client.get(url)
        seen += [row.name for row in answer.context["page"].rows]
        url = answer.context["listing"].next_url and "/clients/" + answer.context["listing"].next_url
    assert len(seen) == len(set(seen)) == 60


def test_the_api_orders_by_custom_fields_and_its_document_has_them(client, marta, add, full, bare):
    add("Value", "formula", formula="[Seats] * [Price]")
    make_client(owner=marta, name="Ceder", cf_seats=1, cf_price=10, cf_class="silver")
    client.force_login(marta)
    for ordering, names in {
        "cf_value": ["Ceder", "Aava", "Birka"],
        "-cf_value": ["Aava", "Ceder", "Birka"],
        "cf_class": ["Aava", "Ceder", "Birka"],
        "-cf_seats": ["Aava", "Ceder", "Birka"],
    }.items():
        told, url = [], f"/api/v1/clients/?page_size=1&ordering={ordering}"
        while url:
            answer = client.get(url).json()
            told += [row["name"] for row in answer["results"]]
            url = answer["next"]
        assert told == names, ordering
    assert client.get("/api/v1/clients/?ordering=cf_markets").status_code == 400
    document = client.get("/api/schema/").json()
    fields = document["components"]["schemas"]["Client"]["properties"]
    assert fields["cf_value"] == {
        "type": ["string", "null"],
        "format": "decimal",
        "description": "Value",
        "readOnly": True,
    }
    assert fields["cf_signed"]["format"] == "date" and "cf_class" in fields
    assert "cf_value" not in document["components"]["schemas"]["ClientRequest"]["properties"]
    parameters = {each["name"]: each["schema"] for each in document["paths"]["/api/v1/clients/"]["get"]["parameters"]}
    assert parameters["cf_value__from"]["type"] == "number" and "-cf_value" in parameters["ordering"]["enum"]


def test_amounts_of_other_records_are_in_the_firms_currency(client, marta, admin):
    row = make_client(owner=marta)
    of_contract, of_opportunity = (
        services.create_field(admin, record=record, label="Half", kind="formula", formula="[Value] / 2", decimals=2)
        for record in ("contract", "opportunity")
    )
    deal = make_opportunity(actor=marta, client=row, value="100", currency="USD", rate=Decimal("0.5"))
    paid = make_contract(actor=marta, client=row, value="300", currency="USD", rate=Decimal("0.5"))
    for made, field in ((deal, of_opportunity), (paid, of_contract)):
        entry = type(made).custom_fields()[field.name]
        load_values(acting(marta), NOW, [made], [entry])
        assert entry.raw(made) == made.value / 4 and entry.text(made) == f"€{made.value / 4:.0f}"
    client.force_login(marta)
    assert "€25" in client.get(deal.get_absolute_url()).content.decode()
    assert "25.00" in client.get(f"/api/v1/opportunities/{deal.pk}/").json()["cf_half"]
    with pytest.raises(ServiceError, match="no field"):
        services.create_field(admin, record="opportunity", label="Odd", kind="formula", formula="rate * 2")


def test_a_yes_or_no_of_ours_is_a_condition(client, marta, admin):
    told = {"actor": marta, "client": make_client(owner=marta), "service": make_service()}
    paid, free = (make_contract(**told, value=value, is_free=value == "7") for value in "57")
    made = {
        text: services.create_field(admin, record="contract", label=f"Own {n}", kind="formula", formula=text)
        for n, text in enumerate(["if(is_free, 0, value)", "is_free", "not is_free", "if(is_free or value > 6, 1)"])
    }
    entries = [type(paid).custom_fields()[field.name] for field in made.values()]
    load_values(acting(marta), NOW, [paid, free], entries)
    assert [[entry.raw(row) for entry in entries] for row in (paid, free)] == [
        [5, False, True, None],
        [0, True, False, 1],
    ]
    client.force_login(marta)
    assert client.get(f"/api/v1/contracts/{free.pk}/").json()["cf_own_0"] == "0.00"


def test_a_formula_that_the_database_cannot_compute_is_not_saved(admin, add, fields, monkeypatch):
    """It would break every page that shows it."""
    monkeypatch.setattr("crm.core.fields.custom.formulas.sql.kept_number", lambda key: F("no_such_column"))
    with pytest.raises(FieldError):
        add("Result", "formula", formula="[Seats] + 1")
    assert not CustomField.objects.filter(label="Result").exists()


@pytest.mark.parametrize("kind", ["formula", "rollup", "choice", "number"])
def test_the_page_of_a_field_shows_what_its_type_has(client, aino, add, kind):
    """The type is fixed there, so that nothing waits for a choice of it."""
    told = {
        "formula": {"formula": "1 + 1"},
        "rollup": {"rollup": {"source": "contacts", "how": "count"}},
        "choice": {"options": ["Gold"]},
    }
    shown = {"formula": "formula", "rollup": "source", "choice": "option-gold", "number": "least"}
    made = add("Own", kind, **told.get(kind, {}))
    client.force_login(aino)
    page = client.get(reverse("core:field", args=[made.pk])).content.decode()
    assert 'data-show-when="kind=' not in page
    assert [name for name in shown.values() if f'name="{name}"' in page] == [shown[kind]]
