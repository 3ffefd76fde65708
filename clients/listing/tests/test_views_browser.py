"""Columns and views in a browser, by mouse and by keyboard, on a desk and on a phone."""

import pytest

from crm.core.listing.models import ListPreference, SavedView
from tools.testing.factories.clients import make_client, make_firm, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(transactional_db):
    make_firm(time_zone="Europe/Helsinki")
    marta = make_user(name="Marta Kallio")
    make_client(owner=marta, name="Northwind", tier="A", city="Helsinki")
    make_client(owner=marta, name="Halden", tier="B", city="Oslo")
    return marta


def heads(page):
    return [head.strip() for head in page.locator("thead th[data-column]").all_inner_texts()]


def query(page):
    return page.url.partition("?")[2]


def test_a_view_is_made_changed_saved_and_found_again(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    page.goto(live_server.url + "/clients/")
    # columns: one more, first, another gone; by keyboard
    page.get_by_role("link", name="Columns").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_placeholder("Find a column").fill("cit")
    dialog.get_by_role("checkbox", name="City").press("Space")
    for _ in range(6):
        dialog.get_by_role("button", name="Move up: City").press("Enter")
    dialog.get_by_role("checkbox", name="NPS", exact=True).press("Space")
    assert_accessible(page)
    dialog.get_by_role("button", name="Show").press("Enter")
    page.get_by_role("columnheader", name="City").wait_for()
    assert heads(page)[:3] == ["Client", "Status", "City"] and "NPS" not in heads(page)
    # a filter, kept as a view
    page.get_by_role("link", name="Filter", exact=True).click()
    dialog.locator("input[name=tier][value=A]").check()
    dialog.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Save view").click()
    dialog.get_by_label("Name").fill("Best ones")
    dialog.get_by_role("button", name="Save view").click()
    page.locator("#list-views [aria-current]", has_text="Best ones").wait_for()
    assert "tier=A" in query(page) and "view=" in query(page), "the address says what is shown"
    # changed by htmx, and saved
    page.get_by_role("columnheader", name="Last contact").get_by_role("link").click()
    page.get_by_text("Modified").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("“Best ones” saved").wait_for()
    assert SavedView.objects.get().sort == "contact" and page.get_by_text("Modified").count() == 0
    # left, and opened again without a further entry in the history
    page.goto(live_server.url + "/contacts/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Clients").click()
    page.wait_for_url("**/clients/?view=*")
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("link", name="Northwind").click()
    page.get_by_role("heading", level=1, name="Northwind").wait_for()
    page.go_back()
    page.wait_for_url("**/clients/?view=*")
    page.go_back()
    page.wait_for_url("**/contacts/*")


def test_cleared_filters_are_none_and_not_what_the_list_opens_with(page, live_server, sign_in, marta):
    sign_in(marta)
    page.goto(live_server.url + "/clients/")
    search = page.get_by_role("searchbox", name="Search clients")
    search.fill("north")
    page.wait_for_url("**?q=north")
    page.get_by_role("columnheader", name="Tier").get_by_role("link").click()
    page.wait_for_url("**sort=tier**")
    search.fill("")
    page.wait_for_url("**/clients/?sort=tier")
    page.get_by_role("link", name="All", exact=True).click()
    page.wait_for_url("**view=none")
    search.fill("north")
    page.wait_for_url("**?q=north")
    search.fill("")
    page.wait_for_url("**view=none")
    assert page.locator("tbody tr").count() == 2


def test_a_column_is_as_wide_as_it_is_dragged(page, live_server, sign_in, marta):
    sign_in(marta)
    page.goto(live_server.url + "/clients/")
    head = page.locator("th[data-column=status]")
    edge = head.locator(".column-edge").bounding_box()
    before = head.bounding_box()["width"]
    page.mouse.move(edge["x"] + 4, edge["y"] + 8)
    page.mouse.down()
    page.mouse.move(edge["x"] + 104, edge["y"] + 8, steps=4)
    with page.expect_response("**/widths/") as answer:
        page.mouse.up()
    assert answer.value.status == 204
    wide = ListPreference.objects.get().widths["status"]
    assert wide == pytest.approx(before + 100, abs=4)
    page.reload()
    assert head.bounding_box()["width"] == pytest.approx(wide, rel=0.1)
    page.get_by_role("link", name="Columns").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset to default").click()
    page.locator("table:not(.is-sized)").wait_for()


def test_on_the_phone(page, live_server, sign_in, marta, assert_accessible):
    page.set_viewport_size({"width": 320, "height": 700})
    sign_in(marta)
    view = SavedView.objects.create(
        owner=marta, list_key="clients:list", name="Best ones", query={"tier": ["A"]}, columns=[["city", None]]
    )
    page.goto(live_server.url + f"/clients/?view={view.pk}")
    page.locator("#list-views [aria-current]", has_text="Best ones").wait_for()
    assert page.locator("#list-views [aria-current]").evaluate("e => e.getBoundingClientRect().right <= innerWidth")
    assert "Helsinki" in page.locator("tbody").inner_text()
    page.get_by_label("What to do with views").click()
    page.get_by_role("link", name="Rename or share").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Better ones")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.locator("#list-views [aria-current]", has_text="Better ones").wait_for()
    page.get_by_role("link", name="Columns").click()
    page.get_by_role("dialog").get_by_role("checkbox", name="City").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert_accessible(page)
