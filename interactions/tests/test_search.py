"""Search over every kind: ranks, accents, numbers, addresses, typos, steps, and the gate of each source."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.contacts.models import ContactPhone
from clients.records.external import link_externals
from clients.records.models import Client, ClientFacts
from clients.records.services.clients import restrict_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.queries import firm_cached
from crm.core.search import branches, sources
from crm.core.search.sources import NAMES, SIMILAR, STEPS, TEXTS
from interactions.agreements.models import Decision
from interactions.agreements.services import create_commitment, record_decision
from interactions.log.choices import Visibility
from tools.testing.factories.core import make_token
from tools.testing.factories.documents import make_document
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.interactions import NOW, log, make_client, make_firm, make_person
from tools.testing.factories.invoices import make_invoice
from tools.testing.factories.opportunities import make_contract, make_opportunity, make_service

pytestmark = pytest.mark.django_db


def find(user, text, step=NAMES, **how):
    return {group.source.key: group for group in sources.find(acting(user), text, step, **how)}


def titles(user, text, kind="clients", step=NAMES, **how):
    group = find(user, text, step, **how).get(kind)
    return [hit.title or hit.text for hit in group.hits] if group else []


@pytest.fixture
def everything(marta, northwind):
    """One of each kind with the word Zirkon in its name or text."""
    day = NOW.date()
    spoken = log(actor=marta, client=northwind, body="The price of zirkons rose.", subject="Minerals")
    mill = make_engagement(actor=marta, client=northwind, title="Zirkon mill")
    return {
        "clients": make_client(owner=marta, name="Zirkon Oy"),
        "contacts": make_person(northwind, "Zoe", "Zirkon"),
        "engagements": mill,
        "contracts": make_contract(actor=marta, client=northwind, service=make_service(), name="Zirkon contract"),
        "invoices": make_invoice(actor=marta, client=northwind, number="ZIRKON-7"),
        "opportunities": make_opportunity(actor=marta, client=northwind, title="Zirkon audit"),
        "documents": make_document(actor=marta, client=northwind, title="Zirkon letter"),
        "decisions": record_decision(acting(marta), client=northwind, text="Buy Zirkon", decided_date=day),
        "commitments": create_commitment(acting(marta), client=northwind, text="Send the Zirkon list"),
        "interactions": spoken,
    }


def test_every_kind_is_a_source_and_leads_to_its_page(client, marta, everything):
    client.force_login(marta)
    groups = find(marta, "zirkon") | find(marta, "zirkon", TEXTS)
    assert {*groups} == {*everything}
    for key, group in groups.items():
        (hit,) = group.hits
        assert hit.kind and client.get(hit.url.partition("#")[0]).status_code == 200, key
        assert hit.client == ("" if key == "clients" else "Northwind Advisory")
    assert f"decision-{everything['decisions'].pk}" in groups["decisions"].hits[0].url
    assert f'id="decision-{everything["decisions"].pk}"' in client.get(groups["decisions"].hits[0].url).text


def test_exact_comes_before_prefix_before_word_before_anywhere(marta, otto):
    for name in ("Subnord", "Great Nord", "Nordic", "Nord"):
        make_client(owner=otto, name=name)
    make_firm(account_managers_see=AccountManagersSee.ALL)
    assert titles(marta, "nord") == ["Nord", "Nordic", "Great Nord", "Subnord"]
    assert titles(marta, "NORD", limit=1) == ["Nord"], "many others do not crowd it out"


def test_of_one_rank_own_clients_come_first_then_those_last_spoken_to(marta, otto):
    made = {name: make_client(owner=otto, name=name) for name in ("Nord A", "Nord B", "Nord C")}
    make_client(owner=marta, name="Nord Z")
    for days, name in enumerate(("Nord B", "Nord A")):
        ClientFacts.objects.filter(client=made[name]).update(last_contact_at=NOW - timedelta(days=days))
    assert titles(marta, "nord") == ["Nord Z", "Nord B", "Nord A", "Nord C"]
    assert titles(marta, "nord", limit=1) == ["Nord Z"]


def test_of_one_rank_what_belongs_to_ones_own_clients_comes_first_in_every_kind(marta, otto, manager):
    make_firm(account_managers_see=AccountManagersSee.ALL)
    made, service = {}, make_service()
    for owner, name in ((marta, "Own Oy"), (otto, "Other Oy")):
        client = make_client(owner=owner, name=name)
        made[name] = client
        for n in range(1 if owner == marta else 4):
            make_engagement(actor=owner, client=client, title=f"Zirkon mill {n}")
            make_opportunity(actor=owner, client=client, title=f"Zirkon audit {n}")
            make_document(actor=owner, client=client, title=f"Zirkon letter {n}")
            make_contract(actor=owner, client=client, service=service, name=f"Zirkon contract {n}")
            make_invoice(actor=owner, client=client, number=f"ZIRKON-{owner.pk}-{n}")
            make_person(client, f"Zoe {n}", "Zirkon")
    groups = find(marta, "zirkon", limit=2)
    kinds = {"engagements", "opportunities", "documents", "contracts", "invoices", "contacts"}
    assert {*groups} == kinds
    for key, group in groups.items():
        assert [hit.client for hit in group.hits] == ["Own Oy", "Other Oy"], key
    assert {hit.client for group in find(manager, "zirkon", limit=2).values() for hit in group.hits} == {"Other Oy"}


def test_a_contract_is_found_by_its_number_in_another_system(marta, northwind):
    row = make_contract(actor=marta, client=northwind, service=make_service(name="Payroll"))
    link_externals(system="books", kind="contract", ids={"C-2024-0017": row.pk})
    (hit,) = find(marta, "C-2024-0017")["contracts"].hits
    assert (hit.title, hit.client, hit.kind) == ("Payroll", "Northwind Advisory", "Contract")
    assert find(marta, "C-2024-001").get("contracts") is None


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Muller", "Müller Metall"),
        ("müller", "Müller Metall"),
        ("Lodz", "Łódź Textil"),
        ("łódź", "Łódź Textil"),
        ("strasse", "Straße 9"),
    ],
)
def test_accents_do_not_matter(marta, typed, name):
    make_client(owner=marta, name=name)
    assert titles(marta, typed) == [name]


def test_words_come_in_any_order_and_short_ones_begin_a_word(marta):
    make_client(owner=marta, name="Advisory Northlight")
    assert titles(marta, "northl adv") == ["Advisory Northlight"]
    assert titles(marta, "no") == ["Advisory Northlight"] and titles(marta, "or") == []


@pytest.mark.parametrize("typed", ["+358 40 123 4567", "040 123 4567", "00358-40-1234567", "(040) 1234567", "1234567"])
def test_a_phone_number_in_any_format_finds_client_and_contact(marta, northwind, elina, typed):
    Client.objects.filter(pk=northwind.pk).update(phone="+358 40 1234567", phone_digits="358401234567")
    ContactPhone.objects.create(contact=elina, number="+358 40 1234567", digits="358401234567")
    found = find(marta, typed)
    assert [hit.pk for hit in found["clients"].hits] == [northwind.pk]
    assert [(hit.title, hit.detail) for hit in found["contacts"].hits] == [("Elina Saari", "+358 40 1234567")]


@pytest.mark.parametrize(
    ("typed", "is_found"), [("elina.s", True), ("ELINA.S@mill", True), ("@mill.ex", True), ("mill.ex", False)]
)
def test_parts_of_an_address_find_the_contact(marta, northwind, typed, is_found):
    make_person(northwind, "E", "S", address="elina.s@mill.example")
    hits = find(marta, typed).get("contacts")
    assert [hit.detail for hit in hits.hits] == ["elina.s@mill.example"] if is_found else hits is None


def test_an_engagement_is_found_by_its_number_before_longer_ones(marta, northwind):
    first = make_engagement(actor=marta, client=northwind, title="First")
    number = first.number
    for n in range(3):
        make_engagement(actor=marta, client=northwind, title=f"More {n}", number=f"{number}{n}")
    assert titles(marta, number.lower(), "engagements", limit=1) == [f"{number} · First"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Nothlight", "Northlight Advisory"), ("Northligth", "Northlight Advisory"), ("Mueller", "Müller Metall")],
)
def test_a_typo_is_found_by_likeness_only_in_the_last_step(marta, typed, name):
    make_client(owner=marta, name=name)
    assert find(marta, typed) == {} == find(marta, typed, TEXTS)
    assert titles(marta, typed, step=SIMILAR) == [name]


def test_likeness_holds_none_that_the_words_find_and_is_not_asked_before(marta):
    make_client(owner=marta, name="Northlight")
    make_client(owner=marta, name="Northlught")
    assert titles(marta, "northlight", step=SIMILAR) == ["Northlught"]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        find(marta, "northlight")
        find(marta, "northlight", TEXTS)
    assert "%>" not in "".join(each["sql"].replace("%%>", "%>") for each in asked) and asked.captured_queries


@pytest.mark.parametrize("text", ["abc", "12345", "a@b.example", "M-2023-1", "   ", "…"])
def test_likeness_is_not_asked_for_numbers_addresses_and_short_texts(marta, text):
    with CaptureQueriesContext(connection) as asked:
        assert find(marta, text, SIMILAR) == {}
    assert not any("found_rank" in each["sql"] for each in asked)


def test_a_text_is_found_by_how_its_words_begin_the_newest_first(marta, northwind, monkeypatch):
    for days, body in enumerate(("The brandenburg office", "Brandenburg again", "Nothing", "Brandenburgers")):
        log(actor=marta, client=northwind, body=body, occurred_at=NOW - timedelta(days=days))
    wanted = ["The brandenburg office", "Brandenburg again", "Brandenburgers"]
    for newest in (0, 1, 2, 1000):  # wherever the newest rows end
        monkeypatch.setattr(branches, "NEWEST", newest)
        sources._rows._kept.clear()
        found = find(marta, "brandenb", TEXTS)["interactions"].hits
        assert [hit.text for hit in found] == wanted
    assert find(marta, "randenburg", TEXTS) == {} and find(marta, "brandenb office", TEXTS)


def test_each_step_is_one_statement(marta, everything):
    for step in STEPS:
        for _time in range(2):
            find(marta, "zirkon", step)
    with firm_cached(), CaptureQueriesContext(connection) as asked:
        find(marta, "zirkon")
    assert len([each for each in asked if "found_rank" in each["sql"]]) == 1
    assert len(asked) <= 4, "with the firm's settings, the few clients, and what contacts show"


@pytest.fixture
def hidden(marta, otto, northwind, everything):
    """All of it restricted, for otto."""
    restrict_client(acting(marta), client=northwind)
    restrict_client(acting(marta), client=everything["clients"])


@pytest.mark.parametrize("scope", AccountManagersSee.values)
@pytest.mark.parametrize("step", STEPS)
def test_what_is_out_of_sight_is_found_by_no_source(marta, otto, hidden, scope, step):
    make_firm(account_managers_see=scope)
    for text in ("zirkon", "zirkons", "zirkom", "minerals"):
        assert find(otto, text, step) == {}, (text, step)
    assert find(marta, "zirkon", NAMES)


def test_what_is_out_of_sight_takes_no_place_and_makes_no_more(marta, otto):
    for n in range(12):
        restrict_client(acting(marta), client=make_client(owner=marta, name=f"Zirkon {n}"))
    seen = make_client(owner=otto, name="The Zirkon works")
    group = find(otto, "zirkon", limit=3)["clients"]
    assert [hit.pk for hit in group.hits] == [seen.pk] and not group.has_more
    assert find(marta, "zirkon", limit=3)["clients"].has_more


def test_a_private_interaction_and_what_came_of_it_are_its_participants_own(marta, otto, manager, northwind):
    make_firm(account_managers_see=AccountManagersSee.ALL)
    spoken = log(actor=marta, client=northwind, body="Zirkon in private", visibility=Visibility.PRIVATE)
    record_decision(acting(marta), client=northwind, text="Zirkon agreed", decided_date=NOW.date(), interaction=spoken)
    create_commitment(acting(marta), client=northwind, text="Zirkon promised", interaction=spoken)
    assert {*find(marta, "zirkon", TEXTS)} == {"interactions", "decisions", "commitments"}
    assert find(manager, "zirkon", TEXTS) == {} == find(otto, "zirkon", TEXTS)


def test_who_sees_few_clients_and_who_sees_all_find_alike(marta, manager, everything):
    """The way in which rows are looked up changes nothing."""
    make_firm(account_managers_see=AccountManagersSee.OWN)
    for step in (NAMES, TEXTS):
        mine, theirs = find(marta, "zirkon", step), find(manager, "zirkon", step)
        assert {k: [h.url for h in g.hits] for k, g in mine.items()} == {
            k: [h.url for h in g.hits] for k, g in theirs.items()
        }


@pytest.mark.parametrize("text", ["zirkon", "zirk", "oy"])
def test_the_list_behind_all_results_holds_as_many(client, marta, everything, text):
    for n in range(4):
        make_client(owner=marta, name=f"Zirkon {n} Oy")
        log(actor=marta, client=everything["clients"], body=f"zirkon {n}")
    client.force_login(marta)
    for step in (NAMES, TEXTS):
        for key, group in find(marta, text, step, limit=50).items():
            if group.source.list_url:
                page = client.get(reverse(group.source.list_url), {"q": text}).context["page"]
                assert len(page.rows) == len(group.hits), key


def test_one_kind_alone_has_pages(client, marta, northwind, monkeypatch):
    for n in range(5):
        record_decision(acting(marta), client=northwind, text=f"Zirkon {n}", decided_date=NOW.date())
    monkeypatch.setattr("crm.core.search.views.ALONE", 2)
    client.force_login(marta)
    first = client.get(reverse("core:search"), {"q": "zirkon", "in": "decisions"})
    assert [item.hit.text for item in first.context["groups"][0].items] == ["Zirkon 4", "Zirkon 3"]
    last = client.get(first.context["next_url"])
    last = client.get(last.context["next_url"])
    assert [item.hit.text for item in last.context["groups"][0].items] == ["Zirkon 0"] and not last.context["next_url"]


def test_the_page_without_script_holds_every_step_and_marks_the_words(client, marta, everything):
    make_client(owner=marta, name="Zirkan")
    client.force_login(marta)
    page = client.get(reverse("core:search"), {"q": "zirkon"})
    labels = [group.label for group in page.context["groups"]]
    assert (
        labels.index("Clients")
        < labels.index("Decisions")
        < labels.index("Interactions")
        < labels.index("Similar names")
    )
    assert "The price of <mark>zirkon</mark>s rose." in page.text and 'hx-trigger="load"' not in page.text
    typing = client.get(reverse("core:search"), {"q": "zirkon"}, headers={"HX-Request": "true"})
    assert "Decisions" not in typing.text and "step=texts" in typing.text
    texts = client.get(reverse("core:search"), {"q": "zirkon", "fragment": "part", "step": "texts"})
    assert "Decisions" in texts.text and "step=similar" in texts.text and "<html" not in texts.text


def test_a_request_that_names_nothing_known_is_answered(client, marta):
    client.force_login(marta)
    for more in (
        {"step": "x", "fragment": "palette"},
        {"in": "x"},
        {"in": "decisions", "page": "x"},
        {"fragment": "x"},
    ):
        assert client.get(reverse("core:search"), {"q": "zirkon", **more}).status_code == 200


def test_a_text_beyond_what_the_database_can_index_is_kept(marta, northwind):
    """As an older version took it: the search reads its beginning."""
    long = "Zirkon " + " ".join(f"{n:x}" for n in range(250_000))
    assert len(long) > 1_300_000
    row = Decision.objects.create(client=northwind, text=long, decided_date=NOW.date(), author=marta)
    assert [hit.title for hit in find(marta, "zirkon", TEXTS)["decisions"].hits] and row.pk


def test_a_decision_has_a_limit(client, marta, northwind):
    with pytest.raises(ServiceError, match="more than 5000 characters") as caught:
        record_decision(acting(marta), client=northwind, text="x" * 5_001, decided_date=NOW.date())
    assert caught.value.field == "text"
    assert record_decision(acting(marta), client=northwind, text="x" * 5_000, decided_date=NOW.date()).pk
    given = {"client": northwind.pk, "channel": "phone", "occurred_at": "2026-11-10T10:00:00Z", "body": "Called"}
    token = {"HTTP_AUTHORIZATION": f"Token {make_token(user=marta)[1]}", "content_type": "application/json"}
    answer = client.post("/api/v1/interactions", given | {"decision": "x" * 5_001}, **token)
    assert answer.status_code == 400 and "decision" in str(answer.json()), answer.content
