"""The pages: list, builder with and without htmx, one segment with its clients, deleting."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.catalogue.services import create_tag
from clients.listing.lists import CLIENTS
from clients.records.models import Client
from clients.records.services.clients import update_client
from clients.segments import services
from clients.segments.models import Segment
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.queries import firm_today
from crm.core.listing.services import create_view
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db
NEW = "/segments/new/"
TIER_A = {"match": "all", "rules": [{"field": "tier", "op": "is", "values": ["A"]}]}
TYPED = {"name": "Large", "match-0": "all", "field-0.0": "tier", "was-0.0": "tier", "op-0.0": "is", "value-0.0": ["A"]}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def two(marta, client):
    client.force_login(marta)
    return [make_client(owner=marta, name=name, tier=name[0]) for name in ("Aava", "Birka")]


@pytest.fixture
def kept(marta):
    return services.create_segment(acting(marta), name="Large", rule=TIER_A)


def url(kept, page=""):
    return reverse(f"clients:segment{page}", args=[kept.pk])


def test_a_segment_is_made_and_shows_its_clients(client, two):
    assert client.get(NEW).status_code == 200
    answer = client.post(NEW, TYPED)
    made = Segment.objects.get()
    assert answer.status_code == 302 and answer["Location"] == url(made)
    page = client.get(url(made))
    assert [row.name for row in page.context["page"].rows] == ["Aava"]
    text = page.content.decode()
    assert "Tier is A" in text and "shown from tomorrow on" in text


def test_a_rule_in_a_group_of_a_group(client, two):
    typed = {
        "name": "Some",
        "match-0": "any",
        "match-0.0": "none",
        "match-0.0.0": "all",
        "field-0.0.0.0": "nps_score",
        "op-0.0.0.0": "between",
        "value-0.0.0.0": ["4", "8"],
        "field-0.1": "industry",
        "op-0.1": "is",
        "value-0.1": "Law\r\n Shipping \r\n\r\n",
    }
    assert client.post(NEW, typed).status_code == 302
    first, second = Segment.objects.get().rule["rules"]
    assert first["rules"][0]["rules"][0]["values"] == [4, 8] and second["values"] == ["Law", "Shipping"]


def test_what_makes_no_sense_is_said_at_its_row_and_stays_as_it_was_typed(client, two):
    typed = TYPED | {"name": "", "field-0.1": "nps_score", "op-0.1": "more", "value-0.1": "many"}
    page = client.post(NEW, typed)
    assert page.status_code == 422 and not Segment.objects.exists()
    assert page.context["form"].errors["name"] == ["Enter a name."]
    page = client.post(NEW, typed | {"name": "Large"})
    text = page.content.decode()
    assert page.status_code == 422 and "“many” is not a number." in text and 'value="many"' in text
    assert page.context["root"].nodes[1].errors and not page.context["root"].nodes[0].errors


@pytest.mark.parametrize(
    ("action", "places"),
    [
        ("add 0", ["0.0", "0.1", "0.2"]),
        ("group 0", ["0.0", "0.1", "0.2", "0.2.0"]),
        ("remove 0.0", ["0.0"]),
        ("remove 0", ["0.0", "0.1"]),
        ("add 0.7", ["0.0", "0.1"]),
        ("add ../x", ["0.0", "0.1"]),
        ("show", ["0.0", "0.1"]),
    ],
)
def test_buttons_change_the_form_and_save_nothing(client, two, action, places):
    def all_places(node):
        return [each for inner in node.nodes for each in (inner.place, *all_places(inner))]

    typed = TYPED | {"field-0.1": "city", "op-0.1": "is", "value-0.1": "Turku", "do": action}
    for headers in ({}, HTMX):
        page = client.post(NEW, typed, headers=headers)
        assert page.status_code == 200 and all_places(page.context["root"]) == places
        assert ("<html" in page.content.decode()) is (not headers)
    assert not Segment.objects.exists() and "Large" in client.post(NEW, typed).content.decode()


def test_the_count_is_live(client, two):
    page = client.post(NEW, TYPED | {"do": "show"}, headers=HTMX)
    assert page.context["count"] == 1
    page = client.post(NEW, TYPED | {"do": "show", "value-0.0": []}, headers=HTMX)
    assert page.context["count"] is None and "Complete the rules" in page.content.decode()


def test_values_of_another_field_are_forgotten(client, two, sini):
    tag = create_tag(acting(sini), name="Gold")
    typed = TYPED | {"was-0.0": "tags", "field-0.0": "team", "value-0.0": [str(tag.pk)], "do": "show"}
    node = client.post(NEW, typed).context["root"].nodes[0]
    assert (node.field, node.op, node.values) == ("team", "is", [])


def test_ten_thousand_values_are_saved_and_shown(client, two):
    words = "\n".join(f"Trade {n}" for n in range(10_000))
    typed = TYPED | {"field-0.0": "industry", "was-0.0": "industry", "value-0.0": words}
    assert client.post(NEW, typed).status_code == 302
    made = Segment.objects.get()
    assert "9,997 more" in client.get(url(made)).content.decode()
    refused = client.post(NEW, typed | {"name": "More", "value-0.0": words + "\nOne more"})
    assert refused.status_code == 422 and "up to 10,000 values; these are 10,001" in refused.content.decode()


def test_the_list_becomes_a_segment(client, two):
    page = client.get("/clients/?tier=A&tier=none&status=active&quiet=1&owner=me&q=aava&sort=contact&step=week")
    assert "Save as segment" in page.content.decode() and "/segments/new/?" in page.content.decode()
    built = client.get(NEW + "?tier=A&tier=none&status=active&quiet=1&owner=me&q=aava&sort=contact&step=week")
    root = built.context["root"]
    assert [node.field or node.match for node in root.nodes] == ["any", "status", "is_quiet", "owner", "next_step_at"]
    assert built.context["left_out"] == ["q"] and "a rule cannot say it: q" in built.content.decode()
    assert "Save as segment" not in client.get("/clients/?view=none").content.decode()


def test_a_list_of_a_segment_becomes_another(client, two, kept, otto):
    root = client.get(f"{NEW}?segment={kept.pk}&status=active").context["root"]
    assert [node.nodes[0].values if node.is_group else node.field for node in root.nodes] == [["A"], "status"]
    Segment.objects.update(owner=otto)
    page = client.get(f"{NEW}?segment={kept.pk}")
    assert page.context["left_out"] == ["segment"] and not page.context["root"].nodes[0].is_group


def test_everybody_edits_their_own(client, two, kept, otto, aino):
    page = client.get(url(kept, "_edit"))
    assert page.context["root"].nodes[0].values == ["A"]
    typed = TYPED | {"name": "Larger", "version": "1", "value-0.0": ["A", "B"], "is_shared": "on"}
    assert client.post(url(kept, "_edit"), typed).status_code == 302
    kept.refresh_from_db()
    assert (kept.name, kept.is_shared, kept.rule["rules"][0]["values"]) == ("Larger", True, ["A", "B"])
    client.force_login(otto)
    assert client.get(url(kept)).status_code == 200 and client.get(url(kept, "_edit")).status_code == 403
    client.force_login(aino)
    assert client.get(url(kept, "_edit")).status_code == 200


def test_somebody_changed_the_rule_meanwhile(client, two, kept, marta):
    services.update_segment(
        acting(marta), segment=kept, rule={"match": "all", "rules": [{"field": "tier", "op": "is", "values": ["B"]}]}
    )
    typed = TYPED | {"version": "1", "value-0.0": ["C"]}
    page = client.post(url(kept, "_edit"), typed)
    text = page.content.decode()
    assert page.status_code == 409 and "Tier is B" in text and "Tier is C" in text
    assert client.post(url(kept, "_edit"), typed | {"version": "2"}).status_code == 302
    kept.refresh_from_db()
    assert kept.rule["rules"][0]["values"] == ["C"]


def test_a_rename_meanwhile_is_kept(client, two, kept, marta):
    services.update_segment(acting(marta), segment=kept, name="Renamed")
    assert client.post(url(kept, "_edit"), TYPED | {"version": "1", "value-0.0": ["C"]}).status_code == 302
    kept.refresh_from_db()
    assert (kept.name, kept.rule["rules"][0]["values"]) == ("Renamed", ["C"])


def test_a_broken_segment_says_so_on_every_page(client, two, kept):
    rule = {"match": "none", "rules": [{"field": "shoe_size", "op": "is", "values": ["44"], "label": "Shoe size"}]}
    Segment.objects.update(rule=rule)
    for address in ("/segments/", url(kept)):
        assert "The field “Shoe size” no longer exists." in client.get(address).content.decode()
    assert client.get(url(kept)).context["page"].rows == []
    page = client.get(url(kept, "_edit"))
    text = page.content.decode()
    assert "Shoe size (no longer exists)" in text and 'value="shoe_size" selected' in text
    shown = {"name": "Large", "match-0": "none", "field-0.0": "shoe_size", "op-0.0": "is", "value-0.0": "44"}
    assert client.post(url(kept, "_edit"), shown | {"version": "1"}).status_code == 422


def test_who_joined_and_left(client, two, kept, marta):
    aava, birka = two
    now = timezone.now()
    services.note_members(SYSTEM, segment=kept, today=firm_today(now), now=now)
    update_client(acting(marta), client=Client.objects.get(pk=aava.pk), tier="B")
    update_client(acting(marta), client=Client.objects.get(pk=birka.pk), tier="A")
    moves = client.get(url(kept)).context["moves"]
    assert [[row.name for row in move["rows"]] for move in moves] == [["Birka"], ["Aava"]]
    assert client.get(url(kept)).context["since"] == firm_today(now) - timedelta(days=1)


def test_deleting_and_undoing(client, two, kept):
    assert client.post(url(kept, "_delete")).status_code == 302
    assert not Segment.objects.kept().exists() and client.get(url(kept)).status_code == 404
    assert "Large" in client.get("/segments/?archived=1").content.decode()
    assert client.post(url(kept, "_restore")).status_code == 302 and Segment.objects.kept().exists()


def test_deleting_asks_where_it_is_in_use(client, two, kept, marta):
    create_view(acting(marta), page=CLIENTS, name="A", query={"segment": [str(kept.pk)]}, now=timezone.now())
    page = client.post(url(kept, "_delete"))
    assert page.status_code == 422 and "In use: 1 × View" in page.content.decode()
    asked = page.context["form"].data["asked"]
    assert Segment.objects.kept().exists()
    assert client.post(url(kept, "_delete"), {"asked": asked}).status_code == 302
    assert not Segment.objects.kept().exists()


def test_a_private_segment_is_nobody_elses(client, two, kept, otto):
    client.force_login(otto)
    for page in ("", "_edit", "_delete"):
        assert client.get(url(kept, page)).status_code == 404
    assert "Large" not in client.get("/segments/").content.decode()


def test_a_list_of_segments_costs_the_same_for_many(client, two, kept, marta, sini, django_assert_max_num_queries):
    tag = create_tag(acting(sini), name="Gold")
    for n in range(20):
        rule = {"match": "all", "rules": [{"field": "tags", "op": "is", "values": [tag.pk]}]}
        services.create_segment(acting(marta), name=f"S{n}", rule=rule)
    client.get("/segments/")
    with django_assert_max_num_queries(12):
        text = client.get("/segments/").content.decode()
    assert "Tags is Gold" in text
