"""Merges by the API: preview, merge, where an old id leads, undo."""

import pytest

from clients.merging.models import ClientMerge, ContactMerge
from clients.records.external import find_external, link_externals
from clients.records.models import Client
from clients.records.services.clients import update_client
from crm.core.base.principals import acting
from tools.testing.factories.clients import make_client, make_contact, make_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, marta):
    client.force_login(marta)

    def call(method, url, body=None, **headers):
        return getattr(client, method)(f"/api/v1/{url}", body, content_type="application/json", headers=headers)

    return call


@pytest.fixture
def pair(marta):
    kept, away = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Alder Oy")
    update_client(acting(marta), client=away, city="Turku")
    make_line(actor=marta, client=away)
    return kept, away


def test_preview(client, api, pair):
    kept, away = pair
    found = client.get(f"/api/v1/clients/{kept.pk}/merge", {"away": away.pk}).json()
    assert {each["name"]: each["is_taken"] for each in found["fields_that_differ"]} == {"name": False, "city": True}
    assert found["moves"] == [{"label": "Revenue lines", "count": 1}]
    assert api("get", f"clients/{kept.pk}/merge").status_code == 400


def test_merge_and_the_old_id(client, api, marta, pair):
    kept, away = pair
    link_externals(system="sf", kind="client", ids={"001": away.pk})
    answer = api("post", f"clients/{kept.pk}/merge", {"away": away.pk, "take": ["name"]})
    assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (200, kept.pk, "Alder Oy")
    moved = api("get", f"clients/{away.pk}")
    assert (moved.status_code, moved["Location"]) == (308, f"/api/v1/clients/{kept.pk}")
    assert moved.json()["code"] == "merged"
    moved = api("get", f"clients/{away.pk}?expand=owner&expand=team")
    assert moved["Location"] == f"/api/v1/clients/{kept.pk}?expand=owner&expand=team"
    assert api("get", f"clients/{away.pk}/status-history")["Location"] == f"/api/v1/clients/{kept.pk}/status-history"
    for method, url in (("patch", ""), ("delete", ""), ("post", "/restore"), ("post", "/status")):
        refused = api(method, f"clients/{away.pk}{url}", {})
        assert refused.status_code == 409 and str(kept.pk) in refused.json()["message"]
    assert find_external(system="sf", kind="client", value="001") == kept.pk
    merge = ClientMerge.objects.get()
    assert [row["id"] for row in api("get", "client-merges").json()["results"]] == [merge.pk]
    assert api("post", f"client-merges/{merge.pk}/undo").status_code == 200
    assert api("get", f"clients/{away.pk}").status_code == 200
    assert api("get", "client-merges").json()["results"] == []


def test_what_is_wrong(api, marta, pair):
    kept, away = pair
    url = f"clients/{kept.pk}/merge"
    assert api("post", url, {"away": kept.pk}).status_code == 403
    assert api("post", url, {"away": 10**9}).status_code == 404
    assert api("post", url, {}).status_code == 400
    assert api("post", url, {"away": away.pk, "take": ["revenue_12m"]}).status_code == 400
    assert api("post", url, {"away": away.pk, "away_version": 99}).status_code == 409
    Client.objects.filter(pk=away.pk).update(is_restricted=True)
    assert api("post", url, {"away": away.pk}).status_code == 400
    assert not ClientMerge.objects.exists()


@pytest.mark.parametrize("kind", ["client", "contact"])
def test_an_id_given_to_what_was_merged_since_goes_to_the_kept_one(api, marta, pair, kind):
    people = [make_contact(actor=marta, client=client, last_name=client.name) for client in pair]
    kept, away = pair if kind == "client" else people
    assert api("post", f"{kind}s/{kept.pk}/merge", {"away": away.pk}).status_code == 200
    link_externals(system="sf", kind=kind, ids={"002": away.pk})
    assert find_external(system="sf", kind=kind, value="002") == kept.pk


def test_a_parent_out_of_sight_is_not_taken(api, marta, otto, pair):
    kept, away = pair
    hidden = make_client(owner=otto, name="Hidden")
    Client.objects.filter(pk=hidden.pk).update(is_restricted=True)
    Client.objects.filter(pk=away.pk).update(parent=hidden)
    assert api("post", f"clients/{kept.pk}/merge", {"away": away.pk, "take": ["parent"]}).status_code == 400
    assert not ClientMerge.objects.exists()


def test_contacts(api, marta, pair):
    kept, away = (make_contact(actor=marta, client=client, last_name=client.name) for client in pair)
    answer = api("post", f"contacts/{kept.pk}/merge", {"away": away.pk})
    assert (answer.status_code, len(answer.json()["clients"])) == (200, 2)
    assert api("get", f"contacts/{away.pk}").status_code == 308
    assert api("post", f"contact-merges/{ContactMerge.objects.get().pk}/undo").status_code == 200
    assert api("get", f"contacts/{away.pk}").status_code == 200


def test_lists_and_pickers_do_not_offer_it(client, api, pair):
    kept, away = pair
    api("post", f"clients/{kept.pk}/merge", {"away": away.pk})
    assert [row["id"] for row in api("get", "clients").json()["results"]] == [kept.pk]
    assert "Alder Oy" not in client.get("/clients/options/", {"q": "Alder"}).content.decode()
    assert "Alder Oy" not in client.get("/search/", {"q": "Alder"}).content.decode()
