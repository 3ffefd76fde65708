"""Batches of the API: known rows are changed, others created, each with its own result."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.records.models import Client
from clients.records.services.clients import restrict_client
from clients.revenue.models import RevenueLine
from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(client, marta):
    client.force_login(marta)

    def send(rows, resource="clients", **more):
        key = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
        body = {"rows": rows, **more}
        return client.post(f"/api/v1/{resource}/batch", body, content_type="application/json", headers=key)

    return send


def outcomes(answer):
    return [row["outcome"] for row in answer.json()["results"]]


def ids(value):
    return {"external_ids": [{"system": "sf", "value": value}]}


def test_rows_are_known_by_id_and_by_external_id(batch, marta):
    one = make_client(owner=marta, name="One")
    first = batch([{"id": one.pk, "city": "Turku", **ids("1")}, {"name": "Two", **ids("2")}])
    assert outcomes(first) == ["updated", "created"], first.json()
    again = batch([{"city": "Turku", **ids("1")}, {"name": "Two", **ids("2")}, {"city": "Oulu", **ids("2")}])
    assert outcomes(again) == ["unchanged", "unchanged", "updated"]
    assert set(Client.objects.values_list("name", "city")) == {("One", "Turku"), ("Two", "Oulu")}


def test_what_is_unchanged_is_not_written(batch, marta):
    row = {"name": "One", "city": "Turku", "tier": "A", "owner": marta.pk, **ids("1")}
    made = batch([row]).json()["results"][0]
    events = Client.pgh_event_model.objects.count()
    same = batch([row]).json()["results"][0]
    assert (same["outcome"], same["version"]) == ("unchanged", made["version"])
    assert Client.pgh_event_model.objects.count() == events


def test_one_record_several_times_in_a_batch(batch):
    """The later row changes what the earlier one left, also if that set back what there was before the batch."""
    batch([{"name": "One", "city": "Oulu", **ids("1")}])
    answer = batch([{"city": "Turku", **ids("1")}, {"city": "Oulu", **ids("1")}, {"name": "Two", **ids("2")}, ids("2")])
    assert outcomes(answer)[:3] == ["updated", "updated", "created"]
    assert answer.json()["results"][2]["id"] == answer.json()["results"][3]["id"]
    assert set(Client.objects.values_list("name", "city")) == {("One", "Oulu"), ("Two", "")}


def test_a_stale_version_is_refused(batch, marta):
    one = make_client(owner=marta, name="One")
    rows = [
        {"id": one.pk, "version": one.version, "city": "Turku"},
        {"id": one.pk, "version": one.version, "city": "Oulu"},
    ]
    stale = batch(rows).json()["results"][1]
    assert (stale["status"], stale["error"]["code"]) == (412, "precondition_failed")
    assert Client.objects.get().city == "Turku"


def test_what_is_out_of_sight_answers_like_what_is_not_there(batch, otto):
    hidden = make_client(owner=otto, name="Secret")
    restrict_client(acting(otto), client=hidden)
    seen = batch([{"id": hidden.pk, "city": "X"}, {"id": hidden.pk + 1000, "city": "X"}]).json()["results"]
    assert seen[0] == seen[1] and seen[0]["status"] == 404
    lines = [{"client": hidden.pk, "date": "2026-10-01", "amount": "1"}]
    lines.append(lines[0] | {"client": hidden.pk + 1000})
    texts = [
        str(row["error"]).replace(str(hidden.pk + 1000), str(hidden.pk))
        for row in batch(lines, "revenue").json()["results"]
    ]
    assert texts[0] == texts[1] and "client" in texts[0]


def test_all_or_nothing(batch):
    rows = [{"name": "One"}, {"name": ""}, {"name": "Three", "owner": 1.5}]
    answer = batch(rows, all_or_nothing=True, key="k")
    assert (answer.status_code, [*answer.json()["fields"]]) == (422, ["1", "2"])
    assert [*answer.json()["fields"]["2"]["fields"]] == ["owner"]
    assert Client.objects.count() == 0
    assert outcomes(batch(rows[:1], all_or_nothing=True, key="k")) == ["created"]


def test_too_many_rows_and_what_is_no_row(batch):
    assert batch([{"name": "x"}] * 201).json()["code"] == "too_many_rows"
    assert batch([]).status_code == batch(["x"]).status_code == batch([{}], why="x").status_code == 400
    assert batch([{"id": "1"}, {"id": True}, {"id": -1}]).json()["results"][0]["status"] == 404
    assert Client.objects.count() == 0


def test_rows_are_looked_up_together(batch, marta):
    """Twice as many unchanged rows cost no more statements; each new line a few."""
    one = make_client(owner=marta, name="One")
    lines = [{"client": one.pk, "date": "2026-10-01", "amount": str(n), **ids(str(n))} for n in range(1, 21)]
    batch(lines, "revenue")
    assert RevenueLine.objects.count() == 20

    def asked(rows):
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert {*outcomes(batch(rows, "revenue"))} == {"unchanged"}
        return len([query for query in found.captured_queries if "SAVEPOINT" not in query["sql"]])

    assert asked(lines[:10]) == asked(lines)


def test_a_row_that_the_batch_took_out_of_sight_is_not_there_any_more(batch, marta, otto):
    """Neither by its id nor by its external id, nor as the parent of another."""
    FirmSettings.objects.update(account_managers_see="own")
    one, two, three = (make_client(owner=marta, name=name) for name in ("One", "Two", "Three"))
    answer = batch(
        [
            {"id": one.pk, "owner": otto.pk, **ids("1")},
            {"id": one.pk, "city": "Turku"},
            {"city": "Turku", **ids("1")},
            {"id": two.pk, "parent": one.pk},
            {"id": three.pk, "city": "Oulu"},
            {"id": three.pk, "city": "Turku"},
        ]
    )
    assert [row["status"] for row in answer.json()["results"]] == [200, 404, 400, 400, 200, 200], answer.json()
    assert dict(Client.objects.values_list("name", "city")) == {"One": "", "Two": "", "Three": "Turku"}
    assert Client.objects.get(pk=two.pk).parent is None
