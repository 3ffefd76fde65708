import pytest

from clients.catalogue.services import create_service
from clients.contacts.models import Contact
from clients.contacts.services import affiliate
from clients.records.models import Client
from clients.records.services.clients import restrict_client, update_client
from clients.revenue.models import RevenueLine
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import make_client, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, marta):
    client.force_login(marta)

    def call(method, url, body=None, **headers):
        return getattr(client, method)(f"/api/v1/{url}", body, content_type="application/json", headers=headers)

    return call


def test_a_client_is_made_changed_and_put_into_the_trash(api, marta):
    made = api(
        "post",
        "clients",
        {
            "name": "Kestrel",
            "status": "active",
            "status_start": "2026-01-01",
            "external_ids": [{"system": "sf", "value": "001"}],
        },
    )
    assert made.status_code == 201, made.json()
    body = made.json()
    assert (body["facts"]["status"], body["owner"], body["external_ids"]) == (
        "active",
        marta.pk,
        [{"system": "sf", "value": "001"}],
    )
    changed = api("patch", f"clients/{body['id']}", {"city": "Turku"}, **{"If-Match": made["ETag"]})
    assert (changed.status_code, changed.json()["city"]) == (200, "Turku")
    assert api("patch", f"clients/{body['id']}", {"city": "Oulu"}, **{"If-Match": made["ETag"]}).status_code == 412
    assert api("delete", f"clients/{body['id']}").status_code == 204
    assert api("get", "clients").json()["results"] == []
    assert api("post", f"clients/{body['id']}/restore").status_code == 200


def test_a_known_external_id_gives_the_client_there_is(api):
    body = {"name": "Kestrel", "external_ids": [{"system": "SF", "value": "001"}]}
    first = api("post", "clients", body)
    again = api("post", "clients", body | {"name": "Kestrel Ltd"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert Client.objects.count() == 1


def test_the_external_id_of_an_unseen_client_makes_no_duplicate(api, otto):
    secret = make_client(owner=otto, name="Secret", external_ids=[("sf", "9")])
    restrict_client(acting(otto), client=secret)
    assert api("post", "clients", {"name": "X", "external_ids": [{"system": "sf", "value": "9"}]}).status_code == 400
    assert api("get", f"clients/{secret.pk}").status_code == 404
    assert Client.objects.count() == 1


def test_the_status_changes_by_date(api, marta):
    row = make_client(owner=marta)
    assert api("post", f"clients/{row.pk}/status", {"status": "former", "start_date": "2026-01-01"}).json()[
        "fields"
    ] == {"reason": ["Say why the client left."]}
    assert api("post", f"clients/{row.pk}/status", {"status": "paused", "start_date": "2026-01-01"}).status_code == 200


def test_a_person_with_addresses_and_places(api, marta):
    row = make_client(owner=marta)
    body = {
        "first_name": "Jari",
        "last_name": "Koski",
        "emails": [{"address": "jari@x.example"}],
        "phones": [{"label": "mobile", "number": "+358401234567"}],
        "clients": [{"client": row.pk, "title": "Owner", "is_primary": True}],
    }
    made = api("post", "contacts", body)
    assert made.status_code == 201, made.json()
    assert made.json()["clients"][0]["title"] == "Owner"
    assert api("get", "contacts?q=%2B358 40 1234567").json()["results"][0]["last_name"] == "Koski"
    changed = api(
        "patch", f"contacts/{made.json()['id']}", {"emails": [{"label": "home", "address": "j@home.example"}]}
    )
    assert [mail["address"] for mail in changed.json()["emails"]] == ["j@home.example"]
    assert Contact.objects.get().phones.count() == 1


def test_places_at_unseen_clients_are_not_shown(api, marta, otto):
    seen, secret = make_client(owner=marta, name="Seen"), make_client(owner=otto, name="Secret")
    jari = make_contact(actor=marta, client=seen)
    affiliate(acting(otto), client=secret, contact=jari)
    restrict_client(acting(otto), client=secret)
    assert [place["client"] for place in api("get", f"contacts/{jari.pk}").json()["clients"]] == [seen.pk]


def test_revenue_and_contracts(api, marta):
    row, service = make_client(owner=marta), create_service(SYSTEM, name="Audit")
    line = api(
        "post",
        "revenue",
        {"client": row.pk, "date": "2026-11-01", "amount": "10.00", "external_ids": [{"system": "erp", "value": "1"}]},
    )
    assert (line.status_code, line.json()["amount_firm"]) == (201, "10.00")
    assert api("post", "revenue", {"client": row.pk, "date": "2026-11-01", "amount": "5", "kind": "refund"}).json()[
        "fields"
    ] == {"amount": ["A refund is a negative amount."]}
    contract = api(
        "post", "contracts", {"client": row.pk, "service": service.pk, "value": "100", "start_date": "2026-01-01"}
    )
    assert contract.status_code == 201, contract.json()
    dearer = api(
        "post",
        f"contracts/{contract.json()['id']}/price",
        {"value": "120", "start_date": "2026-06-01", "reason": "index"},
    )
    assert (dearer.json()["replaces"], dearer.json()["value"]) == (contract.json()["id"], "120.00")
    assert api("get", f"contracts/{contract.json()['id']}").json()["end_date"] == "2026-06-01"
    assert api("delete", f"revenue/{line.json()['id']}").status_code == 204
    assert not RevenueLine.objects.exists()


def test_an_unknown_filter_or_field_is_refused(api):
    assert api("get", "clients?nonsense=1").status_code == 400
    assert api("post", "clients", {"name": "X", "nonsense": 1}).status_code == 400


def test_an_address_in_a_patch_needs_no_label_and_is_given_whole(api, marta):
    contact = make_contact(actor=marta, client=make_client(owner=marta))
    changed = api("patch", f"contacts/{contact.pk}", {"emails": [{"address": "e@saari.example"}]})
    assert changed.status_code == 200, changed.json()
    assert changed.json()["emails"] == [{"label": "work", "address": "e@saari.example"}]
    for part in ({"emails": [{"label": "home"}]}, {"phones": [{}]}, {"clients": [{"title": "CFO"}]}):
        refused = api("patch", f"contacts/{contact.pk}", part)
        assert (refused.status_code, [*refused.json()["fields"]]) == (400, [*part]), refused.json()


def test_a_repeated_answer_is_not_given_to_who_lost_access(api, marta, sini):
    made = api("post", "clients", {"name": "Kestrel"}, **{"Idempotency-Key": "k1"})
    assert made.status_code == 201
    again = api("post", "clients", {"name": "Kestrel"}, **{"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])
    row = Client.objects.get()
    update_client(SYSTEM, client=row, owner=sini)
    restrict_client(SYSTEM, client=row)
    assert api("post", "clients", {"name": "Kestrel"}, **{"Idempotency-Key": "k1"}).status_code == 404
