"""The title of a client's next step is read from the follow-up, with one statement for a page of clients."""

from datetime import date

import pytest
from django.urls import reverse

from clients.records.models import Client
from clients.records.queries import add_next_steps
from clients.records.services.clients import restrict_client
from crm.core.base.principals import acting
from crm.core.firm.queries import firm_cached, get_firm
from tools.testing.factories.clients import make_client
from tools.testing.factories.interactions import follow_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def quiet(marta, northwind):
    """A client without a next step, beside Northwind that has two."""
    follow_up(actor=marta, client=northwind, title="Send the price", due_date=date(2027, 1, 5))
    follow_up(actor=marta, client=northwind, title="Call again", due_date=date(2027, 2, 5))
    return make_client(owner=marta, name="Quiet Oy")


def test_list_page_and_api_show_it(client, marta, northwind, quiet):
    client.force_login(marta)
    for url in (reverse("clients:list"), northwind.get_absolute_url(), reverse("clients:strip", args=[northwind.pk])):
        page = client.get(url).content.decode()
        assert "Send the price" in page, url
    assert "Call again" not in client.get(reverse("clients:list")).content.decode()
    listed = client.get("/api/v1/clients").json()["results"]
    assert {row["id"]: row["facts"]["next_step_text"] for row in listed} == {
        northwind.pk: "Send the price",
        quiet.pk: "",
    }
    assert client.get(f"/api/v1/clients/{northwind.pk}").json()["facts"]["next_step_text"] == "Send the price"


def test_one_statement_for_all_of_a_page(marta, manager, northwind, quiet, django_assert_num_queries):
    other = make_client(owner=marta, name="Birch")
    follow_up(actor=marta, client=other, title="Write to them", due_date=date(2027, 1, 5))
    rows = list(Client.objects.select_related("facts").order_by("name"))
    with firm_cached():  # as in a request
        get_firm()
        with django_assert_num_queries(1):
            add_next_steps(acting(manager), rows)
    assert [row.next_step_text for row in rows] == ["Write to them", "Send the price", ""]


def test_a_title_that_the_reader_may_not_see_is_not_shown(marta, otto, northwind, quiet):
    restrict_client(acting(marta), client=northwind)
    rows = list(Client.objects.select_related("facts").filter(pk=northwind.pk))
    add_next_steps(acting(otto), rows)
    assert rows[0].next_step_text == ""
