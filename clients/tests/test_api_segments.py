"""Segments by the API, and clients of a segment."""

import pytest

from clients.segments.models import Segment
from clients.segments.services import create_segment
from crm.core.base.principals import acting
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db
TIER_A = {"match": "all", "rules": [{"field": "tier", "op": "is", "values": ["A"]}]}
BROKEN = {"match": "none", "rules": [{"field": "shoe_size", "op": "is", "values": ["44"], "label": "Shoe size"}]}


@pytest.fixture
def api(client, marta):
    client.force_login(marta)

    def call(method, url, body=None, **headers):
        return getattr(client, method)(f"/api/v1/{url}", body, content_type="application/json", headers=headers)

    return call


@pytest.fixture
def two(marta):
    return [make_client(owner=marta, name=name, tier=name[0]) for name in ("A", "B")]


def test_a_segment_is_made_changed_used_and_deleted(api, two, marta):
    made = api("post", "segments", {"name": "Large", "rule": TIER_A})
    assert made.status_code == 201, made.json()
    pk = made.json()["id"]
    assert (made.json()["owner"], made.json()["problems"], made.json()["is_shared"]) == (marta.pk, [], False)
    found = api("get", f"clients?segment={pk}").json()["results"]
    assert [row["name"] for row in found] == ["A"]
    changed = api("patch", f"segments/{pk}", {"is_shared": True}, **{"If-Match": made["ETag"]})
    assert (changed.status_code, changed.json()["is_shared"]) == (200, True)
    assert api("patch", f"segments/{pk}", {"name": "x"}, **{"If-Match": made["ETag"]}).status_code == 412
    assert api("delete", f"segments/{pk}").status_code == 204
    assert api("get", f"clients?segment={pk}").status_code == 400
    assert api("post", f"segments/{pk}/restore").status_code == 200


@pytest.mark.parametrize("rule", [None, 5, [], {}, "x", {"match": "all", "rules": []}, BROKEN])
def test_a_rule_that_makes_no_sense_is_refused(api, rule):
    refused = api("post", "segments", {"name": "Large", "rule": rule})
    assert refused.status_code == 400 and "rule" in str(refused.json()) and not Segment.objects.exists()


def test_a_broken_segment_says_so_and_never_answers_everybody(api, two, marta):
    kept = Segment.objects.create(owner=marta, name="Feet", rule=BROKEN)
    assert api("get", f"segments/{kept.pk}").json()["problems"] == ["The field “Shoe size” no longer exists."]
    assert api("get", "segments").json()["results"][0]["problems"]
    refused = api("get", f"clients?segment={kept.pk}")
    assert refused.status_code == 400 and "Shoe size" in str(refused.json())


def test_a_segment_of_somebody_else_answers_nothing(api, two, otto):
    kept = create_segment(acting(otto), name="His", rule=TIER_A)
    assert api("get", f"segments/{kept.pk}").status_code == 404
    assert api("get", f"clients?segment={kept.pk}").status_code == 400
    assert api("get", "segments").json()["results"] == []


def test_a_rule_is_counted_before_it_is_saved(api, two):
    assert api("post", "segments/count", {"rule": TIER_A}).json() == {"count": 1}
    assert api("post", "segments/count", {"rule": BROKEN}).status_code == 400
    assert not Segment.objects.exists()


def test_the_fields_of_rules(api):
    found = {row["field"]: row for row in api("get", "segments/fields").json()}
    assert found["tier"]["choices"] == ["A", "B", "C"] and "is" in found["tier"]["operators"]
    assert found["last_contact_at"]["kind"] == "day" and found["owner"]["kind"] == "person"


def test_changes_before_anything_is_noted(api, two, marta):
    kept = create_segment(acting(marta), name="Large", rule=TIER_A)
    assert api("get", f"segments/{kept.pk}/changes").json() == {"joined": None, "left": None, "since": None}
