"""Views that people keep of lists: saved, shared, opened, changed, and never a way round the gate."""

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from clients.catalogue.models import Tag
from clients.catalogue.services import create_tag, delete_tag
from clients.listing.lists import CLIENTS
from clients.records.models import Client
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import SYSTEM, acting
from crm.core.listing import services
from crm.core.listing.models import ListPreference, SavedView
from crm.core.work.schedule import periodic
from interactions.composer.lists import INTERACTIONS
from interactions.follow_ups.lists import FOLLOW_UPS
from tools.testing.factories.clients import make_client
from tools.testing.factories.interactions import log

pytestmark = pytest.mark.django_db
URL = "/clients/"
FROM = {"Referer": "http://testserver/clients/"}


def names(page):
    return [row.name for row in page.context["page"].rows]


def tabs(page):
    return [str(tab["label"]) for tab in page.context["listing"].views]


def current(page):
    return [str(tab["label"]) for tab in page.context["listing"].views if tab["current"]]


def keep(user, name="A clients", page=CLIENTS, **values):
    told = {"query": {"tier": ["A"]}, "sort": "-revenue", "now": timezone.now()} | values
    return services.create_view(acting(user), page=page, name=name, **told)


@pytest.fixture
def three(marta, otto):
    return [
        make_client(owner=marta, name="Anna", tier="A"),
        make_client(owner=otto, name="Bela", tier="A"),
        make_client(owner=marta, name="Cleo", tier="B"),
    ]


# From the list to a view and back


def test_what_the_list_shows_is_saved_and_opens_again(client, marta, three):
    client.force_login(marta)
    page = client.get(URL, {"tier": "A", "sort": "-revenue", "columns": "city,status"})
    listing = page.context["listing"]
    assert listing.saved.may_save_as and "Save view" in page.text
    assert "Tier is A" in client.get(listing.saved.new_url).text
    answer = client.post(listing.saved.new_url, {"name": "  A   clients ", "is_shared": "on"})
    view = SavedView.objects.get()
    assert (view.name, view.is_shared, view.query, view.sort) == ("A clients", True, {"tier": ["A"]}, "-revenue")
    assert view.columns == [["city", None], ["status", None]] and view.owner == marta
    page = client.get(answer.url)
    assert sorted(names(page)) == ["Anna", "Bela"]
    assert current(page) == ["A clients"] and not page.context["listing"].saved.is_modified
    assert [head["key"] for head in page.context["listing"].heads] == ["name", "city", "status"]
    assert 'data-list-address="/clients/?view=' in page.text, "the address says what is shown"


def test_a_changed_view_says_so_and_is_saved_saved_as_or_reset(client, marta, three):
    view = keep(marta)
    client.force_login(marta)
    full = f"{URL}?view={view.pk}&tier=A&sort=-revenue"
    for query in ("&status=active", "&columns=city", "&q=an"):
        assert client.get(full + query).context["listing"].saved.is_modified, query
    assert not client.get(full).context["listing"].saved.is_modified
    assert not client.get(f"{URL}?view={view.pk}&sort=-revenue&tier=A&cursor=").context["listing"].saved.is_modified
    page = client.get(f"{URL}?view={view.pk}&tier=B&sort=name")
    saved = page.context["listing"].saved
    assert saved.is_modified and ">Modified<" in page.text and current(page) == ["A clients"]
    assert client.get(saved.reset_url).context["listing"].values == {"tier": ["A"]}
    answer = client.post(saved.save_url, {"version": view.version})
    view.refresh_from_db()
    assert (view.query, view.sort, view.version) == ({"tier": ["B"]}, "name", 2)
    assert names(client.get(answer.url)) == ["Cleo"]


def test_a_view_may_lose_its_last_filter(client, marta, three):
    """The address without filters is not the view's own."""
    view = keep(marta)
    client.force_login(marta)
    page = client.get(f"{URL}?view={view.pk}&tier=A&sort=-revenue")
    (chip,) = page.context["listing"].chips
    page = client.get(URL + chip["remove_url"])
    assert len(names(page)) == 3 and page.context["listing"].saved.is_modified
    client.post(page.context["listing"].saved.save_url, {"version": view.version})
    assert SavedView.objects.get().query == {}


