"""Boards, groups and bulk edit in a browser: a real mouse, the keyboard alone, a phone."""

import pytest

from clients.records.models import Client
from clients.records.services.clients import update_client
from crm.core.base.principals import acting
from tools.testing.browser import drag_card
from tools.testing.factories.clients import make_client, make_firm, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(transactional_db):
    make_firm(time_zone="Europe/Helsinki")
    marta = make_user(name="Marta Kallio")
    for n in range(3):
        make_client(owner=marta, name=f"Client {n}", tier="B")
    make_client(owner=marta, name="Halden", tier="A")
    return marta


def tier_of(name):
    return Client.objects.get(name=name).tier


def test_cards_move_by_mouse_and_a_stale_one_goes_back(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    page.goto(live_server.url + "/clients/?board=tier")
    drag_card(page, "Client 0", "A")
    page.get_by_text("“Client 0” moved to A").wait_for()
    assert tier_of("Client 0") == "A" and page.locator("#cards-A .board-card").count() == 2
    assert_accessible(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("1 restored").wait_for()
    assert tier_of("Client 0") == "B" and page.locator("#cards-B .board-card").count() == 3
    update_client(acting(make_user(name="Sini Ranta")), client=Client.objects.get(name="Client 1"), tier="C")
    drag_card(page, "Client 1", "A")
    page.get_by_text("Sini Ranta changed “Client 1” while this board was open").wait_for()
    page.locator("#cards-C .board-card").wait_for()
    assert tier_of("Client 1") == "C", "and the board shows it where it is now"


def test_a_status_asks_before_it_moves_and_works_by_keyboard_alone(
    page, live_server, sign_in, marta, assert_accessible
):
    sign_in(marta)
    page.goto(live_server.url + "/clients/?board=status")
    drag_card(page, "Halden", "paused")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("From").wait_for()
    assert (
        dialog.get_by_role("radio", name="Paused").is_checked()
        and page.locator("#cards-active .board-card").count() == 4
    )
    assert_accessible(page)
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("link", name="Move: Halden").press("Enter")
    dialog.get_by_role("radio", name="Former").press("Space")
    dialog.get_by_role("button", name="Move").press("Enter")
    dialog.get_by_text("Say why the client left.").wait_for()
    dialog.get_by_label("Reason for leaving").select_option("price")
    dialog.get_by_role("button", name="Move").press("Enter")
    page.get_by_text("“Halden” moved to Former").wait_for()
    page.locator("#cards-former .board-card").wait_for()
    assert Client.objects.get(name="Halden").facts.status == "former"
    page.locator("[id^=move-]:focus").wait_for()


def test_fields_are_chosen_and_many_clients_edited(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    page.goto(live_server.url + "/clients/")
    for n in range(2):
        page.get_by_role("checkbox", name=f"Select: Client {n}").check()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("heading", level=1, name="Edit").wait_for()
    page.locator(".ts-control input").first.fill("Tier")
    page.locator(".ts-dropdown .option", has_text="Tier").click()
    page.get_by_label("New value").select_option("C")
    assert_accessible(page)
    page.get_by_role("main").get_by_role("button", name="Edit").click()
    page.get_by_text("2 changed").wait_for()
    assert sorted(Client.objects.values_list("tier", flat=True)) == ["A", "B", "C", "C"]
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("2 restored").wait_for()


def test_groups_collapse_in_place(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + "/clients/?group=tier")
    page.get_by_role("button", name="Rows of B").click()
    page.locator("[aria-expanded=false]").wait_for()
    assert page.locator("tbody tr:not(.group-head)").count() == 1 and "closed=~B" in page.url
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.go_back()
    page.wait_for_url("**/clients/?group=tier")
    page.locator("tbody tr:not(.group-head)").nth(3).wait_for()
