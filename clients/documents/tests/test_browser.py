"""Files dropped and chosen in a real browser, on a desk and on a phone."""

import pytest
from django.urls import reverse

from clients.documents.models import Document
from tools.testing.factories.clients import make_client, make_firm, make_user
from tools.testing.factories.documents import PDF, PNG, make_document

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def northwind(transactional_db):
    make_firm()
    return make_client(owner=make_user(name="Marta Kallio"), name="Northwind Advisory")


def chosen(name, data):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


@pytest.mark.parametrize("size", [(1440, 900), (320, 700)], ids=["desk", "phone"])
def test_files_are_sent_one_by_one_and_each_says_what_became_of_it(
    page, live_server, sign_in, northwind, assert_accessible, size
):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(northwind.owner)
    page.goto(live_server.url + reverse("clients:client_documents", args=[northwind.pk]))
    page.get_by_text("No documents yet").wait_for()
    assert_accessible(page)
    page.locator(".upload.is-live").wait_for()
    page.locator("#upload").get_by_label("Kind").select_option("identity")
    page.set_input_files("#upload input[type=file]", [chosen("pass_port.png", PNG), chosen("letter.pdf", b"MZ")])
    page.get_by_text("“letter.pdf” is a program").wait_for()
    page.locator("#list").get_by_role("link", name="pass port").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert_accessible(page)
    page.locator("#list").get_by_role("link", name="pass port").click()
    page.get_by_role("img", name="Preview of pass port").wait_for()
    shown = page.get_by_role("img", name="Preview of pass port")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert_accessible(page)
    assert Document.objects.get().kind == "identity"


def test_what_is_dropped_anywhere_on_the_tab_is_sent(page, live_server, sign_in, northwind):
    sign_in(northwind.owner)
    page.goto(live_server.url + reverse("clients:client_documents", args=[northwind.pk]))
    page.locator(".upload.is-live").wait_for()
    carried = page.evaluate_handle(
        "() => { const t = new DataTransfer(); t.items.add(new File(['a;b'], 'list.csv')); return t; }"
    )
    page.dispatch_event("#list", "dragenter", {"dataTransfer": carried})
    page.locator("[data-drop-zone].is-over").wait_for()
    page.dispatch_event("#list", "drop", {"dataTransfer": carried})
    page.locator("#list").get_by_role("link", name="list").wait_for()
    assert page.locator("[data-drop-zone].is-over").count() == 0


def test_a_line_that_breaks_keeps_the_file_to_be_tried_again(page, live_server, sign_in, northwind, browser_problems):
    sign_in(northwind.owner)
    page.goto(live_server.url + reverse("clients:client_documents", args=[northwind.pk]))
    page.locator(".upload.is-live").wait_for()
    page.route("**/documents/upload/**", lambda route: route.abort())
    page.set_input_files("#upload input[type=file]", [chosen("letter.pdf", PDF)])
    page.get_by_text("letter.pdf: The connection was lost.").wait_for()
    browser_problems.clear()
    page.unroute("**/documents/upload/**")
    page.get_by_role("button", name="Try again").click()
    page.locator("#list").get_by_role("link", name="letter").wait_for()


def test_a_new_version_says_what_is_wrong_beside_its_file(page, live_server, sign_in, northwind, assert_accessible):
    document = make_document(actor=northwind.owner, client=northwind)
    sign_in(northwind.owner)
    page.goto(live_server.url + reverse("clients:document_version_add", args=[document.pk]))
    page.set_input_files("#version-form input[type=file]", [chosen("letter.pdf", PNG)])
    page.get_by_label("What changed").fill("Signed by both")
    page.get_by_role("button", name="Add version").click()
    page.get_by_text("is not a PDF").first.wait_for()
    assert page.get_by_label("What changed").input_value() == "Signed by both"
    assert_accessible(page)
    page.set_input_files("#version-form input[type=file]", [chosen("letter.png", PNG)])
    page.get_by_role("button", name="Add version").click()
    page.get_by_text("Signed by both").wait_for()