def test_somebody_saved_it_meanwhile(client, marta, aino, three):
    view = keep(marta, is_shared=True)
    client.force_login(aino)
    client.post(f"{reverse('core:list-view-save', args=[view.pk])}?tier=B&sort=name", {"version": view.version})
    client.force_login(marta)
    url = f"{reverse('core:list-view-save', args=[view.pk])}?view={view.pk}&tier=A&status=active&sort=name"
    answer = client.post(url, {"version": view.version})
    assert answer.status_code == 409 and aino.name in answer.text
    assert "Tier is B" in answer.text and "Status is Active" in answer.text
    assert SavedView.objects.get().query == {"tier": ["B"]}
    assert client.post(url, {"version": answer.context["conflict"].version}).status_code == 302
    assert SavedView.objects.get().query == {"tier": ["A"], "status": ["active"]}
    with pytest.raises(StaleWrite):
        services.save_view(acting(marta), view=view, page=CLIENTS, seen_version=1, query={}, now=timezone.now())


@pytest.mark.parametrize(
    ("name", "says"), [("", "Enter a name."), ("x" * 61, "60 characters"), ("A CLIENTS", "already have")]
)
def test_a_name_that_is_none_stays_with_what_is_wrong(client, marta, name, says):
    keep(marta)
    client.force_login(marta)
    answer = client.post(f"{reverse('core:list-view-new', args=['clients:list'])}?tier=B", {"name": name})
    assert answer.status_code == 422 and says in answer.text and name in answer.text
    assert SavedView.objects.count() == 1


def test_two_people_and_two_lists_may_use_a_name(marta, otto):
    assert {keep(marta).pk, keep(otto).pk, keep(marta, page=INTERACTIONS, query={}, sort="").pk}
    assert SavedView.objects.count() == 3


# Renamed, shared, deleted, ordered


def test_a_view_is_renamed_shared_deleted_and_brought_back(client, marta, otto, three):
    view = keep(marta)
    client.force_login(otto)
    assert "A clients" not in tabs(client.get(URL)) and client.get(f"{URL}?view={view.pk}").context["listing"].remark
    client.force_login(marta)
    url = reverse("core:list-view", args=[view.pk])
    assert client.post(url, {"name": "Ours", "is_shared": "on", "version": 1}).status_code == 302
    client.force_login(otto)
    page = client.get(URL)
    assert "Ours" in tabs(page) and f"Shared by {marta.name}" in page.text
    assert client.get(url).status_code == 403 and client.post(f"{url}delete/").status_code == 403
    page = client.get(f"{URL}?view={view.pk}&tier=B")
    assert page.context["listing"].saved.is_modified and not page.context["listing"].saved.may_change
    client.force_login(marta)
    page = client.post(f"{url}delete/", follow=True)
    assert "“Ours” deleted" in page.text and "Ours" not in tabs(page)
    client.post(f"{url}restore/")
    assert "Ours" in tabs(client.get(URL))


def test_a_deleted_view_whose_name_is_taken_stays_deleted(client, marta):
    view = keep(marta)
    services.delete_view(acting(marta), view=view, now=timezone.now())
    keep(marta)
    client.force_login(marta)
    page = client.post(reverse("core:list-view-restore", args=[view.pk]), follow=True)
    assert "already have a view with this name" in page.text
    assert SavedView.objects.kept().count() == 1


def test_an_admin_may_change_a_shared_view_and_not_a_private_one(marta, otto, aino):
    shared, private = keep(marta, "Shared", is_shared=True), keep(marta, "Private")
    services.update_view(acting(aino), view=shared, seen_version=None, name="Renamed", is_shared=True)
    for who, view in ((aino, private), (otto, shared), (otto, private)):
        with pytest.raises(PermissionDenied):
            services.delete_view(acting(who), view=view, now=timezone.now())
    assert SavedView.objects.get(pk=shared.pk).owner == marta


def test_views_are_ordered_by_hand_and_by_menu(client, marta, otto):
    one, two, three = (keep(marta, name) for name in ("One", "Two", "Three"))
    others = keep(otto, "Zebra", is_shared=True)
    client.force_login(marta)
    url = reverse("core:list-view-order", args=["clients:list"])
    client.post(url, {"ids": [three.pk, one.pk, two.pk]})
    assert tabs(client.get(URL))[-4:] == ["Three", "One", "Two", "Zebra"]
    client.post(url, {"view": two.pk, "where": "up"})
    client.post(url, {"view": three.pk, "where": "up"})
    assert tabs(client.get(URL))[-4:] == ["Three", "Two", "One", "Zebra"]
    assert client.post(url, {"ids": [others.pk]}).status_code == 422
    page = client.get(reverse("core:list-views", args=["clients:list"]))
    assert page.text.index("Three") < page.text.index("Two") < page.text.index("Shared by colleagues")
    with pytest.raises(PermissionDenied):
        services.order_views(acting(marta), views=[others])


