"""What every viewset of the API inherits, on a small one of its own."""

import json

import pytest
from django.apps import apps
from rest_framework.test import APIRequestFactory, force_authenticate

from crm.core.api.models import IdempotencyKey
from crm.core.api.serializers import StrictModelSerializer, VisibleRelatedField
from crm.core.api.viewsets import ApiViewSet
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.base.versions import save_version
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db


def clients():
    return apps.get_model("clients.Client")


@pytest.fixture
def view():
    """(method, path options, user) → answer of a viewset over clients."""
    model = clients()

    class Serializer(StrictModelSerializer):
        parent = VisibleRelatedField(queryset=model.objects.all(), required=False)

        class Meta:
            fields = ["id", "name", "city", "parent", "version"]
            read_only_fields = ["id", "version"]

    Serializer.Meta.model = model

    class ViewSet(ApiViewSet):
        queryset = model.objects.all()
        serializer_class = Serializer

        def create_row(self, data):
            if data["name"] == "Trouble":
                raise ServiceError("Not that one.", field="name", code="trouble")
            return model.objects.create(owner=self.request.user, **data)

        def update_row(self, row, data, seen_version):
            if data.get("name") == "Raced":
                raise StaleWrite("Somebody else saved this meanwhile.", current=row)
            for name, value in data.items():
                setattr(row, name, value)
            save_version(row, fields=[*data], seen=seen_version)
            return row

        def remove_row(self, row):
            row.delete()

    one = {"get": "retrieve", "patch": "partial_update", "delete": "destroy", "put": "put"}
    many = ViewSet.as_view({"get": "list", "post": "create"})
    detail = ViewSet.as_view({method: action for method, action in one.items() if hasattr(ViewSet, action)})

    def ask(method, user, *, pk=None, data=None, query="", **headers):
        make = getattr(APIRequestFactory(), method)
        request = make(
            f"/api/v1/things{query}",
            data,
            format="json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        if user is not None:
            force_authenticate(request, user)
        request.principal = acting(user)
        response = many(request) if pk is None else detail(request, pk=str(pk))
        response.render()
        return response

    return ask


@pytest.fixture
def northwind(marta):
    return clients().objects.create(name="Northwind", owner=marta)


def test_a_list_has_pages(view, marta):
    clients().objects.bulk_create([clients()(name=f"Client {n}", owner=marta) for n in range(7)])
    page = view("get", marta, query="?page_size=3").data
    assert {*page} == {"next", "previous", "results"} and len(page["results"]) == 3
    names = [row["name"] for row in page["results"]]
    while page["next"]:
        page = view("get", marta, query="?" + page["next"].partition("?")[2]).data
        names += [row["name"] for row in page["results"]]
    assert sorted(names) == [f"Client {n}" for n in range(7)]


def test_a_page_is_never_larger_than_200(view, marta):
    clients().objects.bulk_create([clients()(name=f"Client {n}", owner=marta) for n in range(205)])
    assert len(view("get", marta, query="?page_size=100000").data["results"]) == 200


def test_without_a_login_there_is_401_in_the_errors_shape(view, northwind):
    for answer in (view("get", None), view("post", None, data={"name": "X"}), view("get", None, pk=northwind.pk)):
        assert answer.status_code == 401 and {*answer.data} == {"code", "message", "fields"}


def test_what_is_not_seen_answers_like_what_is_missing(view, northwind, oskar):
    clients().objects.update(is_restricted=True)
    hidden, missing = view("get", oskar, pk=northwind.pk), view("get", oskar, pk=987654321)
    assert hidden.status_code == missing.status_code == 404 and hidden.data == missing.data
    for method in ("patch", "delete"):
        assert view(method, oskar, pk=northwind.pk, data={}).status_code == 404
    assert view("get", oskar).data["results"] == []


def test_a_related_row_that_is_not_seen_answers_like_a_missing_one(view, northwind, oskar):
    clients().objects.update(is_restricted=True)
    hidden = view("post", oskar, data={"name": "Child", "parent": northwind.pk})
    missing = view("post", oskar, data={"name": "Child", "parent": 987654321})
    assert hidden.status_code == missing.status_code == 400
    assert str(hidden.data["fields"]).replace(str(northwind.pk), "N") == str(missing.data["fields"]).replace(
        "987654321", "N"
    )


@pytest.mark.parametrize(
    "data", [{"name": "X", "colour": "red"}, {"name": "X", "version": 9}, {"name": ""}, {}, [], "text", 7, None]
)
def test_a_body_that_is_not_valid_is_refused_and_changes_nothing(view, marta, data):
    answer = view("post", marta, data=data)
    assert answer.status_code == 400 and {*answer.data} == {"code", "message", "fields"}
    assert not clients().objects.exists()


def test_unknown_fields_are_named(view, marta):
    assert "colour" in view("post", marta, data={"name": "X", "colour": "red"}).data["fields"]


def test_an_unknown_parameter_is_refused(view, marta):
    answer = view("get", marta, query="?ownr=3")
    assert answer.status_code == 400 and "ownr" in answer.data["fields"]


def test_there_is_no_put(view, marta, northwind):
    assert view("put", marta, pk=northwind.pk, data={}).status_code == 405


def test_a_services_refusal_has_its_code_and_field(view, marta):
    answer = view("post", marta, data={"name": "Trouble"})
    assert (answer.status_code, answer.data) == (
        400,
        {"code": "trouble", "message": "Not that one.", "fields": {"name": ["Not that one."]}},
    )


def test_the_etag_is_the_version(view, marta, northwind):
    read = view("get", marta, pk=northwind.pk)
    changed = view("patch", marta, pk=northwind.pk, data={"city": "Oslo"}, If_Match=read["ETag"])
    assert (read["ETag"][:3], changed["ETag"][:3], changed.data["city"]) == ('"1-', '"2-', "Oslo")


@pytest.mark.parametrize("method", ["patch", "delete"])
@pytest.mark.parametrize("seen", ['"1"', "1", 'W/"2"', "nonsense"])
def test_a_stale_if_match_changes_nothing(view, marta, northwind, method, seen):
    view("patch", marta, pk=northwind.pk, data={"city": "Oslo"})
    answer = view(method, marta, pk=northwind.pk, data={"city": "Bergen"}, If_Match=seen)
    assert answer.status_code == 412 and answer.data["code"] == "precondition_failed"
    assert clients().objects.get().city == "Oslo"


def test_a_write_that_slipped_in_between_is_409(view, marta, northwind):
    answer = view("patch", marta, pk=northwind.pk, data={"name": "Raced"}, If_Match='"1"')
    assert answer.status_code == 409 and answer.data["code"] == "stale"


def test_the_same_key_happens_once(view, marta):
    answers = [view("post", marta, data={"name": "Once"}, Idempotency_Key="k-1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({json.dumps(answer.data, sort_keys=True) for answer in answers}) == clients().objects.count() == 1
    assert answers[1]["Idempotency-Replayed"] == "true" and answers[1]["ETag"] == answers[0]["ETag"]


def test_the_key_of_another_request_is_refused(view, marta, oskar):
    view("post", marta, data={"name": "Once"}, Idempotency_Key="k-1")
    assert view("post", marta, data={"name": "Other"}, Idempotency_Key="k-1").status_code == 422
    assert view("post", oskar, data={"name": "Oskar's"}, Idempotency_Key="k-1").status_code == 201


def test_a_request_that_failed_may_be_tried_again_with_its_key(view, marta):
    assert view("post", marta, data={"name": ""}, Idempotency_Key="k-1").status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert view("post", marta, data={"name": "Now"}, Idempotency_Key="k-1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_happens_once(view, marta):
    def post(number):
        return view("post", marta, data={"name": "Once"}, Idempotency_Key="k-1").status_code

    assert at_once(post) == [201] * 8
    assert clients().objects.count() == 1


HALF = r'{"name": "A", "kind": "\ud800"}'


@pytest.mark.parametrize(
    "body", ["[" * 5000, '{"name": ' * 25 + "1" + "}" * 25, "{", '{"name": NaN}', "\xff\xfe", HALF, r'{"\udfff": 1}']
)
def test_json_that_cannot_be_read_is_400(client, marta, body):
    client.force_login(marta)
    answer = client.post("/api/v1/clients", body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["code"] == "parse_error"


def test_an_address_that_is_not_there_answers_in_the_errors_shape(client, marta):
    client.force_login(marta)
    assert client.get("/api/v1/nothing").json() == {
        "code": "not_found",
        "message": "There is nothing at this address.",
        "fields": {},
    }


def test_the_schema_is_openapi_3_1_without_a_warning(client, marta, capsys):
    client.force_login(marta)
    answer = client.get("/api/schema/")
    assert answer.json()["openapi"].startswith("3.1") and answer.json()["components"]["schemas"]["Error"]
    assert "Warning" not in capsys.readouterr().err


def test_the_documentation_needs_a_login_and_allows_only_its_own_styles(client, marta):
    assert client.get("/api/docs/").status_code == 302
    client.force_login(marta)
    policy = client.get("/api/docs/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";" and "style-src 'self' 'unsafe-inline'" in policy
