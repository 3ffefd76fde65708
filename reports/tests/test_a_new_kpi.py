"""A number is one class: declared and entered in the registry, it has its page, rows, CSV and API."""

import csv
import io

import pytest

from reports import kpis
from reports.columns import CLIENT, Cell, Column
from reports.kpis.base import Kpi
from reports.tests.test_views import YEAR, firm_with_history, mira, time_machine_at  # noqa: F401  fixtures


class TierA(Kpi):
    """Clients of tier A."""

    id = "tier-a"
    name = "Clients of tier A"
    formula = "clients of tier A"
    unit = "clients"
    source = "the firm"
    edge_rules = ["Archived records count nowhere."]
    columns = (CLIENT, Column("Letters", lambda client, firm: Cell(len(client.name), len(client.name)), is_number=True))

    def answer(self, scope, period):
        n = self.members(scope, period).count()
        return self.made(period, value=n, numerator=n, denominator=None, n=n)

    def members(self, scope, period, show=""):
        return scope.clients().filter(tier="A")

    def benchmark(self, firm):
        return 7


@pytest.fixture
def tier_a(monkeypatch):
    monkeypatch.setitem(kpis.KPIS, TierA.id, TierA())


def test_its_page_shows_value_formula_benchmark_and_rows(client, firm_with_history, tier_a):  # noqa: F811
    page = client.get(f"/reports/tier-a/?{YEAR}").content.decode()
    for text in ("Clients of tier A", "Archived records count nowhere.", "Fjord Media", ">Letters<", '"benchmark"'):
        assert text in page, text
    assert "Halden" not in page


def test_its_csv_and_api_have_the_same_columns(client, firm_with_history, tier_a):  # noqa: F811
    answer = client.get(f"/reports/tier-a/export.csv?{YEAR}")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows == [["Client", "Letters"], ["Fjord Media", "11"]]
    api = "/api/v1/reports/tier-a"
    query = "start=2025-11-23&end=2026-11-23"
    assert client.get(f"{api}/?{query}").json()["value"] == 1
    (row,) = client.get(f"{api}/members/?{query}").json()["results"]
    assert {"Client": "Fjord Media", "Letters": 11}.items() <= row.items()


class Letters(TierA):
    """A mean, told with a decimal."""

    id, name, unit, digits = "letters", "Letters of a name", "letters", 1

    def answer(self, scope, period):
        return self.made(period, value=2.44, numerator=244, denominator=100, n=100)


def test_a_value_is_told_with_the_decimals_of_its_number(client, firm_with_history, monkeypatch):  # noqa: F811
    monkeypatch.setitem(kpis.KPIS, Letters.id, Letters())
    answer = client.get(f"/reports/letters/?{YEAR}")
    assert answer.context["value"] == "2.4" and "2.4" in answer.content.decode()
    assert answer.context["chart"]["series"][0]["values"][-1] == 2.4
