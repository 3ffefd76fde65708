"""The builder of a segment and the dialogs of bulk actions in a browser, light and dark: axe finds nothing, at any step of them."""

import pytest

from clients.segments.services import create_segment
from crm.core.base.principals import acting
from tools.testing.factories.clients import make_client, make_firm, make_user

pytestmark = pytest.mark.django_db(transaction=True)
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])
RULE = {
    "match": "all",
    "rules": [
        {"field": "tier", "op": "is", "values": ["A", "B"]},
        {"field": "last_contact_at", "op": "not_in_last", "values": [90]},
        {
            "match": "any",
            "rules": [
                {"field": "nps_score", "op": "at_most", "values": [6]},
                {"field": "nps_score", "op": "empty", "values": []},
            ],
        },
    ],
}


@pytest.fixture
def marta(transactional_db):
    make_firm(time_zone="Europe/Helsinki")
    marta = make_user(name="Marta Kallio")
    for n in range(3):
        make_client(owner=marta, name=f"Client {n}", tier="A")
    return marta


@THEMES
def test_the_builder_of_a_segment(page, live_server, sign_in, marta, assert_accessible, theme):
    segment = create_segment(acting(marta), name="Going quiet", rule=RULE)
    page.emulate_media(color_scheme=theme)
    sign_in(marta)
    page.goto(f"{live_server.url}/segments/{segment.pk}/edit/")
    page.locator("#segment-form").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Add rule").first.click()
    page.get_by_role("button", name="Remove this rule").nth(4).wait_for()
    assert_accessible(page)
    page.locator("input[name=name]").fill("")
    page.locator("#segment-form .btn-primary").click()
    page.locator("[aria-invalid=true]").first.wait_for()
    assert_accessible(page)
    page.goto(f"{live_server.url}/segments/{segment.pk}/")
    assert_accessible(page)


@THEMES
def test_the_dialogs_of_bulk_actions(page, live_server, sign_in, marta, assert_accessible, theme):
    page.emulate_media(color_scheme=theme)
    sign_in(marta)
    for words in ("Edit", "Change status", "Reassign"):
        page.goto(live_server.url + "/clients/?view=none")
        page.get_by_label("Select this page").check()
        assert_accessible(page)
        page.locator("[data-bulk-bar]").get_by_role("button", name=words, exact=True).click()
        page.get_by_role("heading", level=1, name=words).wait_for()
        assert_accessible(page)
    page.goto(live_server.url + "/clients/?view=none")
    page.get_by_label("Select this page").check()
    page.locator("[data-bulk-bar]").get_by_role("button", name="Edit", exact=True).click()
    page.locator("#bulk-question").get_by_role("button", name="Edit", exact=True).click()
    page.get_by_text("Choose a field.").wait_for()
    assert_accessible(page)
