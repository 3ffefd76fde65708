"""Lists in groups: each group once, with its number, whole and in order over all pages, in both directions, and in files."""

import csv
import io
import re
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.catalogue.models import Tag
from clients.listing.lists import CLIENTS
from clients.listing.tests.test_kit import body
from clients.records.models import Client
from clients.records.services.clients import restrict_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.listing import counting, filters, groups, paging, services
from crm.core.listing.filters import ListFilters
from crm.core.listing.models import SavedView
from interactions.follow_ups.services import create_follow_up
from tools.testing.factories.clients import make_client, make_contact
from tools.testing.factories.onboarding import make_admin, make_plan, make_version
from tools.testing.factories.opportunities import make_opportunity

pytestmark = pytest.mark.django_db
URL = "/clients/"


@pytest.fixture
def many(marta, otto):
    """30 of tier A, 3 of B, none of C, 26 without."""
    for n in range(30):
        make_client(owner=marta, name=f"A{n:02}", tier="A")
    for n in range(3):
        make_client(owner=otto, name=f"B{n}", tier="B")
    for n in range(26):
        make_client(owner=marta if n % 2 else otto, name=f"N{n:02}")


def names(page):
    return [row.name for row in page.context["page"].rows]


def heads(page):
    found = re.findall(r'class="group-head">.*?<th[^>]*>(.*?)</th>', page.text, re.S)
    return [" ".join(re.sub("<[^>]*>", " ", head).split()) for head in found]


def walk(client, query, direction="next_url"):
    """The names of each page, from one after the other."""
    pages, url = [], f"{URL}?{query}"
    while url:
        page = client.get(url)
        pages.append(page)
        link = getattr(page.context["listing"], direction)
        url = f"{URL}{link}" if link else ""
    return pages


EXPECTED = [f"A{n:02}" for n in range(30)] + [f"B{n}" for n in range(3)] + [f"N{n:02}" for n in range(26)]


def test_pages_run_through_the_groups_and_back(client, marta, many):
    client.force_login(marta)
    pages = walk(client, "group=tier")
    assert [name for page in pages for name in names(page)] == EXPECTED
    assert [heads(page) for page in pages] == [["A 30"], ["A 30", "B 3", "None 26"], ["None 26"]]
    assert pages[0].context["page"].total == 59
    last = pages[-1].context["listing"]
    back = [names(pages[-1])]
    url = last.previous_url
    while url:
        page = client.get(f"{URL}{url}")
        back.insert(0, names(page))
        url = page.context["listing"].previous_url
    assert [name for part in back for name in part] == EXPECTED
    again = client.get(f"{URL}{client.get(f'{URL}{last.previous_url}').context['listing'].next_url}")
    assert names(again) == names(pages[-1])


@pytest.mark.parametrize("sort", ["name", "-name", "contact", "-nps", "created"])
def test_each_sort_holds_within_the_groups(client, marta, many, sort):
    client.force_login(marta)
    found = [name for page in walk(client, f"group=tier&sort={sort}") for name in names(page)]
    assert sorted(found) == sorted(EXPECTED) and [name[0] for name in found] == ["A"] * 30 + ["B"] * 3 + ["N"] * 26
    if sort == "-name":
        assert found[:2] == ["A29", "A28"]


def test_groups_by_colleague_stand_by_name_and_lead_to_one_alone(client, marta, otto, many):
    client.force_login(marta)
    page = client.get(URL, {"group": "owner", "tier": "B"})
    assert heads(page) == [f"{otto.name} 3"]
    page = client.get(URL, {"group": "owner"})
    assert heads(page) == [f"{marta.name} 43"]
    link = re.search(r'class="plain" href="(\?owner=\d+)"', page.text)[1]
    assert client.get(URL + link).context["page"].total == 43
    assert heads(client.get(URL, {"group": "status"})) == ["Active 59"] and heads(
        client.get(URL, {"group": "team"})
    ) == ["None 59"]


def test_numbers_count_what_the_reader_sees(client, marta, otto):
    make_client(owner=marta, name="Open", tier="A")
    secret = make_client(owner=otto, name="Secret", tier="A")
    restrict_client(acting(otto), client=secret)
    client.force_login(marta)
    assert heads(client.get(URL, {"group": "tier"})) == ["A 1"]
    client.force_login(otto)
    assert heads(client.get(URL, {"group": "tier"})) == ["A 2"]


