"""`/api/v1/views/`: what the pages check, the API checks."""

import json

import pytest
from django.utils import timezone

from clients.listing.lists import CLIENTS
from crm.core.base.principals import acting
from crm.core.listing import services
from crm.core.listing.models import ListPreference, SavedView
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db
URL = "/api/v1/views"


def send(client, method, url, data=None, **headers):
    return getattr(client, method)(url, json.dumps(data or {}), "application/json", headers=headers)


def create(client, **data):
    return send(client, "post", URL, {"list": "clients:list", "name": "Key accounts"} | data)


@pytest.fixture
def view(marta):
    return services.create_view(
        acting(marta), page=CLIENTS, name="Mine", query={"tier": ["A"]}, sort="-name", now=timezone.now()
    )


def test_a_view_is_made_read_changed_and_deleted(client, marta):
    make_client(owner=marta, name="Halden", tier="A")
    client.force_login(marta)
    columns = [{"key": "tier", "width": 90}, {"key": "owner", "width": None}]
    made = create(client, query={"tier": ["A"]}, sort="-name", group="status", columns=columns)
    assert made.status_code == 201, made.content
    found = made.json()
    assert found["query"] == {"tier": ["A"]} and found["columns"] == columns and found["group"] == "status"
    page = client.get(f"/clients/?view={found['id']}")
    assert [row.name for row in page.context["page"].rows] == ["Halden"] and not page.context[
        "listing"
    ].saved.is_modified
    one = client.get(f"{URL}/{found['id']}")
    changed = send(
        client,
        "patch",
        f"{URL}/{found['id']}",
        {"board": "status", "name": "Board", "is_shared": True},
        **{"If-Match": one["ETag"]},
    )
    assert changed.status_code == 200, changed.content
    assert changed.json()["board"] == "status" and changed.json()["sort"] == "-name" and changed.json()["is_shared"]
    assert send(client, "patch", f"{URL}/{found['id']}", {"name": "X"}, **{"If-Match": one["ETag"]}).status_code == 412
    gone = client.delete(f"{URL}/{found['id']}", headers={"If-Match": changed["ETag"]})
    assert gone.status_code == 204 and client.get(URL).json()["results"] == []
    assert [row["id"] for row in client.get(f"{URL}?archived=true").json()["results"]] == [found["id"]]
    assert client.post(f"{URL}/{found['id']}/restore").status_code == 200
    assert len(client.get(f"{URL}?list=clients:list").json()["results"]) == 1
    assert client.get(f"{URL}?list=clients:contacts").json()["results"] == []


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"list": "nowhere"}, "list"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"query": {"colour": ["red"]}}, "query"),
        ({"query": {"tier": ["Q"]}}, "query"),
        ({"query": ["tier"]}, "query"),
        ({"sort": "colour"}, "sort"),
        ({"group": "colour"}, "group"),
        ({"board": "colour"}, "board"),
        ({"columns": [{"key": "colour"}]}, "columns"),
        ({"owner": 1}, "owner"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_the_page_refuses_the_api_refuses_by_the_fields_name(client, marta, data, field):
    client.force_login(marta)
    answer = create(client, **data)
    assert answer.status_code == 400 and field in answer.json()["fields"], answer.content
    assert not SavedView.objects.exists()


def test_a_name_is_used_once(client, marta, view):
    client.force_login(marta)
    assert "name" in create(client, name="mine").json()["fields"]


def test_a_view_is_its_owners_until_it_is_shared(client, marta, otto, aino, view):
    client.force_login(otto)
    assert client.get(URL).json()["results"] == [] and client.get(f"{URL}/{view.pk}").status_code == 404
    assert client.post(f"{URL}/{view.pk}/default").status_code == 404
    services.update_view(acting(marta), view=view, seen_version=None, name="Ours", is_shared=True)
    assert client.get(f"{URL}/{view.pk}").json()["name"] == "Ours"
    assert send(client, "patch", f"{URL}/{view.pk}", {"name": "Mine"}).status_code == 403
    assert client.delete(f"{URL}/{view.pk}").status_code == 403
    client.force_login(aino)
    assert send(client, "patch", f"{URL}/{view.pk}", {"name": "Of the firm"}).status_code == 200


def test_a_list_opens_with_a_view_for_the_caller_alone(client, marta, otto, view):
    services.update_view(acting(marta), view=view, seen_version=None, name="Ours", is_shared=True)
    client.force_login(otto)
    assert client.post(f"{URL}/{view.pk}/default").json()["is_default"] is True
    assert [row["is_default"] for row in client.get(URL).json()["results"]] == [True]
    assert client.get("/clients/").context["listing"].saved.current.pk == view.pk
    client.force_login(marta)
    assert client.get(f"{URL}/{view.pk}").json()["is_default"] is False
    assert client.delete(f"{URL}/{view.pk}/default").status_code == 204 and ListPreference.objects.count() == 1
    client.force_login(otto)
    assert client.delete(f"{URL}/{view.pk}/default").status_code == 204
    assert client.get(f"{URL}/{view.pk}").json()["is_default"] is False


def test_a_view_stays_with_its_list(client, marta, view):
    client.force_login(marta)
    assert "list" in send(client, "patch", f"{URL}/{view.pk}", {"list": "clients:contacts"}).json()["fields"]


def test_views_of_a_list_that_one_may_not_open_are_not_there(client, marta, aino):
    row = SavedView.objects.create(list_key="core:users", owner=marta, name="Old", is_shared=True)
    client.force_login(marta)
    keys = [each["key"] for each in client.get(f"{URL}/lists").json()]
    assert "clients:list" in keys and "core:users" not in keys
    assert client.get(f"{URL}/{row.pk}").status_code == 404
    assert "list" in create(client, list="core:users").json()["fields"]


def test_what_a_view_may_name_is_told(client, marta):
    client.force_login(marta)
    found = next(each for each in client.get(f"{URL}/lists").json() if each["key"] == "clients:list")
    assert {"tier", "owner", "segment"} <= {*found["filters"]} and {"status", "tier", "owner"} <= {*found["boards"]}
    assert "-name" in found["sorts"] and "team" in found["groups"] and "city" in found["columns"]


def test_a_read_only_token_writes_no_view(client, marta, view):
    from crm.core.people.services.api_tokens import create_api_token

    _row, token = create_api_token(acting(marta), user=marta, name="Reader", is_read_only=True)
    headers = {"Authorization": f"Token {token}"}
    assert client.get(f"{URL}/{view.pk}", headers=headers).status_code == 200
    assert send(client, "patch", f"{URL}/{view.pk}", {"name": "X"}, **headers).status_code == 403
    assert client.post(f"{URL}/{view.pk}/default", headers=headers).status_code == 403
