"""The interface itself, in a real browser, on the style guide: themes, keyboard, palette, dialogs, menus, toasts, lists."""

import pytest
from django.contrib.auth import get_user_model

from crm.core.ui.views.styleguide import TABS
from crm.core.users.choices import Role

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(sign_in):
    user = get_user_model()(email="marta@example.com", name="Marta Kallio", roles=[Role.ACCOUNT_MANAGER])
    user.set_unusable_password()
    user.save()
    return sign_in(user)


@pytest.fixture
def guide(page, live_server, marta):
    def _open(tab):
        page.goto(f"{live_server.url}/styleguide/?tab={tab}")
        return page

    return _open


def test_every_part_is_accessible_in_both_themes_and_fits_320_pixels(guide, page, assert_accessible):
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": 1440, "height": 900})
        for tab in TABS:
            guide(tab)
            assert_accessible(page)
    page.set_viewport_size({"width": 320, "height": 700})
    for tab in TABS:
        guide(tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, tab


def test_the_sign_in_page_is_accessible(page, live_server, assert_accessible):
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.goto(f"{live_server.url}/accounts/login/")
        assert_accessible(page)


def test_palette_opens_on_ctrl_k_follows_the_arrows_and_gives_focus_back(guide):
    page = guide("marks")
    page.keyboard.press("Control+k")
    page.locator("#palette-input").fill("sty")
    page.locator("#palette-results").wait_for()
    assert page.evaluate("document.activeElement.id") == "palette-input"
    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()


def test_shortcuts_work_but_not_while_typing(guide):
    page = guide("lists")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    guide("forms")
    name = page.locator("#id_name")
    name.fill("")
    name.press_sequentially("c?")
    assert name.input_value() == "c?"
    assert page.locator("dialog[open]").count() == 0
    name.blur()
    page.keyboard.press("?")
    assert page.locator("#shortcut-help").is_visible()
    assert page.get_by_text("Go to clients").is_visible()
    assert page.get_by_text("Go to reports").is_hidden(), "an account manager has no reports"


def test_shortcuts_can_be_switched_off_and_the_theme_chosen(guide, marta):
    marta.has_shortcuts, marta.theme = False, "dark"
    marta.save()
    page = guide("lists")
    page.keyboard.press("?")
    assert not page.locator("#shortcut-help").is_visible()
    # the user's theme beats that of the system, which is light here
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 21, 19)"


def test_rows_are_walked_and_selected_by_keyboard_and_the_selection_survives_paging(guide):
    page = guide("lists")
    for key in "jjx":
        page.keyboard.press(key)
    assert page.locator("tr.is-current .row-title").text_content() == "Halden & Partners"
    assert page.locator("[data-bulk-count]").text_content() == "1"
    page.get_by_role("link", name="Next", exact=True).click()
    page.locator("[data-bulk-bar]:visible").wait_for()
    assert page.get_by_label("Select Halden & Partners").is_checked()


def test_dialogs_and_menus_take_focus_and_give_it_back(guide):
    page = guide("overlays")
    button = page.locator("#menus").get_by_role("button", name="Open a dialog")
    button.click()
    assert page.evaluate("document.activeElement.id") == "sample-input"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Open a dialog"

    # menus
    menu = page.locator("#menus details.menu").first
    menu.locator("summary").click()
    page.keyboard.press("ArrowDown")
    assert "Edit" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    menu.locator("summary").click()
    page.locator("h1").click()
    assert menu.get_attribute("open") is None


def test_toasts_are_announced_with_undo_and_stay(guide, browser_problems):
    page = guide("marks")
    detail = "{text: 'Halden <b>archived</b>.', undo_url: '/clients/1/restore/'}"
    page.evaluate(f"document.body.dispatchEvent(new CustomEvent('toast', {{bubbles: true, detail: {detail}}}))")
    toast = page.locator("#toasts[role=status] [data-toast]")
    assert "Halden <b>archived</b>." in toast.text_content()
    assert toast.locator("form").get_attribute("action") == "/clients/1/restore/"
    assert toast.locator("input[name=csrfmiddlewaretoken]").input_value()
    toast.get_by_role("button", name="Dismiss").click()
    assert toast.count() == 0

    # a failed request is told in words, and the page stays as it is
    page.evaluate("htmx.ajax('GET', '/no-such-page/', {target: '#main'})")
    page.locator("#toasts [data-toast]").wait_for()
    assert "no longer exists" in page.locator("#toasts").text_content()
    assert page.locator("h1").text_content() == "Style guide"
    browser_problems.clear()


def test_composer_follows_the_channel_and_sends_on_ctrl_enter(guide):
    page = guide("timeline")
    page.get_by_label("Note").check(force=True)
    assert page.locator("[data-composer-submit]").text_content() == "Save note"
    assert page.locator("[data-channels]").is_hidden()
    page.locator("textarea[name=body]").fill("Short.")
    with page.expect_navigation(url="**body=Short.**"):
        page.keyboard.press("Control+Enter")


def test_chart_draws_and_has_its_table(guide):
    page = guide("charts")
    # Chart.js gives the canvas its size as a style; polling in the page is not possible, for the policy forbids eval
    page.locator("canvas#retention-chart[style*='block']").wait_for()
    assert page.evaluate("Chart.getChart('retention-chart').data.labels.length") > 1
    page.locator("#retention summary", has_text="Table").click()
    assert page.locator("#retention td", has_text="91.4").is_visible()


def test_pages_work_without_script(browser, browser_context_args, live_server, marta, context):
    plain = browser.new_context(**browser_context_args, java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/styleguide/?tab=lists")
    page.locator("header input[name=q]").fill("northwind")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=northwind")
    plain.close()