def test_a_file_has_the_order_of_the_groups(client, marta, many):
    client.force_login(marta)
    text = body(client.get("/clients/export/", {"as": "csv", "group": "tier", "sort": "-name"})).decode("utf-8-sig")
    found = [row[0] for row in csv.reader(io.StringIO(text))][1:]
    assert (found[0], found[29], found[30], found[-1]) == ("A29", "A00", "B2", "N00")


def test_a_view_keeps_its_groups(client, marta, many):
    view = services.create_view(
        acting(marta), page=CLIENTS, name="By tier", query={}, group="tier", sort="name", now=timezone.now()
    )
    client.force_login(marta)
    page = client.get(f"{URL}?view={view.pk}")
    assert heads(page) == ["A 30"] and not page.context["listing"].saved.is_modified
    page = client.get(f"{URL}?view={view.pk}&sort=name")
    assert page.context["listing"].saved.is_modified and heads(page) == []
    SavedView.objects.update(group="colour")
    page = client.get(f"{URL}?view={view.pk}")
    assert "no longer there: colour" in page.text and heads(page) == []
    with pytest.raises(ServiceError):
        services.create_view(acting(marta), page=CLIENTS, name="X", query={}, group="colour", now=timezone.now())


def test_collapsed_groups_have_heads_alone_on_every_page_and_back(client, marta, many):
    client.force_login(marta)
    first = client.get(URL, {"group": "tier"})
    toggle = re.search(r'class="group-toggle" href="([^"]*)"', first.text)[1].replace("&amp;", "&")
    page = client.get(URL + toggle)
    assert names(page)[:4] == ["B0", "B1", "B2", "N00"] and heads(page) == ["A 30", "B 3", "None 26"]
    assert 'aria-expanded="false"' in page.text and page.context["page"].total == 59
    opened = re.search(r'class="group-toggle" href="([^"]*)"', page.text)[1].replace("&amp;", "&")
    assert names(client.get(URL + opened)) == names(first)
    pages = walk(client, "group=tier&closed=~B")
    assert [name for page in pages for name in names(page)] == [name for name in EXPECTED if name[0] != "B"]
    assert [heads(page) for page in pages] == [["A 30"], ["A 30", "B 3", "None 26"], ["None 26"]]
    back = client.get(f"{URL}{pages[-1].context['listing'].previous_url}")
    assert names(back) == names(pages[-2])


def test_all_groups_collapsed_are_no_empty_list(client, marta, many):
    client.force_login(marta)
    page = client.get(URL, {"group": "tier", "closed": ["~A", "~B", "~"]})
    assert heads(page) == ["A 30", "B 3", "None 26"] and names(page) == [] and "No client matches" not in page.text
    text = body(client.get("/clients/export/", {"as": "csv", "group": "tier", "closed": "~A"})).decode("utf-8-sig")
    assert len(text.splitlines()) == 60, "a file holds what is collapsed too"


def test_a_file_names_the_group_where_no_column_does(client, marta, many):
    client.force_login(marta)
    query = {"as": "csv", "group": "tier", "columns": "status"}
    rows = [*csv.reader(io.StringIO(body(client.get("/clients/export/", query)).decode("utf-8-sig")))]
    assert rows[0] == ["Tier", "Client", "Status"] and rows[1][:2] == ["A", "A00"] and rows[-1][:2] == ["None", "N25"]


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("/contacts/", "group=language"),
        ("/opportunities/", "group=stage"),
        ("/opportunities/", "group=owner"),
        ("/follow-ups/", "group=assignee&who=all"),
        ("/follow-ups/", "group=priority&who=all"),
        ("/onboarding/tasks/", "group=state&whose=all"),
    ],
)
def test_other_lists_are_grouped_too(client, marta, url, query):
    place = make_client(owner=marta, name="Halden")
    make_contact(actor=marta, client=place, first_name="Ada", language="de")
    make_opportunity(actor=marta, client=place, title="Audit")
    due = {"assignee": marta, "due_date": timezone.localdate(), "now": timezone.now()}
    create_follow_up(acting(marta), client=place, title="Call", **due)
    if "tasks" in url:
        make_plan(client=place, version=make_version(admin=make_admin()), owner=marta)
    client.force_login(marta)
    page = client.get(f"{url}?{query}")
    assert "group-toggle" in page.text and page.context["listing"].group
    if "language" in query:
        assert "German" in page.text
    toggle = re.search(r'class="group-toggle" href="([^"]*)"', page.text)[1].replace("&amp;", "&")
    assert not client.get(url + toggle).context["page"].rows


