import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.core.base.principals import acting
from crm.core.search import sources as search


@pytest.fixture
def mine(client, marta):
    client.force_login(marta)
    return client


def test_pages_and_actions_are_found_by_name(mine):
    page = mine.get(reverse("core:search"), {"q": "prof"})
    assert reverse("core:profile") in page.content.decode() and page.context["total"] == 1


def test_what_a_user_may_not_open_is_not_offered(mine, client, ines):
    marta = mine.get("/profile/").wsgi_request.principal
    assert search.commands(acting(ines), "invite", [])[0] and not search.commands(marta, "invite", [])[0]


def test_the_palette_gets_the_list_alone(mine):
    answer = mine.get(reverse("core:search"), {"q": "profile", "fragment": "palette"}).content.decode()
    assert 'role="option"' in answer and "<html" not in answer


@pytest.mark.parametrize(
    ("typed", "title", "address"),
    [
        ("new client", "New client", "/clients/new/"),
        ("log call north", "Log a call with Northwind Oy", "/clients/{pk}/log/?channel=phone"),
        ("call with north", "Log a call with Northwind Oy", "/clients/{pk}/log/?channel=phone"),
        ("new follow-up northwind", "New follow-up for Northwind Oy", "/clients/{pk}/follow-ups/new/"),
        ("start onb north", "Start onboarding for Northwind Oy", "/clients/{pk}/onboarding/start/"),
        ("dark", "Switch theme: dark", "/profile/theme/"),
        ("sign out", "Sign out", "/accounts/logout/"),
    ],
)
def test_the_palette_has_commands(mine, marta, typed, title, address):
    one = make_client(search_model("clients.Client"), name="Northwind Oy", owner=marta)
    answer = mine.get(reverse("core:search"), {"q": typed, "fragment": "palette"})
    hits = {hit.title: hit for hit in hits_of(answer)}
    assert hits[title].url == address.format(pk=one.pk)
    assert mine.get(hits[title].url).status_code == (405 if title.startswith("Switch") else 200)


def test_a_command_about_a_client_asks_which_and_offers_the_last_ones(mine, marta):
    one = make_client(search_model("clients.Client"), name="Northwind Oy", owner=marta)
    mine.get(reverse("clients:client", args=[one.pk]))
    answer = mine.get(reverse("core:search"), {"q": "log a call", "fragment": "palette"})
    first = answer.context["groups"][0]
    assert first.label == "Commands and pages"
    assert [item.hit.title for item in first.items[:2]] == ["Log a call with Northwind Oy", "Log a call…"]
    assert first.items[1].hit.fill == "Log a call "


def test_a_command_about_a_client_offers_ones_own_after_the_last_ones(mine, marta, oskar):
    model = search_model("clients.Client")
    one, _two = (make_client(model, name=name, owner=marta) for name in ("Zebra Oy", "Alpha Oy"))
    make_client(model, name="Beta Oy", owner=oskar)
    mine.get(reverse("clients:client", args=[one.pk]))
    answer = mine.get(reverse("core:search"), {"q": "new follow-up", "fragment": "palette"})
    hits = [item.hit for item in answer.context["groups"][0].items]
    assert [hit.title for hit in hits] == [
        "New follow-up for Zebra Oy",
        "New follow-up for Alpha Oy",
        "New follow-up…",
    ]
    assert hits[-1].detail == "Type a name"


def test_numbers_and_settings_are_found_by_name_for_those_who_may(mine, client, ines):
    assert "Client retention" not in mine.get(reverse("core:search"), {"q": "retention"}).text
    client.force_login(ines)
    for typed, address in (("retention", "/reports/retention/"), ("working days", "/settings/days/")):
        assert address in client.get(reverse("core:search"), {"q": typed}).text


def test_a_post_is_a_button(mine):
    page = mine.get(reverse("core:search"), {"q": "sign out", "fragment": "palette"}).text
    assert re.search(
        r'<form method="post" action="/accounts/logout/">.*?<button class="palette-item" role="option"', page, re.S
    )
    assert 'name="csrfmiddlewaretoken"' in page


def test_nothing_found_says_so(mine):
    assert "Nothing found for “zzzzqq”" in mine.get(reverse("core:search"), {"q": "zzzzqq"}).content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "_",
        "\\",
        "'; --",
        "a" * 5000,
        "ab " * 3400,
        "\x00",
        "a\x00b",
        "   ",
        "...",
        "()&|!:*<->",
        "' \\ :*",
        "²",
        "ʼn",
        "ŉ",
        "’",
        "😀",
        "👩‍👩‍👧",
        "שלום עולם",
        "مرحبا",
        "ß",
        "İstanbul",
        "ﬁ",
        "<script>alert(1)</script>",
        "+358 (0)9 123",
        "00000",
        "@",
        "a@",
        "@a",
    ],
)
@pytest.mark.parametrize(
    "more", [{}, {"fragment": "palette"}, {"step": "texts", "fragment": "part"}, {"in": "interactions"}]
)
def test_any_text_is_answered(mine, text, more):
    answer = mine.get(reverse("core:search"), {"q": text, **more})
    assert answer.status_code == 200 and "<script>alert" not in answer.content.decode()


