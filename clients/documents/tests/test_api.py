"""Documents by the API."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from clients.documents.models import Document
from clients.records.services.clients import restrict_client
from crm.core.base.principals import acting
from crm.core.files.models import StoredFile
from tools.testing.factories.clients import make_client, make_firm, make_user
from tools.testing.factories.core import make_token
from tools.testing.factories.documents import PDF, PNG, make_document

pytestmark = pytest.mark.django_db
LIST = "/api/v1/documents"


@pytest.fixture
def marta(db):
    make_firm()
    return make_user(name="Marta Kallio")


@pytest.fixture
def api(client, marta):
    client.defaults["HTTP_AUTHORIZATION"] = f"Token {make_token(user=marta)[1]}"
    return client


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


def file(name="letter.pdf", data=PDF):
    return SimpleUploadedFile(name, data)


def patch(api, url, data, **headers):
    return api.patch(url, json.dumps(data), content_type="application/json", headers=headers)


def test_upload_read_change_and_download(api, marta, northwind):
    given = {"client": northwind.pk, "file": file("passport scan.pdf"), "kind": "identity", "expiry_date": "2027-01-31"}
    made = api.post(LIST, given)
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["title"], row["kind"], row["number"], row["is_shared"]) == ("passport scan", "identity", 1, False)
    assert (row["file_name"], row["content_type"], row["size"]) == ("passport scan.pdf", "application/pdf", len(PDF))
    assert row["uploaded_by"] == marta.pk and "file" not in row
    at = f"{LIST}/{row['id']}"
    assert api.get(at).json() == row
    changed = patch(api, at, {"title": "Passport", "is_shared": True}, If_Match=made["ETag"])
    assert (changed.status_code, changed.json()["title"]) == (200, "Passport")
    assert patch(api, at, {"title": "x"}, If_Match=made["ETag"]).status_code == 412
    assert patch(api, at, {"file": "x"}).status_code == 400
    assert patch(api, at, {"client": make_client(owner=marta, name="Other").pk}).status_code == 400
    for kind in ("*/*", "application/pdf"):
        answer = api.get(f"{at}/file", headers={"accept": kind})
        assert answer["Content-Disposition"] == 'attachment; filename="passport scan.pdf"'
        assert b"".join(answer.streaming_content) == PDF


def test_versions(api, marta, northwind):
    row = make_document(actor=marta, client=northwind)
    at = f"{LIST}/{row.pk}/versions"
    made = api.post(at, {"file": file("v2.png", PNG), "remark": "Signed"})
    assert made.status_code == 201, made.content
    assert [(one["number"], one["remark"]) for one in api.get(at).json()] == [(2, "Signed"), (1, "")]
    assert api.get(f"{LIST}/{row.pk}").json()["number"] == 2
    assert b"".join(api.get(f"{at}/1/file").streaming_content) == PDF
    assert b"".join(api.get(f"{at}/2/file").streaming_content) == PNG
    assert api.get(f"{at}/3/file").status_code == 404
    same = api.post(at, {"file": file("v3.png", PNG)})
    assert same.status_code == 400 and "same file" in same.json()["message"]


def test_what_is_refused_keeps_nothing(api, northwind):
    cases = [
        ({"client": northwind.pk}, "file"),
        ({"file": file()}, "client"),
        ({"client": northwind.pk, "file": file("a.pdf", b"MZ")}, "file"),
        ({"client": northwind.pk, "file": file("a.pdf", b"")}, "file"),
        ({"client": northwind.pk, "file": file(), "kind": "poem"}, "kind"),
        ({"client": northwind.pk, "file": file(), "owner": 1}, "owner"),
    ]
    for given, field in cases:
        answer = api.post(LIST, given)
        assert answer.status_code == 400 and field in answer.json()["fields"], (field, answer.json())
    assert not StoredFile.objects.exists()


def test_the_same_key_files_it_once_and_another_file_is_told(api, northwind):
    def post(data):
        given = {"client": northwind.pk, "file": file("a.pdf", data)}
        return api.post(LIST, given, headers={"Idempotency-Key": "one"})

    first, again = post(PDF), post(PDF)
    assert first.json() == again.json() and Document.objects.count() == 1
    assert post(PDF + b"\n").status_code == 422
    assert Document.objects.count() == 1


def test_lists_trash_and_restore(api, marta, northwind):
    row = make_document(actor=marta, client=northwind, name="b.pdf")
    make_document(actor=marta, client=northwind, name="a.pdf", is_shared=True)
    assert [one["title"] for one in api.get(f"{LIST}?ordering=title").json()["results"]] == ["a", "b"]
    assert [one["title"] for one in api.get(f"{LIST}?shared=true").json()["results"]] == ["a"]
    assert api.get(f"{LIST}?expiry=never").status_code == 400
    assert api.delete(f"{LIST}/{row.pk}").status_code == 204
    assert [one["title"] for one in api.get(LIST).json()["results"]] == ["a"]
    assert api.post(f"{LIST}/{row.pk}/restore").status_code == 200


def test_out_of_sight_is_out_of_reach(api, marta, northwind):
    """Every address of a document of a client that somebody else keeps to themselves, guessed."""
    row = make_document(actor=marta, client=northwind)
    jonas = make_user(name="Jonas Berg")
    restrict_client(acting(marta), client=northwind, users=[])
    api.defaults["HTTP_AUTHORIZATION"] = f"Token {make_token(user=jonas)[1]}"
    at = f"{LIST}/{row.pk}"
    assert api.get(LIST).json()["results"] == []
    for address in (at, f"{at}/file", f"{at}/versions", f"{at}/versions/1/file"):
        assert api.get(address).status_code == 404, address
    assert api.post(f"{at}/versions", {"file": file()}).status_code == 404
    assert api.post(LIST, {"client": northwind.pk, "file": file()}).status_code == 400
    del api.defaults["HTTP_AUTHORIZATION"]
    api.force_login(jonas)
    for name in ("document_file", "document_preview"):
        assert api.get(reverse(f"clients:{name}", args=[row.pk, 1])).status_code == 404
