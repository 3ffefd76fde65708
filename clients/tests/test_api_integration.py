"""The API as another system uses it: external ids, batches, orders, expansions, strict parameters, answers that are known."""

import pytest

from clients.records.models import Client, ExternalId
from clients.records.services.clients import restrict_client
from clients.records.services.statuses import change_status
from clients.revenue.models import Contract
from crm.core.base.principals import acting
from tools.testing.factories.clients import TODAY, make_client, make_contact, make_firm, make_user
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, marta):
    client.force_login(marta)
    client.raise_request_exception = False

    def call(method, url, body=None, **headers):
        send = getattr(client, method)
        if method == "get":
            return send(f"/api/v1/{url}", headers=headers)
        return send(f"/api/v1/{url}", body, content_type="application/json", headers=headers)

    return call


@pytest.fixture
def hidden(sini):
    row = restrict_client(acting(sini), client=make_client(owner=sini, name="Basalt"))
    ExternalId.objects.create(system="sf", kind="client", value="secret", object_id=row.pk)
    return row


def test_put_enters_and_then_changes_what_another_system_calls_a_client(api):
    made = api("put", "clients/by-external-id/sf/001", {"name": "Kestrel"})
    assert (made.status_code, made.json()["external_ids"]) == (201, [{"system": "sf", "value": "001"}])
    changed = api("put", "clients/by-external-id/SF/001", {"city": "Turku"})
    assert (changed.status_code, changed.json()["id"]) == (200, made.json()["id"])
    row = Client.objects.get()
    assert (row.name, row.city) == ("Kestrel", "Turku")
    stale = api("put", "clients/by-external-id/sf/001", {"city": "Oulu"}, **{"If-Match": made["ETag"]})
    assert stale.status_code == 412
    assert api("put", "clients/by-external-id/sf/002", {"nmae": "?"}).json()["fields"] == {"nmae": ["Unknown field."]}
    assert api("put", f"clients/by-external-id/sf/{'x' * 201}", {"name": "Long"}).status_code == 400


@pytest.mark.parametrize("name", ["contacts", "interactions", "follow-ups", "revenue", "contracts"])
def test_the_other_records_too(api, marta, name):
    service = api("get", "services").json()["results"]
    row = make_client(owner=marta)
    body = {
        "contacts": {"first_name": "Elina"},
        "interactions": {"client": row.pk, "channel": "note", "body": "Said.", "occurred_at": "2026-01-05T10:00Z"},
        "follow-ups": {"client": row.pk, "title": "Call", "due_date": "2027-01-05"},
        "revenue": {"client": row.pk, "date": "2026-01-05", "amount": "5"},
        "contracts": {"client": row.pk, "value": "5", "start_date": "2026-01-05"},
    }[name]
    if name == "contracts":
        body["service"] = _service().pk
    url = f"{name}/by-external-id/erp/7"
    made = api("put", url, body)
    assert made.status_code == 201, made.json()
    again = api("put", url, {key: value for key, value in body.items() if key not in ("client", "decision")})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"]), again.json()
    assert [found["id"] for found in api("get", f"{name}?external_id=erp:7").json()["results"]] == [made.json()["id"]]
    assert api("get", f"{name}?external_id=erp:8").json()["results"] == []
    assert service == []


def _service(name="Payroll"):
    from clients.catalogue.models import Service

    return Service.objects.create(name=name)


def test_a_batch_enters_changes_and_refuses_row_by_row(api, marta):
    known = api("put", "clients/by-external-id/sf/1", {"name": "One"}).json()["id"]
    rows = [
        {"external_ids": [{"system": "sf", "value": "1"}], "city": "Turku"},
        {"name": "Two", "external_ids": [{"system": "sf", "value": "2"}]},
        {"name": ""},
        {"name": "Three", "owner": 1.5},
    ]
    answer = api("post", "clients/batch", {"rows": rows}, **{"Idempotency-Key": "b1"})
    found = answer.json()["results"]
    assert [row["status"] for row in found] == [200, 201, 400, 400]
    assert (found[0]["id"], [*found[2]["error"]["fields"]], [*found[3]["error"]["fields"]]) == (
        known,
        ["name"],
        ["owner"],
    )
    assert set(Client.objects.values_list("name", "city")) == {("One", "Turku"), ("Two", "")}
    again = api("post", "clients/batch", {"rows": rows}, **{"Idempotency-Key": "b1"})
    assert (again.json(), Client.objects.count()) == (answer.json(), 2)
    assert api("post", "clients/batch", {"rows": [{"name": "x"}] * 201}).status_code == 413


