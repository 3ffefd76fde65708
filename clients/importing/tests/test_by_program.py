"""Imports by the API and by `manage.py import_csv`: what they plan and do is what the pages plan and do."""

import io
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from clients.records.models import Client
from crm.core.base.principals import SYSTEM, acting
from crm.core.importing import running, sweeping, undoing
from crm.core.importing import services as imports
from crm.core.importing.continuing import continue_move
from crm.core.importing.models import TIME_ZONE, SourceValue
from crm.core.work.models import Job
from tools.testing.factories.clients import make_client
from tools.testing.importing import run

SAMPLES = Path(os.environ.get("RAPPORT_SAMPLE_DATA", Path(__file__).parents[4] / "shared" / "data"))
pytestmark = pytest.mark.django_db
FOR_ALL = {"status": "active", "status_date": "2026-01-01"}
NASTY = (
    "Id;Name;City;Country;Website;Owner\r\n"
    "1;Ålesund Tech;Ålesund;NO;https://alesund.example;\r\n"
    '2;"Beta; ""quoted""";Bonn;DE;not a website;nobody@there.example\r\n'
    "2;Beta again;Köln;DE;;\r\n"
    "3;;Nowhere;;;\r\n"
    "4;=HYPERLINK(1);NULL;Atlantis;;\r\n"
    "5;Too;many;FI;;;;cells\r\n"
    "6;Kestrel;Turku;FI;https://kestrel.example;\r\n"
).encode("cp1252")


@pytest.fixture
def http(client, marta):
    client.force_login(marta)
    client.raise_request_exception = False
    return client


def post(http, url, body=None, **more):
    return http.post(f"/api/v1/imports{url}", body or {}, content_type="application/json", **more)


def upload(http, data, name="firm.csv", **said):
    file = SimpleUploadedFile(name, data)
    return http.post("/api/v1/imports", {"file": file, "defaults": json.dumps(FOR_ALL), **said})


def work(job_id):
    """A worker hears of the job."""
    running.run_job(job_id=job_id)


def planned(report):
    """Counts and rows of a preview."""
    return report["counts"], {show: rows for show, rows in report["rows"].items() if rows}


def by_page(http, data, *, name="firm.csv", kind="clients", system=""):
    """The report that the preview page shows."""
    http.post("/imports/new/", {"file": SimpleUploadedFile(name, data), "kind": kind})
    job = Job.objects.latest("pk")
    form = http.get(f"/imports/{job.pk}/columns/").context["form"]
    said = {field.html_name: value for field in form if (value := field.value()) not in (None, "")}
    said |= {f"default_{name}": value for name, value in FOR_ALL.items()}
    saved = http.post(f"/imports/{job.pk}/columns/", said | ({"system": system} if system else {}))
    assert saved.status_code == 302, saved.context["form"].errors
    work(job.pk)
    return Job.objects.get(pk=job.pk).report


def by_api(http, data, *, name="firm.csv", kind="clients", system=""):
    answer = upload(http, data, name, kind=kind, **({"system": system} if system else {}))
    assert answer.status_code == 201, answer.content
    job = answer.json()["id"]
    work(job)
    rows = {}
    for show in ("created", "updated", "unchanged", "failed", "remarks", "questions"):
        found, offset = [], 0
        while offset is not None:
            page = http.get(f"/api/v1/imports/{job}/rows", {"show": show, "offset": offset}).json()
            found, offset = found + page["rows"], page["next_offset"]
        rows[show] = found
    counts = http.get(f"/api/v1/imports/{job}").json()["counts"]
    return {"rows": rows, "counts": {name: counts[name] for name in ("created", "updated", "unchanged", "failed")}}


def by_command(marta, tmp_path, data, *, name="firm.csv", kind="clients", system=""):
    path, out = tmp_path / name, io.StringIO()
    path.write_bytes(data)
    more = [f"--set={name}={value}" for name, value in FOR_ALL.items()] + (["--system", system] if system else [])
    call_command("import_csv", kind, str(path), "--owner", marta.email, "--dry-run", "--json", *more, stdout=out)
    return json.loads(out.getvalue())


def test_page_command_and_api_plan_the_same_of_a_nasty_file(http, marta, tmp_path):
    make_client(owner=marta, name="Kestrel", website="https://kestrel.example", city="Oulu")
    page = by_page(http, NASTY, system="old")
    assert page["counts"]["failed"] and page["counts"]["created"] and page["counts"]["updated"], page["counts"]
    assert planned(by_api(http, NASTY, system="old")) == planned(page)
    assert planned(by_command(marta, tmp_path, NASTY, system="old")) == planned(page)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"sample files are not at {SAMPLES} (RAPPORT_SAMPLE_DATA)")
