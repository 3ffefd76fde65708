"""The list kit on the lists that use it: what a declaration promises holds for every one of them."""

import io
import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from clients.catalogue.services import create_tag
from clients.contacts.models import Contact
from clients.listing.filters import ClientFilters
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import archive_client, restrict_client, update_client
from clients.segments.models import Segment
from crm.core.base.principals import SYSTEM, acting
from crm.core.listing.models import BulkChange
from crm.core.listing.pages import Column, ListPage, list_pages
from crm.core.listing.selection import MOST
from crm.core.users.models import User
from crm.core.work.schedule import periodic
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import create_follow_up
from tools.testing.factories.clients import make_client, make_contact

pytestmark = pytest.mark.django_db
import_module("crm.urls")
LISTS = list(list_pages)
KWARGS = {"interactions:delivery-clients": {"week": "2026-W48", "state": "all"}}


def ids(declared):
    return declared.url_name


def address(declared, suffix=""):
    kwargs = KWARGS.get(declared.url_name, {})
    if declared.url_name in ("clients:revenue", "clients:client_documents", "clients:client_opportunities"):
        kwargs = {"client_id": (Client.objects.first() or make_client(owner=User.objects.first())).pk}
    if declared.url_name == "clients:segment":
        kwargs = {"segment_id": segment_of_all().pk}
    return reverse(declared.url_name + suffix, kwargs=kwargs)


def segment_of_all():
    rule = {"match": "all", "rules": [{"field": "tier", "op": "is_not", "values": ["C"]}]}
    made = {"name": "All", "rule": rule, "owner": User.objects.first(), "is_shared": True}
    return Segment.objects.first() or Segment.objects.create(**made)


def body(response):
    return b"".join(response.streaming_content)


def test_the_lists_of_the_product_are_found():
    assert len(LISTS) >= 14 and len({declared.url_name for declared in LISTS}) == len(LISTS)


@pytest.mark.parametrize("declared", LISTS, ids=ids)
def test_every_sort_view_and_piece_of_a_list_opens(client, aino, declared):
    make_contact(actor=aino, client=make_client(owner=aino))
    client.force_login(aino)
    page = client.get(address(declared))
    assert page.status_code == 200
    for view in page.context["listing"].views:
        assert client.get(view["url"]).status_code == 200
    for sort in declared.own_sorts:
        assert client.get(address(declared), {"sort": sort}).context["listing"].sort_key == sort
    fragment = client.get(address(declared), headers={"HX-Request": "true"}).content.decode()
    assert 'id="list"' in fragment and "<html" not in fragment


@pytest.mark.parametrize("declared", LISTS, ids=ids)
def test_a_page_says_what_it_left_out_and_shows_the_rest(client, aino, declared):
    client.force_login(aino)
    for name, filter_ in declared.filters.base_filters.items():
        if "choices" in filter_.extra:
            page = client.get(address(declared), {name: "nonsense"})
            assert page.status_code == 200 and name in page.context["listing"].filters.refused
            assert page.context["listing"].filters.remark


@pytest.mark.parametrize("declared", [row for row in LISTS if row.file_name], ids=ids)
def test_a_file_has_the_columns_of_its_list(client, aino, declared):
    make_contact(actor=aino, client=make_client(owner=aino))
    client.force_login(aino)
    columns = [column for column in declared.columns if column.value and not column.is_extra]
    heads = [str(column.file_label or column.label) for column in columns]
    text = body(client.get(address(declared, "-export"), {"as": "csv"})).decode()
    assert (
        text.startswith("\ufeff") and [cell.strip('"') for cell in text[1:].splitlines()[0].split(",")][:1] == heads[:1]
    )
    sheet = load_workbook(io.BytesIO(body(client.get(address(declared, "-export"), {"as": "xlsx"})))).active
    assert [cell.value for cell in next(sheet.iter_rows())] == heads
    assert client.get(address(declared, "-export"), {"as": "exe"}).status_code == 404


