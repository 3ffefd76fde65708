"""Reports for the clients of a segment."""

from datetime import UTC, date, datetime

import pytest

from clients.segments.models import Segment
from clients.segments.services import create_segment
from crm.core.base.principals import acting
from reports.kpis import KPIS
from tools.testing.factories.reports import book, give_answer, make_client, make_firm, make_survey, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
YEAR = "start=2025-11-23&end=2026-11-23"
BROKEN = {"match": "none", "rules": [{"field": "shoe_size", "op": "is", "values": ["44"], "label": "Shoe size"}]}


def tier(*values):
    return {"match": "all", "rules": [{"field": "tier", "op": "is", "values": list(values)}]}


@pytest.fixture
def mira(client, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    make_firm(name="Firm", nps_minimum_answers=1)
    user = make_user("Mira Manager", "manager")
    client.force_login(user)
    return user


@pytest.fixture
def large(mira):
    anna = make_user("Anna Account", "account_manager")
    survey = make_survey()
    for n, name in enumerate(["Aava", "Birka", "Ceder"]):
        row = make_client(anna, ("active", date(2024, 1, 1)), name=name, tier="ABB"[n])
        book(row, date(2026, 5, 1), 1000 * (n + 1))
        give_answer(survey, row, [9, 3, 3][n], date(2026, 6, 1))
    return create_segment(acting(mira), name="Large", rule=tier("A"))


def test_every_number_of_a_segment_is_that_of_its_clients(client, large):
    """By the segment, and by the report's own filter that says the same."""
    for kpi_id in KPIS:
        by_segment = client.get(f"/api/v1/reports/{kpi_id}?{YEAR}&segment={large.pk}").json()
        by_tier = client.get(f"/api/v1/reports/{kpi_id}?{YEAR}&tier=A").json()
        assert f"segment={large.pk}" in by_segment.pop("members_url")
        by_tier.pop("members_url")
        assert by_segment == by_tier, kpi_id
        members = client.get(f"/api/v1/reports/{kpi_id}/members?{YEAR}&segment={large.pk}").json()
        assert members == client.get(f"/api/v1/reports/{kpi_id}/members?{YEAR}&tier=A").json()


def test_the_pages_keep_the_segment(client, large):
    page = client.get(f"/reports/?{YEAR}&segment={large.pk}")
    assert page.status_code == 200 and f"segment={large.pk}" in page.context["found"].retention.url
    assert page.context["form"].seen_words == "1 client you can see"
    for address in ("/reports/numbers/", "/reports/attention/", "/reports/active-clients/"):
        assert client.get(f"{address}?{YEAR}&segment={large.pk}").status_code == 200, address


def test_a_broken_segment_says_so_instead_of_a_number(client, large):
    Segment.objects.update(rule=BROKEN)
    page = client.get(f"/reports/?{YEAR}&segment={large.pk}")
    text = page.content.decode()
    assert page.status_code == 422 and "“Large” holds no clients until it is mended" in text and "Shoe size" in text
    assert "found" not in page.context
    refused = client.get(f"/api/v1/reports/active-clients?segment={large.pk}")
    assert refused.status_code == 400 and "Shoe size" in str(refused.json())


def test_a_segment_that_is_not_shared_is_refused(client, large):
    other = make_user("Otto Other", "manager")
    Segment.objects.update(owner=other)
    assert client.get(f"/api/v1/reports/active-clients?segment={large.pk}").status_code == 400
    page = client.get(f"/reports/?{YEAR}&segment={large.pk}")
    assert page.status_code == 422 and "Large" not in page.content.decode()


def test_without_segments_there_is_nothing_to_choose(client, large):
    assert 'name="segment"' in client.get("/reports/").content.decode()
    Segment.objects.all().delete()
    assert 'name="segment"' not in client.get("/reports/").content.decode()
