"""List, board, forecast and the page of an opportunity, in the hands of somebody who works with them."""

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.opportunities.models import Opportunity
from clients.opportunities.services.records import move_opportunity, update_opportunity
from clients.records.services.clients import restrict_client
from crm.core.base.principals import acting
from crm.core.search import sources
from tools.testing.factories.clients import make_client, make_user
from tools.testing.factories.opportunities import make_opportunity, stages

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def row(marta, northwind):
    return make_opportunity(actor=marta, client=northwind, now=timezone.now())


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_list_shows_it_with_sums_that_name_what_is_left_out(browser, marta, northwind, row):
    make_opportunity(actor=marta, client=northwind, title="No value yet", value=None)
    page = text_of(browser.get("/opportunities/"))
    assert row.title in page and "€12,000" in page and "€1,200" in page
    assert "1 without a value or rate" in page
    left_out = text_of(browser.get("/opportunities/?unpriced=1"))
    assert "No value yet" in left_out and row.title not in left_out


def test_a_new_one_keeps_what_was_typed_when_it_is_refused(browser, northwind):
    data = {"client": northwind.pk, "title": "", "kind": "new", "stage": stages()[1].pk, "value": "500"}
    data |= {"currency": "EUR", "expected_close": "2027-01-31", "next_step": "Call Elina"}
    refused = browser.post("/opportunities/new/", data)
    assert refused.status_code == 422 and "Call Elina" in refused.content.decode()
    browser.post("/opportunities/new/", data | {"title": "Audit"})
    made = Opportunity.objects.get()
    assert (made.title, made.stage, made.has_own_probability, made.client) == ("Audit", stages()[1], False, northwind)


def test_the_edit_form_leaves_the_stages_probability_alone(browser, row):
    page = browser.get(f"/opportunities/{row.pk}/edit/").content.decode()
    assert re.search(r'name="probability"[^>]*value=', page) is None
    data = {"title": "Changed", "kind": "new", "owner": row.owner_id, "value": "12000", "currency": "EUR", "rate": "1"}
    data |= {"expected_close": "2027-01-20", "opened_date": row.opened_date, "version": row.version, "probability": ""}
    assert browser.post(f"/opportunities/{row.pk}/edit/", data).status_code == 302
    row.refresh_from_db()
    assert (row.title, row.has_own_probability, row.probability) == ("Changed", False, 10)


def test_a_fact_is_edited_in_place_and_a_stale_one_is_said(browser, row, marta):
    url = f"/opportunities/{row.pk}/facts/next_step/"
    saved = browser.post(url, {"next_step": "Send the offer", "version": row.version}, headers=HTMX)
    assert saved.status_code == 200 and "Send the offer" in saved.content.decode()
    stale = browser.post(url, {"next_step": "Call", "version": row.version}, headers=HTMX)
    assert stale.status_code == 409 and "Someone else changed this" in stale.content.decode()
    assert browser.get(f"/opportunities/{row.pk}/facts/title/", headers=HTMX).status_code == 404


def drop(browser, row, stage, version):
    return browser.post("/opportunities/board/drop/", {"moved": row.pk, "list": stage.pk, "version": version})


def test_a_card_is_dragged_and_a_stale_one_goes_back_with_words(browser, row, marta, sini):
    assert drop(browser, row, stages()[1], row.version).json() == {"version": row.version + 1}
    update_opportunity(acting(sini), opportunity=row, title="Changed by Sini", now=timezone.now())
    stale = drop(browser, row, stages()[2], row.version + 1)
    assert stale.status_code == 409 and "Sini Ranta changed" in stale.json()["text"]
    assert drop(browser, row, stages()[2], "x").status_code == 400
    row.refresh_from_db()
    assert row.stage == stages()[1]