def test_the_same_of_a_sample(http, marta, tmp_path):
    data = (SAMPLES / "salesforce" / "accountData.csv").read_bytes()
    page = by_page(http, data)
    assert page["counts"]["created"] == 423
    assert planned(by_api(http, data)) == planned(page)
    assert planned(by_command(marta, tmp_path, data)) == planned(page)


def test_an_import_from_upload_to_undo(http, marta):
    made = upload(http, NASTY, kind="clients", system="old").json()
    assert (made["state"], made["understood"]["encoding"], made["understood"]["mapping"]["name"]) == (
        "checking",
        "cp1252",
        "Name",
    )
    job = made["id"]
    assert post(http, f"/{job}/start").json()["message"]  # while it is being checked
    work(job)
    ready = http.get(f"/api/v1/imports/{job}").json()
    assert {"start", "check", "discard"} == {*ready["actions"]} and Client.objects.count() == 0
    started = post(http, f"/{job}/start", {"questions": "left_out"})
    assert started.json()["state"] == "queued", started.content
    work(job)
    done = http.get(f"/api/v1/imports/{job}").json()
    assert (done["state"], done["counts"]["created"]) == ("done", Client.objects.count())
    failed = http.get(f"/api/v1/imports/{job}/failed-rows")
    assert failed.content.decode("utf-8-sig").count("\n") == done["counts"]["failed"] + 1
    kept = Client.objects.earliest("pk")
    kept.city = "Elsewhere"
    kept.save()
    ahead = http.get(f"/api/v1/imports/{job}/undo").json()
    assert (ahead["state"], [row["id"] for row in ahead["left"]]) == ("preview", [kept.pk])
    assert ahead["left"][0]["reason"] == "Changed since the import."
    begun = post(http, f"/{job}/undo").json()
    undoing.run_job(job_id=undoing.undo_of(Job.objects.get(pk=job)).pk)
    over = http.get(f"/api/v1/imports/{job}/undo").json()
    assert (begun["state"], over["state"], over["counts"]) == ("queued", "done", ahead["counts"])
    assert [*Client.objects.all()] == [kept]


def test_what_must_be_said_is_asked_for_and_can_be_said(http):
    file = SimpleUploadedFile("a.csv", b"Id,Name\n1,Alpha\n")
    asked = http.post("/api/v1/imports", {"file": file, "kind": "clients"}).json()
    assert "which system" in asked["needs"] and "start" not in asked["actions"]
    url = f"/api/v1/imports/{asked['id']}"
    said = http.patch(url, {"system": "books", "mapping": {"city": "Nowhere"}}, content_type="application/json")
    assert (said.status_code, [*said.json()["fields"]]) == (400, ["map_city"])
    half = http.patch(url, {"system": "books"}, content_type="application/json").json()
    assert "Choose for all rows" in half["needs"] and "start" not in half["actions"]
    said = http.patch(url, {"defaults": FOR_ALL}, content_type="application/json").json()
    assert (said["needs"], said["understood"]["system"]) == ("", "books")
    assert post(http, f"/{asked['id']}/check").json()["state"] == "checking"
    assert http.patch(url, {"wrong": 1}, content_type="application/json").status_code == 400
    assert http.delete(url).status_code == 400  # it is being checked
    assert post(http, f"/{asked['id']}/pause").json()["state"] == "ready"
    assert http.delete(url).status_code == 204


def test_an_import_is_paused_and_goes_on(http):
    job = upload(http, b"Name\nAlpha\nBeta\n", kind="clients").json()["id"]
    work(job)
    post(http, f"/{job}/start")
    assert post(http, f"/{job}/pause").json()["state"] == "cancelled"
    assert "resume" in http.get(f"/api/v1/imports/{job}").json()["actions"]
    assert post(http, f"/{job}/resume").json()["state"] == "queued"
    work(job)
    assert Client.objects.count() == 2


