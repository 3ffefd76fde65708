"""The pages of numbers: what they show, to whom, and that every number opens to its rows."""

import csv
import io
import re
from datetime import UTC, date, datetime

import pytest

from clients.records.models import Client, ClientFacts
from crm.core.base.principals import acting
from interactions.cadence.queries import going_quiet
from reports.kpis import KPIS
from tools.testing.factories.reports import book, give_answer, make_client, make_firm, make_survey, make_user

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
YEAR = "start=2025-11-23&end=2026-11-23"


@pytest.fixture
def mira(db, client, time_machine_at):
    make_firm(name="Firm", nps_minimum_answers=3)
    user = make_user("Mira Manager", "manager")
    client.force_login(user)
    return user


@pytest.fixture
def time_machine_at(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def firm_with_history(mira):
    anna = make_user("Anna Account", "account_manager")
    stays = make_client(anna, ("active", date(2024, 1, 1)), name="Fjord Media", tier="A")
    make_client(
        anna, ("active", date(2024, 1, 1)), ("former", date(2026, 3, 1), "price"), name="Halden & Partners", tier="B"
    )
    make_client(
        anna,
        ("active", date(2024, 1, 1)),
        ("former", date(2026, 2, 1)),
        ("active", date(2026, 4, 1)),
        name="=Osprey",
        tier="B",
    )
    make_client(anna, ("active", date(2024, 1, 1)), name="Hidden House", is_restricted=True)
    book(stays, date(2026, 5, 1), 1200)
    survey = make_survey()
    for score in (10, 9, 3):
        give_answer(survey, make_client(anna, ("prospect", date(2026, 1, 1))), score, date(2026, 6, 1))
    return anna


def text_of(answer):
    return answer.content.decode()


def test_the_filter_tells_of_how_many_clients_and_offers_nobody_of_clients_out_of_sight(client, firm_with_history):
    make_client(make_user("Sini Secret", "manager"), ("active", date(2024, 1, 1)), name="Vault", is_restricted=True)
    page = client.get("/reports/")
    seen = page.context["scope"].clients().count()
    assert f"{seen} clients you can see" in text_of(page)
    assert "Sini Secret" not in text_of(page)
    assert f"{seen} clients you can see" in text_of(client.get("/reports/retention/"))


def test_the_dashboard_shows_the_numbers(client, firm_with_history):
    answer = client.get("/reports/")
    assert answer.status_code == 200
    found = answer.context["found"]
    assert (found.retention.now.numerator, found.retention.now.n) == (2, 3)
    assert found.nps.now.n == 3
    assert found.arpa.now.numerator == 1200
    assert [(reason.label, reason.value) for reason in found.reasons] == [("Price", 1)]
    assert "Hidden House" not in text_of(answer)
    assert "66.7" in text_of(answer)


@pytest.mark.parametrize("path", ["/reports/", "/reports/attention/", "/reports/retention/", "/reports/nps/export.csv"])
def test_account_managers_may_not(client, mira, path):
    client.force_login(make_user("Anna Account", "account_manager"))
    assert client.get(path).status_code == 403
    client.force_login(mira)
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405


def test_an_unknown_number_is_missing(client, mira):
    assert client.get("/reports/happiness/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "month=soon",
        "month=2027-01",
        "start=2026-13-01",
        "start=2026-05-01&end=2026-04-01",
        "owner=999999",
        "tier=Z",
        "team=abc",
        "basis=mood",
        "end=0001-01-01",
    ],
)
@pytest.mark.parametrize("path", ["/reports/", "/reports/retention/", "/reports/attention/"])
def test_a_wrong_filter_says_so_and_shows_no_number(client, mira, path, query):
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 422
    assert not answer.context.get("found")


@pytest.mark.parametrize(
    "kpi_id", ["retention", "logo-churn", "nps", "arpa-realised", "arpa-recurring", "active-clients", "on-time-share"]
)
def test_every_number_has_a_page_with_its_definition(client, firm_with_history, kpi_id):
    answer = client.get(f"/reports/{kpi_id}/?{YEAR}")
    assert answer.status_code == 200
    kpi = answer.context["kpi"]
    for words in (kpi.formula, kpi.source, kpi.edge_rules[0]):
        assert str(words)[:20].split("&")[0].split("'")[0] in text_of(answer)


