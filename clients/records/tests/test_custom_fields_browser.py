"""An admin adds a custom field, and a colleague fills it in, on a desk and on a phone."""

import pytest

from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.fields.custom import services
from tools.testing.factories.clients import make_client, make_firm, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def aino(transactional_db):
    make_firm(time_zone="Europe/Helsinki")
    aino = make_user(name="Aino Admin", roles=("admin", "account_manager"))
    section = services.create_section(acting(aino), record="client", name="Tax")
    services.create_field(acting(aino), record="client", label="VAT number", kind="text", pattern="FI99999999")
    services.create_field(
        acting(aino), record="client", label="Tax regime", kind="choice", options=["A", "B"], section=section
    )
    make_client(owner=aino, name="Northwind Advisory", cf_vat_number="FI12345678", cf_tax_regime="a")
    make_client(owner=aino, name="Halden & Partners")
    return aino


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desk", "phone"])
def test_a_new_field_is_filled_in(page, live_server, sign_in, aino, assert_accessible, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(aino)
    page.goto(live_server.url + "/settings/fields/")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("link", name="New field").first.click()
    page.get_by_label("Name").fill("Class")
    assert not page.get_by_label("Choices").is_visible()
    page.get_by_label("Type").select_option("choice")
    page.get_by_label("Choices").fill("Gold\nSilver")
    assert not page.get_by_label("Pattern").is_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Add field").click()
    page.get_by_role("link", name="Class", exact=True).wait_for()
    client = Client.objects.get(name="Halden & Partners")
    page.goto(live_server.url + client.get_absolute_url())
    page.get_by_role("link", name="Change the class").click()
    page.locator("select[name=cf_class]").select_option("silver")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#fact-cf_class").get_by_text("Silver").wait_for()
    assert_accessible(page)
    client.refresh_from_db()
    assert client.custom == {"class": "silver"}
    page.goto(live_server.url + "/clients/?view=none&cf_class=silver&columns=cf_class")
    page.get_by_text("Class is", exact=False).first.wait_for()
    assert_accessible(page)
