"""Columns that people choose: which there are, in which order, what they load, and what a file then holds."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.catalogue.services import create_tag
from clients.contacts.fields import CONTACT_FIELDS
from clients.listing.lists import CLIENTS, CONTACTS
from clients.listing.tests.test_kit import LISTS, address, body, ids
from clients.records.fields import CLIENT_FIELDS
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.principals import SYSTEM, acting
from crm.core.listing.models import ListPreference
from crm.core.listing.services import choose_columns, set_widths
from tools.testing.factories.clients import make_client, make_contact
from tools.testing.factories.interactions import log

pytestmark = pytest.mark.django_db
CHOOSING = [declared for declared in LISTS if declared.has_columns]


def heads(page):
    return [str(head["label"]) for head in page.context["listing"].heads]


def table(text):
    """The cells of each row of the list, as text."""
    rows = re.findall(r"<tr>.*?</tr>", text.partition("<tbody")[2].partition("</tbody>")[0], re.S)
    cells = [re.findall(r"<(?:td|th)\b([^>]*)>(.*?)</(?:td|th)>", row, re.S) for row in rows]
    plain = [
        [" ".join(re.sub("<[^>]*>", " ", cell).split()) for css, cell in row if "col-select" not in css]
        for row in cells
    ]
    return plain


def columns_url(declared, query=""):
    back = reverse(declared.url_name)
    return f"{reverse('core:list-columns', args=[declared.key])}?{query}{'&' if query else ''}next={back}"


def file(client, declared, **query):
    return list(
        csv.reader(
            io.StringIO(body(client.get(address(declared, "-export"), {"as": "csv"} | query)).decode("utf-8-sig"))
        )
    )


@pytest.mark.parametrize("declared", CHOOSING, ids=ids)
def test_every_column_can_be_shown_moved_and_hidden(client, aino, declared):
    """The table has a cell for each head, whatever is chosen, and the file holds exactly what is shown."""
    contact = make_contact(actor=aino, client=make_client(owner=aino))
    log(actor=aino, client=contact.clients.get(), contacts=[contact])
    client.force_login(aino)
    movable = [key for key, column in declared.offered.items() if not column.is_fixed]
    for keys in (movable[::-1], movable[1:2]):
        choose_columns(acting(aino), page=declared, columns=keys)
        page = client.get(address(declared))
        listing = page.context["listing"]
        shown = [column.key for column in listing.columns if not column.is_fixed]
        assert shown == [shown[0], *(key for key in keys if key != shown[0])]
        assert all(len(row) == len(listing.heads) for row in table(page.text))
        if declared.file_name:
            labels = [str(c.file_label or c.label) for c in listing.columns if c.value]
            assert file(client, declared)[0] == labels


def test_clients_and_contacts_offer_every_field(client, marta):
    keys = {field.key or field.name for field in CLIENT_FIELDS.values()}
    assert keys <= set(CLIENTS.offered)
    assert {field.key or field.name for field in CONTACT_FIELDS.values()} <= set(CONTACTS.offered)
    client.force_login(marta)
    form = client.get(columns_url(CLIENTS)).text
    offered = re.findall(r'name="columns" value="(\w+)"', form)
    assert len(offered) == len(set(offered)) and set(offered) == set(CLIENTS.offered) - {"name"}


def filled(marta, **values):
    told = {
        "city": "Oulu",
        "email": "info@north.example",
        "phone": "+358 40 123",
        "notes": "A long story",
        "country": "FI",
    }
    return make_client(owner=marta, parent=make_client(owner=marta, name="Mother"), **told | values)


@pytest.mark.parametrize("declared", [CLIENTS, CONTACTS], ids=ids)
def test_what_is_shown_is_loaded_with_the_page_and_nothing_else(client, marta, declared):
    """As many statements for ten rows as for one, with every column, and the fewer the less is shown."""
    client.force_login(marta)
    tag = create_tag(SYSTEM, name="Board")

    def cost(keys):
        choose_columns(acting(marta), page=declared, columns=keys)
        client.get(address(declared)), client.get(address(declared))  # kept statements
        with CaptureQueriesContext(connection) as found:
            client.get(address(declared))
        return found.captured_queries

    first = filled(marta)
    update_client(acting(marta), client=first, seen_version=None, tags=[tag])
    make_contact(actor=marta, client=first)
    alone = cost([*declared.offered][1:])
    for n in range(10):
        update_client(acting(marta), client=(row := filled(marta, name=f"N{n}")), seen_version=None, tags=[tag])
        make_contact(actor=marta, client=row, first_name=f"P{n}")
    assert len(cost([*declared.offered][1:])) <= len(alone)
    few = cost([*declared.offered][1:2])
    assert len(few) < len(alone)
    if declared is CLIENTS:
        rows = next(
            query["sql"] for query in few if '"clients_client"."name"' in query["sql"] and "LIMIT" in query["sql"]
        )
        assert '"notes"' not in rows and '"core_user"' not in rows and "revenue_12m" not in rows


def test_a_parent_out_of_sight_is_not_named(client, marta, otto):
    mother = make_client(owner=otto, name="Secret Mother")
    child = make_client(owner=marta, name="Child", parent=mother)
    seen = make_client(owner=marta, name="Sister", parent=make_client(owner=marta, name="Open Mother"))
    restrict_client(acting(otto), client=mother)
    choose_columns(acting(marta), page=CLIENTS, columns=["parent"])
    client.force_login(marta)
    page = client.get("/clients/")
    assert [row for row in table(page.text) if row[0].startswith(("Child", "Sister"))] == [
        ["Child", "—"],
        ["Sister", "Open Mother"],
    ]
    text = str(file(client, CLIENTS))
    assert "Secret" not in page.text + text and "Open Mother" in text
    assert child.pk and seen.pk


def test_the_title_stands_first_and_cells_are_drawn_as_links_and_words(client, marta):
    row = filled(marta, name="Bo & Co", notes="x" * 500)
    choose_columns(
        acting(marta), page=CLIENTS, columns=["email", "name", "country", "notes", "tags", "nps", "is_restricted"]
    )
    client.force_login(marta)
    page = client.get("/clients/")
    assert heads(page) == ["Client", "Email", "Country", "Background", "Tags", "NPS", "Restricted"]
    (cells,) = [cells for cells in table(page.text) if cells[0].startswith("Bo")]
    assert cells[1:] == ["info@north.example", "Finland", "x" * 159 + "…", "—", "—", "no"]
    assert '<a href="mailto:info@north.example">' in page.text and f'title="{"x" * 500}"' in page.text
    assert row.pk


# The form


def post(client, declared, keys, query="", **more):
    return client.post(columns_url(declared, query), {"columns": keys} | more)


def test_columns_are_chosen_ordered_sized_and_reset(client, marta, otto):
    make_client(owner=marta)
    client.force_login(marta)
    assert post(client, CLIENTS, ["city", "status"], **{"width-city": "200"}).url == "/clients/"
    page = client.get("/clients/")
    assert heads(page) == ["Client", "City", "Status"] and page.context["listing"].widths == {"city": 200}
    assert 'width="200"' in page.text and "is-sized" in page.text
    client.force_login(otto)
    assert len(heads(client.get("/clients/"))) == 8, "they are the person's own"
    client.force_login(marta)
    post(client, CLIENTS, ["city"], reset=1)
    assert len(heads(client.get("/clients/"))) == 8
    assert ListPreference.objects.get().columns == [] and ListPreference.objects.get().widths == {}
    post(client, CLIENTS, [column.key for column in CLIENTS.usual[1:]])
    assert ListPreference.objects.get().columns == [], "what the list has by itself is no choice"


def test_without_script_the_buttons_move_a_column_and_save_nothing(client, marta):
    client.force_login(marta)
    answer = post(client, CLIENTS, ["city", "status", "tier"], move="status:up")
    assert [row["column"].key for row in answer.context["shown"]] == ["status", "city", "tier"]
    answer = post(client, CLIENTS, ["city", "status", "tier"], move="tier:down")
    assert [row["column"].key for row in answer.context["shown"]] == ["city", "status", "tier"]
    assert not ListPreference.objects.exists()


@pytest.mark.parametrize(
    "data",
    [{"columns": ["nonsense"]}, {"columns": ["city"], "width-city": "7"}, {"columns": ["city"], "width-city": "wide"}],
)
def test_nonsense_is_refused_and_what_was_typed_stays(client, marta, data):
    client.force_login(marta)
    answer = client.post(columns_url(CLIENTS), data)
    assert answer.status_code == 422 and not ListPreference.objects.exists()
    if "width-city" in data:
        assert f'value="{data["width-city"]}"' in answer.text and "Enter a width from 40 to 900" in answer.text


def test_widths_by_dragging_are_kept_and_kept_within_reason(client, marta):
    client.force_login(marta)
    url = reverse("core:list-widths", args=["clients:list"])
    assert client.post(url, {"width-status": "240", "width-gone": "100"}).status_code == 204
    assert ListPreference.objects.get().widths == {"status": 240}
    assert client.post(url, {"width-status": "99999"}).status_code == 422
    set_widths(acting(marta), page=CLIENTS, widths={"tier": 1})
    assert ListPreference.objects.get().widths == {"tier": 40}


def test_columns_in_the_address_hold_for_it_alone_and_unknown_ones_are_named(client, marta):
    make_client(owner=marta)
    client.force_login(marta)
    page = client.get("/clients/?columns=city,gone,city,status")
    assert heads(page) == ["Client", "City", "Status"]
    assert "no longer there: gone" in page.text
    assert len(heads(client.get("/clients/?view=none"))) == 8 and not ListPreference.objects.exists()
    assert file(client, CLIENTS, columns="status,city")[0] == ["Client", "Status", "City"]


def test_a_chosen_sort_column_may_be_hidden_without_a_statement_for_each_row(client, marta):
    for n in range(30):
        make_client(owner=marta, name=f"N{n:02}")
    choose_columns(acting(marta), page=CLIENTS, columns=["tier"])
    client.force_login(marta)

    def cost(query):
        client.get(f"/clients/?{query}"), client.get(f"/clients/?{query}")
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"/clients/?{query}").context["page"].next_cursor
        return len(found)

    assert cost("sort=nps") <= cost("sort=name") + 1  # rows without a value are a second stretch


def test_a_list_that_opts_out_has_no_form_of_columns(client, marta):
    client.force_login(marta)
    assert client.get(reverse("core:list-columns", args=["interactions:follow-ups"])).status_code == 404
    assert client.get(reverse("core:list-columns", args=["nobody:knows"])).status_code == 404
    assert client.get(reverse("core:list-columns", args=["clients:rates"])).status_code == 403