def test_the_same_by_dialog_with_undo(browser, row):
    url = f"/opportunities/{row.pk}/move/"
    form = browser.get(url, headers=HTMX | {"HX-Target": "remote-dialog-body"})
    assert "Negotiation" in form.content.decode() and "<html" not in form.content.decode()
    moved = browser.post(url, {"stage": stages()[3].pk, "version": row.version}, headers=HTMX)
    assert moved.status_code == 204 and "opportunitiesChanged" in moved["HX-Trigger"]
    browser.post(f"/opportunities/{row.pk}/back/")
    row.refresh_from_db()
    assert row.stage == stages()[0]
    assert browser.post(url, {"stage": stages()[3].pk, "version": 1}).status_code == 409


def test_the_board_shows_25_cards_a_column_and_then_more(browser, marta, northwind, django_assert_max_num_queries):
    for n in range(27):
        make_opportunity(
            actor=marta, client=northwind, title=f"Deal {n:02}", expected_close=date(2027, 1, 1) + timedelta(days=n)
        )
    browser.get("/opportunities/board/")
    with django_assert_max_num_queries(22):
        page = browser.get("/opportunities/board/").content.decode()
    assert page.count('class="board-card') == 25 + 4 and "Deal 26" not in page  # and the list of each column
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', page)[1].replace("&amp;", "&")
    rest = browser.get(more, headers=HTMX).content.decode()
    assert rest.count('class="board-card') == 2 and "Deal 26" in rest


def test_each_number_of_the_forecast_is_the_length_of_its_list(browser, marta, northwind):
    today = timezone.localdate()
    for n, days in enumerate((-70, 0, 1, 40, 200, 900)):
        make_opportunity(
            actor=marta,
            client=northwind,
            title=f"Deal {n}",
            value=None if n == 1 else "1000",
            expected_close=today + timedelta(days=days),
        )
    page = browser.get("/opportunities/forecast/?owner=me")
    rows = [*page.context["rows"], {"sums": page.context["total"], "url": page.context["total_url"]}]
    assert rows[-1]["sums"].n == 6 and rows[-1]["sums"].left_out == 1
    for row in rows:
        if row["sums"].n:
            assert browser.get(row["url"]).context["page"].total == row["sums"].n
        if row.get("left_out_url") and row["sums"].left_out:
            assert browser.get(row["left_out_url"]).context["page"].total == row["sums"].left_out


def test_won_offers_a_plan_and_lost_asks_why(browser, row, marta, northwind):
    won = browser.post(f"/opportunities/{row.pk}/won/", {"with_contract": "none", "version": row.version}, follow=True)
    assert f'href="/clients/{northwind.pk}/onboarding/start/"' in won.content.decode()
    browser.post(f"/opportunities/{row.pk}/reopen/")
    row.refresh_from_db()
    refused = browser.post(f"/opportunities/{row.pk}/lost/", {"version": row.version})
    assert refused.status_code == 422 and "Choose why it was lost." in refused.content.decode()
    stale = browser.post(f"/opportunities/{row.pk}/lost/", {"version": 1, "reason": "price"})
    assert stale.status_code == 409
    browser.post(f"/opportunities/{row.pk}/lost/", {"version": row.version, "reason": "price"})
    assert "Price" in text_of(browser.get(f"/opportunities/{row.pk}/"))


def test_a_stage_is_removed_with_the_question_where_its_opportunities_go(client, row):
    client.force_login(make_user(name="Aino Admin", roles=("admin",)))
    url = reverse("clients:stage_remove", args=[row.stage_id])
    assert "Move its open opportunities to" in client.get(url).content.decode()
    assert client.post(url, {}).status_code == 422
    assert client.post(url, {"to": stages()[1].pk}).status_code == 302
    row.refresh_from_db()
    assert row.stage.name == "Qualified"


