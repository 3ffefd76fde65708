"""The API does what the pages do, through the same services and gate."""

import pytest
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.firm.queries import firm_today
from onboarding.models import Plan
from onboarding.services.plans import pause_plan
from onboarding.services.templates import edit_version
from tools.testing.factories.onboarding import make_firm, make_plan, make_user, task

PLANS, TASKS = "/api/v1/onboarding/plans", "/api/v1/onboarding/tasks"


@pytest.fixture
def api(client, marta):
    client.force_login(marta)
    return client


def send(api, method, url, data=None, **headers):
    return getattr(api, method)(url, data or {}, content_type="application/json", headers=headers)


def test_a_plan_from_start_to_finish(api, northwind, payroll):
    today = firm_today(timezone.now()).isoformat()
    body = {"client": northwind.pk, "template_version": payroll.pk, "kickoff_date": today}
    made = send(api, "post", PLANS, body, **{"Idempotency-Key": "one"})
    assert (made.status_code, made.json()["state"], made.json()["task_count"]) == (201, "active", 8)
    again = send(api, "post", PLANS, body, **{"Idempotency-Key": "one"})
    assert again.json()["id"] == made.json()["id"] and Plan.objects.count() == 1
    address = f"{PLANS}/{made.json()['id']}"
    assert send(api, "post", f"{address}/finish").json()["code"] == "unfinished"
    rows = api.get(TASKS, {"plan": made.json()["id"], "page_size": 200}).json()["results"]
    for row in sorted(rows, key=lambda row: row["id"]):
        assert send(api, "post", f"{TASKS}/{row['id']}/finish").json()["state"] == "done"
    assert send(api, "post", f"{address}/pause").json()["state"] == "paused"
    assert send(api, "post", f"{address}/resume").json()["state"] == "active"
    assert send(api, "post", f"{address}/finish").json()["state"] == "done"


def test_a_task_is_changed_through_the_services(api, plan, marta):
    row = task(plan, "Access to accounting system")
    url = f"{TASKS}/{row.pk}"
    etag = api.get(url)["ETag"]
    moved = send(
        api, "patch", url, {"due_date": "2026-12-15", "state": "blocked", "reason": "IT is away"}, **{"If-Match": etag}
    )
    assert (moved.json()["due_date"], moved.json()["state"], moved.json()["blocked_reason"]) == (
        "2026-12-15",
        "blocked",
        "IT is away",
    )
    assert task(plan, "Chart of accounts mapped").due_date.isoformat() == "2026-12-21"
    assert send(api, "patch", url, {"state": "done"}, **{"If-Match": etag}).status_code == 412
    assert send(api, "patch", url, {"assignee": marta.pk}).json()["assignee"] == marta.pk
    assert send(api, "patch", url, {"title": "Other"}).status_code == 400
    assert send(api, "patch", url, {"state": "skipped"}).json()["fields"] == {
        "reason": ["This task is mandatory. Say why it can be skipped."]
    }


def test_a_task_out_of_order_is_a_question(api, plan):
    url = f"{TASKS}/{task(plan, 'Access to accounting system').pk}"
    words = "“Engagement letter signed” comes before this task and is still open. Complete anyway?"
    asked = {"code": "question", "message": words, "fields": {"is_out_of_order": [words]}}
    for answer in (send(api, "post", f"{url}/finish"), send(api, "patch", url, {"state": "done"})):
        assert (answer.status_code, answer.json()) == (400, asked)
    assert task(plan, "Access to accounting system").state == "open"
    assert send(api, "post", f"{url}/finish", {"is_out_of_order": True}).json()["state"] == "done"
    later = f"{TASKS}/{task(plan, 'First payroll run').pk}"
    assert send(api, "patch", later, {"state": "done", "is_out_of_order": True}).json()["state"] == "done"
    assert send(api, "post", f"{later}/finish", {"anyway": True}).status_code == 400  # nobody knows this field


def test_filters_and_what_is_not_seen(api, plan, northwind, payroll, client):
    make_plan(client=northwind, version=payroll)
    pause_plan(acting(plan.owner), plan=plan, now=timezone.now())
    assert [row["id"] for row in api.get(PLANS, {"state": "paused"}).json()["results"]] == [plan.pk]
    assert api.get(TASKS, {"overdue": "true", "plan": plan.pk}).json()["results"] == []
    assert api.get(PLANS, {"colour": "red"}).status_code == 400
    make_firm(account_managers_see="own")
    client.force_login(make_user("Otto Other"))
    assert client.get(f"{PLANS}/{plan.pk}").status_code == 404
    assert client.get(PLANS).json()["results"] == []


def test_templates_and_their_versions_are_read(api, payroll, admin):
    edit_version(acting(admin), template=payroll.template)
    found = api.get("/api/v1/onboarding/templates").json()["results"]
    assert [version["number"] for version in found[0]["versions"]] == [1]  # the draft is the admins'
    versions = api.get(f"/api/v1/onboarding/templates/{payroll.template_id}/versions").json()
    phases = versions[0]["phases"]
    assert [phase["name"] for phase in phases] == ["Agree", "Set up", "First run"]
    assert phases[1]["tasks"][0]["after"] == phases[0]["tasks"][1]["key"]
    assert send(api, "post", "/api/v1/onboarding/templates", {"name": "New"}).status_code == 405


@pytest.mark.parametrize("path", [f"{PLANS}/?owner=", "/api/v1/clients/?owner="])
def test_an_owner_that_does_not_exist_is_refused(api, path):
    answer = api.get(f"{path}987654321")
    assert answer.status_code == 400 and "owner" in answer.json()["fields"], answer.content
