"""The client list, its files and its selected rows, filtered by a segment."""

import pytest

from clients.catalogue.models import Tag
from clients.catalogue.services import create_tag, delete_tag
from clients.records.models import Client
from clients.segments.models import Segment
from clients.segments.services import create_segment, delete_segment
from crm.core.base.principals import acting
from tools.testing.factories.clients import NOW, make_client

pytestmark = pytest.mark.django_db


def rule(field, op, *values):
    return {"match": "all", "rules": [{"field": field, "op": op, "values": list(values)}]}


@pytest.fixture
def two(marta, client):
    client.force_login(marta)
    return [make_client(owner=marta, name=name, tier=name[0]) for name in ("Aava", "Birka")]


@pytest.fixture
def large(marta):
    return create_segment(acting(marta), name="Large", rule=rule("tier", "is", "A"))


def rows(page):
    return [row.name for row in page.context["page"].rows]


def test_the_list_shows_the_segment_and_names_it(client, two, large):
    page = client.get("/clients/", {"segment": large.pk})
    assert rows(page) == ["Aava"]
    assert page.context["listing"].chips[0]["value"] == "Large"
    assert rows(client.get("/clients/", {"segment": large.pk, "q": "birka"})) == []
    file = b"".join(client.get("/clients/export/", {"segment": large.pk, "as": "csv"}).streaming_content).decode()
    assert "Aava" in file and "Birka" not in file


def test_all_that_a_segment_shows_is_changed_at_once(client, two, large):
    tag = Tag.objects.create(name="Gold")
    chosen = {"action": "clients.tag", "all_matching": "1", "tag": tag.pk, "confirmed": "1"}
    client.post(f"/clients/select/?segment={large.pk}", chosen)
    assert [row.name for row in Client.objects.filter(tags=tag)] == ["Aava"]


def test_a_broken_segment_says_what_is_gone_and_shows_nothing(client, two, marta, sini):
    tag = create_tag(acting(sini), name="Gold")
    kept = create_segment(acting(marta), name="Untagged", rule=rule("tags", "is_not", tag.pk))
    assert rows(client.get("/clients/", {"segment": kept.pk})) == ["Aava", "Birka"]
    delete_tag(acting(sini), tag=Tag.objects.get())
    page = client.get("/clients/", {"segment": kept.pk})
    assert rows(page) == []
    assert "“Untagged” holds no clients until it is mended: Tags: number" in page.context["listing"].remark


@pytest.mark.parametrize("how", ["deleted", "of somebody else", "unknown"])
def test_a_segment_that_is_not_there_never_shows_everybody(client, two, large, marta, otto, how):
    pk = large.pk
    if how == "deleted":
        delete_segment(acting(marta), segment=large, now=NOW)
    elif how == "unknown":
        pk = 987654321
    else:
        Segment.objects.update(owner=otto)
    page = client.get("/clients/", {"segment": pk})
    assert rows(page) == [] and "deleted, or is not shared with you" in page.context["listing"].remark
    assert how == "deleted" or "Large" not in page.content.decode()


def test_the_panel_offers_segments_one_may_use(client, two, large, otto):
    create_segment(acting(otto), name="Private of Otto", rule=rule("tier", "is", "A"))
    create_segment(acting(otto), name="Shared by Otto", rule=rule("tier", "is", "A"), is_shared=True)
    text = client.get("/clients/filters/").content.decode()
    assert "Large" in text and "Shared by Otto" in text and "Private of Otto" not in text
