"""From the list to a client's page, on a desk and on a phone."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from clients.records.models import Client
from clients.records.services.clients import update_client
from crm.core.base.principals import acting
from tools.testing.factories.clients import make_client, make_contact, make_firm, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(transactional_db):
    make_firm(time_zone="Europe/Helsinki")
    marta = make_user(name="Marta Kallio")
    northwind = make_client(
        owner=marta,
        name="Northwind Advisory",
        tier="A",
        industry="Tax and audit",
        city="Helsinki",
        time_zone="Europe/Helsinki",
    )
    make_contact(
        actor=marta,
        client=northwind,
        emails=[("work", "elina@northwind.example")],
        phones=[("work", "+358 40 123 4567")],
        title="CFO",
    )
    make_client(owner=marta, name="Halden & Partners", status="at_notice", city="Oslo")
    return marta


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desk", "phone"])
def test_list_search_open_change_status(page, live_server, sign_in, marta, assert_accessible, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(marta)
    page.goto(live_server.url + "/clients/")
    assert_accessible(page)
    page.get_by_role("searchbox", name="Search clients").fill("northw")
    page.get_by_text("1 client", exact=False).first.wait_for()
    page.wait_for_url("**q=northw**")
    assert page.get_by_role("link", name="Halden & Partners").count() == 0
    page.get_by_role("link", name="Northwind Advisory").click()
    page.get_by_role("heading", level=1, name="Northwind Advisory").wait_for()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.mouse.wheel(0, 5000)  # the card loads when it is seen
    page.locator("#status-history").get_by_role("link", name="Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New status").select_option("former")
    dialog.get_by_role("button", name="Change status").click()
    dialog.get_by_text("Say why the client left.").first.wait_for()
    dialog.get_by_label("Reason for leaving").select_option("price")
    dialog.get_by_role("button", name="Change status").click()
    page.locator(".page-meta").get_by_text("Former").wait_for()


def test_a_duplicate_is_warned_of_while_typing(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    page.goto(live_server.url + "/clients/new/")
    assert_accessible(page)
    page.get_by_label("name", exact=False).first.press_sequentially("Northwind")
    page.get_by_text("Possible duplicate").wait_for()
    page.get_by_role("link", name="Northwind Advisory").wait_for()


def test_choices_found_by_typing_stay_closed_until_they_are_asked_for(page, live_server, sign_in, marta):
    sign_in(marta)
    northwind = Client.objects.get(name="Northwind Advisory")
    with page.expect_response("**/clients/options/**", timeout=30_000):
        page.goto(live_server.url + f"/clients/{northwind.pk}/referrals/new/")
    page.wait_for_load_state("networkidle")
    field, choices = page.get_by_role("combobox", name="Referred by client"), page.locator(".ts-dropdown:visible")
    expect(field).to_be_focused()
    expect(choices).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(choices).to_have_count(1)
    assert "Type a name" not in choices.inner_text(), "the empty choice is no result"
    page.keyboard.type("halden")
    expect(choices.locator(".option")).to_have_text(["Halden & PartnersAt notice · Oslo"])
    page.keyboard.press("Enter")
    chosen = page.locator("#id_by_client")
    assert chosen.input_value() == str(Client.objects.get(city="Oslo").pk)
    page.locator(".ts-wrapper .remove").click()
    assert chosen.input_value() == ""


def test_filters_open_over_the_list_and_narrow_it(page, live_server, sign_in, marta):
    sign_in(marta)
    page.goto(live_server.url + "/clients/")
    page.locator("#list-tools").get_by_role("link", name="Filter").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("At notice").check()
    dialog.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("Status is").wait_for()
    assert page.get_by_role("link", name="Northwind Advisory").count() == 0
    assert page.get_by_role("link", name="Halden & Partners").count() == 1


def test_a_fact_is_changed_in_its_place(page, live_server, sign_in, marta, assert_accessible):
    sign_in(marta)
    northwind = Client.objects.get(name="Northwind Advisory")
    page.goto(f"{live_server.url}/clients/{northwind.pk}/")
    page.get_by_role("link", name="Change the email").click()
    field = page.get_by_role("textbox", name="Email", exact=True)
    field.fill("not a mail address")
    field.press("Enter")
    page.locator("#fact-email .field-error").wait_for()
    assert field.input_value() == "not a mail address"
    assert_accessible(page)
    field.press("Escape")
    page.get_by_role("link", name="Change the email").wait_for()
    page.get_by_role("link", name="Change the industry").click()
    field = page.get_by_role("textbox", name="Industry", exact=True)
    field.fill("Law")
    field.press("Enter")
    page.locator("#client-meta").get_by_text("Law").wait_for()
    northwind.refresh_from_db()
    assert (northwind.industry, northwind.email) == ("Law", "")


def test_a_consent_without_an_answer_is_said_to_be_the_default(client, marta):
    client.force_login(marta)
    contact = Client.objects.get(name="Northwind Advisory").affiliations.get().contact
    url = reverse("clients:contact", args=[contact.pk])
    page = client.get(url).text
    assert page.count("Yes, by default") == 2 and page.count("No, by default") == 1
    client.post(reverse("clients:consent", args=[contact.pk]), {"purpose": "marketing", "is_given": "1"})
    page = client.get(url).text
    assert page.count("Yes, by default") == 2 and "No, by default" not in page


def test_a_fact_changed_meanwhile_is_not_overwritten_unseen(client, marta):
    northwind = Client.objects.get(name="Northwind Advisory")
    url = reverse("clients:fact", args=[northwind.pk, "tier"])
    client.force_login(marta)
    update_client(acting(marta), client=northwind, tier="B")
    answer = client.post(url, {"tier": "C", "version": northwind.version}, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert Client.objects.get(pk=northwind.pk).tier == "B"
    answer = client.post(url, {"tier": "C", "version": answer.context["version"]}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert Client.objects.get(pk=northwind.pk).tier == "C"