def test_every_link_of_the_dashboard_opens_to_as_many_rows_as_it_says(client, firm_with_history):
    found = client.get("/reports/").context["found"]
    for reason in found.reasons:
        assert client.get(reason.url).context["page"].total == reason.value
    assert client.get(found.lost_url).context["page"].total == found.retention.now.parts["lost"]
    assert client.get(found.retention.url).context["page"].total == found.retention.now.n
    assert client.get(found.nps.url).context["page"].total == found.nps.now.n
    assert client.get(found.active.url).context["page"].total == found.active.now.n
    for point in found.retention_series:
        page = client.get(f"/reports/retention/?start={point.period.start}&end={point.period.end}")
        assert page.context["page"].total == page.context["answer"].n == point.n


def test_the_filter_stays_in_the_links_and_narrows(client, firm_with_history):
    answer = client.get(f"/reports/?owner={firm_with_history.pk}&tier=B&basis=status")
    assert answer.context["found"].retention.now.n == 2
    assert f"owner={firm_with_history.pk}" in answer.context["found"].retention.url
    assert "tier=B" in answer.context["found"].retention.url


def test_the_viewer_is_offered_as_me_and_chosen_by_their_number_too(client, mira, firm_with_history):
    make_client(mira, ("active", date(2024, 1, 1)), name="Own")
    for value in ("me", mira.pk, mira.email):
        answer = client.get("/reports/", {"owner": value})
        assert [row.name for row in answer.context["scope"].clients()] == ["Own"]
        options = re.search(r'<select[^>]*name="owner".*?</select>', text_of(answer), re.S)[0]
        assert re.search(r"<option[^>]*selected[^>]*>Me<", options) and mira.name not in options
        assert firm_with_history.name in options and "All account managers" in options


def test_who_left_and_came_back_is_marked(client, firm_with_history):
    rows = client.get(f"/reports/retention/?{YEAR}&show=reactivated").context["rows"]
    assert [str(cell.text) for cell in rows[0][:2]] == ["=Osprey", "Left and came back"]


def test_the_export_is_harmless_in_a_spreadsheet_and_hides_what_is_hidden(client, firm_with_history):
    answer = client.get(f"/reports/retention/export.csv?{YEAR}")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert sorted(row[0] for row in rows[1:]) == ["'=Osprey", "Fjord Media", "Halden & Partners"]