def test_a_file_holds_every_page_in_the_order_shown(client, marta):
    for n in range(60):
        make_client(owner=marta, name=f"Client {n:02}", tier="A" if n % 2 else "B")
    client.force_login(marta)
    query = {"tier": "A", "sort": "-name"}
    shown, cursor = [], ""
    while cursor is not None:
        page = client.get("/clients/", query | {"cursor": cursor}).context["page"]
        shown, cursor = shown + [row.name for row in page.rows], page.next_cursor
    for kind in ("csv", "xlsx"):
        answer = body(client.get("/clients/export/", query | {"as": kind}))
        if kind == "csv":
            found = [line.split(",")[0] for line in answer.decode().splitlines()[1:]]
        else:
            found = [row[0] for row in load_workbook(io.BytesIO(answer)).active.iter_rows(min_row=2, values_only=True)]
        assert found == shown and len(found) == 30


def test_a_workbook_takes_no_text_for_a_formula(client, marta):
    make_client(owner=marta, name="=1+1")
    client.force_login(marta)
    cell = load_workbook(io.BytesIO(body(client.get("/clients/export/", {"as": "xlsx"})))).active["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize("query", ["status=nonsense", "owner=somebody", "quiet=perhaps", "nobody=1"])
def test_the_api_refuses_what_the_page_leaves_out(client, marta, query):
    client.force_login(marta)
    assert client.get(f"/api/v1/clients?{query}").status_code == 400
    assert client.get(f"/clients/?{query}").status_code == 200


def test_page_and_api_filter_alike(client, marta, otto):
    make_client(owner=marta, name="Anna", tier="A")
    make_client(owner=otto, name="Cleo", status="at_notice")
    archive_client(acting(marta), client=make_client(owner=marta, name="Gone"), now=timezone.now())
    client.force_login(marta)
    for query in ("", "owner=me", "tier=A", "tier=none", "status=at_notice", "q=cleo", "archived=true", "quiet=1"):
        page = [row.name for row in client.get(f"/clients/?{query}").context["page"].rows]
        api = [row["name"] for row in client.get(f"/api/v1/clients?{query}").json()["results"]]
        assert sorted(page) == sorted(api), query


@pytest.mark.parametrize(
    ("url", "name"),
    [("/clients/filters/", "owner"), ("/interactions/", "author"), ("/onboarding/plans/", "owner")],
    ids=["panel", "bar", "plans"],
)
def test_a_filter_by_colleague_offers_the_viewer_once(client, marta, otto, url, name):
    client.force_login(marta)
    for value in ("me", marta.pk):
        page = client.get(f"{url}?{name}={value}").text
        options = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.S)[0]
        said = re.findall(r"<option[^>]*>([^<]*)</option>", options)
        assert "Me" in said and otto.name in said and marta.name not in said
        assert re.search(r"<option[^>]*selected[^>]*>Me<", options), "chosen by “me” and by her number"
    assert "marta kallio" not in " ".join(chips(client.get(f"/clients/?owner={marta.pk}"))).lower()


def chips(answer):
    return [chip["value"] for chip in answer.context["listing"].filters.chips()]


# Selected rows


def select(client, url, action, **data):
    return client.post(f"{url}select/", {"action": action} | data, follow=True)


def undo(client, follow=True):
    return client.post(reverse("core:undo-selected", args=[BulkChange.objects.latest("pk").pk]), follow=follow)


def test_selected_clients_are_reassigned_and_given_back(client, sini, marta, otto):
    made = [make_client(owner=marta, name=f"Client {n}") for n in range(3)]
    client.force_login(sini)
    asked = select(client, "/clients/", "clients.reassign", ids=[row.pk for row in made[:2]])
    assert "2 clients" in asked.content.decode() and not BulkChange.objects.exists()
    wrong = select(client, "/clients/", "clients.reassign", ids=[made[0].pk], confirmed=1, owner="")
    assert wrong.status_code == 422
    select(client, "/clients/", "clients.reassign", ids=[row.pk for row in made[:2]], confirmed=1, owner=otto.pk)
    assert Client.objects.filter(owner=otto).count() == 2
    update_client(acting(sini), client=Client.objects.get(pk=made[0].pk), seen_version=None, owner=sini)
    said = undo(client).content.decode()
    assert "1 restored" in said and "1 not changed: changed again since" in said
    assert [row.owner for row in Client.objects.order_by("pk")] == [sini, marta, marta]
    assert "already undone" in undo(client).content.decode()


