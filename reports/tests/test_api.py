from datetime import date

import pytest

from tools.testing.factories.reports import give_answer, make_client, make_firm, make_survey, make_user

KEYS = [
    "id",
    "version",
    "formula",
    "unit",
    "value",
    "numerator",
    "denominator",
    "n",
    "margin",
    "period",
    "basis",
    "members_url",
    "currency",
    "without_rate",
]
PERIOD = "start=2025-01-01&end=2026-01-01"
pytestmark = pytest.mark.django_db


@pytest.fixture
def mira(client):
    make_firm(nps_minimum_answers=1)
    mira = make_user("Mira Manager", "manager")
    client.force_login(mira)
    for name in ("Alder", "Birch", "Cedar"):
        make_client(mira, ("active", date(2024, 1, 1)), name=name)
    make_client(mira, ("active", date(2024, 1, 1)), ("former", date(2025, 5, 1), "price"), name="Dahl")
    make_client(make_user("Otto", "manager"), ("active", date(2024, 1, 1)), name="Secret", is_restricted=True)
    return mira


def test_a_number_in_its_public_form(client, mira):
    answer = client.get(f"/api/v1/reports/retention?{PERIOD}")
    assert answer.status_code == 200
    found = answer.json()
    assert list(found) == KEYS
    assert (
        found["id"],
        found["version"],
        found["unit"],
        found["value"],
        found["numerator"],
        found["denominator"],
        found["n"],
    ) == ("retention", 1, "percent", 75.0, 3, 4, 4)
    assert found["period"] == {"start": "2025-01-01", "end": "2026-01-01"}
    assert (found["basis"], found["margin"]) == ("status", None)


def test_money_says_in_which_currency(client, mira):
    found = client.get(f"/api/v1/reports/arpa-realised?{PERIOD}").json()
    assert (found["unit"], found["currency"], found["without_rate"]) == ("money", "EUR", 0)
    found = client.get(f"/api/v1/reports/retention?{PERIOD}").json()
    assert (found["currency"], found["without_rate"]) == (None, None)


def test_members_url_opens_to_the_same_clients(client, mira):
    url = client.get(f"/api/v1/reports/retention?{PERIOD}&owner={mira.email}&basis=revenue").json()["members_url"]
    assert "basis=revenue" in url
    assert f"owner={mira.pk}" in url
    url = client.get(f"/api/v1/reports/retention?{PERIOD}").json()["members_url"]
    names, page = [], client.get(f"{url}&page_size=3").json()
    while True:
        names += [row["Client"] for row in page["results"]]
        if page["next"] is None:
            break
        page = client.get(page["next"]).json()
    assert names == ["Alder", "Birch", "Cedar", "Dahl"]
    assert [row["Client"] for row in client.get(f"{url}&show=left").json()["results"]] == ["Dahl"]


@pytest.mark.parametrize(
    "kpi_id", ["logo-churn", "nps", "arpa-realised", "arpa-recurring", "on-time-share", "active-clients"]
)
def test_the_others_answer_in_the_same_form(client, mira, kpi_id):
    give_answer(make_survey(), make_client(mira, ("active", date(2024, 1, 1))), 9, date(2025, 5, 5))
    answer = client.get(f"/api/v1/reports/{kpi_id}?{PERIOD}")
    assert answer.status_code == 200
    assert list(answer.json()) == KEYS
    assert client.get(answer.json()["members_url"]).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=soon", "start"),
        ("start=2026-02-30", "start"),
        ("start=2026-02-01&end=2026-02-01", "end"),
        ("owner=nobody@x.test", "owner"),
        ("segment=3", "segment"),
        ("basis=x", "basis"),
        ("end=9999-12-31", "end"),
    ],
)
def test_bad_parameters_are_named(client, mira, query, field):
    answer = client.get(f"/api/v1/reports/retention?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert field in answer.json()["fields"]


def test_unknown_numbers_and_people_who_may_not(client, mira):
    assert client.get("/api/v1/reports/happiness").status_code == 404
    client.force_login(make_user("Anna", "account_manager"))
    assert client.get("/api/v1/reports/retention").status_code == 403
    client.logout()
    assert client.get("/api/v1/reports/retention").status_code == 401