@pytest.mark.parametrize(
    ("mode", "counts", "names"),
    [
        ("create", {"created": 1, "unchanged": 1}, {"Old name", "Beta"}),
        ("update", {"updated": 1, "unchanged": 1}, {"Alpha"}),
        ("both", {"created": 1, "updated": 1}, {"Alpha", "Beta"}),
    ],
)
def test_only_create_or_only_update(http, marta, mode, counts, names):
    run(marta, "clients", b"Id,Name\n1,Old name\n", system="old")
    job = upload(http, b"Id,Name\n1,Alpha\n2,Beta\n", kind="clients", system="old", mode=mode).json()["id"]
    work(job)
    before = http.get(f"/api/v1/imports/{job}").json()["counts"]
    post(http, f"/{job}/start", {"questions": "confirmed"})
    work(job)
    after = http.get(f"/api/v1/imports/{job}").json()["counts"]
    for found in (before, after):
        assert {name: n for name, n in found.items() if n and name in imports.new_report()["counts"]} == counts
    assert set(Client.objects.values_list("name", flat=True)) == names


def test_somebody_elses_import_and_file_are_not_there(http, otto, marta):
    theirs = run(otto, "clients", b"Name\nAlpha\n")
    assert http.get(f"/api/v1/imports/{theirs.pk}").status_code == 404
    again = http.post("/api/v1/imports", {"file_id": theirs.file_id}, content_type="application/json")
    assert [*again.json()["fields"]] == ["file_id"]
    mine = run(marta, "clients", b"Name\nBeta\n")
    assert (
        http.post(
            "/api/v1/imports", {"file_id": mine.file_id, "kind": "clients"}, content_type="application/json"
        ).status_code
        == 201
    )


def test_what_is_no_import_is_refused(http):
    assert upload(http, b"").json()["fields"].keys() == {"file"}
    assert upload(http, b"Xyz,Abc\n1,2\n").json()["code"] == "kind_needed"
    assert upload(http, b"Name\nA\n", kind="nothing").json()["fields"].keys() == {"kind"}
    assert upload(http, b"Name\nA\n", kind="clients", mapping="[1]").json()["fields"].keys() == {"mapping"}
    assert post(http, "").json()["fields"].keys() == {"file"}
    assert Job.objects.count() == 0


def test_a_move_of_several_files(http, marta, django_capture_on_commit_callbacks):
    files = [
        SimpleUploadedFile("people.csv", b"Rapport id,First name,Last name,Client\n7,Ada,Alder,Alpha\n"),
        SimpleUploadedFile("firms.csv", b"Id,Name\n1,Alpha\n"),
    ]
    made = http.post("/api/v1/import-moves", {"file": files})
    assert made.status_code == 201, made.content
    assert len(made.json()["files"]) == 2 and made.json()["state"] == "draft"
    url = f"/api/v1/import-moves/{made.json()['id']}"
    for part in made.json()["files"]:
        kind = {"people.csv": "contacts", "firms.csv": "clients"}[part["file"]]
        body = {"kind": kind, "system": "old", "defaults": FOR_ALL if kind == "clients" else {}}
        said = http.patch(f"/api/v1/imports/{part['id']}", body, content_type="application/json")
        assert said.status_code == 200, said.content
        assert post(http, f"/{part['id']}/start").json()["code"] == "in_move"
    started = http.post(f"{url}/start", {}, content_type="application/json")
    assert started.json()["state"] == "running", started.content
    assert [part["kind"] for part in started.json()["files"]] == ["clients", "contacts"]
    for part in started.json()["files"]:
        work(part["id"])
        continue_move(SYSTEM, move_id=made.json()["id"], now=timezone.now())
    assert http.get(url).json()["state"] == "done"
    assert Client.objects.get().contacts.get().name == "Ada Alder"
    assert acting(marta).user == Client.objects.get().owner


def test_what_was_swept_is_still_shown(http, marta):
    made = http.post("/api/v1/import-moves", {"file": [SimpleUploadedFile("firms.csv", b"Name\nAlpha\n")]}).json()
    [job] = Job.objects.all()
    Job.objects.update(state="done", ended_at=timezone.now() - sweeping.KEPT - timedelta(hours=1))
    sweeping.sweep_files(timezone.now().date(), None)
    [shown] = http.get("/api/v1/imports").json()["results"]
    assert (shown["id"], shown["file"]) == (job.pk, None)
    parts = http.get(f"/api/v1/import-moves/{made['id']}").json()["files"]
    assert [part["file"] for part in parts] == [job.title]


def test_an_import_from_before_files_had_tables(http):
    job = Job.objects.get(pk=upload(http, b"Name\nAlpha\n", kind="clients").json()["id"])
    kept = {name: job.options[name] for name in ("mapping", "defaults", "dialect")}
    for options in (kept, {name: said for name, said in kept.items() if name != "dialect"}):
        Job.objects.update(state="done", options=options)
        [shown] = http.get("/api/v1/imports").json()["results"]
        assert (shown["id"], shown["understood"]["tables"], shown["understood"]["table"]) == (job.pk, [], "")
    Job.objects.update(state="ready", options=kept)
    said = http.patch(f"/api/v1/imports/{job.pk}", {"defaults": FOR_ALL}, content_type="application/json")
    assert (said.status_code, said.json()["needs"]) == (200, ""), said.content