def test_all_rows_of_every_page_and_none_that_is_not_shown(client, marta):
    for n in range(60):
        make_client(owner=marta, name=f"Client {n}", tier="A" if n % 2 else "B")
    client.force_login(marta)
    tag = create_tag(SYSTEM, name="Board")
    client.post("/clients/select/?tier=A", {"action": "clients.tag", "all_matching": 1, "confirmed": 1, "tag": tag.pk})
    assert {row.tier for row in tag.clients.all()} == {"A"} and tag.clients.count() == 30
    undo(client)
    assert tag.clients.count() == 0


def test_what_one_may_not_do_to_a_row_is_left_alone_and_counted(client, marta, otto, sini):
    mine, theirs = make_client(owner=marta, name="Mine"), make_client(owner=otto, name="Theirs")
    secret = make_client(owner=otto, name="Secret")
    restrict_client(acting(otto), client=secret)
    client.force_login(marta)
    chosen = {"ids": [mine.pk, theirs.pk, secret.pk], "confirmed": 1, "owner": sini.pk}
    text = select(client, "/clients/", "clients.reassign", **chosen).content.decode()
    assert "1 changed" in text and "1 not changed" in text
    assert BulkChange.objects.get().rows == [[mine.pk, [marta.pk, sini.pk]]]


def test_trash_and_back_for_clients_and_contacts(client, marta):
    row = make_client(owner=marta)
    person = make_contact(actor=marta, client=row)
    client.force_login(marta)
    for url, kind, model in (("/clients/", "clients", Client), ("/contacts/", "contacts", Contact)):
        select(client, url, f"{kind}.archive", all_matching=1)
        assert not model.objects.kept().exists()
        undo(client)
        assert model.objects.kept().exists(), kind
    assert person.pk and client.get("/clients/").context["page"].total == 1


def test_follow_ups_are_done_at_once_and_opened_again(client, marta):
    row, now = make_client(owner=marta), timezone.now()
    for n in range(3):
        create_follow_up(
            acting(marta), client=row, title=f"Call {n}", assignee=marta, due_date=timezone.localdate(), now=now
        )
    client.force_login(marta)
    select(client, "/follow-ups/", "follow-ups.done", all_matching=1)
    assert set(FollowUp.objects.values_list("state", flat=True)) == {"done"}
    undo(client)
    assert set(FollowUp.objects.values_list("state", flat=True)) == {"open"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"ids": ["1"]}, "Choose what to do"),
        ({"action": "clients.burn", "ids": ["1"]}, "Choose what to do"),
        ({"action": "clients.archive", "ids": ["abc", "9" * 40]}, "Choose what to do"),
        ({"action": "clients.restore", "ids": ["1"]}, "Choose what to do"),
    ],
)
def test_nonsense_changes_nothing(client, marta, data, said):
    make_client(owner=marta)
    client.force_login(marta)
    assert said in client.post("/clients/select/", data, follow=True).content.decode()
    assert Client.objects.kept().count() == 1 and not BulkChange.objects.exists()


def test_too_many_at_once_are_refused_as_a_whole(client, marta, monkeypatch):
    monkeypatch.setattr("crm.core.listing.selection.MOST", 2)
    for n in range(3):
        make_client(owner=marta, name=f"Client {n}")
    client.force_login(marta)
    assert "up to 2 rows" in select(client, "/clients/", "clients.archive", all_matching=1).content.decode()
    assert Client.objects.kept().count() == 3 and MOST == 20_000