def test_more_views_than_fit_stand_in_a_menu_and_the_open_one_beside_them(client, marta):
    views = [keep(marta, f"View {n}") for n in range(8)]
    client.force_login(marta)
    page = client.get(f"{URL}?view={views[7].pk}")
    assert tabs(page)[-2:] == ["View 5", "View 7"] and current(page) == ["View 7"]
    assert [item["label"] for item in page.context["listing"].saved.more] == ["View 6"]
    with pytest.raises(ServiceError, match="up to 2"):
        services.MOST_VIEWS, most = 2, services.MOST_VIEWS
        try:
            keep(marta, "One too many")
        finally:
            services.MOST_VIEWS = most


# What the list opens with


def test_the_list_opens_as_it_was_left(client, marta, three):
    client.force_login(marta)
    client.get(URL, {"tier": "A", "q": "an"}, headers=FROM)
    page = client.get(URL)
    assert page.context["listing"].values == {"tier": ["A"]}, "a search is over when the page is"
    assert 'data-list-address="/clients/?tier=A"' in page.text
    client.get(URL, {"view": "none"}, headers=FROM)
    assert len(names(client.get(URL))) == 3 and "data-list-address" not in client.get(URL).text


def test_a_link_from_elsewhere_means_what_it_says_and_is_not_remembered(client, marta, three):
    client.force_login(marta)
    client.get(URL, {"tier": "A"}, headers=FROM)
    assert names(client.get(URL, {"tier": "B"}, headers={"Referer": "http://testserver/today/"})) == ["Cleo"]
    assert names(client.get(URL, {"tier": "B"}, headers={"Referer": "http://elsewhere.example/clients/"})) == ["Cleo"]
    assert client.get(URL).context["listing"].values == {"tier": ["A"]}
    assert len(names(client.get(URL, {"view": "none"}))) == 3
    assert len(names(client.get(URL, {"sort": "name"}))) == 3
    fragment = client.get(URL, headers={"HX-Request": "true"})
    assert len(names(fragment)) == 3, "a part of the page means its own address"


def test_a_default_view_comes_before_what_was_left(client, marta, otto, three):
    view = keep(otto, is_shared=True)
    client.force_login(marta)
    client.get(URL, {"tier": "B"}, headers=FROM)
    start = reverse("core:list-start", args=["clients:list"])
    client.post(f"{start}?view={view.pk}")
    assert current(client.get(URL)) == ["A clients"]
    services.update_view(acting(otto), view=view, seen_version=None, name="A clients", is_shared=False)
    assert client.get(URL).context["listing"].values == {"tier": ["B"]}, "no longer shared: as it was left"
    client.post(f"{start}?query=owner%3Dme")
    page = client.get(URL)
    assert current(page) == ["Mine"] and any(
        "Stop opening" in str(item["label"]) for item in page.context["listing"].saved.menu if item
    )
    client.post(f"{start}?query=view%3Dnone")
    assert current(client.get(URL)) == ["All"]
    client.post(start)
    assert client.get(URL).context["listing"].values == {"tier": ["B"]}
    assert ListPreference.objects.filter(user=marta).count() == 1


def test_where_a_number_leads_to_the_list_opens_with_it(client, marta):
    client.force_login(marta)
    url = reverse(FOLLOW_UPS.url_name)
    client.get(url, {"show": "done"}, headers={"Referer": f"http://testserver{url}"})
    assert client.get(url).context["listing"].values["show"] == "open" and not ListPreference.objects.exists()
    view = keep(marta, "Done", page=FOLLOW_UPS, query={"who": ["mine"], "show": ["done"]}, sort="closed")
    services.start_with(acting(marta), list_key=FOLLOW_UPS.key, view=view)
    page = client.get(url)
    assert page.context["listing"].values["show"] == "done" and current(page) == ["Done"]


def test_nothing_is_written_by_looking(client, marta, three, django_assert_num_queries):
    client.force_login(marta)
    for query in ({}, {"tier": "A"}, {"view": "none"}):
        client.get(URL, query)
    client.get(URL, {"q": "a"}, headers=FROM)
    assert not ListPreference.objects.exists()


# A view never shows more than its reader sees, and says what it cannot show


