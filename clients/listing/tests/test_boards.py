"""A list as a board: columns, cards, moves by drag and dialog, what is stale, what one may not do, views that hold the layout."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.listing.lists import CLIENTS
from clients.records.models import Client, StatusPeriod
from clients.records.services.clients import archive_client, restrict_client, update_client
from clients.records.services.statuses import change_status
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.services import create_field
from crm.core.firm.queries import firm_today
from crm.core.listing import boards, services
from crm.core.listing.models import BulkChange, SavedView
from tools.testing.factories.clients import make_client
from tools.testing.factories.engagements import make_engagement

pytestmark = pytest.mark.django_db
URL = "/clients/"
HTMX = {"HX-Request": "true"}
DIALOG = HTMX | {"HX-Target": "remote-dialog-body"}


def columns(page):
    return {
        column.key: (column.n, [card.name for card in column.cards]) for column in page.context["listing"].board.columns
    }


def drop(client, row, to, was, board="tier"):
    return client.post(f"{URL}board/drop/?board={board}", {"moved": row.pk, "list": to, "version": was})


def move_url(row, board="status", **more):
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return f"{URL}board/{row.pk}/move/?board={board}{query}"


def today():
    return firm_today(timezone.now())


def test_columns_are_the_statuses_with_their_numbers_and_the_filters_of_the_list(client, marta, otto):
    for n in range(3):
        make_client(owner=marta, name=f"A{n}", tier="A")
    make_client(owner=otto, name="Notice", status="at_notice", tier="A")
    make_client(owner=otto, name="Other tier", tier="B")
    client.force_login(marta)
    page = client.get(URL, {"board": "status", "tier": "A"})
    found = columns(page)
    assert list(found) == ["prospect", "onboarding", "active", "at_notice", "paused", "former"]
    assert (
        found["active"] == (3, ["A0", "A1", "A2"])
        and found["at_notice"] == (1, ["Notice"])
        and found["paused"] == (0, [])
    )
    assert page.context["page"].total == 4 and "4 clients" in page.text
    assert re.search(r'class="count" href="\?tier=A&amp;status=active"', page.text)
    alone = client.get(f"{URL}?tier=A&status=active")
    assert alone.context["page"].total == 3


def test_each_number_counts_what_the_reader_sees_and_no_card_tells_more(client, marta, otto):
    make_client(owner=marta, name="Open")
    secret = make_client(owner=otto, name="Project Basalt")
    restrict_client(acting(otto), client=secret)
    client.force_login(marta)
    for board in ("status", "tier", "owner"):
        page = client.get(URL, {"board": board})
        assert sum(n for n, _cards in columns(page).values()) == 1 and "Basalt" not in page.text
    assert "Basalt" not in client.get(f"{URL}board/cards/?board=status&column=active").text
    assert drop(client, secret, "A", "-").status_code == 404
    assert client.get(move_url(secret)).status_code == 404


def test_a_column_shows_a_page_of_cards_and_then_more(client, marta, monkeypatch):
    monkeypatch.setattr(boards, "CARDS", 2)
    for n in range(5):
        make_client(owner=marta, name=f"A{n}")
    client.force_login(marta)
    page, seen = client.get(URL, {"board": "status"}), []
    column = next(each for each in page.context["listing"].board.columns if each.key == "active")
    seen, url = [card.name for card in column.cards], column.more_url
    while url:
        part = client.get(url, headers=HTMX)
        assert "<html" not in part.text
        seen += re.findall(r'class="board-title" href="/clients/\d+/">(\w+)', part.text)
        url = part.context["more_url"]
    assert seen == [f"A{n}" for n in range(5)]
    assert client.get(f"{URL}board/cards/?board=status&column=active&cursor=x").status_code == 200
    assert client.get(f"{URL}board/cards/?board=status&column=nonsense").status_code == 404
    assert client.get(f"{URL}board/cards/?column=active").status_code == 200, "of the first board"


def test_a_board_costs_one_statement_a_column_with_rows(client, marta):
    for status in ("prospect", "active", "paused"):
        make_client(owner=marta, name=status, status=status)
    client.force_login(marta)

    def cost(query):
        client.get(URL, query), client.get(URL, query)
        with CaptureQueriesContext(connection) as found:
            client.get(URL, query)
        return len(found)

    assert cost({"board": "status"}) <= cost({}) + 3


def test_a_card_is_dragged_and_the_move_undone(client, marta):
    row = make_client(owner=marta, name="Halden", tier="B")
    client.force_login(marta)
    answer = drop(client, row, "A", "B")
    assert answer.status_code == 200 and answer.json()["version"] == "A"
    row.refresh_from_db()
    assert row.tier == "A"
    client.post(answer.json()["undo"])
    row.refresh_from_db()
    assert row.tier == "B"
    drop(client, row, "-", "B")
    row.refresh_from_db()
    assert row.tier == ""


def test_a_card_that_somebody_moved_meanwhile_goes_back_with_words(client, marta, sini):
    row = make_client(owner=marta, name="Halden", tier="B")
    update_client(acting(sini), client=row, tier="C")
    client.force_login(marta)
    answer = drop(client, row, "A", "B")
    assert (
        answer.status_code == 409 and f"{sini.name} changed “Halden” while this board was open" in answer.json()["text"]
    )
    row.refresh_from_db()
    assert row.tier == "C" and not BulkChange.objects.exists()
    update_client(acting(sini), client=row, industry="Law")
    assert drop(client, row, "A", "C").status_code == 200, "another field of it is no conflict"


@pytest.mark.parametrize("data", [{}, {"moved": "x"}, {"moved": "1", "list": "A"}])
def test_a_drop_that_says_nothing_is_refused(client, marta, data):
    make_client(owner=marta)
    client.force_login(marta)
    assert client.post(f"{URL}board/drop/?board=tier", data).status_code == 400
    assert client.post(f"{URL}board/drop/", data).status_code == 400


def test_a_column_that_is_not_there_takes_no_card(client, marta, otto):
    row = make_client(owner=marta, tier="B")
    client.force_login(marta)
    answer = drop(client, row, "Q", "B")
    assert answer.status_code == 409 and "not there any more" in answer.json()["text"]
    assert drop(client, row, "999999", str(marta.pk), "owner").status_code == 409
    row.refresh_from_db()
    assert (row.tier, row.owner) == ("B", marta)


def test_only_who_may_reassign_moves_between_account_managers(client, marta, otto, sini):
    row = make_client(owner=otto, name="Theirs")
    client.force_login(marta)
    answer = drop(client, row, str(marta.pk), str(otto.pk), "owner")
    assert answer.status_code == 409 and "reassign a client" in answer.json()["text"]
    client.force_login(sini)
    assert drop(client, row, str(marta.pk), str(otto.pk), "owner").status_code == 200
    row.refresh_from_db()
    assert row.owner == marta


def test_an_archived_client_is_not_moved(client, marta):
    row = make_client(owner=marta, tier="B")
    archive_client(acting(marta), client=row, now=timezone.now())
    client.force_login(marta)
    answer = drop(client, row, "A", "B")
    assert answer.status_code == 409 and "archived" in answer.json()["text"]


# Status: what a change needs is asked


def test_a_status_asks_for_its_day_and_the_reason_of_leaving(client, marta):
    row = make_client(owner=marta, name="Halden")
    client.force_login(marta)
    asked = client.get(move_url(row, to="former", was="active"), headers=DIALOG)
    assert "<html" not in asked.text and 'name="start_date"' in asked.text and "checked" in asked.text
    data = {"to": "former", "was": "active", "start_date": today().isoformat(), "note": "Too dear"}
    refused = client.post(move_url(row), data, headers=DIALOG)
    assert refused.status_code == 422 and "Say why the client left." in refused.text and "Too dear" in refused.text
    assert StatusPeriod.objects.filter(client=row).count() == 1
    done = client.post(move_url(row), data | {"reason": "price"}, headers=DIALOG)
    assert done.status_code == 204 and "listChanged" in done["HX-Trigger"] and "closeDialog" in done["HX-Trigger"]
    assert row.status_periods.get(status="former").reason == "price"
    row.facts.refresh_from_db()
    assert row.facts.status == "former"


def test_it_works_without_javascript_and_one_undo_restores_the_periods(client, marta):
    row = make_client(owner=marta, name="Halden")
    before = [*row.status_periods.values_list("status", "start_date", "end_date")]
    client.force_login(marta)
    page = client.get(move_url(row))
    assert "<html" in page.text and 'type="radio"' in page.text
    done = client.post(move_url(row), {"to": "paused", "was": "active", "start_date": today().isoformat()}, follow=True)
    assert "moved to Paused" in done.text and done.redirect_chain == [("/clients/?board=status", 302)]
    client.post(f"/lists/undo/{BulkChange.objects.get().pk}/")
    assert [*row.status_periods.values_list("status", "start_date", "end_date")] == before
    row.facts.refresh_from_db()
    assert row.facts.status == "active"


def test_a_drop_on_a_board_that_asks_is_refused_with_words(client, marta):
    row = make_client(owner=marta, name="Halden")
    client.force_login(marta)
    answer = drop(client, row, "paused", "active", "status")
    assert answer.status_code == 409 and answer.json()["text"] == "Open the card to move it."
    row.facts.refresh_from_db()
    assert row.facts.status == "active" and not BulkChange.objects.exists()


def test_a_status_that_changed_meanwhile_is_a_conflict_by_both_ways(client, marta, sini):
    row = make_client(owner=marta, name="Halden")
    change_status(acting(sini), client=row, status="at_notice", start_date=today(), today=today())
    client.force_login(marta)
    data = {"to": "paused", "was": "active", "start_date": today().isoformat()}
    answer = client.post(move_url(row), data, headers=DIALOG)
    assert answer.status_code == 409 and f"{sini.name} changed “Halden” while this board was open" in answer.text
    assert 'name="was" value="at_notice"' in answer.text, "and now one may decide"
    assert drop(client, row, "paused", "active", "status").status_code == 409
    row.facts.refresh_from_db()
    assert row.facts.status == "at_notice"
    assert client.post(move_url(row), data | {"was": "at_notice"}, headers=DIALOG).status_code == 204


def test_undo_leaves_a_status_alone_that_was_changed_since(client, marta):
    row = make_client(owner=marta, name="Halden")
    client.force_login(marta)
    client.post(move_url(row), {"to": "paused", "was": "active", "start_date": today().isoformat()})
    change_status(acting(marta), client=row, status="at_notice", start_date=today() + timedelta(days=9), today=today())
    answer = client.post(f"/lists/undo/{BulkChange.objects.get().pk}/", follow=True)
    assert "changed again since" in answer.text and row.status_periods.count() == 3


def test_the_status_of_many_is_changed_at_once(client, marta):
    rows = [make_client(owner=marta, name=f"C{n}") for n in range(2)]
    client.force_login(marta)
    told = {"action": "clients.status", "confirmed": "1", "ids": [row.pk for row in rows], "status": "former"}
    told |= {"start_date": today().isoformat()}
    refused = client.post("/clients/select/", told)
    assert refused.status_code == 422 and "Say why the client left." in refused.text
    client.post("/clients/select/", told | {"reason": "merged"})
    assert {client.facts.status for client in Client.objects.select_related("facts")} == {"former"}
    client.post(f"/lists/undo/{BulkChange.objects.get().pk}/")
    assert {client.facts.status for client in Client.objects.select_related("facts")} == {"active"}


# The firm's own choices, other lists, views


def test_a_choice_of_the_firm_is_a_board_and_a_group(client, aino, marta):
    field = create_field(
        acting(aino),
        record="client",
        label="Practice",
        kind=Kind.CHOICE,
        options=[{"label": "North"}, {"label": "South"}],
        is_filtered=True,
        is_required=False,
        is_unique=False,
        section=None,
    )
    north, south = (option["key"] for option in field.options)
    one, two = make_client(owner=marta, name="One"), make_client(owner=marta, name="Two")
    update_client(acting(marta), client=one, **{field.name: north})
    client.force_login(marta)
    found = columns(client.get(URL, {"board": field.name}))
    assert found == {north: (1, ["One"]), south: (0, []), "-": (1, ["Two"])}
    assert drop(client, two, south, "-", field.name).status_code == 200
    assert drop(client, one, "-", north, field.name).status_code == 200
    assert [getattr(row, field.name) for row in Client.objects.order_by("name_key")] == [None, south]
    page = client.get(URL, {"group": field.name})
    assert [row.name for row in page.context["page"].rows] == ["Two", "One"] and 'class="group-head"' in page.text
    assert client.get(f"{URL}?group={field.name}&sort=name&cursor={south}~").status_code == 200
    alone = re.search(rf'href="(\?{field.name}={south})"', page.text)[1]
    assert [row.name for row in client.get(URL + alone).context["page"].rows] == ["Two"]


def test_engagements_by_state(client, marta):
    row = make_engagement(actor=marta, client=make_client(owner=marta, name="Halden"), title="Audit")
    client.force_login(marta)
    page = client.get("/engagements/?board=state")
    assert "Audit" in page.text and "Halden" in page.text and 'class="board-card"' in page.text
    was, to = row.state, "closing" if row.state == "open" else "open"
    answer = client.post("/engagements/board/drop/?board=state", {"moved": row.pk, "list": to, "version": was})
    assert answer.status_code == 200
    row.refresh_from_db()
    assert row.state == to
    again = client.post("/engagements/board/drop/?board=state", {"moved": row.pk, "list": "intake", "version": to})
    assert again.status_code == 409 and "cannot become" in again.json()["text"]


def test_a_view_holds_the_layout(client, marta):
    make_client(owner=marta, name="Halden")
    client.force_login(marta)
    client.post("/lists/clients:list/views/new/?board=status&sort=-name", {"name": "Pipeline"})
    view = SavedView.objects.get()
    assert (view.board, view.sort) == ("status", "-name")
    page = client.get(f"{URL}?view={view.pk}")
    assert page.context["listing"].board and not page.context["listing"].saved.is_modified
    changed = client.get(f"{URL}?view={view.pk}&sort=-name")
    assert changed.context["listing"].saved.is_modified and not changed.context["listing"].board
    client.post(f"/lists/views/{view.pk}/save/?view={view.pk}&board=tier&sort=-name", {"version": view.version})
    view.refresh_from_db()
    assert view.board == "tier"
    SavedView.objects.update(board="gone")
    page = client.get(f"{URL}?view={view.pk}")
    assert "no longer there: gone" in page.text and not page.context["listing"].board
    with pytest.raises(ServiceError):
        services.create_view(acting(marta), page=CLIENTS, name="X", query={}, board="colour", now=timezone.now())


def test_the_board_is_remembered_with_the_list(client, marta):
    make_client(owner=marta, name="Halden")
    client.force_login(marta)
    client.get(f"{URL}?board=tier&owner=me", headers={"Referer": "http://testserver/clients/"})
    assert client.get(URL).context["listing"].board_key == "tier"
    assert client.get(f"{URL}?view=none").context["listing"].board_key == ""