def test_few_statements_whatever_the_number_of_clients(client, firm_with_history, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        client.get("/reports/")
    with django_assert_max_num_queries(20):
        client.get("/reports/retention/")


def test_few_answers_hide_the_score_but_not_their_number(client, firm_with_history):
    make_firm(nps_minimum_answers=4)
    found = client.get("/reports/").context["found"]
    assert (found.nps.now.value, found.nps.now.margin, found.nps.now.n) == (None, None, 3)


def test_an_empty_firm_has_dashes(client, mira):
    answer = client.get("/reports/")
    assert answer.status_code == 200
    assert answer.context["cards"][0]["value"] == "—"


def test_clients_that_came_in_without_a_start_are_left_out_and_said(client, mira):
    anna = make_user("Anna Account", "account_manager")
    make_client(anna, ("active", date(2024, 1, 1)))
    for _number in range(3):
        book(make_client(anna, ("active", date(2026, 11, 1), "?")), date(2026, 11, 3), 10)
    answer = client.get("/reports/")
    found = answer.context["found"]
    assert (found.unknown, found.retention.now.n, found.active.now.value) == (3, 1, 4)
    assert found.active.change is None and found.arpa.change is None
    assert "3 clients were imported without a start date" in text_of(answer)
    assert "no comparison with last year" in text_of(answer)
    page = text_of(client.get(f"/reports/active-clients/?{YEAR}"))
    assert "No comparison with the year before" in page and "imported without a start date" in page
    for path in ("/reports/numbers/", "/reports/nps/"):
        assert ("imported without a start date" in text_of(client.get(path))) == (path == "/reports/numbers/")


def test_attention_has_every_client_that_today_calls_quiet(client, mira):
    anna = make_user("Anna Account", "account_manager")
    quiet = [
        make_client(anna, ("active", date(2026, 1, 1)), name=name, relationship=relationship)
        for name, relationship in (("Ongoing", "client"), ("One-off", "customer"))
    ]
    ClientFacts.objects.filter(client__in=quiet).update(contact_due_at=date(2026, 11, 1), status="active")
    today = going_quiet(Client.objects.visible_to(acting(mira)).kept(), NOW)
    listed = client.get("/reports/attention/").context["rows"]
    assert {need.client for need, _url in listed} == set(today) == set(quiet)


def test_the_most_urgent_comes_first_and_then_the_most_revenue(client, mira):
    for name, status, revenue in (("Aa", "active", 900), ("Bb", "active", 9000), ("Zz", "at_notice", 1)):
        row = make_client(mira, (status, date(2026, 1, 1)), name=name)
        ClientFacts.objects.filter(client=row).update(contact_due_at=date(2026, 11, 1), revenue_12m=revenue)
    answer = client.get("/reports/attention/")
    assert [need.client.name for need, _url in answer.context["rows"]] == ["Zz", "Bb", "Aa"]
    assert "/follow-ups/new/" in text_of(answer)


def test_nobody_left_is_said_only_where_nobody_did(client, mira):
    page = text_of(client.get(f"/reports/?{YEAR}"))
    assert "There was no client at the start of the period." in page
    make_client(mira, ("active", date(2026, 2, 1)), ("former", date(2026, 6, 1), "price"))
    make_client(mira, ("active", date(2024, 1, 1)))
    page = text_of(client.get(f"/reports/?{YEAR}"))
    assert "None of the 1 client at the start of the period left." in page
    assert "1 more client left in this period and is not in this number" in page


def test_paused_is_no_reason_of_leaving(client, mira):
    make_client(mira, ("active", date(2024, 1, 1)), ("paused", date(2026, 2, 1)))
    found = client.get(f"/reports/?{YEAR}").context["found"]
    assert [(row.label, row.value) for row in found.reasons] == []
    assert [(row.label, row.value) for row in found.resting] == [("Paused", 1)]


def test_every_number_is_in_the_list_with_its_own_words(client, firm_with_history):
    rows = client.get(f"/reports/numbers/?{YEAR}").context["rows"]
    assert [row["kpi"].id for row in rows] == list(KPIS)
    assert client.get(rows[0]["url"]).status_code == 200
    assert 'href="/reports/numbers/' in text_of(client.get("/reports/"))
    for kpi in KPIS.values():
        if kpi.counted[1]:
            page = text_of(client.get(f"/reports/{kpi.id}/?{YEAR}"))
            assert str(kpi.counted[0]) in page and "Numerator" not in page
    assert KPIS["logo-churn"].counted[0] != KPIS["retention"].counted[0]


def test_nps_export_names_the_person_and_the_minute(client, firm_with_history):
    answer = client.get(f"/reports/nps/export.csv?{YEAR}")
    head, *rows = csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert head == ["Client", "Contact", "Score", "Group", "Comment", "Answered"]
    assert {row[-1] for row in rows} == {"2026-06-01 12:00+00:00"}


def test_search_finds_a_number_by_its_name(client, mira):
    assert 'href="/reports/nps/"' in text_of(client.get("/search/?q=nps"))
    assert 'href="/reports/logo-churn/"' in text_of(client.get("/search/?q=churn"))
    client.force_login(make_user("Anna Account", "account_manager"))
    assert "/reports/nps/" not in text_of(client.get("/search/?q=nps"))


def test_the_running_year_is_named_by_its_days(client, mira):
    assert "23 Nov 2025 – 22 Nov 2026" in text_of(client.get("/reports/"))
