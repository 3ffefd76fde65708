from datetime import UTC, datetime

import pytest
from django.utils import timezone

from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyResponse
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import follow_up, log

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}


@pytest.fixture
def api(client, marta):
    client.force_login(marta)
    return client


def test_an_interaction_with_its_next_step(api, marta, northwind, elina):
    body = {
        "client": northwind.pk,
        "channel": "phone",
        "occurred_at": timezone.now().isoformat(),
        "body": "Said.",
        "contacts": [elina.pk],
        "decision": "Payroll.",
        "next_step": {"title": "Send the price", "due_date": "2027-01-08"},
    }
    answer = api.post("/api/v1/interactions", body, **JSON)
    assert answer.status_code == 201, answer.json()
    row = answer.json()
    assert (row["author"], row["contacts"]) == (marta.pk, [elina.pk])
    assert FollowUp.objects.get().title == "Send the price"
    changed = api.patch(
        f"/api/v1/interactions/{row['id']}", {"body": "Said again."}, headers={"If-Match": answer["ETag"]}, **JSON
    )
    assert changed.status_code == 200 and changed["ETag"].startswith('"2-')
    assert (
        api.patch(
            f"/api/v1/interactions/{row['id']}", {"body": "Late."}, headers={"If-Match": answer["ETag"]}, **JSON
        ).status_code
        == 412
    )
    assert api.patch(f"/api/v1/interactions/{row['id']}", {"client": northwind.pk}, **JSON).status_code == 400
    assert api.delete(f"/api/v1/interactions/{row['id']}").status_code == 204
    assert api.get(f"/api/v1/interactions/{row['id']}").status_code == 404
    assert Interaction.objects.get().archived_at


def test_a_private_one_is_nobody_elses(api, manager, otto, northwind):
    log(actor=manager, client=northwind, visibility="private")
    assert api.get("/api/v1/interactions").json()["results"] == []


def test_follow_ups_and_their_actions(api, marta, otto, northwind):
    body = {
        "client": northwind.pk,
        "title": "Send",
        "due_date": "2027-01-08",
        "due_time": "12:00",
        "time_zone": "Europe/Helsinki",
    }
    made = api.post("/api/v1/follow-ups", body, **JSON)
    assert made.status_code == 201 and datetime.fromisoformat(made.json()["due_at"]) == datetime(
        2027, 1, 8, 10, tzinfo=UTC
    )
    url = f"/api/v1/follow-ups/{made.json()['id']}"
    assert api.post(f"{url}/reassign", {"assignee": otto.pk}, **JSON).json()["assignee"] == otto.pk
    assert api.post(f"{url}/snooze", {"until": "2001-01-01T00:00:00Z"}, **JSON).json()["code"] == "invalid"
    done = api.post(f"{url}/complete", {"outcome": "Sent."}, **JSON).json()
    assert (done["state"], done["outcome"], done["closed_by"]) == ("done", "Sent.", marta.pk)
    assert api.post(f"{url}/reopen", {}, **JSON).json()["state"] == "open"
    assert api.delete(url).status_code == 204 and FollowUp.objects.get().state == "cancelled"
    assert api.post(f"{url}/complete", {"outcomes": "x"}, **JSON).status_code == 400


def test_commitments(api, northwind):
    made = api.post("/api/v1/commitments", {"client": northwind.pk, "text": "Two receipts", "side": "client"}, **JSON)
    assert made.status_code == 201 and made.json()["owner"] is None
    url = f"/api/v1/commitments/{made.json()['id']}/settle"
    assert api.post(url, {"state": "kept"}, **JSON).json()["state"] == "kept"
    assert api.post(url, {"state": "broken"}, **JSON).status_code == 400


def test_survey_answers(api, northwind):
    survey = ensure_nps_survey()
    assert [row["id"] for row in api.get("/api/v1/surveys").json()["results"]] == [survey.pk]
    body = {"survey": survey.pk, "client": northwind.pk, "score": 9, "answered_at": timezone.now().isoformat()}
    assert api.post("/api/v1/survey-responses", body, **JSON).status_code == 201
    refused = api.post("/api/v1/survey-responses", body | {"score": 11}, **JSON)
    assert refused.status_code == 400 and "score" in refused.json()["fields"]
    assert SurveyResponse.objects.count() == 1


def test_another_managers_restricted_client_is_missing(api, otto, factories):
    theirs = factories.make_client(owner=otto, name="Secret Oy", is_restricted=True)
    row = follow_up(actor=otto, client=theirs)
    assert api.get(f"/api/v1/follow-ups/{row.pk}").status_code == 404
    body = {"client": theirs.pk, "channel": "note", "occurred_at": timezone.now().isoformat(), "body": "x"}
    assert api.post("/api/v1/interactions", body, **JSON).status_code == 400
    assert not Interaction.objects.exists()
