"""The board of follow-ups in a browser: a real mouse, the keyboard alone, a phone, light and dark."""

from datetime import timedelta

import pytest
from django.utils import timezone

from interactions.follow_ups.models import FollowUp
from tools.testing.browser import drag_card
from tools.testing.factories.interactions import follow_up, make_client, make_firm, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(transactional_db):
    make_firm()
    marta = make_user()
    northwind = make_client(owner=marta)
    now = timezone.now()
    for title, days in (("Call Elina", -2), ("Send the price", 0), ("Review", 5)):
        follow_up(actor=marta, client=northwind, title=title, due_date=now.date() + timedelta(days), now=now)
    return marta


def due(title):
    return (FollowUp.objects.get(title=title).due_date - timezone.now().date()).days


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_cards_move_to_a_day_and_a_longer_span_asks_for_it(page, live_server, sign_in, marta, assert_accessible, theme):
    page.emulate_media(color_scheme=theme)
    sign_in(marta)
    page.goto(live_server.url + "/follow-ups/?board=when")
    assert_accessible(page)
    drag_card(page, "Call Elina", "tomorrow")
    page.get_by_text("“Call Elina” moved to Tomorrow").wait_for()
    assert due("Call Elina") in (0, 1, 2), "by the day of the reader's zone"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("1 restored").wait_for()
    drag_card(page, "Send the price", "later")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Due").wait_for()
    assert_accessible(page)
    dialog.get_by_role("button", name="Move").click()
    page.locator("#cards-later .board-card").wait_for()
    assert due("Send the price") >= 7


def test_by_keyboard_alone_and_on_a_phone(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + "/follow-ups/?board=state")
    page.get_by_role("link", name="Move: Review").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Done").check()
    dialog.get_by_label("Outcome").fill("All fine")
    assert_accessible(page)
    page.keyboard.press("Control+Enter")
    page.locator("#cards-done .board-card").wait_for()
    row = FollowUp.objects.get(title="Review")
    assert (row.state, row.outcome) == ("done", "All fine")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert_accessible(page)