@pytest.mark.parametrize("cursor", ["nonsense", "A~nonsense", "Z~", "A", "A~end~end"])
def test_a_broken_cursor_begins_at_the_start(client, marta, many, cursor):
    client.force_login(marta)
    answer = client.get(URL, {"group": "tier", "cursor": cursor})
    assert answer.status_code == 302 and "group=tier" in answer.url and "cursor" not in answer.url


def test_a_page_in_groups_costs_two_statements_a_group_at_most(client, marta, otto):
    for n, tier in enumerate(["A", "B", "C", ""] * 3):
        make_client(owner=marta, name=f"N{n}", tier=tier)
    client.force_login(marta)

    def cost(query):
        client.get(URL, query), client.get(URL, query)
        with CaptureQueriesContext(connection) as found:
            client.get(URL, query)
        return len(found)

    assert cost({"group": "tier"}) <= cost({}) + 4  # one each, one that counts, and not the count of all


def test_nobody_is_asked_to_group_an_empty_list(client, marta):
    client.force_login(marta)
    page = client.get(URL, {"group": "tier", "tier": "A"})
    assert page.status_code == 200 and names(page) == []


def test_no_filter_has_a_name_that_the_kit_uses():
    class Clashing(ListFilters):
        group = filters.Yes(label="Group")

    with pytest.raises(ImproperlyConfigured, match="group"):
        replace(CLIENTS, filters=Clashing)


@pytest.fixture
def large(monkeypatch):
    """Every table counts as large, of which four rows are counted."""
    monkeypatch.setattr(counting, "LARGE", -2)
    for place in (groups, paging):
        monkeypatch.setattr(place, "LARGE_CAP", 4)


@pytest.mark.parametrize("query", ["group=tier", "group=owner", "group=status", "group=team", "group=tags"])
def test_a_large_table_shows_the_same_groups_and_rows(client, marta, many, monkeypatch, query):
    tags = [Tag.objects.create(name=name) for name in ("Alpha", "Beta", "Unused")]
    for row in Client.objects.filter(name__in=("A00", "A01", "B1")):
        row.tags.set(tags[:2] if row.name == "A00" else tags[:1])
    client.force_login(marta)
    small = walk(client, query)
    monkeypatch.setattr(counting, "LARGE", -2)
    big = walk(client, query)
    assert [names(page) for page in small] == [names(page) for page in big]
    assert [heads(page) for page in small] == [heads(page) for page in big]


def test_in_a_large_table_numbers_stop_and_say_so(client, marta, many, large):
    client.force_login(marta)
    page = client.get(URL, {"group": "tier"})
    assert heads(page) == ["A 4+"] and "4+ clients" in page.text
    assert heads(client.get(f"{URL}{page.context['listing'].next_url}")) == ["A 4+", "B 3", "None 4+"]
    board = client.get(URL, {"board": "tier"})
    shown = [(c.key, c.n, c.is_capped) for c in board.context["listing"].board.columns]
    assert shown == [("A", 4, True), ("B", 3, False), ("C", 0, False), ("-", 4, True)]
    assert "4+ clients" in board.text and "Count all" in board.text
    assert 'aria-label="4+ in A: open the list"' in board.text and 'aria-label="3 in B: open the list"' in board.text
    every = client.get(URL, {"count": "all", "view": "none"})
    assert "59 clients" in every.text and "Count all" not in every.text
    nothing = {"segment": 999_999}
    for query in ({"group": "tier"}, {"group": "owner"}, {"board": "tier"}):
        assert client.get(URL, nothing | query).context["page"].total == 0


def test_a_record_with_several_tags_is_in_the_group_of_each(client, marta, otto):
    alpha, beta = (Tag.objects.create(name=name) for name in ("Alpha", "Beta"))
    both, one, none = (make_client(owner=marta, name=name) for name in ("Both", "One", "Plain"))
    both.tags.set([alpha, beta])
    one.tags.set([beta])
    hidden = make_client(owner=otto, name="Hidden")
    hidden.tags.set([alpha])
    restrict_client(acting(otto), client=hidden)
    client.force_login(marta)
    page = client.get(URL, {"group": "tags"})
    assert heads(page) == ["Alpha 1", "Beta 2", "None 1"]
    assert names(page) == ["Both", "Both", "One", "Plain"]
    assert page.context["page"].total == 3
    assert "3 clients, each in all of its groups" in page.text
    lines = list(csv.reader(io.StringIO(body(client.get(f"{URL}export/?group=tags&as=csv")).decode("utf-8-sig"))))
    assert [line[:2] for line in lines[1:]] == [["Alpha", "Both"], ["Beta", "Both"], ["Beta", "One"], ["None", "Plain"]]
    assert "each in all" not in client.get(URL, {"group": "tier"}).text
