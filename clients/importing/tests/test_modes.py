"""Imports that only create or only change: what they leave alone stays as it is, also where it waits for the last row."""

import pytest

from clients.contacts.models import Affiliation
from clients.currencies.models import ExchangeRate
from clients.records.models import Client
from clients.referrals.models import Referral
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom.services import create_field
from crm.core.importing import planner, running
from crm.core.importing import services as service
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW, make_user
from tools.testing.importing import counts, prepare, remarks, run

pytestmark = pytest.mark.django_db
HERE = "Already here. This import changes no records."
ABSENT = "Not here. This import adds no records."


@pytest.fixture
def admin(firm):
    return make_user(name="Ada Admin", roles=["admin", "account_manager"])


def prepared(marta, mode, data, kind="clients", system="old"):
    job = prepare(marta, kind, data, system=system)
    job.options = job.options | {"mode": mode}
    job.save(update_fields=["options"])
    return job


def run_in(marta, mode, data, **more):
    """(counts of the preview, the finished job)"""
    job = prepared(marta, mode, data, **more)
    seen = {name: n for name, n in running.preview(job)["counts"].items() if n}
    service.start_import(acting(marta), job=job, now=NOW, questions=service.CONFIRMED)
    running.run_job(job_id=job.pk)
    job = Job.objects.get(pk=job.pk)
    return seen, job


def parents():
    return {client.name: client.parent and client.parent.name for client in Client.objects.select_related("parent")}


def stop_after(marta, job, rows, monkeypatch):
    """Run the job's first rows, one a chunk, until a worker stops; then the rest."""
    service.start_import(acting(marta), job=job, now=NOW, questions=service.CONFIRMED)
    monkeypatch.setattr(planner, "CHUNK", 1)
    with monkeypatch.context() as patch:
        patch.setattr(running, "is_stopping", lambda: Job.objects.get(pk=job.pk).done == rows)
        assert running.run_job(job_id=job.pk) == JobState.QUEUED
    assert running.run_job(job_id=job.pk) == JobState.DONE
    return Job.objects.get(pk=job.pk)


def test_only_create_leaves_parents_referrers_and_named_clients_of_those_there(marta):
    create_field(SYSTEM, record="client", label="Bank", kind="client")
    run(marta, "clients", b"Id,Name\nA,Alder\nB,Birch\nC,Cedar\n", system="old")
    data = b"Id,Name,Parent id,Referrer id,Bank\nA,Alder,P,,\nB,Birch,,P,\nC,Cedar,,,P\nP,Pine,,,\n"
    seen, job = run_in(marta, "create", data)
    assert seen == counts(job) == {"created": 1, "unchanged": 3}
    assert parents() == {"Alder": None, "Birch": None, "Cedar": None, "Pine": None}
    assert not Referral.objects.exists()
    assert not any(client.cf_bank for client in Client.objects.all())
    assert remarks(job) == [(2, [HERE]), (3, [HERE])]


def test_only_create_that_goes_on_after_a_pause_links_the_new_and_leaves_the_others(marta, monkeypatch):
    run(marta, "clients", b"Id,Name\nA,Alder\nQ,Quince\n", system="old")
    data = (
        b"Id,Name,City,Parent id,Referrer id\n"
        b"N,Nettle,,P,P\n"  # new, its parent further down
        b"A,Alder,,Q,Q\n"
        b"M,Maple,,Q,\n"  # the worker stops after this row
        b"N,Nettle,Oslo,,\n"
        b"A,Alder,Oslo,,\n"
        b"P,Pine,,,\n"
    )
    job = stop_after(marta, prepared(marta, "create", data), 3, monkeypatch)
    assert counts(job) == {"created": 3, "updated": 1, "unchanged": 2}
    assert parents() == {"Nettle": "Pine", "Alder": None, "Maple": "Quince", "Pine": None, "Quince": None}
    assert dict(Client.objects.exclude(city="").values_list("name", "city")) == {"Nettle": "Oslo"}
    assert [*Referral.objects.values_list("client__name", "by_client__name")] == [("Nettle", "Pine")]


@pytest.mark.parametrize("chunk", [1, 1000])
def test_only_create_takes_all_rows_of_what_it_creates(marta, monkeypatch, chunk):
    monkeypatch.setattr(planner, "CHUNK", chunk)
    run(marta, "clients", b"Id,Name\nA,Alder\nB,Birch\n", system="old")
    people = b"Id,First name,Last name,Client id\n1,Ada,Lee,A\n1,Ada,Lee,B\n"
    seen, job = run_in(marta, "create", people, kind="contacts")
    assert seen == counts(job) == {"created": 1, "updated": 1}
    assert {*Affiliation.objects.values_list("client__name", flat=True)} == {"Alder", "Birch"}


@pytest.mark.parametrize("chunk", [2, 1000])
def test_only_create_takes_the_last_of_a_days_new_rates(admin, monkeypatch, chunk):
    monkeypatch.setattr(planner, "CHUNK", chunk)
    run(admin, "rates", b"Day,Currency,Rate\n2026-01-01,SEK,0.09\n2026-01-02,SEK,0.08\n")
    again = b"Day,Currency,Rate\n2026-01-01,SEK,0.07\n2026-01-01,SEK,0.07\n2026-01-03,SEK,0.06\n2026-01-03,SEK,0.05\n"
    assert counts(run_in(admin, "create", again, kind="rates")[1]) == {"created": 1, "updated": 1, "unchanged": 2}
    said = dict(ExchangeRate.objects.values_list("day", "rate"))
    assert [f"{day:%d} {rate:.2f}" for day, rate in sorted(said.items())] == ["01 0.09", "02 0.08", "03 0.05"]


@pytest.mark.parametrize("chunk", [1, 1000])
def test_only_update_knows_no_client_that_it_does_not_add(marta, monkeypatch, chunk):
    monkeypatch.setattr(planner, "CHUNK", chunk)
    run(marta, "clients", b"Id,Name\nA,Alder\nB,Birch\nC,Cedar\n", system="old")
    data = (
        b"Id,Name,City,Parent id,Referrer id\nP,Pine,,,\nA,Alder,Oslo,P,P\nP,Pine,Bergen,,\nB,Birch,,C,\nC,Cedar,,P,\n"
    )
    seen, job = run_in(marta, "update", data)
    assert seen == counts(job) == {"updated": 2, "unchanged": 3}
    assert parents() == {"Alder": None, "Birch": "Cedar", "Cedar": None}
    assert Client.objects.get(name="Alder").city == "Oslo" and not Referral.objects.exists()
    said = dict(remarks(job))
    assert said[2] == said[4] == [ABSENT]
    assert said[3] == [
        "No client has the ID “P”. No parent was set.",
        "No client has the ID “P”. No referral was added.",
    ]


def test_only_update_adds_no_rate_that_the_file_says_twice(admin):
    data = b"Day,Currency,Rate\n2026-01-01,SEK,0.09\n2026-01-01,SEK,0.08\n"
    assert counts(run_in(admin, "update", data, kind="rates")[1]) == {"unchanged": 2}
    assert not ExchangeRate.objects.exists()


def test_a_parent_further_down_that_is_not_added_is_a_remark(marta):
    run(marta, "clients", b"Id,Name\nA,Alder\n", system="old")
    _seen, job = run_in(marta, "update", b"Id,Name,Parent id\nA,Alder,P\nP,Pine,\n")
    assert parents() == {"Alder": None}
    assert dict(remarks(job)) == {2: ["No client has the ID “P”. No parent was set."], 3: [ABSENT]}