def test_an_id_in_use_has_one_answer_whether_its_record_is_seen_and_asking_for_many_ends(api, hidden, caplog):
    api("put", "clients/by-external-id/sf/mine", {"name": "Mine"})
    other = api("post", "clients", {"name": "Other"}).json()["id"]
    seen = api("patch", f"clients/{other}", {"external_ids": [{"system": "sf", "value": "mine"}]})
    unseen = api("post", "clients", {"name": "X", "external_ids": [{"system": "sf", "value": "secret"}]})
    assert (seen.status_code, seen.json()) == (unseen.status_code, unseen.json())
    assert unseen.json()["code"] == "external_id_taken" and "out of their sight" in caplog.text
    assert api("get", "clients?external_id=sf:secret").json()["results"] == []
    found = {api("put", "clients/by-external-id/sf/secret", {"name": "X"}).status_code for _turn in range(25)}
    assert found == {400, 429}


def test_asking_for_ids_by_changes_of_a_row_of_ones_own_ends_too(api, marta, hidden):
    mine = api("put", "clients/by-external-id/sf/mine", {"name": "Mine"}).json()["id"]
    secret = {"external_ids": [{"system": "sf", "value": "secret"}]}
    asked = [
        *(api("patch", f"clients/{mine}", secret).status_code for _turn in range(12)),
        *(api("put", "clients/by-external-id/sf/mine", secret).status_code for _turn in range(12)),
    ]
    assert (asked[:20], asked[20:]) == ([400] * 20, [429] * 4)
    assert api("patch", f"clients/{mine}", {"city": "Turku"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_all_requests_of_a_race_for_one_id_get_the_row(live_client):
    body = {"name": "Once", "external_ids": [{"system": "sf", "value": "1"}]}
    answers = at_once(lambda n: live_client("clients", body), 6)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == Client.objects.count() == 1


@pytest.fixture
def live_client():
    from django.test import Client as Browser

    make_firm()
    marta = make_user()

    def post(url, body):
        browser = Browser()
        browser.force_login(marta)
        return browser.post(f"/api/v1/{url}", body, content_type="application/json")

    return post


@pytest.mark.parametrize(
    "query",
    [
        "page_size=abc",
        "page_size=0",
        "page_size=²",
        "page_size=1.5",
        "archived=maybe",
        "owner=1.5",
        "cursor=nonsense",
        "ordering=height",
        "expand=height",
        "updated_from=yesterday",
        "updated_from=0001-01-01T00:00:00%2B02:00",
        "external_id=nocolon",
        "nothing=1",
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused_by_name(api, query):
    answer = api("get", f"clients?{query}")
    assert (answer.status_code, [*answer.json()["fields"]]) == (400, [query.partition("=")[0]])


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("clients", "updated_from"),
        ("interactions", "since"),
        ("interactions", "until"),
        ("follow-ups", "due_from"),
        ("follow-ups", "due_until"),
        ("survey-responses", "updated_before"),
        ("contracts", "updated_from"),
    ],
)
@pytest.mark.parametrize(
    "moment", ["2025-01-01T00:00:00%2B17:00", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00%2B23:59", "9999-12-31"]
)
def test_no_moment_of_a_filter_is_a_fault(api, url, name, moment):
    assert api("get", f"{url}?{name}={moment}").status_code in (200, 400)


def test_a_moment_is_compared_in_utc(api, marta):
    row = make_client(owner=marta)
    Client.objects.filter(pk=row.pk).update(updated_at="2025-01-01T00:30Z")
    for moment, count in (("2025-01-01T17:00:00%2B17:00", 1), ("2025-01-01T17:45:00%2B17:00", 0)):
        assert len(api("get", f"clients?updated_from={moment}").json()["results"]) == count
    assert len(api("get", "clients?updated_before=2025-01-01T00:30:00Z").json()["results"]) == 0


def test_orders_go_through_all_pages(api, marta):
    for name in ("Beta", "alpha", "Gamma", "Åre", "delta"):
        make_client(owner=marta, name=name)
    for ordering, backwards in (("name", False), ("-name", True)):
        url, names = f"clients?ordering={ordering}&page_size=2", []
        while url:
            page = api("get", url.removeprefix("http://testserver/api/v1/")).json()
            names += [row["name"] for row in page["results"]]
            url = page["next"]
        assert names == sorted(names, key=lambda name: name.lower().replace("å", "a"), reverse=backwards)
        assert len(names) == 5


def test_related_rows_are_answered_where_they_are_asked_for(api, marta):
    row = make_client(owner=marta)
    assert api("get", f"clients/{row.pk}").json()["expanded"] == {}
    found = api("get", f"clients/{row.pk}?expand=owner,team").json()
    assert (found["owner"], found["expanded"]) == (
        marta.pk,
        {"owner": {"id": marta.pk, "name": marta.name, "email": marta.email}, "team": None},
    )
    (listed,) = api("get", "clients?expand=owner").json()["results"]
    assert listed["expanded"]["owner"]["name"] == marta.name


def test_what_is_known_already_is_not_sent_again(api, marta):
    row = make_client(owner=marta)
    for url in (f"clients/{row.pk}", "clients", "me", f"clients/{row.pk}/status-history"):
        first = api("get", url)
        known = api("get", url, **{"If-None-Match": first["ETag"]})
        assert (known.status_code, known.content, known["ETag"]) == (304, b"", first["ETag"]), url
    tag = api("get", f"clients/{row.pk}")["ETag"]
    make_line_elsewhere(marta, row)
    assert api("get", f"clients/{row.pk}", **{"If-None-Match": tag}).status_code == 200, (
        "a change of facts changes the ETag without an edit"
    )
    assert api("patch", f"clients/{row.pk}", {"city": "Oslo"}, **{"If-Match": tag}).status_code == 200


def make_line_elsewhere(actor, row):
    from tools.testing.factories.clients import make_line

    make_line(actor=actor, client=row)


def test_every_answer_names_its_request(api):
    assert len(api("get", "clients")["X-Request-ID"]) == 36
    assert api("get", "clients", **{"X-Request-ID": "erp-2026-11-27.1"})["X-Request-ID"] == "erp-2026-11-27.1"
    assert api("get", "nothing", **{"X-Request-ID": "<script>alert"})["X-Request-ID"] != "<script>alert"


def test_a_token_is_taken_as_bearer_and_as_token(client, marta):
    from tools.testing.factories.core import make_token

    _token, clear = make_token(user=marta, is_read_only=True)
    for word in ("Bearer", "bearer", "Token"):
        found = client.get("/api/v1/me", headers={"Authorization": f"{word} {clear}"}).json()
        assert (found["user"]["email"], found["token"]["is_read_only"]) == (marta.email, True)
    refused = client.get("/api/v1/me")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")


def test_a_body_that_is_too_large_is_refused_in_the_errors_shape(api, settings):
    answer = api("post", "clients", {"name": "x", "notes": "y" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_users_teams_tags_and_services_are_there_to_be_named(api, marta):
    service = _service()
    assert [row["id"] for row in api("get", f"users?email={marta.email.upper()}").json()["results"]] == [marta.pk]
    assert "password" not in api("get", f"users/{marta.pk}").json()
    assert api("get", "teams").json()["results"] == api("get", "tags").json()["results"] == []
    assert [row["name"] for row in api("get", "services?ordering=name").json()["results"]] == ["Payroll"]
    assert api("delete", f"services/{service.pk}").status_code == 405


def test_the_history_of_a_status(api, marta):
    row = make_client(owner=marta)
    change_status(acting(marta), client=row, status="paused", start_date=TODAY.replace(day=25), today=TODAY)
    found = api("get", f"clients/{row.pk}/status-history").json()
    assert [(period["status"], period["end_date"]) for period in found] == [("paused", None), ("active", "2026-11-25")]


def test_a_contract_goes_to_the_trash_and_comes_back(api, marta):
    row = make_client(owner=marta)
    body = {"client": row.pk, "service": _service().pk, "value": "900", "start_date": "2026-01-01"}
    made = api("post", "contracts", body).json()["id"]
    assert api("delete", f"contracts/{made}").status_code == 204
    assert api("get", "contracts").json()["results"] == []
    assert len(api("get", "contracts?archived=1").json()["results"]) == 1
    assert not Contract.objects.in_force_on(TODAY).exists()
    assert api("post", f"contracts/{made}/restore").json()["archived_at"] is None
    assert Contract.objects.in_force_on(TODAY).count() == 1


def test_an_id_in_a_body_is_a_whole_number(api, marta):
    contact = make_contact(actor=marta, client=make_client(owner=marta))
    for wrong in (1.5, True, "1.0", [], {}, "²"):
        answer = api("post", "clients", {"name": "X", "owner": wrong})
        assert (answer.status_code, [*answer.json()["fields"]]) == (400, ["owner"]), wrong
    assert api("get", f"contacts/{contact.pk}").status_code == 200
