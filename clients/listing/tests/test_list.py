"""The list: filters, sorts, pages in both directions, the gate, what it costs."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.catalogue.services import create_tag
from clients.hooks import count_owned, reassign_owned
from clients.records.facts import set_facts
from clients.records.models import Client
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.models import FirmSettings
from tools.testing.factories.clients import TODAY, make_client, make_team

pytestmark = pytest.mark.django_db
URL = "/clients/"


def names(response):
    return [row.name for row in response.context["page"].rows]


@pytest.fixture
def four(marta, otto):
    """Anna's has no next step and was never contacted; Béla's is overdue; Cleo's and Dora's are Otto's."""
    now = timezone.now()
    made = {
        "Anna": make_client(
            owner=marta, name="Anna", status_start=date(2026, 1, 5), tier="A", industry="Law", country="FI"
        ),
        "Bela": make_client(owner=marta, name="Béla", status="onboarding", tier="B", city="Győr"),
        "Cleo": make_client(owner=otto, name="Cleo", status="at_notice"),
        "Dora": make_client(owner=otto, name="Dora", status="former", reason="price"),
    }
    set_facts(
        client_id=made["Bela"].pk, next_step_at=now - timedelta(days=2), last_contact_at=now, onboarding_state="behind"
    )
    set_facts(
        client_id=made["Cleo"].pk,
        next_step_at=now + timedelta(days=2),
        last_contact_at=now - timedelta(days=100),
        nps_score=9,
    )
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Anna", "Béla", "Cleo", "Dora"]),
        ("q=bela", ["Béla"]),
        ("q=GYOR", ["Béla"]),
        ("status=active&status=former", ["Anna", "Dora"]),
        ("owner=me", ["Anna", "Béla"]),
        ("tier=A", ["Anna"]),
        ("tier=none", ["Cleo", "Dora"]),
        ("industry=law", ["Anna"]),
        ("country=fi", ["Anna"]),
        ("country=Finnland", ["Anna"]),
        ("step=overdue", ["Béla"]),
        ("step=none", ["Anna", "Dora"]),
        ("step=week", ["Cleo"]),
        ("quiet=1", ["Anna", "Cleo"]),
        ("onboarding=behind", ["Béla"]),
        ("archived=1", []),
        ("sort=next", ["Béla", "Cleo", "Anna", "Dora"]),
        ("sort=-next", ["Cleo", "Béla", "Dora", "Anna"]),
        ("sort=-nps&status=at_notice", ["Cleo"]),
        ("owner=99999999999999999999999&status=nonsense&sort=nonsense", ["Anna", "Béla", "Cleo", "Dora"]),
    ],
)
def test_filters_and_sorts(client, marta, four, query, found):
    client.force_login(marta)
    assert names(client.get(f"{URL}?{query}")) == found


def test_by_owner_team_and_tag(client, marta, otto, four):
    team, tag = make_team(), create_tag(SYSTEM, name="Board")
    update_client(acting(marta), client=four["Anna"], team=team, tags=[tag])
    client.force_login(marta)
    for query, found in (
        (f"owner={otto.pk}", ["Cleo", "Dora"]),
        (f"team={team.pk}", ["Anna"]),
        (f"tag={tag.pk}", ["Anna"]),
    ):
        assert names(client.get(f"{URL}?{query}")) == found


def test_a_phone_is_found_in_any_spelling(client, marta, firm):
    FirmSettings.objects.update(holiday_country="FI")
    make_client(owner=marta, name="Anna", phone="040 123 4567", country="FI")
    client.force_login(marta)
    for typed in ("0401234567", "+358 40 123 4567", "040-123 45 67"):
        assert names(client.get(URL, {"q": typed})) == ["Anna"], typed


@pytest.mark.parametrize("sort", ["name", "-name", "next", "-next", "-created", "status"])
def test_pages_lead_through_all_and_back(client, marta, sort):
    for n in range(60):
        row = make_client(owner=marta, name=f"Client {n:02}")
        if n % 3:
            set_facts(client_id=row.pk, next_step_at=timezone.now() + timedelta(days=n // 4))
    client.force_login(marta)
    pages, cursor = [], ""
    while cursor is not None:
        response = client.get(URL, {"sort": sort, "cursor": cursor})
        pages.append(names(response))
        cursor, back = response.context["page"].next_cursor, response.context["page"].previous_cursor
    assert sorted(sum(pages, [])) == [f"Client {n:02}" for n in range(60)]
    assert [len(page) for page in pages] == [25, 25, 10]
    for expected in (pages[1], pages[0]):
        response = client.get(URL, {"sort": sort, "cursor": back})
        assert names(response) == expected
        back = response.context["page"].previous_cursor
    assert back is None


def test_a_broken_cursor_starts_again(client, marta, four):
    client.force_login(marta)
    assert client.get(f"{URL}?q=a&cursor=nonsense").headers["Location"] == f"{URL}?q=a"


def test_htmx_gets_the_table_alone(client, marta, four):
    client.force_login(marta)
    page = client.get(f"{URL}?q=anna", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page and 'id="list"' in page and "1 client" in page


@pytest.mark.parametrize(
    ("scope", "who", "found"),
    [
        ("all", "marta", ["Cleo", "Mine"]),
        ("team", "marta", ["Mine"]),
        ("own", "marta", ["Mine"]),
        ("all", "sini", ["Cleo", "Mine"]),
        ("own", "aino", ["Cleo", "Mine"]),
        ("all", "otto", ["Cleo", "Mine", "Secret"]),
    ],
)
def test_the_gate_holds_for_list_count_and_export(client, request, firm, scope, who, found):
    people = {name: request.getfixturevalue(name) for name in ("marta", "otto", "sini", "aino")}
    make_client(owner=people["marta"], name="Mine")
    make_client(owner=people["otto"], name="Cleo")
    restrict_client(acting(people["otto"]), client=make_client(owner=people["otto"], name="Secret"))
    FirmSettings.objects.update(account_managers_see=scope)
    client.force_login(people[who])
    response = client.get(URL)
    assert (names(response), response.context["page"].total) == (found, len(found))
    rows = b"".join(client.get(reverse("clients:list-export")).streaming_content).decode().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == found
    assert ("Secret" in client.get(reverse("clients:options"), {"q": "secret"}).content.decode()) is ("Secret" in found)


def test_somebody_named_sees_a_restricted_client(client, marta, otto, sini):
    secret = make_client(owner=otto, name="Secret")
    restrict_client(acting(otto), client=secret, users=[marta])
    assert list(Client.objects.visible_to(acting(marta))) == [secret]
    assert not Client.objects.visible_to(acting(sini)).exists()


def test_the_export_is_harmless_to_spreadsheets(client, marta):
    make_client(owner=marta, name="=1+1")
    client.force_login(marta)
    text = b"".join(client.get(reverse("clients:list-export")).streaming_content).decode()
    assert text.startswith("\ufeffName,Rapport id,Status,") and "\n'=1+1," in text


def test_the_list_costs_at_most_twelve_statements(client, marta, django_assert_max_num_queries):
    for n in range(30):
        make_client(owner=marta, name=f"Client {n}")
    client.force_login(marta)
    for query in ("", f"owner={marta.pk}&status=active", "sort=-next"):
        with django_assert_max_num_queries(12):
            assert client.get(f"{URL}?{query}").status_code == 200


def test_what_a_colleague_keeps_is_handed_on(marta, otto, aino):
    make_client(owner=marta, name="Anna", today=TODAY)
    assert count_owned(acting(aino), marta) == 1
    assert reassign_owned(aino, marta, otto, timezone.now()) == 1
    assert Client.objects.get().owner == otto