def test_clients_are_found_through_the_gate(mine, marta, oskar):
    client_model = search_model("clients.Client")
    seen = make_client(
        client_model, name="Ölmann Textil", owner=marta, phone="+358 9 1234567", phone_digits="35891234567"
    )
    make_client(client_model, name="Olmann Secret", owner=oskar, is_restricted=True)
    answer = mine.get(reverse("core:search"), {"q": "olmann"})
    assert [hit.title for hit in hits_of(answer)] == [seen.name] and "Secret" not in answer.text


@pytest.mark.parametrize("typed", ["+358 9 1234567", "(09) 123 4567", "1234567", "00358-9-123 45 67"])
def test_a_phone_number_is_found_in_any_form(mine, marta, typed):
    make_client(
        search_model("clients.Client"),
        name="Northwind",
        owner=marta,
        country="FI",
        phone="+358 9 1234567",
        phone_digits="35891234567",
    )
    assert "Northwind" in mine.get(reverse("core:search"), {"q": typed}).content.decode()


def test_the_empty_search_offers_what_was_looked_at_last(mine, marta):
    first, second = (
        make_client(search_model("clients.Client"), name=name, owner=marta) for name in ("Alpha Oy", "Beta Oy")
    )
    for one in (first, second, first):
        assert mine.get(reverse("clients:client", args=[one.pk])).status_code == 200
    page = mine.get(reverse("core:search")).content.decode()
    assert page.index("Alpha Oy") < page.index("Beta Oy")


def test_what_is_no_longer_seen_is_offered_no_more(mine, marta, oskar):
    one = make_client(search_model("clients.Client"), name="Alpha Oy", owner=marta)
    mine.get(reverse("clients:client", args=[one.pk]))
    type(one).objects.update(owner=oskar, is_restricted=True)
    assert "Alpha Oy" not in mine.get(reverse("core:search")).content.decode()


def hits_of(answer):
    return [item.hit for group in answer.context["groups"] for item in group.items]


def search_model(label):
    from django.apps import apps

    return apps.get_model(label)


def make_client(model, **fields):
    row = model.objects.create(**fields)
    search_model("clients.StatusPeriod").objects.create(client=row, status="active", start_date="2025-01-01")
    search_model("clients.ClientFacts").objects.create(client=row, status="active")
    return row


def client_row(name, owner, **fields):
    return make_client(search_model("clients.Client"), name=name, owner=owner, **fields)


def test_the_clients_viewed_last_are_kept_by_the_browser(mine, marta):
    first, second = client_row("Northwind Oy", marta), client_row("Southwind Oy", marta)
    for row in (first, second, first):
        mine.get(row.get_absolute_url())
    offered = mine.get(reverse("core:search")).content.decode()
    assert offered.index("Last viewed") < offered.index(">Northwind Oy<") < offered.index(">Southwind Oy<")
    cookie = mine.cookies["recent_clients"]
    assert cookie.value == f"{marta.pk}.{first.pk}.{second.pk}" and cookie["httponly"] and cookie["samesite"] == "Lax"


def test_a_client_s_page_writes_nothing(mine, marta):
    row = client_row("Northwind Oy", marta)
    mine.get(row.get_absolute_url())
    with CaptureQueriesContext(connection) as asked:
        mine.get(client_row("Southwind Oy", marta).get_absolute_url())
    written = [query["sql"] for query in asked if "django_session" in query["sql"] and "UPDATE" in query["sql"]]
    assert not written


@pytest.mark.parametrize("kept", ["", "x", "1", "{pk}.", "{pk}.-1", "{pk}.1e9", "{pk}." + "9" * 40, "{other}.{client}"])
def test_a_cookie_of_somebody_else_or_without_sense_offers_nothing(mine, marta, oskar, kept):
    row = client_row("Northwind Oy", marta)
    mine.cookies["recent_clients"] = kept.format(pk=marta.pk, other=oskar.pk, client=row.pk)
    offered = mine.get(reverse("core:search"))
    assert offered.status_code == 200 and "Northwind Oy" not in offered.content.decode()


def test_viewed_clients_out_of_sight_are_not_offered(mine, marta, oskar):
    hidden = client_row("Northwind Oy", oskar, is_restricted=True)
    mine.cookies["recent_clients"] = f"{marta.pk}.{hidden.pk}"
    assert "Northwind Oy" not in mine.get(reverse("core:search")).content.decode()