def test_what_is_restricted_is_in_no_count_sum_forecast_search_file_or_api(client, marta, otto, row):
    secret = make_client(owner=otto, name="Secret Ltd")
    hidden = make_opportunity(actor=otto, client=secret, title="Hush", value="777000", now=timezone.now())
    move_opportunity(acting(otto), opportunity=hidden, stage=stages()[0], now=timezone.now())
    restrict_client(acting(otto), client=secret, users=[])
    client.force_login(make_user(name="Aino Admin", roles=("admin", "manager")))
    for url in (
        "/opportunities/",
        "/opportunities/export/?as=csv",
        "/opportunities/board/",
        "/opportunities/forecast/",
        f"/opportunities/board/{hidden.stage_id}/cards/",
        "/api/v1/opportunities/",
        f"/opportunities/?client={secret.pk}&show=all",
    ):
        answer = client.get(url)
        shown = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()
        assert answer.status_code == 200
        assert not re.search(r"Hush|Secret|777|789,000", shown), url
    page = client.get("/opportunities/board/")
    assert [column.sums.n for column in page.context["columns"]] == [1, 0, 0, 0]
    assert client.get("/opportunities/forecast/").context["total"].n == 1
    assert client.get("/opportunities/").context["sums"].value == 12000
    admin = acting(client.get("/opportunities/").wsgi_request.user)
    assert sources.find(admin, "Hush") == [] and sources.find(acting(otto), "Hush") != []
    assert drop(client, hidden, stages()[1], hidden.version).status_code == 404
    for path in ("", "edit/", "move/", "won/", "lost/"):
        assert client.get(f"/opportunities/{hidden.pk}/{path}").status_code == 404


def test_the_clients_page_has_a_card(browser, row, northwind):
    page = browser.get(f"/clients/{northwind.pk}/panels/opportunities/").content.decode()
    assert row.title in page and f"/clients/{northwind.pk}/opportunities/new/" in page


def test_the_api_moves_wins_and_loses(browser, row):
    url = f"/api/v1/opportunities/{row.pk}/"
    read = browser.get(url)
    assert (read.json()["stage"], read.json()["weighted_firm"]) == (row.stage_id, "1200.00")
    json = {"content_type": "application/json"}
    moved = browser.post(url + "move/", {"stage": stages()[2].pk}, headers={"If-Match": read["ETag"]}, **json)
    assert moved.status_code == 200 and moved.json()["probability"] == 50
    stale = browser.post(url + "lost/", {"reason": "price"}, headers={"If-Match": read["ETag"]}, **json)
    assert stale.status_code == 412
    assert browser.post(url + "lost/", {}, **json).status_code == 400
    assert browser.post(url + "won/", {}, **json).json()["state"] == "won"
    assert len(browser.get(url + "stage-history/").json()) == 2


def test_without_javascript_the_client_is_named_by_its_exact_name(browser, marta, northwind):
    page = browser.get("/opportunities/new/").text
    assert re.search(r'<noscript><label[^>]*>Or its exact name <input type="text"[^>]* name="client-typed"', page)
    data = {"client": "", "title": "Audit", "kind": "new", "stage": stages()[1].pk, "value": "500"}
    data |= {"currency": "EUR", "expected_close": "2027-01-31"}
    unknown = browser.post("/opportunities/new/", data | {"client-typed": "Northwynd"})
    assert unknown.status_code == 422 and "Nothing is called “Northwynd”." in unknown.text
    assert 'value="Northwynd"' in unknown.text, "what was typed stays"
    hidden = make_client(owner=make_user(name="Other"), name="Hidden")
    type(hidden).objects.filter(pk=hidden.pk).update(is_restricted=True)
    assert "Nothing is called" in browser.post("/opportunities/new/", data | {"client-typed": hidden.name}).text
    browser.post("/opportunities/new/", data | {"client-typed": f" {northwind.name.upper()} "})
    assert Opportunity.objects.get().client == northwind
    make_client(owner=marta, name=northwind.name)
    twice = browser.post("/opportunities/new/", data | {"client-typed": northwind.name})
    assert twice.status_code == 422 and "More than one is called" in twice.text
