"""The palette and the search page in a browser: steps, late answers, keyboard, a phone, dark."""

from contextlib import suppress

import pytest
from playwright.sync_api import Error

from crm.core.base.principals import acting
from interactions.agreements.services import record_decision
from tools.testing.factories.interactions import NOW, log, make_client, make_firm, make_person, make_user

pytestmark = pytest.mark.django_db(transaction=True)
OLD = '<a class="palette-item" role="option" href="/">Old</a>'


@pytest.fixture
def marta(transactional_db, sign_in):
    make_firm(time_zone="Europe/Helsinki")
    marta = make_user(name="Marta Kallio")
    northlight = make_client(owner=marta, name="Northlight Advisory", city="Helsinki")
    make_person(northlight, "Elina", "Northman", address="elina@northlight.example")
    log(actor=marta, client=northlight, body="They asked about the northern branch.")
    record_decision(acting(marta), client=northlight, text="Open the northern branch", decided_date=NOW.date())
    make_client(owner=marta, name="Halden Oy")
    return sign_in(marta)


def items(page):
    return page.locator("#palette-results .palette-item")


def chosen(page):
    return page.locator(".palette-item[aria-selected=true]")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_names_come_first_then_texts_and_the_choice_stays(page, live_server, marta, assert_accessible, width, scheme):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(live_server.url + "/today/")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search")
    page.keyboard.type("north", delay=70)
    page.locator("#palette-results [role=group]", has_text="Interactions").wait_for()
    groups = page.locator("#palette-results [role=group]").evaluate_all(
        "all => all.map(each => each.getAttribute('aria-label'))"
    )
    assert groups == ["Clients", "Contacts", "Decisions", "Interactions"]
    assert chosen(page).inner_text().startswith("Northlight Advisory")
    assert field.get_attribute("aria-activedescendant") == chosen(page).get_attribute("id")
    assert page.evaluate("document.activeElement.id") == "palette-input"
    assert page.locator("#palette-status").inner_text() == "4 results"
    assert page.locator("mark", has_text="north").count()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("ArrowDown")
    assert "Elina Northman" in chosen(page).inner_text()
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    assert "/contacts/" in opened.value.url
    assert page.locator("#palette").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()


def test_a_typo_is_answered_by_a_similar_name_and_nothing_is_said_once(page, live_server, marta):
    page.goto(live_server.url + "/today/")
    page.keyboard.press("Control+k")
    page.keyboard.type("nothlight", delay=70)
    page.locator("#palette-results", has_text="Similar names").wait_for()
    assert chosen(page).inner_text().startswith("Northlight Advisory")
    assert page.locator(".palette-empty").count() == 0
    page.locator("#palette-input").fill("qzxvwk")
    page.get_by_text("Nothing found for “qzxvwk”.").wait_for()


def test_an_answer_that_comes_too_late_is_dropped(page, live_server, marta):
    held = []
    page.route("**/search/?q=north&*", lambda route: held.append(route))
    page.goto(live_server.url + "/today/")
    page.keyboard.press("Control+k")
    page.locator(".palette-item").first.wait_for()
    with page.expect_request("**/search/?q=north&*"):
        page.locator("#palette-input").fill("north")
    page.locator(".palette.is-busy").wait_for()
    with page.expect_response("**/search/?q=halden&*"):
        page.locator("#palette-input").fill("halden")
    chosen(page).filter(has_text="Halden Oy").wait_for()
    for route in held:
        with suppress(Error):  # the browser may have given it up
            route.fulfill(status=200, content_type="text/html", body=OLD)
    page.locator(".palette:not(.is-busy)").wait_for()
    assert items(page).filter(has_text="Old").count() == 0 and items(page).filter(has_text="Halden").count() == 1


def test_the_page_adds_texts_and_similar_names_while_somebody_types(page, live_server, marta, assert_accessible):
    page.goto(live_server.url + "/search/")
    page.get_by_role("main").get_by_role("searchbox").press_sequentially("northern", delay=70)
    page.locator("#found", has_text="Open the northern branch").wait_for()
    assert page.evaluate("document.activeElement.name") == "q" and "q=northern" in page.url
    assert_accessible(page)