def test_a_shared_view_shows_each_reader_their_own_rows(client, marta, otto, three):
    view = keep(otto, query={"owner": ["me"]}, sort="name", is_shared=True)
    restrict_client(acting(otto), client=three[1])
    for who, found in ((otto, ["Bela"]), (marta, ["Anna", "Cleo"])):
        client.force_login(who)
        assert names(client.get(f"{URL}?view={view.pk}")) == found
    every = keep(otto, "Everything", query={}, sort="name", is_shared=True)
    assert names(client.get(f"{URL}?view={every.pk}")) == ["Anna", "Cleo"]


def test_a_client_out_of_sight_is_left_out_and_not_named(client, marta, otto):
    secret = make_client(owner=otto, name="Secret GmbH")
    log(actor=marta, client=make_client(owner=marta, name="Open"), subject="Hello")
    restrict_client(acting(otto), client=secret)
    view = keep(otto, "Of one", page=INTERACTIONS, query={"client": [str(secret.pk)]}, sort="newest", is_shared=True)
    client.force_login(marta)
    for url in (f"/interactions/?view={view.pk}", reverse("core:list-views", args=[INTERACTIONS.key])):
        page = client.get(url)
        assert "Secret" not in page.text and "Left out, not found: Client" in page.text
    assert [row.subject for row in client.get(f"/interactions/?view={view.pk}").context["page"].rows] == ["Hello"]
    client.force_login(otto)
    assert "Secret GmbH" in client.get(f"/interactions/?view={view.pk}").text


def test_what_a_view_names_and_the_list_has_no_more_is_said_and_left_out(client, marta, three):
    tag = create_tag(SYSTEM, name="Board")
    update_client(acting(marta), client=three[0], seen_version=None, tags=[tag])
    view = keep(marta, query={"tag": [str(tag.pk)], "tier": ["A"]})
    client.force_login(marta)
    assert names(client.get(f"{URL}?view={view.pk}")) == ["Anna"]
    delete_tag(SYSTEM, tag=Tag.objects.get())
    SavedView.objects.update(
        query={"tag": [str(tag.pk)], "tier": ["A"], "colour": ["red"], "status": ["sleeping"]},
        sort="colour",
        columns=[["city", 100], ["colour", None]],
    )
    page = client.get(f"{URL}?view={view.pk}")
    remark = page.context["listing"].remark
    assert names(page) == ["Anna", "Bela"] and [head["key"] for head in page.context["listing"].heads] == [
        "name",
        "city",
    ]
    assert "unreadable: Status" in remark and "not found: Tag" in remark and "no longer there: colour" in remark
    assert remark in page.text and not page.context["listing"].saved.is_modified
    asked = client.post(
        f"/clients/select/?view={view.pk}", {"action": "clients.archive", "all_matching": 1}, follow=True
    )
    assert "filters could not be used" in asked.text and Client.objects.kept().count() == 3


def test_a_view_keeps_only_what_its_list_understands(marta):
    for wrong in (
        {"query": {"colour": ["red"]}},
        {"query": {"tier": ["Z"]}},
        {"sort": "colour"},
        {"columns": [["colour", None]]},
    ):
        with pytest.raises(ServiceError):
            keep(marta, **wrong)
    with pytest.raises(ServiceError, match="too long"):
        keep(marta, query={"q": ["x" * 90], "industry": ["y" * 9000]})
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("query", ["view=99999999999999999999999", "view=abc", "view=", "view=%00", "view=1&view=2"])
def test_an_address_with_a_strange_view_opens(client, marta, three, query):
    client.force_login(marta)
    assert len(names(client.get(f"{URL}?{query}"))) == 3


def test_files_and_selected_rows_follow_the_view(client, marta, three):
    view = keep(marta, columns=[["tier", None]])
    client.force_login(marta)
    text = b"".join(client.get("/clients/export/", {"as": "csv", "view": view.pk})).decode()
    assert text.splitlines()[0].endswith("Client,Tier") and len(text.splitlines()) == 3
    client.post(f"/clients/select/?view={view.pk}", {"action": "clients.archive", "all_matching": 1})
    assert [row.name for row in Client.objects.kept()] == ["Cleo"]


def test_deleted_views_are_forgotten_after_a_while(marta):
    now = timezone.now()
    view, kept = keep(marta), keep(marta, "Kept")
    services.delete_view(acting(marta), view=view, now=now)
    job = periodic["listing.bulk_changes"]
    job.do(now + timezone.timedelta(days=29))
    assert SavedView.objects.count() == 2
    job.do(now + timezone.timedelta(days=31))
    assert SavedView.objects.get() == kept
