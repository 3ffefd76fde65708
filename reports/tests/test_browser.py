"""The dashboard in a browser: a point, a number and a bar open the rows behind them; nothing to complain about for axe."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tools.testing.factories.reports import book, give_answer, make_client, make_firm, make_survey, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mira():
    make_firm(name="Firm", nps_minimum_answers=3)
    mira, today, survey = make_user("Mira Manager", "manager"), timezone.now().date(), make_survey()
    for number, name in enumerate(["Fjord Media", "Osprey Logistics", "Brightwater Clinic", "Halden & Partners"]):
        left = [("former", today - timedelta(30), "price")] if name.startswith("Halden") else []
        client = make_client(mira, ("active", today - timedelta(900)), *left, name=name, tier="A")
        book(client, today - timedelta(60), 1000)
        give_answer(survey, client, (10, 9, 8, 3)[number], timezone.now() - timedelta(days=40))
    return mira


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dashboard_opens_to_its_rows(page, live_server, sign_in, assert_accessible, mira, theme):
    mira.theme = theme
    mira.save()
    sign_in(mira)
    page.goto(f"{live_server.url}/reports/")
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").inner_text() == "Retention overview"
    assert_accessible(page)
    page.get_by_role("link", name="75").first.click()
    page.wait_for_url("**/reports/retention/**")
    assert page.locator("#members tbody tr").count() == 4
    assert_accessible(page)
    page.go_back()
    page.locator("#reasons .bar-rows a").first.click()
    page.wait_for_url("**show=left**")
    assert page.locator("#members tbody tr").all_inner_texts()[0].startswith("Halden & Partners")


def test_a_point_of_the_chart_opens_its_members(page, live_server, sign_in, mira):
    sign_in(mira)
    page.goto(f"{live_server.url}/reports/")
    page.wait_for_load_state("networkidle")
    x, y = page.evaluate(
        "(() => { const p = window.Chart.getChart('retention-chart').getDatasetMeta(0).data.at(-1); return [p.x, p.y]; })()"
    )
    page.locator("#retention-chart").click(position={"x": x - 1, "y": y})
    page.wait_for_url("**/reports/retention/?start=**")
    assert page.locator("#members tbody tr").count() == 4


def test_the_filter_works_on_a_phone(page, live_server, sign_in, mira):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(mira)
    page.goto(f"{live_server.url}/reports/")
    page.get_by_label("Tier").select_option("B")
    page.wait_for_url("**tier=B**")
    assert page.locator(".metric-value").first.inner_text().startswith("—")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_names_and_comments_keep_their_line_on_a_phone(page, live_server, sign_in, mira):
    client = make_client(mira, ("active", timezone.now().date() - timedelta(900)), name="Villa Toscana Wines & Estates")
    give_answer(make_survey(), client, 9, timezone.now() - timedelta(days=3), comment="You explain things. " * 20)
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(mira)
    page.goto(f"{live_server.url}/reports/nps/")
    title = page.get_by_role("link", name="Villa Toscana Wines & Estates")
    assert title.bounding_box()["height"] < 50
    comment = page.locator("#members td[data-label=Comment]", has_text="You explain")
    assert comment.bounding_box()["width"] > 300


def test_a_card_of_the_dashboard_opens_wherever_it_is_clicked(page, live_server, sign_in, mira):
    sign_in(mira)
    page.goto(f"{live_server.url}/reports/")
    card = page.locator(".metric-card", has_text="Active clients")
    box = card.bounding_box()
    card.click(position={"x": box["width"] - 12, "y": box["height"] - 12})
    page.wait_for_url("**/reports/active-clients/**")


def test_the_margin_of_nps_is_drawn_and_said(page, live_server, sign_in, mira):
    sign_in(mira)
    page.goto(f"{live_server.url}/reports/nps/")
    page.wait_for_load_state("networkidle")
    bands = page.evaluate(
        "window.Chart.getChart('kpi-chart').data.datasets.filter((set) => set.isQuiet && set.fill).length"
    )
    assert bands == 1
    assert page.get_by_text("A rise or fall within it is no certain change.").is_visible()