def test_selected_follow_ups_are_passed_on_once_and_given_back(client, sini, marta, otto):
    row, now = make_client(owner=marta), timezone.now()
    for who in (marta, otto):
        create_follow_up(acting(marta), client=row, title="Call", assignee=who, due_date=timezone.localdate(), now=now)
    client.force_login(sini)
    given = {"all_matching": 1, "confirmed": 1, "assignee": otto.pk}
    said = client.post("/follow-ups/select/?who=all", {"action": "follow-ups.reassign"} | given, follow=True)
    assert "1 changed" in said.text and "1 not changed: no change needed" in said.text
    undo(client)
    assert set(FollowUp.objects.values_list("assignee", flat=True)) == {marta.pk, otto.pk}


def test_what_undo_needs_is_kept_for_thirty_days(client, marta):
    make_client(owner=marta)
    client.force_login(marta)
    select(client, "/clients/", "clients.archive", all_matching=1)
    done = BulkChange.objects.get()
    job = periodic["listing.bulk_changes"]
    assert job.do(done.created_at + timedelta(days=30)) == 0
    assert job.do(done.created_at + timedelta(days=31)) == 1 and not BulkChange.objects.exists()


def test_nobody_undoes_what_somebody_else_did(client, marta, otto):
    make_client(owner=marta)
    client.force_login(marta)
    select(client, "/clients/", "clients.archive", all_matching=1)
    client.force_login(otto)
    assert undo(client, follow=False).status_code == 404
    assert not Client.objects.kept().exists()


# Cells that the kit draws


@pytest.fixture
def by_country(monkeypatch):
    """A list that has no template of its own, at the address of the clients."""
    monkeypatch.setattr(list_pages, "_items", {})
    return ListPage(
        url_name="clients:list",
        title="By country",
        rows=lambda principal: Client.objects.visible_to(principal),
        reads=("name_key",),
        filters=ClientFilters,
        columns=(
            CLIENT_FIELDS["country"].in_list(),
            CLIENT_FIELDS["industry"].in_list(is_in_file_only=True),
            Column("mark", "Mark", lambda row: None),
            CLIENT_FIELDS["name"].in_list(href=Client.get_absolute_url),
            CLIENT_FIELDS["owner"].in_list(css="phone-hide"),
        ),
        empty="Nobody anywhere",
    )


def test_the_kit_draws_cells_that_no_template_writes(rf, marta, otto, by_country):
    row = make_client(owner=marta, name="Bo & Co", country="FI")
    request = rf.get("/clients/")
    request.principal, request.user, request.htmx = acting(marta), marta, None

    def drawn():
        listing = by_country.of(request)
        context = {"listing": listing, "page": listing.page, "shell": "listing/part.html"}
        return listing, render_to_string("listing/page.html", context)

    with CaptureQueriesContext(connection) as alone:
        listing, page = drawn()
    cells = " ".join(page.partition("<tbody")[2].split())
    assert (
        f'<a class="row-title" href="{row.get_absolute_url()}">Bo &amp; Co</a></th><td data-label="Country">Finland'
        in cells
    )
    assert f'<td class="phone-hide" data-label="Account manager">{marta.name}</td>' in cells
    assert [head["label"] for head in listing.heads] == ["Name", "Country", "Mark", "Account manager"]
    make_client(owner=otto, name="Zed", country="NO")
    with CaptureQueriesContext(connection) as together:
        page = drawn()[1]
    assert otto.name in page and "Norway" in page
    assert len(together) <= len(alone), "what is drawn is loaded with the page"


def test_a_list_without_rows_says_so_in_its_own_words_or_in_those_of_the_kit(rf, marta, by_country):
    for query, words in (("", "Nobody anywhere"), ("q=nobody", "Nothing matches")):
        request = rf.get(f"/clients/?{query}")
        request.principal, request.htmx = acting(marta), None
        listing = by_country.of(request)
        page = render_to_string(
            "listing/page.html", {"listing": listing, "page": listing.page, "shell": "listing/part.html"}
        )
        assert words in page and ("Clear filters" in page) == bool(query)
