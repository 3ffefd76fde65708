"""The vectors of the definitions, each through real rows."""

import csv
import os
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings

from reports.kpis import find, nps
from reports.periods import Period
from tools.testing.factories.reports import book, give_answer, make_client, make_firm, make_survey, make_user, scope_of

YEAR = Period(date(2025, 1, 1), date(2026, 1, 1))
D1_RATES = {2022: 71.74, 2023: 73.91, 2024: 74.47, 2025: 72.34}
# Chinook: the years in which each of the 59 clients had an invoice (1 = 2021 … 5 = 2025)
D1_YEARS = [
    "2345",
    "134",
    "245",
    "1345",
    "12345",
    "1345",
    "1245",
    "135",
    "1245",
    "12345",
    "1245",
    "1235",
    "124",
    "1235",
    "1234",
    "12345",
    "1234",
    "2345",
    "134",
    "2345",
    "12345",
    "2345",
    "1345",
    "245",
    "1345",
    "12345",
    "1345",
    "1245",
    "135",
    "1245",
    "1235",
    "12345",
    "1235",
    "1234",
    "235",
    "1234",
    "12345",
    "1234",
    "2345",
    "134",
    "2345",
    "1345",
    "2345",
    "1345",
    "245",
    "135",
    "1245",
    "12345",
    "1245",
    "1235",
    "124",
    "1235",
    "12345",
    "1235",
    "1234",
    "235",
    "1234",
    "2345",
    "1234",
]


@pytest.mark.django_db
def test_r1_ten_of_a_hundred_churn_the_eleventh_had_joined_within():
    mira = make_user()
    for number in range(100):
        left = [("former", date(2025, 6, 1), "price")] if number < 10 else []
        make_client(mira, ("active", date(2024, 1, 1)), *left)
    make_client(mira, ("prospect", date(2025, 1, 2)), ("active", date(2025, 2, 1)), ("former", date(2025, 9, 1)))
    for _joined in range(19):
        make_client(mira, ("active", date(2025, 3, 1)))

    churn = find("logo-churn").answer(scope_of(mira), YEAR)
    assert (churn.value, churn.numerator, churn.denominator) == (10.0, 10, 100)
    assert find("retention").answer(scope_of(mira), YEAR).value == 90.0
    assert round(100 * 11 / 120, 2) == 9.17  # what another base would say


@pytest.mark.django_db
@pytest.mark.parametrize("basis", ["status", "revenue"])
def test_r2_returning_clients_do_not_push_retention_past_a_hundred(basis):
    mira = make_user()
    early, mid, late = date(2023, 5, 1), date(2025, 7, 1), date(2025, 8, 1)
    for number in range(573):
        client = make_client(mira, ("active", early), *([] if number < 452 else [("former", mid)]))
        book(client, date(2024, 6, 1), 10)
        if number < 452:
            book(client, late, 10)
    for number in range(51 + 135):
        before = [("active", early), ("former", date(2023, 12, 1))] if number >= 51 else []
        client = make_client(mira, *before, ("active", mid))
        book(client, late, 10)

    answer = find("retention").answer(scope_of(mira, basis=basis), YEAR)
    assert (answer.n, answer.numerator, answer.basis) == (573, 452, basis)
    assert round(answer.value, 2) == 78.88
    assert round(100 * (638 - 51) / 573, 2) == 102.44  # the naive formula


@pytest.mark.django_db
def test_n1_through_answers():
    mira = make_user()
    make_firm()
    survey, client = make_survey(), None
    for score, times in ((10, 8), (8, 9), (2, 22)):
        for _time in range(times):
            client = make_client(mira, ("active", date(2024, 1, 1)))
            give_answer(survey, client, score, date(2025, 5, 5))

    answer = find("nps").answer(scope_of(mira), YEAR)
    assert round(answer.value, 3) == -35.897
    assert (answer.numerator, answer.denominator, answer.n) == (-14, 39, 39)
    assert answer.margin == nps.plain_margin(8.75, 10.5, 22.75)  # 39 answers: the adjusted form


def test_n1_margin():
    assert round(nps.score(8, 9, 22), 3) == -35.897
    assert round(nps.plain_margin(8, 9, 22), 3) == 25.115
    assert nps.plain_margin(12, 0, 0) == 0
    assert nps.margin(12, 0, 0) > 0
    assert nps.margin(16, 18, 44) == nps.plain_margin(16, 18, 44)


def chinook_rates(mira):
    scope = scope_of(mira, basis="revenue")
    return {
        year: round(find("retention").answer(scope, Period(date(year, 1, 1), date(year + 1, 1, 1))).value, 2)
        for year in D1_RATES
    }


@pytest.mark.django_db
def test_d1_from_the_pairs_of_client_and_year():
    mira = make_user()
    for years in D1_YEARS:
        client = make_client(mira, ("active", date(2021, 1, 1)))
        for year in years:
            book(client, date(2020 + int(year), 7, 1), 1)
    assert chinook_rates(mira) == D1_RATES


@pytest.mark.django_db
def test_d1_from_the_file():
    folder = Path(os.environ.get("RAPPORT_SAMPLE_DATA") or settings.BASE_DIR.parent / "shared" / "data")
    if not (folder / "chinook" / "invoices.csv").exists():
        pytest.skip("the sample data is absent (RAPPORT_SAMPLE_DATA)")
    mira = make_user()
    clients = {}
    with (folder / "chinook" / "invoices.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            client = clients.setdefault(row["CustomerId"], None) or make_client(mira, ("active", date(2021, 1, 1)))
            clients[row["CustomerId"]] = client
            book(client, date.fromisoformat(row["InvoiceDate"][:10]), row["Total"])
    assert chinook_rates(mira) == D1_RATES
    whole = find("arpa-realised").answer(scope_of(mira), Period(date(2021, 1, 1), date(2026, 1, 1)))
    assert round(whole.numerator, 2) == 2328.60
    assert whole.denominator == 59