def test_an_unknown_time_zone_is_refused_and_not_remembered(http, marta, tmp_path):
    job = upload(http, b"Name\nAlpha\n", kind="clients", system="books").json()["id"]
    imports.cancel_import(acting(marta), job=Job.objects.get(pk=job), now=timezone.now())
    url = f"/api/v1/imports/{job}"
    said = http.patch(url, {"zone": "Mars/Olympus"}, content_type="application/json")
    assert (said.status_code, [*said.json()["fields"]]) == (400, ["zone"])
    path = tmp_path / "a.csv"
    path.write_bytes(b"Name\nAlpha\n")
    with pytest.raises(CommandError, match="Mars/Olympus"):
        call_command("import_csv", "clients", str(path), "--owner", marta.email, "--zone", "Mars/Olympus")
    assert not SourceValue.objects.filter(field=TIME_ZONE).exists()
    SourceValue.objects.create(system="books", field=TIME_ZONE, value="", meaning="Mars/Olympus")  # from before
    assert upload(http, b"Name\nAlpha\n", kind="clients", system="books").json()["understood"]["zone"] == ""


def test_a_move_of_what_is_no_object_is_refused(http):
    for body in ("[]", "[1]", '{"file": 1}', "null"):
        assert http.post("/api/v1/import-moves", body, content_type="application/json").status_code == 400, body


def test_a_change_that_is_refused_changes_nothing(http):
    job = upload(http, b"Name,Kind\nAlpha,x\n", kind="clients", check="false").json()["id"]
    before = Job.objects.get(pk=job)
    wrong = {"kind": "contacts", "mapping": {"nothing": "Name"}}
    assert http.patch(f"/api/v1/imports/{job}", wrong, content_type="application/json").status_code == 400
    after = Job.objects.get(pk=job)
    assert (after.kind, after.title, after.options) == (before.kind, before.title, before.options)


def test_words_of_an_unknown_vocabulary_are_refused(http):
    job = upload(http, b"Name\nAlpha\n", kind="clients", system="books", check="false").json()["id"]
    for key in ("nothing", "x" * 81):
        said = http.patch(f"/api/v1/imports/{job}", {"values": {key: {"a": "b"}}}, content_type="application/json")
        assert (said.status_code, [*said.json()["fields"]]) == (400, ["values"])
    assert not SourceValue.objects.exists()


@pytest.mark.parametrize(
    "said", [{"defaults": []}, {"mapping": {"name": 5}}, {"values": {"people": "x"}}, {"system": 5}]
)
def test_a_mapping_file_of_another_shape_is_refused_in_words(marta, tmp_path, said):
    path, mapping = tmp_path / "a.csv", tmp_path / "map.json"
    path.write_bytes(b"Name\nAlpha\n")
    mapping.write_text(json.dumps(said))
    with pytest.raises(CommandError, match=f"{[*said][0]} must be"):
        call_command("import_csv", "clients", str(path), "--owner", marta.email, "--mapping", str(mapping))
    assert not Job.objects.exists()


def test_the_command_takes_a_mapping_file_and_ends_with_a_code(marta, tmp_path, capsys):
    path, mapping = tmp_path / "a.csv", tmp_path / "map.json"
    path.write_bytes(b"Id,Firma,Ort\n1,Alpha,Turku\n2,,Oulu\n")
    mapping.write_text(json.dumps({"mapping": {"name": "Firma", "city": "Ort"}, "system": "books"}))
    args = ("import_csv", "clients", str(path), "--owner", marta.email, "--mapping", str(mapping))
    with pytest.raises(CommandError) as refused:
        call_command(*args, "--strict")
    assert (refused.value.returncode, Client.objects.get().city) == (3, "Turku")
    call_command(*args, "--mode", "create")
    assert "1 unchanged, 1 failed" in capsys.readouterr().out
    mapping.write_text(json.dumps({"mapping": {}, "colour": "red"}))
    with pytest.raises(CommandError, match="colour") as wrong:
        call_command(*args)
    assert wrong.value.returncode == 1 and Job.objects.filter(state="ready").count() == 0
    path.write_bytes(b"Xyz\n1\n")
    with pytest.raises(CommandError, match="does not know"):
        call_command("import_csv", "auto", str(path), "--owner", marta.email)
